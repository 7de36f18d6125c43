//! Optimizers: parameters are updated in place, with PyTorch's semantics.

mod around;
mod config;
mod policy_text;
pub mod schedule;

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::op::optim::{Adam, SLOTS, Sgd, Table, Update, unscale};
use crate::tape::Gradients;
use crate::tensor::{DType, Tensor};
pub use around::{Average, Clip};
pub use config::OptimizerConfig;
pub use schedule::{Curve, Policy, Schedule};

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
    fn kept(&self, i: usize) -> [Option<Tensor>; SLOTS] {
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
        OptimizerConfig::Sgd { momentum, dampening, nesterov, weight_decay } => {
            Sgd { lr, t, momentum, dampening, nesterov, weight_decay: decay * weight_decay }.step(updates, table)
        }
        OptimizerConfig::Adam { betas, eps, weight_decay, .. } => {
            Adam { lr, t, betas, eps, weight_decay: decay * weight_decay, decoupled: false }.step(updates, table)
        }
        OptimizerConfig::AdamW { betas, eps, weight_decay, .. } => {
            Adam { lr, t, betas, eps, weight_decay: decay * weight_decay, decoupled: true }.step(updates, table)
        }
    }
}
