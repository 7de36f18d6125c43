//! Stochastic gradient descent: d = g + λ w; v = μ v + d; w −= η · (d + μ v with Nesterov, else v).

use crate::device::Target;
use crate::error::Result;
use crate::op::{Variant, elementwise};
use crate::tensor::Tensor;

const FILE: &str = "optim/1_sgd.cu";

/// One step of `w`, with momentum if there is a buffer `v` for it.
pub(super) fn step(
    w: &Tensor,
    v: Option<&Tensor>,
    g: &Tensor,
    lr: f32,
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
) -> Result<()> {
    let inputs = [v.map_or(0u64.into(), Tensor::arg), g.arg()];
    let scalars = [lr.into(), (momentum as f32).into(), (weight_decay as f32).into(), i32::from(nesterov).into()];
    elementwise::launch(FILE, "sgd_step", w.elements(), w, &inputs, &scalars)
}

pub(super) fn variants() -> Vec<Variant> {
    vec![Variant { file: FILE, defines: elementwise::defines(Target::Cuda) }]
}
