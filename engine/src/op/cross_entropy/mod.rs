//! Cross entropy of softmax(logits) against labels, averaged over the batch unless told otherwise, with label smoothing ε:
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
        Rung::new(NAIVE, |file, logits, form, n, args| {
            let variant = Variant::new(file, form.with(Defines::new()), logits.dtype());
            launch(logits.device(), &variant, "cross_entropy_forward", Geometry::linear(n.div_ceil(256), 256), args)
        }),
        Rung::new(WARP_PER_ROW, warp_per_row),
        Rung::new(ONLINE, warp_per_row),
    ],
    default,
};

/// File, logits, what is compiled in, rows.
type Run = fn(&'static str, &Tensor, Form, usize, &[Arg]) -> Result<()>;

fn warp_per_row(file: &'static str, logits: &Tensor, form: Form, n: usize, args: &[Arg]) -> Result<()> {
    let variant = in_rows(file, logits.device().target(), logits.dtype(), form);
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

/// What is made of the losses of all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean, `[1]`; of rows that count for nothing it is NaN.
    #[default]
    Mean,
    /// Their sum, `[1]`.
    Sum,
    /// Themselves, `[N]`.
    None,
}

/// What logits are compared with, and what becomes of the rows' losses.
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
    /// The label of rows that count for nothing, if there is one; PyTorch's is −100 unless told otherwise. Not of mixed images.
    pub ignore: Option<i32>,
    /// What is made of the rows.
    pub reduction: Reduction,
}

impl<'a> Targets<'a> {
    /// Of one label for each row.
    pub fn of(labels: &'a Tensor, smoothing: f32) -> Self {
        let (classes, ignore, reduction) = (None, None, Reduction::Mean);
        Self { labels: [labels, labels], weight: 1.0, smoothing, classes, ignore, reduction }
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
/// the mean is then over the weights of the labels, or of two labels over the rows. Its `ignore_index` and `reduction` likewise:
/// a row that is ignored has loss and gradient 0.
///
/// # Errors
/// As [`cross_entropy`]; a weight of labels outside [0, 1]; as many weights of classes as there are none; mixed rows and a label
/// to ignore.
pub fn cross_entropy_with(tape: &mut Tape, logits: &Tensor, targets: &Targets) -> Result<Tensor> {
    let &Targets { labels: [labels, others], weight, smoothing, classes, ignore, reduction } = targets;
    let (n, k) = rows::logits("cross_entropy", logits)?;
    rows::labels("cross_entropy", labels, n)?;
    rows::labels("cross_entropy", others, n)?;
    if !(0.0..=1.0).contains(&weight) {
        return Err(Error::usage(format!("the weight of a label must be in [0, 1], not {weight}")));
    }
    if !(0.0..=1.0).contains(&smoothing) {
        return Err(Error::usage(format!("label smoothing must be in [0, 1], not {smoothing}")));
    }
    if let Some(ignore) = ignore.filter(|_| weight < 1.0) {
        let what = format!("cross entropy: rows of two labels cannot be ignored by one, {ignore}: leave it out");
        return Err(Error::usage(what));
    }
    if let Some(classes) = classes.filter(|classes| classes.values.elements() != k) {
        let what = format!("{k} classes need {k} weights, not {}", classes.values.elements());
        return Err(Error::shape("cross_entropy", what));
    }
    let device = logits.device();
    let row_loss = Tensor::empty(device, [n], DType::F32)?;
    let statistics = Tensor::empty(device, [n, 2], DType::F32)?;
    // Without weights nothing is read of what stands in their place.
    let weights = classes.map_or_else(|| statistics.clone(), |classes| classes.values.clone());
    let form = Form { weighted: classes.is_some(), ignores: ignore.is_some() };
    let (sizes, all) = ([dimension(n)?, dimension(k)?], classes.map_or(0.0, |classes| classes.sum));
    let ignored = Arg::from(ignore.unwrap_or(0));
    let numbers = Args::of([&sizes[..], &[smoothing.into(), weight.into(), all.into(), ignored]]);
    let tensors = [row_loss.arg(), statistics.arg(), logits.arg(), labels.arg(), others.arg(), weights.arg()];
    let rung = LADDER.pick(device, &Sizes { n, k }, logits.dtype());
    (rung.run)(rung.file, logits, form, n, &Args::of([&tensors, &numbers[..]]))?;

    let by_row = reduction == Reduction::None;
    let (loss, over) = if by_row {
        (row_loss.clone(), row_loss)
    } else {
        let [loss, over] = [(); 2].map(|()| Tensor::empty(device, [1], DType::F32));
        let (loss, over) = (loss?, over?);
        let variant = in_rows(WARP_PER_ROW, device.target(), DType::F32, form);
        let one_block = Geometry::linear(1, rows::threads(device.target())[0]);
        let tensors = [loss.arg(), over.arg(), row_loss.arg(), labels.arg(), weights.arg()];
        let scalars = [weight.into(), ignored, i32::from(reduction == Reduction::Mean).into()];
        let args = Args::of([&tensors[..], &sizes, &scalars]);
        launch(device, &variant, "cross_entropy_forward_mean", one_block, &args)?;
        (loss, over)
    };

    let (x, labels, others) = (logits.clone(), labels.clone(), others.clone());
    tape.record("cross_entropy", &[logits], &loss, move |dloss, gradients| {
        let dx = elementwise::like(&x)?;
        let known = [labels.arg(), others.arg(), statistics.arg(), over.arg(), weights.arg()];
        let args = Args::of([&[dx.arg(), dloss.arg(), x.arg()], &known, &numbers[..], &[i32::from(by_row).into()]]);
        let variant = in_rows(WARP_PER_ROW, x.device().target(), x.dtype(), form);
        rows::launch_variant(&x, &variant, "cross_entropy_backward", n, &args)?;
        gradients.add(&x, dx)
    });
    Ok(loss)
}

/// What is compiled into a kernel.
#[derive(Clone, Copy)]
pub struct Form {
    /// Classes have weights.
    weighted: bool,
    /// There is a label to ignore.
    ignores: bool,
}

impl Form {
    fn with(self, defines: Defines) -> Defines {
        let defines = if self.weighted { defines.with("WEIGHTED", 1) } else { defines };
        if self.ignores { defines.with("IGNORES", 1) } else { defines }
    }
}

/// A kernel of `file` that gives rows to groups of threads.
fn in_rows(file: &'static str, target: Target, element: DType, form: Form) -> Variant {
    let variant = rows::variant(file, target, element);
    Variant { defines: form.with(variant.defines), ..variant }
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
