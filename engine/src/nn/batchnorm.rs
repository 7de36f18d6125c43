use std::sync::atomic::{AtomicI64, Ordering};

use super::{Builder, Layer, Layout, Operation, Pass, State};
use crate::error::Result;
use crate::op::batchnorm::{Norm, batchnorm_inference, batchnorm_train};
use crate::op::epilogue::Epilogue;
use crate::tensor::{DType, Tensor};

/// Batch normalization over the last dimension, with PyTorch's defaults (momentum 0.1, eps 1e-5).
pub struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    batches: AtomicI64,
}

const MOMENTUM: f32 = 0.1;
const EPS: f32 = 1e-5;

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
        })
    }
}

impl Layer for BatchNorm {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        self.forward_with(pass, x, Epilogue::Nothing)
    }

    fn forward_with(&self, pass: &mut Pass, x: &Tensor, epilogue: Epilogue<&Tensor>) -> Result<Tensor> {
        let Self { weight, bias, running_mean, running_var, .. } = self;
        let norm = Norm { weight, bias, running_mean, running_var, eps: EPS };
        if !pass.takes_statistics() {
            return batchnorm_inference(pass.tape, x, &norm, epilogue);
        }
        self.batches.fetch_add(1, Ordering::Relaxed);
        batchnorm_train(pass.tape, x, &norm, MOMENTUM, epilogue)
    }

    fn describe(&self) -> String {
        format!("BatchNorm {}", self.weight.elements())
    }

    fn operation(&self) -> Operation<'_> {
        Operation::BatchNorm { eps: EPS }
    }

    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(String, State<'a>)) {
        visitor(format!("{path}weight"), State::Parameter(&self.weight, Layout::Same));
        visitor(format!("{path}bias"), State::Parameter(&self.bias, Layout::Same));
        visitor(format!("{path}running_mean"), State::Statistic(&self.running_mean));
        visitor(format!("{path}running_var"), State::Statistic(&self.running_var));
        visitor(format!("{path}num_batches_tracked"), State::Counter(&self.batches));
    }
}
