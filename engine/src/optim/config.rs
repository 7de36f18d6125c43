//! Which optimizer, and with what.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which optimizer, with everything but the learning rate. Left-out fields have PyTorch's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent.
    Sgd {
        /// μ in [0, 1), the share of the last update that is kept; at 0 (if left out) there is no buffer.
        #[serde(default)]
        momentum: f64,
        /// τ in [0, 1): takes (1 − τ) of the gradient into the buffer, but for the first; needs a momentum above 0. 0 if left
        /// out.
        #[serde(default)]
        dampening: f64,
        /// Looks one update ahead; needs a momentum above 0 and no dampening.
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
        /// Divides by the largest mean of squares so far; not, if left out.
        #[serde(default)]
        amsgrad: bool,
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
        /// Divides by the largest mean of squares so far; not, if left out.
        #[serde(default)]
        amsgrad: bool,
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
            OptimizerConfig::Sgd { momentum, dampening, nesterov, weight_decay } => vec![
                share("momentum", momentum),
                share("dampening", dampening),
                ("momentum for dampening", momentum, "above 0", dampening == 0.0 || momentum > 0.0),
                ("momentum for Nesterov", momentum, "above 0", !nesterov || momentum > 0.0),
                ("dampening for Nesterov", dampening, "0", !nesterov || dampening == 0.0),
                positive("weight decay", weight_decay),
            ],
            OptimizerConfig::Adam { betas, eps, weight_decay, .. }
            | OptimizerConfig::AdamW { betas, eps, weight_decay, .. } => vec![
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
    pub(super) fn slot_names(&self) -> &'static [&'static str] {
        match *self {
            OptimizerConfig::Sgd { momentum: 0.0, .. } => &[],
            OptimizerConfig::Sgd { .. } => &["momentum_buffer"],
            OptimizerConfig::Adam { amsgrad, .. } | OptimizerConfig::AdamW { amsgrad, .. } => {
                &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"][..2 + amsgrad as usize]
            }
        }
    }
}
