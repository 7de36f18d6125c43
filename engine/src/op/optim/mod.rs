//! One step of an optimizer for many tensors, in place. What is kept from step to step is the caller's.
//!
//! - SGD: d = g + λ w; v = μ v + (1 − τ) d; w −= η · (d + μ v with Nesterov, else v)
//! - Adam and AdamW: the kernel file has the formulas
//! - `clip`: g = g · min(1, most / ‖g‖) over all gradients together, before a step
//! - `average`: a += (1 − d)(w − a), after one

mod around;
mod examples;
mod steps;

use crate::error::Result;
use crate::launch::elementwise;
use crate::op::Op;
use crate::tensor::{DType, Tensor};
pub(crate) use around::{average, clip};
use examples::{adam_job, sgd_job, workloads};
pub use steps::Problem;
use steps::{Ladder, Step};
pub(crate) use steps::{SLOTS, Table, Update};

/// Its entry. It has no cases: results are the tensors that it moves, and depend on how often it ran.
pub static OP: Op = Op {
    elements: &[DType::F32],
    workloads,
    ladders: || vec![SGD.summary("sgd", sgd_job), ADAM.summary("adam", adam_job)],
    ..Op::named("optim")
};

const UNSCALE: &str = "optim/unscale.cu";

static SGD: Ladder =
    steps::ladder("sgd_step", &[steps::one_by_one("optim/1_sgd.cu"), steps::all_at_once("optim/2_sgd_all.cu")]);

static ADAM: Ladder =
    steps::ladder("adam_step", &[steps::one_by_one("optim/1_adam.cu"), steps::all_at_once("optim/2_adam_all.cu")]);

/// Multiplies `gradients` by `factor`, in place; returns whether all elements are finite then. Waits for the device.
///
/// # Errors
/// Tensors that are not f32, or of more than 2^31 - 1 elements; what the device says.
pub(crate) fn unscale(gradients: &[Tensor], factor: f32) -> Result<bool> {
    let Some(first) = gradients.first() else { return Ok(true) };
    let overflow = Tensor::zeros(first.device(), [1], DType::I32)?;
    for gradient in gradients {
        elementwise::check_f32("unscale", gradient)?;
        let scalars = [overflow.arg(), factor.into()];
        elementwise::launch(UNSCALE, "unscale", gradient.elements(), gradient, &[], &scalars)?;
    }
    Ok(overflow.to_vec::<i32>()? == [0])
}

/// A step of stochastic gradient descent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sgd {
    /// η
    pub lr: f32,
    /// The step's number, from 1.
    pub t: u64,
    /// μ; used if a tensor is kept for each parameter.
    pub momentum: f64,
    /// τ, which does not act on the first step.
    pub dampening: f64,
    /// Looks one update ahead.
    pub nesterov: bool,
    /// λ: adds λ · w to the gradient.
    pub weight_decay: f64,
}

impl Sgd {
    /// Takes the step.
    ///
    /// # Errors
    /// Tensors of more than 2^31 - 1 elements; what the device says.
    pub fn step(&self, updates: &[Update], table: &mut Table) -> Result<()> {
        let &Self { lr, t, momentum, dampening, nesterov, weight_decay } = self;
        let fresh = if t == 1 { 1.0 } else { 1.0 - dampening };
        let [momentum, fresh, decay] = [momentum, fresh, weight_decay].map(|scalar| (scalar as f32).into());
        let scalars = [lr.into(), momentum, fresh, decay, i32::from(nesterov).into()];
        Step { entry: "sgd_step", places: 1, scalars: &scalars, updates }.take(&SGD, table)
    }
}

/// A step of Adam or AdamW; of AMSGrad, if a third tensor is kept for each parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adam {
    /// η
    pub lr: f32,
    /// The step's number, from 1.
    pub t: u64,
    /// Decay per step of the running means of the gradient and of its square.
    pub betas: [f64; 2],
    /// Added to the root of the squares' mean, after its bias correction.
    pub eps: f64,
    /// λ
    pub weight_decay: f64,
    /// Whether λ acts on w beside the gradient's step, as in AdamW, and not on the gradient.
    pub decoupled: bool,
}

impl Adam {
    /// Takes the step. Bias corrections are computed here, in double.
    ///
    /// # Errors
    /// Those of [`Sgd::step`].
    pub fn step(&self, updates: &[Update], table: &mut Table) -> Result<()> {
        let &Self { lr, t, betas, eps, weight_decay, decoupled } = self;
        let lr = f64::from(lr);
        let (decay_gradient, decay_weight) = if decoupled { (0.0, lr * weight_decay) } else { (weight_decay, 0.0) };
        let [correction1, correction2] = betas.map(|beta| 1.0 - beta.powf(t as f64));
        let (rate, root) = (lr / correction1, 1.0 / correction2.sqrt());
        let scalars = [rate, root, betas[1], 1.0 - betas[0], 1.0 - betas[1], eps, decay_gradient, decay_weight];
        let scalars = scalars.map(|scalar| (scalar as f32).into());
        Step { entry: "adam_step", places: 3, scalars: &scalars, updates }.take(&ADAM, table)
    }
}
