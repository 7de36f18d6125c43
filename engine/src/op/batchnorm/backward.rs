//! The backward pass of training.

use super::{
    FUSED_RELU, FUSED_RESIDUAL, Norm, Problem, SLABS, TWO_PASS, VECTORIZED, WELFORD, by_slab, each, forward, run, slab,
    slabs, walk,
};
use crate::error::Result;
use crate::launch::ladder::{Ladder, Rung};
use crate::launch::{dimension, elementwise};
use crate::op::epilogue::Epilogue;
use crate::op::{reduce, relu};
use crate::tensor::{DType, Tensor};

/// What the forward pass leaves.
#[derive(Clone)]
pub struct Saved {
    pub(super) x: Tensor,
    /// If it tells what a ReLU let pass.
    pub(super) y: Option<Tensor>,
    pub(super) mean: Tensor,
    pub(super) rstd: Tensor,
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
}

impl Saved {
    pub(super) fn new(x: &Tensor, y: Option<&Tensor>, [mean, rstd]: [&Tensor; 2], norm: &Norm) -> Self {
        let [x, mean, rstd, weight, bias] = [x, mean, rstd, norm.weight, norm.bias].map(Tensor::clone);
        Self { x, y: y.cloned(), mean, rstd, weight, bias }
    }

    /// The gradient of the normalized values from that of y, by a pass of its own.
    pub(super) fn passed(&self, dy: &Tensor) -> Result<Tensor> {
        self.y.as_ref().map_or_else(|| Ok(dy.clone()), |y| relu::gate(dy, y))
    }
}

/// The gradients of the parameters, and what that of x is computed from.
pub struct Sums {
    /// The gradient of the normalized values, which is that of a second tensor too. Where a rung computes anew what ReLU lets
    /// pass, that of y.
    pub passed: Tensor,
    /// That of weight.
    pub dweight: Tensor,
    /// That of bias.
    pub dbias: Tensor,
}

/// The two halves of a rung; the second is skipped where nobody needs the gradient of x.
#[derive(Clone, Copy)]
pub struct Backward {
    sums: fn(&Problem, &Tensor, &Saved) -> Result<Sums>,
    input: fn(&Problem, &Saved, &Sums) -> Result<Tensor>,
}

/// Its kernels.
pub static LADDER: Ladder<Problem, Backward> = Ladder {
    name: "batchnorm_backward",
    rungs: &[
        Rung::new(TWO_PASS, Backward { sums: |p, dy, saved| alone(TWO_PASS, p, dy, saved), input: scalar }),
        Rung::new(WELFORD, Backward { sums: |p, dy, saved| alone(WELFORD, p, dy, saved), input: scalar }),
        Rung::new(SLABS, Backward { sums: joined, input: scalar }),
        Rung::new(VECTORIZED, Backward { sums: merged, input: vectorized }),
        Rung::new(FUSED_RELU, Backward { sums: with_relu, input: through_relu })
            .only(|problem: &Problem| problem.epilogue == Epilogue::Relu)
            .shown_by("batchnorm_relu"),
        Rung::new(FUSED_RESIDUAL, Backward { sums: with_residual, input: vectorized })
            .only(|problem: &Problem| problem.epilogue == Epilogue::Residual(())),
    ],
    default: forward::LADDER.default,
};

/// A thread per channel.
fn alone(file: &'static str, problem: &Problem, dy: &Tensor, saved: &Saved) -> Result<Sums> {
    let passed = saved.passed(dy)?;
    let [dbias, dweight] = [elementwise::like(&saved.bias)?, elementwise::like(&saved.weight)?];
    let tensors = [&dbias, &dweight, &passed, &saved.x, &saved.mean, &saved.rstd].map(Tensor::arg);
    walk(file, "batchnorm_backward_sums", &saved.x, problem, &tensors, &[])?;
    Ok(Sums { passed, dweight, dbias })
}

/// A thread for every fourth row of a slab and channel, then one per channel for all slabs.
fn joined(problem: &Problem, dy: &Tensor, saved: &Saved) -> Result<Sums> {
    let (passed, slab) = (saved.passed(dy)?, slab(problem.rows));
    let Saved { x, mean, rstd, weight, bias, .. } = saved;
    let [dy_sum, product] = slabs(x, problem.rows.div_ceil(slab), problem.channels)?;
    by_slab("batchnorm_backward_partial", x, problem, &[&dy_sum, &product, &passed, x, mean].map(Tensor::arg))?;
    let [dbias, dweight] = [elementwise::like(bias)?, elementwise::like(weight)?];
    let tensors = [&dbias, &dweight, &dy_sum, &product, rstd].map(Tensor::arg);
    walk(SLABS, "batchnorm_backward_sums", x, problem, &tensors, &[dimension(slab)?])?;
    Ok(Sums { passed, dweight, dbias })
}

/// Slab by slab, by `entry` of `file` with the two results first; then all slabs.
fn by_slabs(file: &'static str, problem: &Problem, passed: Tensor, saved: &Saved, tensors: &[&Tensor]) -> Result<Sums> {
    let cut = problem.columns(&saved.x);
    let [dbias, dweight] = slabs(&saved.x, cut.slabs, cut.channels)?;
    let args: Vec<_> = [&dbias, &dweight].into_iter().chain(tensors.iter().copied()).map(Tensor::arg).collect();
    run(file, "batchnorm_backward_partial", &saved.x, &cut, &args, &[])?;
    let [dbias, dweight] =
        [dbias, dweight].map(|partial| reduce::sum_slabs(&partial, cut.slabs, cut.channels, DType::F32));
    Ok(Sums { passed, dweight: dweight?, dbias: dbias? })
}

fn merged(problem: &Problem, dy: &Tensor, saved: &Saved) -> Result<Sums> {
    let passed = saved.passed(dy)?;
    by_slabs(VECTORIZED, problem, passed.clone(), saved, &[&passed, &saved.x, &saved.mean, &saved.rstd])
}

fn with_relu(problem: &Problem, dy: &Tensor, saved: &Saved) -> Result<Sums> {
    let Saved { x, mean, rstd, weight, bias, .. } = saved;
    by_slabs(FUSED_RELU, problem, dy.clone(), saved, &[dy, x, mean, rstd, weight, bias])
}

fn with_residual(problem: &Problem, dy: &Tensor, saved: &Saved) -> Result<Sums> {
    let passed = elementwise::like(dy)?;
    let Saved { x, mean, rstd, .. } = saved;
    let y = saved.y.as_ref().expect("the end of a residual block keeps its output");
    by_slabs(FUSED_RESIDUAL, problem, passed.clone(), saved, &[&passed, dy, y, x, mean, rstd])
}

fn scalar(problem: &Problem, saved: &Saved, sums: &Sums) -> Result<Tensor> {
    let dx = elementwise::like(&saved.x)?;
    let Saved { x, mean, rstd, weight, .. } = saved;
    let tensors = [&dx, &sums.passed, x, mean, rstd, weight, &sums.dbias, &sums.dweight].map(Tensor::arg);
    each("batchnorm_backward_input", x, problem, &tensors)?;
    Ok(dx)
}

fn vectorized(problem: &Problem, saved: &Saved, sums: &Sums) -> Result<Tensor> {
    let dx = elementwise::like(&saved.x)?;
    let Saved { x, mean, rstd, weight, .. } = saved;
    let tensors = [&dx, &sums.passed, x, mean, rstd, weight, &sums.dbias, &sums.dweight].map(Tensor::arg);
    run(VECTORIZED, "batchnorm_backward_input", x, &problem.columns(x), &tensors, &[])?;
    Ok(dx)
}

fn through_relu(problem: &Problem, saved: &Saved, sums: &Sums) -> Result<Tensor> {
    let dx = elementwise::like(&saved.x)?;
    let Saved { x, mean, rstd, weight, bias, .. } = saved;
    let tensors = [&dx, &sums.passed, x, mean, rstd, weight, bias, &sums.dbias, &sums.dweight].map(Tensor::arg);
    run(FUSED_RELU, "batchnorm_backward_input", x, &problem.columns(x), &tensors, &[])?;
    Ok(dx)
}

/// The gradients of the parameters and of a second tensor; then, if `input`, that of x.
pub(super) fn train(problem: &Problem, dy: &Tensor, saved: &Saved, input: bool) -> Result<(Sums, Option<Tensor>)> {
    let steps = LADDER.pick(saved.x.device(), problem, dy.dtype()).run;
    let sums = (steps.sums)(problem, dy, saved)?;
    let dx = if input { Some((steps.input)(problem, saved, &sums)?) } else { None };
    Ok((sums, dx))
}
