use std::sync::atomic::{AtomicI64, Ordering};

use super::{Builder, Layer, Layout, Operation, Pass, State};
use crate::error::{Error, Result};
use crate::op::batchnorm::{Norm, batchnorm_inference, batchnorm_train};
use crate::op::epilogue::Epilogue;
use crate::tensor::{DType, Tensor};

/// Batch normalization over the last dimension, with PyTorch's defaults (momentum 0.1, eps 1e-5) unless told otherwise.
pub struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    batches: AtomicI64,
    eps: f32,
    momentum: f32,
    learns_weight: bool,
}

impl BatchNorm {
    /// For `channels` channels: scale 1, shift 0, running mean 0 and variance 1.
    pub fn new(builder: &mut Builder, channels: usize) -> Result<Self> {
        let device = &builder.device;
        Ok(Self {
            weight: Tensor::full(device, [channels], 1.0)?,
            bias: Tensor::zeros(device, [channels], DType::F32)?,
            running_mean: Tensor::zeros(device, [channels], DType::F32)?,
            running_var: Tensor::full(device, [channels], 1.0)?,
            batches: AtomicI64::new(0),
            eps: 1e-5,
            momentum: 0.1,
            learns_weight: true,
        })
    }

    /// With another `eps`, which is added to the variance.
    ///
    /// # Errors
    /// A number below 0, or none.
    pub fn with_eps(self, eps: f32) -> Result<Self> {
        if !(eps >= 0.0 && eps.is_finite()) {
            return Err(Error::usage(format!("batch normalization: eps must be at least 0, not {eps}")));
        }
        Ok(Self { eps, ..self })
    }

    /// With another `momentum`, PyTorch's: the share of the batch in the running statistics after a step.
    ///
    /// # Errors
    /// A number outside of [0, 1].
    pub fn with_momentum(self, momentum: f32) -> Result<Self> {
        if !(0.0..=1.0).contains(&momentum) {
            return Err(Error::usage(format!("batch normalization: momentum must be in [0, 1], not {momentum}")));
        }
        Ok(Self { momentum, ..self })
    }

    /// With a scale that is not learned: it stays 1, or what a file has. The shift is learned.
    pub fn with_fixed_weight(self) -> Self {
        Self { learns_weight: false, ..self }
    }
}

impl Layer for BatchNorm {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        self.forward_with(pass, x, Epilogue::Nothing)
    }

    fn forward_with(&self, pass: &mut Pass, x: &Tensor, epilogue: Epilogue<&Tensor>) -> Result<Tensor> {
        let Self { weight, bias, running_mean, running_var, eps, .. } = self;
        let norm = Norm { weight, bias, running_mean, running_var, eps: *eps };
        if !pass.takes_statistics() {
            return batchnorm_inference(pass.tape, x, &norm, epilogue);
        }
        self.batches.fetch_add(1, Ordering::Relaxed);
        batchnorm_train(pass.tape, x, &norm, self.momentum, epilogue)
    }

    fn describe(&self) -> String {
        let weight = if self.learns_weight { "" } else { ", fixed weight" };
        format!("BatchNorm {}{weight}", self.weight.elements())
    }

    fn operation(&self) -> Operation<'_> {
        Operation::BatchNorm { eps: self.eps }
    }

    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(String, State<'a>)) {
        let weight = if self.learns_weight { State::Parameter } else { State::Fixed };
        visitor(format!("{path}weight"), weight(&self.weight, Layout::Same));
        visitor(format!("{path}bias"), State::Parameter(&self.bias, Layout::Same));
        visitor(format!("{path}running_mean"), State::Statistic(&self.running_mean));
        visitor(format!("{path}running_var"), State::Statistic(&self.running_var));
        visitor(format!("{path}num_batches_tracked"), State::Counter(&self.batches));
    }
}
