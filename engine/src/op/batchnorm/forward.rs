//! The forward pass.

use super::{
    FUSED_RELU, FUSED_RESIDUAL, Norm, Problem, SLABS, TWO_PASS, VECTORIZED, WELFORD, by_slab, each, run, slab, slabs,
    walk,
};
use crate::error::Result;
use crate::launch::columns::Columns;
use crate::launch::ladder::{Ladder, Rung};
use crate::launch::{dimension, elementwise};
use crate::op::epilogue::Epilogue;
use crate::tensor::Tensor;

/// Mean and 1 / √(var + eps) of the batch, from x; moves the running statistics by the momentum.
type Statistics = fn(&Problem, &Tensor, &Norm, f32) -> Result<[Tensor; 2]>;
/// y from x, mean and rstd.
type Normalize = fn(&Problem, &Tensor, [&Tensor; 2], &Norm, Epilogue<&Tensor>) -> Result<Tensor>;

/// The two halves of a rung. Inference has its statistics already and runs the second alone.
#[derive(Clone, Copy)]
pub struct Forward {
    pub(super) statistics: Statistics,
    pub(super) normalize: Normalize,
}

/// Its kernels.
pub static LADDER: Ladder<Problem, Forward> = Ladder {
    name: "batchnorm_forward",
    rungs: &[
        Rung::new(TWO_PASS, Forward { statistics: |p, x, norm, m| alone(TWO_PASS, p, x, norm, m), normalize: scalar }),
        Rung::new(WELFORD, Forward { statistics: |p, x, norm, m| alone(WELFORD, p, x, norm, m), normalize: scalar }),
        Rung::new(SLABS, Forward { statistics: joined, normalize: scalar }),
        Rung::new(VECTORIZED, Forward { statistics: merged, normalize: vectorized }),
        Rung::new(FUSED_RELU, Forward { statistics: merged, normalize: fused })
            .only(|problem: &Problem| problem.epilogue == Epilogue::Relu)
            .shown_by("batchnorm_relu"),
        Rung::new(FUSED_RESIDUAL, Forward { statistics: merged, normalize: fused })
            .only(|problem: &Problem| problem.epilogue == Epilogue::Residual(())),
    ],
    default: |_, problem| match problem.epilogue {
        Epilogue::Nothing => 4,
        Epilogue::Relu => 5,
        Epilogue::Residual(()) => 6,
    },
};

/// A thread per channel.
fn alone(file: &'static str, problem: &Problem, x: &Tensor, norm: &Norm, momentum: f32) -> Result<[Tensor; 2]> {
    let [mean, rstd] = [elementwise::like(norm.running_mean)?, elementwise::like(norm.running_var)?];
    let tensors = [&mean, &rstd, norm.running_mean, norm.running_var, x].map(Tensor::arg);
    walk(file, "batchnorm_forward_statistics", x, problem, &tensors, &[momentum.into(), norm.eps.into()])?;
    Ok([mean, rstd])
}

/// A thread for every fourth row of a slab and channel, then one per channel for all slabs.
fn joined(problem: &Problem, x: &Tensor, norm: &Norm, momentum: f32) -> Result<[Tensor; 2]> {
    let slab = slab(problem.rows);
    let [means, m2s] = slabs(x, problem.rows.div_ceil(slab), problem.channels)?;
    by_slab("batchnorm_forward_partial", x, problem, &[&means, &m2s, x].map(Tensor::arg))?;
    let [mean, rstd] = [elementwise::like(norm.running_mean)?, elementwise::like(norm.running_var)?];
    let tensors = [&mean, &rstd, norm.running_mean, norm.running_var, &means, &m2s, x].map(Tensor::arg);
    let scalars = [dimension(slab)?, momentum.into(), norm.eps.into()];
    walk(SLABS, "batchnorm_forward_statistics", x, problem, &tensors, &scalars)?;
    Ok([mean, rstd])
}

/// Slab by slab, then all slabs.
fn merged(problem: &Problem, x: &Tensor, norm: &Norm, momentum: f32) -> Result<[Tensor; 2]> {
    let cut = problem.columns(x);
    let [sums, m2s] = slabs(x, cut.slabs, cut.channels)?;
    run(VECTORIZED, "batchnorm_forward_partial", x, &cut, &[sums.arg(), m2s.arg(), x.arg()], &[])?;
    let [mean, rstd] = [elementwise::like(norm.running_mean)?, elementwise::like(norm.running_var)?];
    let all = Columns::whole(x.device().target(), cut.slabs, cut.channels);
    let tensors = [&mean, &rstd, norm.running_mean, norm.running_var, &sums, &m2s, x].map(Tensor::arg);
    let scalars = [dimension(cut.rows)?, dimension(cut.slab)?, momentum.into(), norm.eps.into()];
    run(VECTORIZED, "batchnorm_forward_statistics", x, &all, &tensors, &scalars)?;
    Ok([mean, rstd])
}

fn scalar(
    problem: &Problem,
    x: &Tensor,
    [mean, rstd]: [&Tensor; 2],
    norm: &Norm,
    epilogue: Epilogue<&Tensor>,
) -> Result<Tensor> {
    let y = elementwise::like(x)?;
    let tensors = [&y, x, mean, rstd, norm.weight, norm.bias].map(Tensor::arg);
    each("batchnorm_forward_normalize", x, problem, &tensors)?;
    epilogue.compute(y)
}

fn vectorized(
    problem: &Problem,
    x: &Tensor,
    [mean, rstd]: [&Tensor; 2],
    norm: &Norm,
    epilogue: Epilogue<&Tensor>,
) -> Result<Tensor> {
    let y = elementwise::like(x)?;
    let tensors = [&y, x, mean, rstd, norm.weight, norm.bias].map(Tensor::arg);
    run(VECTORIZED, "batchnorm_forward_normalize", x, &problem.columns(x), &tensors, &[])?;
    epilogue.compute(y)
}

fn fused(
    problem: &Problem,
    x: &Tensor,
    [mean, rstd]: [&Tensor; 2],
    norm: &Norm,
    epilogue: Epilogue<&Tensor>,
) -> Result<Tensor> {
    let y = elementwise::like(x)?;
    let (file, second) = match epilogue {
        Epilogue::Residual(second) => (FUSED_RESIDUAL, Some(second)),
        _ => (FUSED_RELU, None),
    };
    let tensors = [Some(&y), Some(x), second, Some(mean), Some(rstd), Some(norm.weight), Some(norm.bias)];
    let tensors: Vec<_> = tensors.into_iter().flatten().map(Tensor::arg).collect();
    run(file, "batchnorm_forward_normalize", x, &problem.columns(x), &tensors, &[])?;
    Ok(y)
}

/// The whole pass: y, and mean and rstd of the batch.
pub(super) fn train(
    problem: &Problem,
    x: &Tensor,
    norm: &Norm,
    momentum: f32,
    epilogue: Epilogue<&Tensor>,
) -> Result<(Tensor, [Tensor; 2])> {
    let Forward { statistics, normalize } = LADDER.pick(x.device(), problem, x.dtype()).run;
    let [mean, rstd] = statistics(problem, x, norm, momentum)?;
    Ok((normalize(problem, x, [&mean, &rstd], norm, epilogue)?, [mean, rstd]))
}
