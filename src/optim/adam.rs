//! Adam and AdamW; the kernel file has the formulas.

use super::OptimizerConfig;
use crate::device::Target;
use crate::error::Result;
use crate::op::{Variant, elementwise};
use crate::tensor::Tensor;

const FILE: &str = "optim/1_adam.cu";

pub(super) fn betas() -> [f64; 2] {
    [0.9, 0.999]
}

pub(super) fn eps() -> f64 {
    1e-8
}

pub(super) fn decoupled_decay() -> f64 {
    1e-2
}

/// Step number `t` (from 1) of `w`. Bias corrections are computed here, in double.
pub(super) fn step(
    config: &OptimizerConfig,
    w: &Tensor,
    m: &Tensor,
    v: &Tensor,
    g: &Tensor,
    lr: f32,
    t: u64,
) -> Result<()> {
    let lr = f64::from(lr);
    let (betas, eps, decay_gradient, decay_weight) = match *config {
        OptimizerConfig::Adam { betas, eps, weight_decay } => (betas, eps, weight_decay, 0.0),
        OptimizerConfig::AdamW { betas, eps, weight_decay } => (betas, eps, 0.0, lr * weight_decay),
        OptimizerConfig::Sgd { .. } => unreachable!("the caller told them apart"),
    };
    let [correction1, correction2] = betas.map(|beta| 1.0 - beta.powf(t as f64));
    let (rate, root) = (lr / correction1, 1.0 / correction2.sqrt());
    let scalars = [rate, root, betas[1], 1.0 - betas[0], 1.0 - betas[1], eps, decay_gradient, decay_weight];
    let scalars = scalars.map(|scalar| (scalar as f32).into());
    elementwise::launch(FILE, "adam_step", w.elements(), w, &[m.arg(), v.arg(), g.arg()], &scalars)
}

pub(super) fn variants() -> Vec<Variant> {
    vec![Variant { file: FILE, defines: elementwise::defines(Target::Cuda) }]
}
