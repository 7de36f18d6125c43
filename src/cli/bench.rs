//! `warptape bench`: what this machine makes of the kernels and of whole training steps.
//!
//! Every figure is the median of several runs after a warm-up, and the result is verified before and after timing: a
//! kernel that is fast but wrong, or that goes wrong under repetition, is an error and not a record.

use std::time::Instant;

use clap::Args;

use crate::check::Random;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::{Layer, Pass, models, parameters};
use crate::op::cross_entropy::cross_entropy;
use crate::op::matmul::{Form, matmul};
use crate::optim::{Optimizer, OptimizerConfig};
use crate::tape::Tape;
use crate::tensor::Tensor;

#[derive(Args)]
pub struct Options {
    /// Device: auto, host, cuda, cuda:N
    #[arg(long, default_value = "auto")]
    device: String,
    /// Timed runs of each row; the median counts
    #[arg(long, default_value_t = 9)]
    runs: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One line of the table.
struct Row {
    what: String,
    milliseconds: f64,
    figure: f64,
    unit: &'static str,
}

pub fn run(options: Options) -> anyhow::Result<()> {
    if options.runs == 0 {
        return Err(Error::usage("--runs 0: at least one run must be timed").into());
    }
    let device = Device::open(&options.device)?;
    let mut rows = Vec::new();
    for form in [Form::NN, Form::NT, Form::TN] {
        rows.push(sgemm(&device, form, 1024, options.runs)?);
    }
    for (model, batch) in [("little-conv", 128), ("vgg16_bn", 128), ("resnet18", 64)] {
        rows.push(training(&device, model, batch, options.runs)?);
    }
    if options.json {
        let entry = |r: &Row| serde_json::json!({"what": r.what, "milliseconds": r.milliseconds, "figure": r.figure, "unit": r.unit});
        let rows: Vec<_> = rows.iter().map(entry).collect();
        let report = serde_json::json!({"device": device.info().description, "runs": options.runs, "rows": rows});
        return Ok(super::print(format_args!("{report:#}"))?);
    }
    super::print(format_args!("{}, median of {} runs", device.info().description, options.runs))?;
    super::print(format_args!("{:<44} {:>10} {:>10}", "", "ms", "figure"))?;
    for row in rows {
        super::print(format_args!("{:<44} {:>10.2} {:>10.1} {}", row.what, row.milliseconds, row.figure, row.unit))?;
    }
    Ok(())
}

/// Seconds of the median run. The device is idle before and after each.
fn median(device: &Device, runs: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let mut seconds = Vec::with_capacity(runs);
    for _ in 0..runs {
        device.synchronize()?;
        let started = Instant::now();
        work()?;
        device.synchronize()?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[runs / 2])
}

fn sgemm(device: &Device, form: Form, n: usize, runs: usize) -> Result<Row> {
    // Small integers: sums of 1024 products are exact in f32, so the check is for equality.
    let mut random = Random(1);
    let mut draw = || (0..n * n).map(|_| (random.unit() * 7.0).floor() as f32 - 3.0).collect::<Vec<f32>>();
    let (left, right) = (draw(), draw());
    let (a, b) = (Tensor::from_slice(device, [n, n], &left)?, Tensor::from_slice(device, [n, n], &right)?);
    let verify = |c: &Tensor| -> Result<()> {
        let c = c.to_vec::<f32>()?;
        for (i, j) in (0..n).map(|i| (i, i * 389 % n)) {
            let at = |l: usize| match form {
                Form::NN => left[i * n + l] * right[l * n + j],
                Form::NT => left[i * n + l] * right[j * n + l],
                Form::TN => left[l * n + i] * right[l * n + j],
            };
            let expected: f32 = (0..n).map(at).sum();
            if c[i * n + j] != expected {
                return Err(Error::Training(format!(
                    "matmul {form:?} is wrong at ({i}, {j}): {} for {expected}",
                    c[i * n + j]
                )));
            }
        }
        Ok(())
    };
    verify(&matmul(&mut Tape::new(), form, &a, &b)?)?;
    let mut last = None;
    let seconds = median(device, runs, || {
        last = Some(matmul(&mut Tape::new(), form, &a, &b)?);
        Ok(())
    })?;
    last.iter().try_for_each(verify)?;
    let flops = 2.0 * (n as f64).powi(3);
    Ok(Row {
        what: format!("sgemm {form:?} {n}×{n}×{n}"),
        milliseconds: seconds * 1e3,
        figure: flops / seconds / 1e9,
        unit: "GFLOP/s",
    })
}

/// Whole steps: forward, loss, backward, Adam, on one batch of random 32 × 32 images.
fn training(device: &Device, name: &str, batch: usize, runs: usize) -> Result<Row> {
    let mut random = Random(2);
    let classes = 10;
    let pixels: Vec<f32> = (0..batch * 32 * 32 * 3).map(|_| random.unit() as f32 * 2.0 - 1.0).collect();
    let labels: Vec<i32> = (0..batch).map(|_| (random.unit() * classes as f64) as i32).collect();
    let x = Tensor::from_slice(device, [batch, 32, 32, 3], &pixels)?;
    let labels = Tensor::from_slice(device, [batch], &labels)?;
    let model = models::build(name, classes, [32, 32], device, 0)?;
    let tensors: Vec<Tensor> = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
    let adam = OptimizerConfig::Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0 };
    let mut optimizer = Optimizer::new(&adam, tensors.clone())?;
    let mut losses = Vec::new();
    let seconds = median(device, runs, || {
        let mut tape = Tape::new();
        tensors.iter().for_each(|tensor| tape.watch(tensor));
        let logits = model.forward(&mut Pass::training(&mut tape, 0, losses.len() as u64), &x)?;
        let loss = cross_entropy(&mut tape, &logits, &labels, 0.0)?;
        losses.push(loss.clone());
        optimizer.step(&tape.backward(&loss)?, 1e-3)
    })?;
    // One batch, learned by heart: a step that does not learn is not a training step.
    let (first, last) = (losses[0].item()?, losses[losses.len() - 1].item()?);
    if last.partial_cmp(&first) != Some(std::cmp::Ordering::Less) {
        return Err(Error::Training(format!("{name} does not learn: loss {first} before, {last} after {runs} steps")));
    }
    Ok(Row {
        what: format!("train {name}, batch {batch}, 32×32, Adam"),
        milliseconds: seconds * 1e3,
        figure: batch as f64 / seconds,
        unit: "images/s",
    })
}
