//! Stochastic gradient descent: d = g + λ w; v = μ v + d; w −= η · (d + μ v with Nesterov, else v).

use super::steps::{self, Ladder, Step, Table, Update};
use crate::error::Result;

/// Its kernels.
pub(super) static LADDER: Ladder =
    steps::ladder("sgd_step", &[steps::one_by_one("optim/1_sgd.cu"), steps::all_at_once("optim/2_sgd_all.cu")]);

/// One step, with momentum if there are buffers for it.
pub(super) fn step(
    updates: &[Update],
    lr: f32,
    [momentum, weight_decay]: [f64; 2],
    nesterov: bool,
    table: &mut Table,
) -> Result<()> {
    let scalars = [lr.into(), (momentum as f32).into(), (weight_decay as f32).into(), i32::from(nesterov).into()];
    Step { entry: "sgd_step", places: 1, scalars: &scalars, updates }.take(&LADDER, table)
}
