//! Batch normalization of channels, the last dimension; the statistics run over all others (n rows). Whatever the type of x,
//! which is y's, all that there is one of per channel is f32.
//!
//! - y = weight · x̂ + bias, x̂ = (x − mean) · rstd, rstd = 1 / √(var + eps); an [`Epilogue`] may follow on the way
//! - training: mean and (biased) variance of the batch. dbias = Σ dy, dweight = Σ dy · x̂ and, because the statistics
//!   depend on x, dx = weight · rstd · (dy − dbias / n − x̂ · dweight / n)
//! - inference: running statistics, constants. dx = weight · rstd · dy

mod backward;
mod examples;
mod forward;
mod problem;

use crate::device::{Arg, Defines, Geometry};
use crate::error::{Error, Result};
use crate::launch::columns::Columns;
use crate::launch::{Args, Variant, dimension, element, elementwise, launch};
use crate::op::Op;
use crate::op::epilogue::Epilogue;
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};
use backward::Saved;
use examples::{backward_job, cases, forward_job, workloads};

pub use problem::Problem;

const TWO_PASS: &str = "batchnorm/1_two_pass.cu";
const WELFORD: &str = "batchnorm/2_welford.cu";
const SLABS: &str = "batchnorm/3_slabs.cu";
const VECTORIZED: &str = "batchnorm/4_vectorized.cu";
const FUSED_RELU: &str = "batchnorm/5_fused_relu.cu";
const FUSED_RESIDUAL: &str = "batchnorm/6_fused_residual.cu";

/// Its entry.
pub static OP: Op = Op {
    cases,
    workloads,
    ladders: || {
        let workload = "batchnorm_residual";
        vec![forward::LADDER.summary(workload, forward_job), backward::LADDER.summary(workload, backward_job)]
    },
    ..Op::named("batchnorm")
};

/// What a normalization knows besides its input: one value per channel each, and what keeps it from dividing by zero.
#[derive(Clone, Copy)]
pub struct Norm<'a> {
    /// Scale.
    pub weight: &'a Tensor,
    /// Shift.
    pub bias: &'a Tensor,
    /// Mean of the batches so far.
    pub running_mean: &'a Tensor,
    /// Variance of the batches so far.
    pub running_var: &'a Tensor,
    /// Added to the variance.
    pub eps: f32,
}

/// Normalizes with the statistics of the batch and moves the running ones, in place on the device:
/// `running = (1 − momentum) · running + momentum · batch`, where the batch's variance is the unbiased one (n / (n − 1)).
///
/// # Errors
/// Fewer than two values per channel; parameters or statistics that are not one value per channel; a second tensor of
/// another shape.
pub fn batchnorm_train(
    tape: &mut Tape,
    x: &Tensor,
    norm: &Norm,
    momentum: f32,
    epilogue: Epilogue<&Tensor>,
) -> Result<Tensor> {
    let problem = check(x, norm, epilogue)?;
    if problem.rows < 2 {
        return Err(Error::shape(
            "batchnorm",
            format!("training needs two values per channel or more, not {}: take larger batches or images", x.shape()),
        ));
    }
    let (y, [mean, rstd]) = forward::train(&problem, x, norm, momentum, epilogue)?;
    let saved = Saved::new(x, Some(&y).filter(|_| problem.epilogue != Epilogue::Nothing), [&mean, &rstd], norm);
    let second = epilogue.second().cloned();
    let inputs = [x, norm.weight, norm.bias, epilogue.second().unwrap_or(x)];
    let inputs = &inputs[..3 + usize::from(epilogue.second().is_some())];
    tape.record("batchnorm_train", inputs, &y, move |dy, gradients| {
        let (sums, dx) = backward::train(&problem, dy, &saved, gradients.needs(&saved.x))?;
        gradients.add(&saved.weight, sums.dweight)?;
        gradients.add(&saved.bias, sums.dbias)?;
        if let Some(second) = &second {
            gradients.add(second, sums.passed)?;
        }
        dx.map_or(Ok(()), |dx| gradients.add(&saved.x, dx))
    });
    Ok(y)
}

/// Normalizes with the running statistics, which stay as they are.
///
/// # Errors
/// Parameters or statistics that are not one value per channel; a second tensor of another shape.
pub fn batchnorm_inference(tape: &mut Tape, x: &Tensor, norm: &Norm, epilogue: Epilogue<&Tensor>) -> Result<Tensor> {
    let problem = check(x, norm, epilogue)?;
    let rstd = elementwise::like(norm.running_var)?;
    let row = Columns::whole(x.device().target(), 1, problem.channels);
    let tensors = [rstd.arg(), norm.running_var.arg()];
    run(VECTORIZED, "batchnorm_forward_rstd", x, &row, &tensors, &[norm.eps.into()])?;
    let normalize = forward::LADDER.pick(x.device(), &problem, x.dtype()).run.normalize;
    let y = normalize(&problem, x, [norm.running_mean, &rstd], norm, epilogue)?;
    // The statistics may move before the backward pass, so what this pass used is kept.
    let mean = if tape.needs(norm.weight) { norm.running_mean.duplicate()? } else { norm.running_mean.clone() };
    let saved = Saved::new(x, Some(&y).filter(|_| problem.epilogue != Epilogue::Nothing), [&mean, &rstd], norm);
    let second = epilogue.second().cloned();
    let inputs = [x, norm.weight, norm.bias, epilogue.second().unwrap_or(x)];
    let inputs = &inputs[..3 + usize::from(epilogue.second().is_some())];
    tape.record("batchnorm_inference", inputs, &y, move |dy, gradients| {
        let passed = saved.passed(dy)?;
        let saved = Saved { y: None, ..saved };
        if gradients.needs(&saved.weight) || gradients.needs(&saved.bias) {
            let (sums, _) =
                backward::train(&Problem { epilogue: Epilogue::Nothing, ..problem }, &passed, &saved, false)?;
            gradients.add(&saved.weight, sums.dweight)?;
            gradients.add(&saved.bias, sums.dbias)?;
        }
        if gradients.needs(&saved.x) {
            let dx = elementwise::like(&saved.x)?;
            let tensors = [dx.arg(), passed.arg(), Arg::Ptr(0), rstd.arg(), saved.weight.arg(), Arg::Ptr(0)];
            run(VECTORIZED, "batchnorm_forward_normalize", &saved.x, &problem.columns(&saved.x), &tensors, &[])?;
            gradients.add(&saved.x, dx)?;
        }
        second.map_or(Ok(()), |second| gradients.add(&second, passed))
    });
    Ok(y)
}

fn check(x: &Tensor, norm: &Norm, epilogue: Epilogue<&Tensor>) -> Result<Problem> {
    let channels = x.shape().last();
    let per_channel = [norm.weight, norm.bias, norm.running_mean, norm.running_var];
    let names = ["weight", "bias", "running mean", "running variance"];
    if let Some((name, other)) = names.iter().zip(per_channel).find(|(_, t)| t.shape().dims() != [channels]) {
        let what = format!("{name} {} for the {channels} channels of {}", other.shape(), x.shape());
        return Err(Error::shape("batchnorm", what));
    }
    if let Some(second) = epilogue.second().filter(|second| second.shape() != x.shape()) {
        return Err(Error::shape("batchnorm", format!("{} cannot be added to {}", second.shape(), x.shape())));
    }
    per_channel.into_iter().try_for_each(|t| elementwise::check_f32("batchnorm", t))?;
    element("batchnorm", [x].into_iter().chain(epilogue.second()))?;
    Ok(Problem { rows: x.elements() / channels.max(1), channels, epilogue: epilogue.kind() })
}

impl Problem {
    fn columns(&self, x: &Tensor) -> Columns {
        Columns::new(x.device().target(), self.rows, self.channels)
    }
}

/// Two tensors with a row of `channels` for each slab.
fn slabs(x: &Tensor, slabs: usize, channels: usize) -> Result<[Tensor; 2]> {
    let row = || Tensor::empty(x.device(), [slabs, channels], DType::F32);
    Ok([row()?, row()?])
}

/// Launches `entry` with `tensors…, rows, channels, slab, width, scalars…` on the device of `x`.
fn run(file: &'static str, entry: &str, x: &Tensor, cut: &Columns, tensors: &[Arg], scalars: &[Arg]) -> Result<()> {
    let args = Args::of([tensors, &cut.args()?, scalars]);
    launch(x.device(), &Variant::new(file, cut.defines(), x.dtype()), entry, cut.geometry(), &args)
}

/// Threads per block of the first rungs.
const THREADS: usize = 128;

/// Launches `entry` with a thread per channel and `tensors…, rows, channels, scalars…`.
fn walk(
    file: &'static str,
    entry: &str,
    x: &Tensor,
    problem: &Problem,
    tensors: &[Arg],
    scalars: &[Arg],
) -> Result<()> {
    let args = Args::of([tensors, &[dimension(problem.rows)?, dimension(problem.channels)?], scalars]);
    let geometry = Geometry::linear(problem.channels.div_ceil(THREADS), THREADS);
    launch(x.device(), &by_threads(file, x), entry, geometry, &args)
}

/// Rows of a slab of the third rung: few enough for many blocks, but no more slabs than one thread may add up.
fn slab(rows: usize) -> usize {
    rows.div_ceil(256).max(128)
}

/// Launches `entry` of the third rung with a block for each slab and 32 channels, and `tensors…, rows, channels, slab`.
fn by_slab(entry: &str, x: &Tensor, problem: &Problem, tensors: &[Arg]) -> Result<()> {
    let &Problem { rows, channels, .. } = problem;
    let args = Args::of([tensors, &[dimension(rows)?, dimension(channels)?, dimension(slab(rows))?]]);
    let geometry = Geometry::grid(channels.div_ceil(32), rows.div_ceil(slab(rows)), 1, THREADS);
    launch(x.device(), &by_threads(SLABS, x), entry, geometry, &args)
}

/// Launches `entry` of the first rung with a thread per element and `tensors…, rows, channels`.
fn each(entry: &str, x: &Tensor, problem: &Problem, tensors: &[Arg]) -> Result<()> {
    let args = Args::of([tensors, &[dimension(problem.rows)?, dimension(problem.channels)?]]);
    let geometry = Geometry::linear(problem.elements().div_ceil(THREADS), THREADS);
    launch(x.device(), &by_threads(TWO_PASS, x), entry, geometry, &args)
}

fn by_threads(file: &'static str, x: &Tensor) -> Variant {
    Variant::new(file, Defines::new().with("THREADS", THREADS), x.dtype())
}
