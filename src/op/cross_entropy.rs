//! Cross entropy of softmax(logits) against labels, averaged over the batch, with label smoothing ε:
//!
//! `loss = −1/N Σₙ Σₖ tₙₖ log pₙₖ` with `p = softmax(x)` and `tₙₖ = (1 − ε) [k = labelₙ] + ε / K`;
//! `dxₙₖ = dloss / N · (pₙₖ − tₙₖ)`. Of mixed images (mixup, cutmix) a row has two labels a and b with weights w and 1 − w, and
//! `w [k = a] + (1 − w) [k = b]` stands in the place of `[k = labelₙ]`: the loss is `w · loss(a) + (1 − w) · loss(b)`.

use std::fmt;
use std::str::FromStr;

use crate::check::{Case, Input, Values};
use crate::device::{Arg, Defines, Device, Geometry, Target};
use crate::error::{Error, Result};
use crate::launch::ladder::{Job, Ladder, Rung, Summary};
use crate::launch::{Args, Variant, dimension, elementwise, launch, rows};
use crate::op::Op;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const NAIVE: &str = "cross_entropy/1_naive.cu";
const WARP_PER_ROW: &str = "cross_entropy/2_warp_per_row.cu";
const ONLINE: &str = "cross_entropy/3_online.cu";

/// Its entry.
pub static OP: Op = Op { cases, workloads, ladders, ..Op::named("cross_entropy") };

/// The kernels of the loss of each row.
pub static LADDER: Ladder<Sizes, Run> = Ladder {
    name: "cross_entropy_forward",
    rungs: &[
        Rung::new(NAIVE, |file, logits, n, args| {
            let variant = Variant::new(file, Defines::new(), logits.dtype());
            launch(logits.device(), &variant, "cross_entropy_forward", Geometry::linear(n.div_ceil(256), 256), args)
        }),
        Rung::new(WARP_PER_ROW, warp_per_row),
        Rung::new(ONLINE, warp_per_row),
    ],
    default,
};

type Run = fn(&'static str, &Tensor, usize, &[Arg]) -> Result<()>;

fn warp_per_row(file: &'static str, logits: &Tensor, n: usize, args: &[Arg]) -> Result<()> {
    rows::launch(logits, file, "cross_entropy_forward", n, args)
}

/// A CPU finds a row in its cache when it reads it again, and exponentials are what it waits for. (No GPU timed it yet.)
fn default(target: Target, _: &Sizes) -> u32 {
    match target {
        Target::Cuda => 3,
        Target::Host { .. } => 2,
    }
}

/// Logits of one loss. As text, `n128 k10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sizes {
    /// Rows.
    pub n: usize,
    /// Classes.
    pub k: usize,
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{} k{}", self.n, self.k)
    }
}

impl FromStr for Sizes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let size = |word: &str, name: char| word.strip_prefix(name)?.parse().ok().filter(|&size: &usize| size > 0);
        let parts = || {
            let (n, k) = text.split_once(' ')?;
            Some(Self { n: size(n, 'n')?, k: size(k, 'k')? })
        };
        parts().ok_or_else(|| Error::usage(format!("cross entropy '{text}': write n128 k10")))
    }
}

/// Mean cross entropy of `logits [N, K]` and `labels [N]` (i32), computed in f32 whatever the logits are, f32 `[1]`; PyTorch's `cross_entropy` with
/// `label_smoothing`. A label outside `0 … K − 1` makes the loss NaN, as does a NaN among the logits.
///
/// # Errors
/// Other shapes or element types; smoothing outside [0, 1].
pub fn cross_entropy(tape: &mut Tape, logits: &Tensor, labels: &Tensor, smoothing: f32) -> Result<Tensor> {
    mixed_cross_entropy(tape, logits, [labels, labels], 1.0, smoothing)
}

/// The same where each row has two labels, the first with `weight`, the second with what that lacks from 1; PyTorch's
/// `cross_entropy` against probabilities.
///
/// # Errors
/// As [`cross_entropy`]; a weight outside [0, 1].
pub fn mixed_cross_entropy(
    tape: &mut Tape,
    logits: &Tensor,
    [labels, others]: [&Tensor; 2],
    weight: f32,
    smoothing: f32,
) -> Result<Tensor> {
    let (n, k) = rows::logits("cross_entropy", logits)?;
    rows::labels("cross_entropy", labels, n)?;
    rows::labels("cross_entropy", others, n)?;
    if !(0.0..=1.0).contains(&weight) {
        return Err(Error::usage(format!("the weight of a label must be in [0, 1], not {weight}")));
    }
    if !(0.0..=1.0).contains(&smoothing) {
        return Err(Error::usage(format!("label smoothing must be in [0, 1], not {smoothing}")));
    }
    let device = logits.device();
    let row_loss = Tensor::empty(device, [n], DType::F32)?;
    let statistics = Tensor::empty(device, [n, 2], DType::F32)?;
    let sizes = [dimension(n)?, dimension(k)?, smoothing.into(), weight.into()];
    let args = Args::of([&[row_loss.arg(), statistics.arg(), logits.arg(), labels.arg(), others.arg()], &sizes[..]]);
    let rung = LADDER.pick(device, &Sizes { n, k }, logits.dtype());
    (rung.run)(rung.file, logits, n, &args)?;

    let loss = Tensor::empty(device, [1], DType::F32)?;
    let variant = rows::variant(WARP_PER_ROW, device.target(), DType::F32);
    let one_block = Geometry::linear(1, rows::threads(device.target())[0]);
    let args = [loss.arg(), row_loss.arg(), dimension(n)?];
    launch(device, &variant, "cross_entropy_forward_mean", one_block, &args)?;

    let (x, labels, others) = (logits.clone(), labels.clone(), others.clone());
    tape.record("cross_entropy", &[logits], &loss, move |dloss, gradients| {
        let dx = elementwise::like(&x)?;
        let tensors = [dx.arg(), dloss.arg(), x.arg(), labels.arg(), others.arg(), statistics.arg()];
        let args = Args::of([&tensors, &sizes[..]]);
        rows::launch(&x, WARP_PER_ROW, "cross_entropy_backward", n, &args)?;
        gradients.add(&x, dx)
    });
    Ok(loss)
}

/// Probabilities of `logits [N, K]`, row by row; for prediction, so without a tape.
///
/// # Errors
/// Anything but a matrix of floats.
pub fn softmax(logits: &Tensor) -> Result<Tensor> {
    let (n, k) = rows::logits("softmax", logits)?;
    let p = elementwise::like(logits)?;
    rows::launch(logits, WARP_PER_ROW, "softmax_forward", n, &[p.arg(), logits.arg(), dimension(n)?, dimension(k)?])?;
    Ok(p)
}

/// Its ladder.
fn ladders() -> Vec<Summary> {
    vec![LADDER.summary("cross_entropy", job)]
}

/// Sets up a problem for benches.
fn job(device: &Device, problem: &str, element: DType) -> Result<Job> {
    let Sizes { n, k } = problem.parse()?;
    let inputs = [Input::new([n, k], Values::Uniform), Input::new([n], Values::Labels(k))];
    let [x, labels] = workload::tensors(device, &inputs, element)?;
    let logits = x.floats()?.into_iter().map(f64::from).collect();
    let known = labels.to_vec::<i32>()?.into_iter().map(f64::from).collect();
    let values = [logits, known];
    Ok(Job {
        flops: 5.0 * (n * k) as f64,
        bytes: (x.bytes() + 4 * n) as f64,
        terms: n * k,
        run: Box::new(move || cross_entropy(&mut Tape::new(), &x, &labels, 0.1)),
        element: Box::new(move |_| reference(k, 0.1, &values)),
    })
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let loss = |device: &Device, [n, k]: [usize; 2], element: DType| {
        let inputs = [Input::new([n, k], Values::Uniform), Input::new([n], Values::Labels(k))];
        workload::both_ways(device, inputs, element, |tape, [logits, labels]| cross_entropy(tape, logits, labels, 0.1))
    };
    let probabilities = |device: &Device, [n, k]: [usize; 2], element: DType| {
        let [logits] = workload::tensors(device, &[Input::new([n, k], Values::Uniform)], element)?;
        softmax(&logits).map(drop)
    };
    let (dims, default) = (["n", "k"], [33, 50]);
    vec![Workload::new("cross_entropy", dims, default, loss), Workload::new("softmax", dims, default, probabilities)]
}

/// Examples for tests and benches: a few classes and many, fewer and more rows than a block or a warp has.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (n, k, smoothing) in
        [(1, 1, 0.0), (3, 1, 0.1), (1, 2, 0.0), (5, 10, 0.1), (9, 33, 0.0), (37, 7, 1.0), (3, 211, 0.1)]
    {
        let inputs = vec![Input::new([n, k], Values::Range(-4.0, 4.0)), Input::new([n], Values::Labels(k))];
        let name = format!("cross_entropy {n}x{k} smoothing {smoothing}");
        let run = move |tape: &mut Tape, x: &[Tensor]| cross_entropy(tape, &x[0], &x[1], smoothing);
        cases.push(Case::new(name, inputs, run, move |x| vec![reference(k, smoothing, x)]).terms(k));
    }
    for (n, k, weight, smoothing) in [(1, 1, 0.5, 0.0), (5, 10, 0.3, 0.1), (37, 7, 0.0, 0.0), (3, 211, 0.9, 0.2)] {
        let labels = || Input::new([n], Values::Labels(k));
        let inputs = vec![Input::new([n, k], Values::Range(-4.0, 4.0)), labels(), labels()];
        let name = format!("cross_entropy {n}x{k} of two labels, {weight}, smoothing {smoothing}");
        let run =
            move |tape: &mut Tape, x: &[Tensor]| mixed_cross_entropy(tape, &x[0], [&x[1], &x[2]], weight, smoothing);
        let expected = move |x: &[Vec<f64>]| {
            let [first, second] = [1, 2].map(|at| reference(k, smoothing, &[x[0].clone(), x[at].clone()]));
            vec![f64::from(weight) * first + (1.0 - f64::from(weight)) * second]
        };
        cases.push(Case::new(name, inputs, run, expected).terms(k));
    }
    for (n, k) in [(1, 1), (9, 10), (2, 1000)] {
        let inputs = vec![Input::new([n, k], Values::Range(-4.0, 4.0))];
        let run = |_: &mut Tape, x: &[Tensor]| softmax(&x[0]);
        let expected = move |x: &[Vec<f64>]| x[0].chunks(k).flat_map(probabilities).collect();
        cases.push(Case::new(format!("softmax {n}x{k}"), inputs, run, expected).terms(k).forward_only());
    }
    cases
}

fn probabilities(row: &[f64]) -> Vec<f64> {
    let max = row.iter().fold(f64::NEG_INFINITY, |m, v| m.max(*v));
    let sum: f64 = row.iter().map(|v| (v - max).exp()).sum();
    row.iter().map(|v| (v - max).exp() / sum).collect()
}

fn reference(k: usize, smoothing: f32, x: &[Vec<f64>]) -> f64 {
    let smoothing = f64::from(smoothing);
    let row_loss = |(row, label): (&[f64], &f64)| -> f64 {
        let target = |i: usize| smoothing / k as f64 + if i == *label as usize { 1.0 - smoothing } else { 0.0 };
        probabilities(row).iter().enumerate().map(|(i, p)| -target(i) * p.ln()).sum()
    };
    x[0].chunks(k).zip(&x[1]).map(row_loss).sum::<f64>() / x[1].len() as f64
}
