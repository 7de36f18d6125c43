//! Cross entropy of softmax(logits) against labels, averaged over the batch, with label smoothing ε:
//!
//! `loss = −1/N Σₙ Σₖ tₙₖ log pₙₖ` with `p = softmax(x)` and `tₙₖ = (1 − ε) [k = labelₙ] + ε / K`;
//! `dxₙₖ = dloss / N · (pₙₖ − tₙₖ)`. Of mixed images (mixup, cutmix) a row has two labels a and b with weights w and 1 − w, and
//! `w [k = a] + (1 − w) [k = b]` stands in the place of `[k = labelₙ]`: the loss is `w · loss(a) + (1 − w) · loss(b)`.

mod examples;

use std::fmt;
use std::str::FromStr;

use crate::device::{Arg, Defines, Device, Geometry, Target};
use crate::error::{Error, Result};
use crate::launch::ladder::{Ladder, Rung};
use crate::launch::{Args, Variant, dimension, elementwise, launch, rows};
use crate::op::Op;
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const NAIVE: &str = "cross_entropy/1_naive.cu";
const WARP_PER_ROW: &str = "cross_entropy/2_warp_per_row.cu";
const ONLINE: &str = "cross_entropy/3_online.cu";

/// Its entry.
pub static OP: Op = Op {
    cases: examples::cases,
    workloads: examples::workloads,
    ladders: examples::ladders,
    ..Op::named("cross_entropy")
};

/// The kernels of the loss of each row.
pub static LADDER: Ladder<Sizes, Run> = Ladder {
    name: "cross_entropy_forward",
    rungs: &[
        Rung::new(NAIVE, |file, logits, weighted, n, args| {
            let defines = if weighted { Defines::new().with("WEIGHTED", 1) } else { Defines::new() };
            let variant = Variant::new(file, defines, logits.dtype());
            launch(logits.device(), &variant, "cross_entropy_forward", Geometry::linear(n.div_ceil(256), 256), args)
        }),
        Rung::new(WARP_PER_ROW, warp_per_row),
        Rung::new(ONLINE, warp_per_row),
    ],
    default,
};

/// File, logits, whether classes have weights, rows.
type Run = fn(&'static str, &Tensor, bool, usize, &[Arg]) -> Result<()>;

fn warp_per_row(file: &'static str, logits: &Tensor, weighted: bool, n: usize, args: &[Arg]) -> Result<()> {
    let variant = in_rows(file, logits.device().target(), logits.dtype(), weighted);
    rows::launch_variant(logits, &variant, "cross_entropy_forward", n, args)
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

/// Weights of classes in a loss.
#[derive(Clone)]
pub struct ClassWeights {
    /// `[K]`, f32.
    values: Tensor,
    sum: f32,
}

impl ClassWeights {
    /// One for each class.
    ///
    /// # Errors
    /// A weight that is not a finite number of at least 0; none above 0.
    pub fn new(device: &Device, values: &[f32]) -> Result<Self> {
        let usable = values.iter().all(|value| value.is_finite() && *value >= 0.0);
        if !usable || values.iter().all(|value| *value == 0.0) {
            return Err(Error::usage(format!(
                "weights of classes must be finite, at least 0 and not all 0, not {values:?}"
            )));
        }
        Ok(Self { values: Tensor::from_slice(device, [values.len()], values)?, sum: values.iter().sum() })
    }
}

/// What logits are compared with.
#[derive(Clone, Copy)]
pub struct Targets<'a> {
    /// `[N]`, i32: the labels, and second ones of mixed images or the same again.
    pub labels: [&'a Tensor; 2],
    /// Of the first label; the second has what it lacks from 1.
    pub weight: f32,
    /// Label smoothing.
    pub smoothing: f32,
    /// Weights of the classes, if they have any.
    pub classes: Option<&'a ClassWeights>,
}

impl<'a> Targets<'a> {
    /// Of one label for each row.
    pub fn of(labels: &'a Tensor, smoothing: f32) -> Self {
        Self { labels: [labels, labels], weight: 1.0, smoothing, classes: None }
    }
}

/// Mean cross entropy of `logits [N, K]` and `labels [N]` (i32), computed in f32 whatever the logits are, f32 `[1]`; PyTorch's
/// `cross_entropy` with `label_smoothing`. A label outside `0 … K − 1` makes the loss NaN, as does a NaN among the logits.
///
/// # Errors
/// Other shapes or element types; smoothing outside [0, 1].
pub fn cross_entropy(tape: &mut Tape, logits: &Tensor, labels: &Tensor, smoothing: f32) -> Result<Tensor> {
    cross_entropy_with(tape, logits, &Targets::of(labels, smoothing))
}

/// The same with two labels for each row, PyTorch's `cross_entropy` against probabilities; and with weights of classes, its `weight`:
/// the mean is then over the weights of the labels, or of two labels over the rows.
///
/// # Errors
/// As [`cross_entropy`]; a weight of labels outside [0, 1]; as many weights of classes as there are none.
pub fn cross_entropy_with(tape: &mut Tape, logits: &Tensor, targets: &Targets) -> Result<Tensor> {
    let &Targets { labels: [labels, others], weight, smoothing, classes } = targets;
    let (n, k) = rows::logits("cross_entropy", logits)?;
    rows::labels("cross_entropy", labels, n)?;
    rows::labels("cross_entropy", others, n)?;
    if !(0.0..=1.0).contains(&weight) {
        return Err(Error::usage(format!("the weight of a label must be in [0, 1], not {weight}")));
    }
    if !(0.0..=1.0).contains(&smoothing) {
        return Err(Error::usage(format!("label smoothing must be in [0, 1], not {smoothing}")));
    }
    if let Some(classes) = classes.filter(|classes| classes.values.elements() != k) {
        let what = format!("{k} classes need {k} weights, not {}", classes.values.elements());
        return Err(Error::shape("cross_entropy", what));
    }
    let device = logits.device();
    let [row_loss, mean_of] = [n, 1].map(|count| Tensor::empty(device, [count], DType::F32));
    let (row_loss, mean_of) = (row_loss?, mean_of?);
    let statistics = Tensor::empty(device, [n, 2], DType::F32)?;
    // Without weights nothing is read of what stands in their place.
    let weights = classes.map_or_else(|| statistics.clone(), |classes| classes.values.clone());
    let weighted = classes.is_some();
    let (sizes, all) = ([dimension(n)?, dimension(k)?], classes.map_or(0.0, |classes| classes.sum));
    let numbers = Args::of([&sizes[..], &[smoothing.into(), weight.into(), all.into()]]);
    let tensors = [row_loss.arg(), statistics.arg(), logits.arg(), labels.arg(), others.arg(), weights.arg()];
    let rung = LADDER.pick(device, &Sizes { n, k }, logits.dtype());
    (rung.run)(rung.file, logits, weighted, n, &Args::of([&tensors, &numbers[..]]))?;

    let loss = Tensor::empty(device, [1], DType::F32)?;
    let variant = in_rows(WARP_PER_ROW, device.target(), DType::F32, weighted);
    let one_block = Geometry::linear(1, rows::threads(device.target())[0]);
    let tensors = [loss.arg(), mean_of.arg(), row_loss.arg(), labels.arg(), weights.arg()];
    launch(device, &variant, "cross_entropy_forward_mean", one_block, &Args::of([&tensors, &sizes, &[weight.into()]]))?;

    let (x, labels, others) = (logits.clone(), labels.clone(), others.clone());
    tape.record("cross_entropy", &[logits], &loss, move |dloss, gradients| {
        let dx = elementwise::like(&x)?;
        let known = [labels.arg(), others.arg(), statistics.arg(), mean_of.arg(), weights.arg()];
        let args = Args::of([&[dx.arg(), dloss.arg(), x.arg()], &known, &numbers[..]]);
        let variant = in_rows(WARP_PER_ROW, x.device().target(), x.dtype(), weighted);
        rows::launch_variant(&x, &variant, "cross_entropy_backward", n, &args)?;
        gradients.add(&x, dx)
    });
    Ok(loss)
}

/// A kernel of `file` that gives rows to groups of threads, with weights of classes or without.
fn in_rows(file: &'static str, target: Target, element: DType, weighted: bool) -> Variant {
    let variant = rows::variant(file, target, element);
    let defines = if weighted { variant.defines.with("WEIGHTED", 1) } else { variant.defines };
    Variant { defines, ..variant }
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
