//! Adam and AdamW; the kernel file has the formulas.

use super::OptimizerConfig;
use super::steps::{self, Ladder, Step, Table, Update};
use crate::error::Result;

/// Its kernels.
pub(super) static LADDER: Ladder =
    steps::ladder("adam_step", &[steps::one_by_one("optim/1_adam.cu"), steps::all_at_once("optim/2_adam_all.cu")]);

pub(super) fn betas() -> [f64; 2] {
    [0.9, 0.999]
}

pub(super) fn eps() -> f64 {
    1e-8
}

pub(super) fn decoupled_decay() -> f64 {
    1e-2
}

/// Step number `t` (from 1). Bias corrections are computed here, in double.
pub(super) fn step(config: &OptimizerConfig, updates: &[Update], lr: f32, t: u64, table: &mut Table) -> Result<()> {
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
    Step { entry: "adam_step", places: 2, scalars: &scalars, updates }.take(&LADDER, table)
}
