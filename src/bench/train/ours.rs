//! Our own side of a training bench: a network that learns one batch of random images by heart.

use std::time::Instant;

use crate::check::Random;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::{Layer, Pass, Sequential, models, parameters};
use crate::op::cast::cast;
use crate::op::cross_entropy::cross_entropy;
use crate::optim::{Optimizer, OptimizerConfig};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const CLASSES: usize = 10;
const SIDE: usize = 32;

/// A network in training.
pub(in crate::bench) struct Training {
    model: Sequential,
    tensors: Vec<Tensor>,
    optimizer: Optimizer,
    images: Tensor,
    labels: Tensor,
    losses: Vec<Tensor>,
}

impl Training {
    /// Of the network `name`, whose activations are of type `element`.
    pub(in crate::bench) fn new(device: &Device, name: &str, batch: usize, element: DType) -> Result<Self> {
        let mut random = Random(2);
        let pixels: Vec<f32> = (0..batch * SIDE * SIDE * 3).map(|_| random.unit() as f32 * 2.0 - 1.0).collect();
        let labels: Vec<i32> = (0..batch).map(|_| (random.unit() * CLASSES as f64) as i32).collect();
        let model = models::build(name, CLASSES, [SIDE; 2], device, 0)?;
        let tensors: Vec<Tensor> = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
        let adam = OptimizerConfig::Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0, amsgrad: false };
        let images = Tensor::from_slice(device, [batch, SIDE, SIDE, 3], &pixels)?;
        Ok(Self {
            model,
            optimizer: Optimizer::new(&adam, tensors.clone())?,
            tensors,
            images: cast(&mut Tape::new(), &images, element)?,
            labels: Tensor::from_slice(device, [batch], &labels)?,
            losses: Vec::new(),
        })
    }

    /// Learned numbers.
    pub(in crate::bench) fn parameters(&self) -> usize {
        self.tensors.iter().map(Tensor::elements).sum()
    }

    pub(in crate::bench) fn step(&mut self) -> Result<()> {
        let mut tape = Tape::new();
        self.tensors.iter().for_each(|tensor| tape.watch(tensor));
        let mut pass = Pass::training(&mut tape, 0, self.losses.len() as u64);
        let logits = self.model.forward(&mut pass, &self.images)?;
        let loss = cross_entropy(&mut tape, &logits, &self.labels, 0.0)?;
        self.losses.push(loss.clone());
        self.optimizer.step(&tape.backward(&loss)?, 1e-3)
    }

    /// Seconds of one of `steps` steps. The device is idle before and after.
    pub(in crate::bench) fn run(&mut self, steps: usize) -> Result<f64> {
        let device = self.images.device().clone();
        device.synchronize()?;
        let started = Instant::now();
        (0..steps).try_for_each(|_| self.step())?;
        device.synchronize()?;
        Ok(started.elapsed().as_secs_f64() / steps as f64)
    }

    /// Refuses a network that does not learn its one batch by heart, or whose first steps cannot be repeated bit by bit
    /// after the timed ones: neither would be a training.
    pub(in crate::bench) fn verify(&self, network: &str) -> Result<()> {
        let name = models::name(network);
        let loss = |at: usize| self.losses[at].item();
        let (first, last, steps) = (loss(0)?, loss(self.losses.len() - 1)?, self.losses.len());
        if last.partial_cmp(&first) != Some(std::cmp::Ordering::Less) {
            return Err(Error::Training(format!(
                "{name} does not learn: loss {first} before, {last} after {steps} steps"
            )));
        }
        let mut again = Self::new(self.images.device(), network, self.images.dim(0), self.images.dtype())?;
        again.run(2)?;
        for at in 0..2 {
            let (before, after) = (loss(at)?, again.losses[at].item()?);
            if before.to_bits() != after.to_bits() {
                let what = format!("loss {before} in step {at} before the timed runs, {after} after them");
                return Err(Error::Training(format!("{name} does not repeat: {what}")));
            }
        }
        Ok(())
    }
}
