//! Optimizers: parameters are updated in place, with PyTorch's semantics.

mod around;
mod policy_text;
pub mod schedule;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::op::optim::{Adam, Sgd, Table, Update, unscale};
use crate::tape::Gradients;
use crate::tensor::{DType, Tensor};
pub use around::{Average, Clip};
pub use schedule::{Curve, Policy, Schedule};

/// Which optimizer, with everything but the learning rate. Left-out fields have PyTorch's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent.
    Sgd {
        /// μ in [0, 1), the share of the last update that is kept; at 0 (if left out) there is no buffer.
        #[serde(default)]
        momentum: f64,
        /// Looks one update ahead; needs a momentum above 0.
        #[serde(default)]
        nesterov: bool,
        /// λ: adds λ · w to the gradient; 0 if left out.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam; weight decay is added to the gradient.
    Adam {
        /// Decay per step of the running means of the gradient and of its square, in [0, 1); 0.9 and 0.999 if left out.
        #[serde(default = "betas")]
        betas: [f64; 2],
        /// Added to the root of the squares' mean, after its bias correction; 1e-8 if left out.
        #[serde(default = "eps")]
        eps: f64,
        /// λ: adds λ · w to the gradient; 0 if left out.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay.
    AdamW {
        /// Decay per step of the running means of the gradient and of its square, in [0, 1); 0.9 and 0.999 if left out.
        #[serde(default = "betas")]
        betas: [f64; 2],
        /// Added to the root of the squares' mean, after its bias correction; 1e-8 if left out.
        #[serde(default = "eps")]
        eps: f64,
        /// λ: takes lr · λ · w off w beside the gradient's step; 1e-2 if left out.
        #[serde(default = "decoupled_decay")]
        weight_decay: f64,
    },
}

fn betas() -> [f64; 2] {
    [0.9, 0.999]
}

fn eps() -> f64 {
    1e-8
}

fn decoupled_decay() -> f64 {
    1e-2
}

impl OptimizerConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// The first value that makes no sense.
    pub fn check(&self) -> Result<()> {
        let share = |what, v: f64| (what, v, "in [0, 1)", (0.0..1.0).contains(&v));
        let positive = |what, v: f64| (what, v, "at least 0", v >= 0.0 && v.is_finite());
        let checks = match *self {
            OptimizerConfig::Sgd { momentum, nesterov, weight_decay } => {
                let nesterov = ("momentum for Nesterov", momentum, "above 0", !nesterov || momentum > 0.0);
                vec![share("momentum", momentum), nesterov, positive("weight decay", weight_decay)]
            }
            OptimizerConfig::Adam { betas, eps, weight_decay }
            | OptimizerConfig::AdamW { betas, eps, weight_decay } => vec![
                share("beta 1", betas[0]),
                share("beta 2", betas[1]),
                positive("epsilon", eps),
                positive("weight decay", weight_decay),
            ],
        };
        match checks.iter().find(|check| !check.3) {
            None => Ok(()),
            Some((what, value, range, _)) => {
                Err(Error::usage(format!("optimizer: {what} must be {range}, not {value}")))
            }
        }
    }

    /// Names of the tensors kept for each parameter, as in PyTorch's state dict.
    fn slot_names(&self) -> &'static [&'static str] {
        match *self {
            OptimizerConfig::Sgd { momentum: 0.0, .. } => &[],
            OptimizerConfig::Sgd { .. } => &["momentum_buffer"],
            _ => &["exp_avg", "exp_avg_sq"],
        }
    }
}

/// Parameters that move alike: PyTorch's parameter group.
pub struct Group {
    /// f32, all on one device.
    pub parameters: Vec<Tensor>,
    /// What the learning rate is multiplied by for them.
    pub rate: f64,
    /// What the weight decay is multiplied by for them.
    pub decay: f64,
}

/// Parameters with what the optimizer remembers of each.
pub struct Optimizer {
    config: OptimizerConfig,
    groups: Vec<Remembered>,
    /// Room for those of a step; empty between steps.
    updates: Vec<Update>,
}

/// A group with what is kept from step to step.
struct Remembered {
    group: Group,
    /// A tensor for each parameter; under the names of the configuration.
    slots: Vec<Vec<Tensor>>,
    /// Steps in which a parameter of the group had a gradient.
    steps: u64,
    table: Table,
}

impl Remembered {
    fn new(group: Group, slots: usize) -> Result<Self> {
        let zeros = |p: &Tensor| Tensor::zeros(p.device(), p.shape(), DType::F32);
        let slot = |_| group.parameters.iter().map(zeros).collect::<Result<Vec<_>>>();
        let slots = (0..slots).map(slot).collect::<Result<_>>()?;
        Ok(Self { slots, steps: 0, table: Table::new(&group.parameters)?, group })
    }

    /// What is kept for parameter `i`.
    fn kept(&self, i: usize) -> [Option<Tensor>; 2] {
        std::array::from_fn(|slot| self.slots.get(slot).map(|tensors| tensors[i].clone()))
    }
}

impl Optimizer {
    /// An optimizer of `parameters`, which are one group with the rate as it is.
    ///
    /// # Errors
    /// Those of [`Optimizer::of_groups`].
    pub fn new(config: &OptimizerConfig, parameters: Vec<Tensor>) -> Result<Self> {
        Self::of_groups(config, vec![Group { parameters, rate: 1.0, decay: 1.0 }])
    }

    /// An optimizer of parameters in groups. All it remembers exists from the start, as zeros, so that a checkpoint holds the
    /// same tensors whenever it is written.
    ///
    /// # Errors
    /// Values out of range; parameters that are not f32, or not all on one device.
    pub fn of_groups(config: &OptimizerConfig, groups: Vec<Group>) -> Result<Self> {
        config.check()?;
        for (what, factor) in groups.iter().flat_map(|group| [("rate", group.rate), ("weight decay", group.decay)]) {
            if !(factor >= 0.0 && factor.is_finite()) {
                let what = format!("a group's factor of the {what} must be at least 0, not {factor}");
                return Err(Error::usage(format!("optimizer: {what}")));
            }
        }
        let mut parameters = groups.iter().flat_map(|group| &group.parameters);
        if let Some(odd) = parameters.clone().find(|p| p.dtype() != DType::F32) {
            return Err(Error::shape("optimizer", format!("a parameter {} {} is not f32", odd.dtype(), odd.shape())));
        }
        if let Some(first) = parameters.next()
            && let Some(odd) = parameters.find(|p| p.device() != first.device())
        {
            let what = format!("parameters on {:?} and {:?}: use one device", first.device(), odd.device());
            return Err(Error::shape("optimizer", what));
        }
        let slots = config.slot_names().len();
        let groups = groups.into_iter().map(|group| Remembered::new(group, slots)).collect::<Result<_>>()?;
        Ok(Self { config: *config, groups, updates: Vec::new() })
    }

    /// Sets SGD's momentum, or Adam's β₁, of the steps to come: a schedule may cycle it.
    ///
    /// # Errors
    /// A value out of range; SGD that was made without momentum, and keeps no buffers for it.
    pub fn set_momentum(&mut self, value: f64) -> Result<()> {
        match &mut self.config {
            OptimizerConfig::Sgd { momentum, .. } if *momentum == 0.0 => {
                return Err(Error::usage("the schedule cycles momentum, and sgd has none: give it ‹momentum› above 0"));
            }
            OptimizerConfig::Sgd { momentum, .. } => *momentum = value,
            OptimizerConfig::Adam { betas, .. } | OptimizerConfig::AdamW { betas, .. } => betas[0] = value,
        }
        self.config.check()
    }

    /// Updates every parameter that has a gradient; one without (frozen, or not used in this step) is not touched, and a group of
    /// such ones does not count the step.
    pub fn step(&mut self, gradients: &Gradients, lr: f32) -> Result<()> {
        let mut updates = std::mem::take(&mut self.updates);
        let mut result = Ok(());
        for group in &mut self.groups {
            updates.extend(group.group.parameters.iter().enumerate().filter_map(|(i, w)| {
                let kept = group.kept(i);
                Some(Update { w: w.clone(), kept, g: gradients.get(w)? })
            }));
            if result.is_ok() && !updates.is_empty() {
                result = apply(&self.config, group, &updates, lr);
            }
            updates.clear();
        }
        self.updates = updates;
        result
    }

    /// Divides the gradients of the parameters, in place, by what the loss was scaled by. Returns whether all are finite then,
    /// for which it waits for the device.
    pub fn unscale(&self, gradients: &Gradients, factor: f32) -> Result<bool> {
        unscale(&of_parameters(self.parameters(), gradients), 1.0 / factor)
    }

    /// The parameters, group by group.
    pub fn parameters(&self) -> impl Iterator<Item = &Tensor> {
        self.groups.iter().flat_map(|group| &group.group.parameters)
    }

    /// What is remembered: PyTorch's name, and a tensor for each parameter in order. A checkpoint stores them, and
    /// restores them by [`Tensor::copy_from`] and [`Optimizer::set_steps`]; training then goes on bit for bit.
    pub fn slots(&self) -> Vec<(&'static str, Vec<Tensor>)> {
        let of = |slot: usize| self.groups.iter().flat_map(move |group| group.slots[slot].iter().cloned()).collect();
        self.config.slot_names().iter().enumerate().map(|(slot, &name)| (name, of(slot))).collect()
    }

    /// Steps that each group has done.
    pub fn steps(&self) -> Vec<u64> {
        self.groups.iter().map(|group| group.steps).collect()
    }

    /// Sets the number of steps that each group has done, which Adam's bias correction depends on.
    ///
    /// # Errors
    /// Another number of groups.
    pub fn set_steps(&mut self, steps: &[u64]) -> Result<()> {
        if steps.len() != self.groups.len() {
            let what = format!("steps of {} groups of parameters for {}", steps.len(), self.groups.len());
            return Err(Error::shape("optimizer", what));
        }
        self.groups.iter_mut().zip(steps).for_each(|(group, &steps)| group.steps = steps);
        Ok(())
    }

    /// What it was made with; the momentum is that of the next step.
    pub fn config(&self) -> &OptimizerConfig {
        &self.config
    }
}

/// The gradients of `parameters` that there are; one that several of them share stands there once.
fn of_parameters<'a>(parameters: impl Iterator<Item = &'a Tensor>, gradients: &Gradients) -> Vec<Tensor> {
    let mut seen = HashSet::new();
    parameters.filter_map(|w| gradients.get(w)).filter(|gradient| seen.insert(gradient.id())).collect()
}

/// One more step of `group`.
fn apply(config: &OptimizerConfig, group: &mut Remembered, updates: &[Update], lr: f32) -> Result<()> {
    group.steps += 1;
    let (t, table) = (group.steps, &mut group.table);
    let Group { rate, decay, .. } = group.group;
    let lr = (f64::from(lr) * rate) as f32;
    match *config {
        OptimizerConfig::Sgd { momentum, nesterov, weight_decay } => {
            Sgd { lr, momentum, nesterov, weight_decay: decay * weight_decay }.step(updates, table)
        }
        OptimizerConfig::Adam { betas, eps, weight_decay } => {
            Adam { lr, t, betas, eps, weight_decay: decay * weight_decay, decoupled: false }.step(updates, table)
        }
        OptimizerConfig::AdamW { betas, eps, weight_decay } => {
            Adam { lr, t, betas, eps, weight_decay: decay * weight_decay, decoupled: true }.step(updates, table)
        }
    }
}
