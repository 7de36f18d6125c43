//! What stands around an optimizer's step: gradients that are clipped before it, parameters that are averaged after it.

use super::of_parameters;
use crate::error::{Error, Result};
use crate::op::optim::{SLOTS, Table, Update, average, clip};
use crate::tape::Gradients;
use crate::tensor::{DType, Tensor};

/// Clips gradients by their norm, of all parameters together (PyTorch's `clip_grad_norm_`).
pub struct Clip {
    most: f32,
    parameters: Vec<Tensor>,
    table: Table,
}

impl Clip {
    /// Gradients of `parameters`, as if they were one vector, shall be no longer than `most`, in Euclid's norm.
    ///
    /// # Errors
    /// A `most` that is not above 0; what the device says.
    pub fn new(most: f64, parameters: Vec<Tensor>) -> Result<Self> {
        // Infinity never clips, and is how the norm alone is asked for.
        if most.is_nan() || most <= 0.0 {
            return Err(Error::usage(format!("the norm that gradients are clipped to must be above 0, not {most}")));
        }
        Ok(Self { most: most as f32, table: Table::new(&parameters)?, parameters })
    }

    /// Scales the parameters' `gradients` in place if they are longer. Returns their norm before that, shape `[1]`; none without
    /// gradients. A tensor that is the gradient of several counts once. A norm that is not finite leaves no gradient that is.
    ///
    /// # Errors
    /// What the device says.
    pub fn apply(&mut self, gradients: &Gradients) -> Result<Option<Tensor>> {
        let of = |g: Tensor| Update { w: g.clone(), kept: [const { None }; SLOTS], g };
        let updates: Vec<Update> = of_parameters(self.parameters.iter(), gradients).into_iter().map(of).collect();
        if updates.is_empty() {
            return Ok(None);
        }
        clip(&updates, &mut self.table, self.most).map(Some)
    }
}

/// Exponential moving averages of parameters (PyTorch's `AveragedModel` with `get_ema_multi_avg_fn`).
pub struct Average {
    decay: f64,
    /// The average and its parameter.
    updates: Vec<Update>,
    table: Table,
    steps: u64,
}

impl Average {
    /// Of each `(average, parameter)`, of equal shape, f32, on one device. After the first step an average is the parameter
    /// itself, then it keeps the share `decay` of itself at every step.
    ///
    /// # Errors
    /// A `decay` outside of [0, 1); tensors that do not fit.
    pub fn new(decay: f64, of: Vec<(Tensor, Tensor)>) -> Result<Self> {
        if !(0.0..1.0).contains(&decay) {
            return Err(Error::usage(format!("the decay of an average must be at least 0 and below 1, not {decay}")));
        }
        let device = of.first().map(|(average, _)| average.device().clone());
        let fits = |tensor: &Tensor| tensor.dtype() == DType::F32 && Some(tensor.device()) == device.as_ref();
        if let Some((a, w)) = of.iter().find(|(a, w)| a.shape() != w.shape() || !fits(a) || !fits(w)) {
            let what = [a, w].map(|tensor| format!("{} {} on {:?}", tensor.dtype(), tensor.shape(), tensor.device()));
            let [a, w] = what;
            return Err(Error::shape("average", format!("{a} of a parameter {w}: both are f32, alike, on one device")));
        }
        let table = Table::new(of.iter().map(|(average, _)| average))?;
        let updates = of.into_iter().map(|(w, g)| Update { w, kept: [const { None }; SLOTS], g }).collect();
        Ok(Self { decay, updates, table, steps: 0 })
    }

    /// One more step, after the parameters have moved.
    ///
    /// # Errors
    /// What the device says.
    pub fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps == 1 {
            return self.updates.iter().try_for_each(|Update { w, g, .. }| w.copy_from(g));
        }
        average(&self.updates, &mut self.table, (1.0 - self.decay) as f32)
    }

    /// Steps done, which a checkpoint keeps beside the averages.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Sets the number of steps done.
    pub fn set_steps(&mut self, steps: u64) {
        self.steps = steps;
    }
}
