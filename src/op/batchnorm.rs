//! Batch normalization of channels, the last dimension; the statistics run over all others (n rows).
//!
//! - y = weight · x̂ + bias, x̂ = (x − mean) · rstd, rstd = 1 / √(var + eps)
//! - training: mean and (biased) variance of the batch. dbias = Σ dy, dweight = Σ dy · x̂ and, because the statistics
//!   depend on x, dx = weight · rstd · (dy − dbias / n − x̂ · dweight / n)
//! - inference: running statistics, constants. dx = weight · rstd · dy

use crate::check::{Case, Input, Values};
use crate::device::{Arg, Device};
use crate::error::{Error, Result};
use crate::op::columns::{Columns, cuda_defines};
use crate::op::workload::{self, Workload};
use crate::op::{Variant, dimension, elementwise, launch, reduce};
use crate::tape::{Gradients, Tape};
use crate::tensor::{DType, Tensor};

const FILE: &str = "batchnorm/3_vectorized.cu";

/// Normalizes with the statistics of the batch and moves the running ones, in place on the device:
/// `running = (1 − momentum) · running + momentum · batch`, where the batch's variance is the unbiased one (n / (n − 1)).
///
/// # Errors
/// Fewer than two values per channel; parameters or statistics that are not one value per channel.
#[expect(clippy::too_many_arguments, reason = "the layer's state, spelled as in the formula")]
pub fn batchnorm_train(
    tape: &mut Tape,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    running_mean: &Tensor,
    running_var: &Tensor,
    momentum: f32,
    eps: f32,
) -> Result<Tensor> {
    let cut = check(x, [weight, bias, running_mean, running_var])?;
    if cut.rows < 2 {
        return Err(Error::shape(
            "batchnorm",
            format!("training needs two values per channel or more, not {}: take larger batches or images", x.shape()),
        ));
    }
    let (mean, rstd) = statistics(x, &cut, [running_mean, running_var], momentum, eps)?;
    let y = normalize(x, &cut, Some(&mean), &rstd, weight, Some(bias))?;
    record(tape, x, weight, bias, &y, move |backward, gradients| {
        let [dweight, dbias] = backward.parameters(&cut, &mean, &rstd, gradients)?;
        if gradients.needs(&backward.x) {
            let dx = elementwise::like(&backward.x)?;
            let inputs = [&dx, backward.dy, &backward.x, &mean, &rstd, &backward.weight, &dbias, &dweight];
            run(&backward.x, "batchnorm_backward_input", &cut, &inputs.map(Tensor::arg), &[])?;
            gradients.add(&backward.x, dx)?;
        }
        Ok(())
    });
    Ok(y)
}

/// Normalizes with the running statistics, which stay as they are.
///
/// # Errors
/// Parameters or statistics that are not one value per channel.
pub fn batchnorm_inference(
    tape: &mut Tape,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    running_mean: &Tensor,
    running_var: &Tensor,
    eps: f32,
) -> Result<Tensor> {
    let cut = check(x, [weight, bias, running_mean, running_var])?;
    let rstd = elementwise::like(running_var)?;
    let row = Columns::whole(x.device().target(), 1, cut.channels);
    run(x, "batchnorm_forward_rstd", &row, &[rstd.arg(), running_var.arg()], &[eps.into()])?;
    let y = normalize(x, &cut, Some(running_mean), &rstd, weight, Some(bias))?;
    // The statistics may move before the backward pass, so what this pass used is kept.
    let mean = if tape.needs(weight) { running_mean.duplicate()? } else { running_mean.clone() };
    record(tape, x, weight, bias, &y, move |backward, gradients| {
        if gradients.needs(&backward.weight) || gradients.needs(&backward.bias) {
            backward.parameters(&cut, &mean, &rstd, gradients)?;
        }
        if gradients.needs(&backward.x) {
            let dx = normalize(backward.dy, &cut, None, &rstd, &backward.weight, None)?;
            gradients.add(&backward.x, dx)?;
        }
        Ok(())
    });
    Ok(y)
}

/// What both backward passes start from.
struct Backward<'a> {
    dy: &'a Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
}

impl Backward<'_> {
    /// Computes and adds the gradients of weight and bias, and returns them.
    fn parameters(
        &self,
        cut: &Columns,
        mean: &Tensor,
        rstd: &Tensor,
        gradients: &mut Gradients,
    ) -> Result<[Tensor; 2]> {
        let [dbias, dweight] = slabs(&self.x, cut)?;
        let inputs = [&dbias, &dweight, self.dy, &self.x, mean, rstd];
        run(&self.x, "batchnorm_backward_partial", cut, &inputs.map(Tensor::arg), &[])?;
        let [dbias, dweight] = [dbias, dweight].map(|partial| reduce::sum_slabs(&partial, cut.slabs, cut.channels));
        let (dbias, dweight) = (dbias?, dweight?);
        gradients.add(&self.weight, dweight.clone())?;
        gradients.add(&self.bias, dbias.clone())?;
        Ok([dweight, dbias])
    }
}

fn record(
    tape: &mut Tape,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    y: &Tensor,
    backward: impl FnOnce(Backward<'_>, &mut Gradients) -> Result<()> + 'static,
) {
    let [saved_x, saved_weight, saved_bias] = [x, weight, bias].map(Tensor::clone);
    tape.record(&[x, weight, bias], y, move |dy, gradients| {
        backward(Backward { dy, x: saved_x, weight: saved_weight, bias: saved_bias }, gradients)
    });
}

fn check(x: &Tensor, per_channel: [&Tensor; 4]) -> Result<Columns> {
    let channels = x.shape().last();
    let names = ["weight", "bias", "running mean", "running variance"];
    if let Some((name, other)) = names.iter().zip(per_channel).find(|(_, t)| t.shape().dims() != [channels]) {
        let what = format!("{name} {} for the {channels} channels of {}", other.shape(), x.shape());
        return Err(Error::shape("batchnorm", what));
    }
    per_channel.into_iter().chain([x]).try_for_each(|t| elementwise::check_f32("batchnorm", t))?;
    Ok(Columns::new(x.device().target(), x.elements() / channels.max(1), channels))
}

/// Mean and 1 / √(var + eps) of the batch; moves the running statistics.
fn statistics(x: &Tensor, cut: &Columns, running: [&Tensor; 2], momentum: f32, eps: f32) -> Result<(Tensor, Tensor)> {
    let [means, m2s] = slabs(x, cut)?;
    run(x, "batchnorm_forward_partial", cut, &[means.arg(), m2s.arg(), x.arg()], &[])?;
    let [mean, rstd] = running.map(elementwise::like);
    let (mean, rstd) = (mean?, rstd?);
    let all = Columns::whole(x.device().target(), cut.slabs, cut.channels);
    let tensors = [&mean, &rstd, running[0], running[1], &means, &m2s].map(Tensor::arg);
    let scalars = [dimension(cut.rows)?, dimension(cut.slab)?, momentum.into(), eps.into()];
    run(x, "batchnorm_forward_statistics", &all, &tensors, &scalars)?;
    Ok((mean, rstd))
}

fn normalize(
    x: &Tensor,
    cut: &Columns,
    mean: Option<&Tensor>,
    rstd: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let y = elementwise::like(x)?;
    let [mean, bias] = [mean, bias].map(|t| t.map_or(Arg::Ptr(0), Tensor::arg));
    run(x, "batchnorm_forward_normalize", cut, &[y.arg(), x.arg(), mean, rstd.arg(), weight.arg(), bias], &[])?;
    Ok(y)
}

/// Two tensors with a row for each slab.
fn slabs(x: &Tensor, cut: &Columns) -> Result<[Tensor; 2]> {
    let row = || Tensor::empty(x.device(), [cut.slabs, cut.channels], DType::F32);
    Ok([row()?, row()?])
}

/// Launches `entry` with `tensors…, rows, channels, slab, width, scalars…` on the device of `x`.
fn run(x: &Tensor, entry: &str, cut: &Columns, tensors: &[Arg], scalars: &[Arg]) -> Result<()> {
    let args = [tensors, &cut.args()?, scalars].concat();
    launch(x.device(), &Variant { file: FILE, defines: cut.defines() }, entry, cut.geometry(), &args)
}

/// What a GPU runs.
pub fn variants() -> Vec<Variant> {
    cuda_defines().map(|defines| Variant { file: FILE, defines }).into()
}

/// Kernels at work at any size.
pub fn workloads() -> Vec<Workload> {
    type Run = fn(&mut Tape, &[Tensor; 3], [&Tensor; 2]) -> Result<Tensor>;
    fn run(device: &Device, [n, h, w, c]: [usize; 4], forward: Run) -> Result<()> {
        let channels = || Input::new([c], Values::Uniform);
        let inputs = [Input::new([n, h, w, c], Values::Uniform), channels(), channels()];
        let (mean, var) = (Tensor::zeros(device, [c], DType::F32)?, Tensor::full(device, [c], 1.0)?);
        workload::both_ways(device, inputs, |tape, inputs| forward(tape, inputs, [&mean, &var]))
    }
    let train = |device: &Device, sizes: [usize; 4]| {
        run(device, sizes, |tape, [x, w, b], [mean, var]| batchnorm_train(tape, x, w, b, mean, var, 0.1, 1e-5))
    };
    let inference = |device: &Device, sizes: [usize; 4]| {
        run(device, sizes, |tape, [x, w, b], [mean, var]| batchnorm_inference(tape, x, w, b, mean, var, 1e-5))
    };
    let (dims, default) = (["n", "h", "w", "c"], [3, 11, 13, 20]);
    vec![
        Workload::new("batchnorm", dims, default, train),
        Workload::new("batchnorm_inference", dims, default, inference),
    ]
}

/// Examples for tests and benches: sizes around a vector, a group of rows and a slab.
pub fn cases() -> Vec<Case> {
    const EPS: f64 = 1e-2;
    let sizes = [([2, 1, 1], 1), ([3, 1, 1], 17), ([2, 3, 3], 5), ([3, 5, 1], 16), ([2, 4, 1], 36), ([7, 19, 1], 3)];
    let mut cases = Vec::new();
    for ([n, h, w], c) in sizes {
        let rows = n * h * w;
        let x = Input::new([n, h, w, c], Values::Range(-1.0, 3.0));
        let parameters = [Input::new([c], Values::AwayFromZero), Input::new([c], Values::Uniform)];
        let inputs = [vec![x], parameters.to_vec()].concat();
        let train = move |tape: &mut Tape, t: &[Tensor]| {
            let [mean, var] = [0.0, 1.0].map(|v| Tensor::full(t[0].device(), [c], v));
            batchnorm_train(tape, &t[0], &t[1], &t[2], &mean?, &var?, 0.1, EPS as f32)
        };
        let by_batch = move |t: &[Vec<f64>]| {
            let of = |channel: usize| t[0].iter().skip(channel).step_by(c);
            let mean: Vec<f64> = (0..c).map(|i| of(i).sum::<f64>() / rows as f64).collect();
            let var: Vec<f64> =
                (0..c).map(|i| of(i).map(|v| (v - mean[i]).powi(2)).sum::<f64>() / rows as f64).collect();
            reference(&t[0], &t[1], &t[2], &mean, &var, EPS)
        };
        let terms = 4 * rows;
        cases.push(Case::new(format!("batchnorm_train {rows}x{c}"), inputs.clone(), train, by_batch).terms(terms));

        let statistic = |i: usize| 0.5 + i as f64 * 0.125;
        let inference = move |tape: &mut Tape, t: &[Tensor]| {
            let values: Vec<f32> = (0..c).map(|i| statistic(i) as f32).collect();
            let running = Tensor::from_slice(t[0].device(), [c], &values)?;
            batchnorm_inference(tape, &t[0], &t[1], &t[2], &running, &running, EPS as f32)
        };
        let by_running = move |t: &[Vec<f64>]| {
            let running: Vec<f64> = (0..c).map(statistic).collect();
            reference(&t[0], &t[1], &t[2], &running, &running, EPS)
        };
        cases.push(Case::new(format!("batchnorm_inference {rows}x{c}"), inputs, inference, by_running).terms(terms));
    }
    cases
}

fn reference(x: &[f64], weight: &[f64], bias: &[f64], mean: &[f64], var: &[f64], eps: f64) -> Vec<f64> {
    let channels = weight.len();
    let one = |(i, v): (usize, &f64)| {
        let c = i % channels;
        (v - mean[c]) / (var[c] + eps).sqrt() * weight[c] + bias[c]
    };
    x.iter().enumerate().map(one).collect()
}
