//! Images that live on the device: uploaded once as bytes, augmented and normalized there batch by batch.

use crate::data::Images;
use crate::device::{Device, Target};
use crate::error::Result;
use crate::op::augment::{
    Augment, Augmentation, Channels, Chosen, augment, by_order, mix, partner_labels, pick_labels,
};
use crate::op::cross_entropy::{cross_entropy, mixed_cross_entropy};
use crate::op::random::Key;
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// A set of images on a device, with their labels. A network gets them as f32, or as [`Resident::giving`] says.
pub struct Resident {
    pixels: Tensor,
    labels: Tensor,
    /// The type of a network's input.
    input: DType,
}

/// An order in which batches are drawn.
pub struct Order {
    numbers: Vec<u32>,
    indices: Tensor,
}

/// A batch to learn from.
pub struct Batch {
    /// The network's input `[B, H, W, 3]`.
    pub x: Tensor,
    /// The images' own labels `[B]`.
    pub own: Tensor,
    /// Of mixed images, the labels of the others, and the weight of the own ones.
    pub mixed: Option<(Tensor, f32)>,
}

impl Batch {
    /// The loss of `logits [B, K]`.
    ///
    /// # Errors
    /// As [`cross_entropy`].
    pub fn loss(&self, tape: &mut Tape, logits: &Tensor, smoothing: f32) -> Result<Tensor> {
        match &self.mixed {
            None => cross_entropy(tape, logits, &self.own, smoothing),
            Some((others, weight)) => mixed_cross_entropy(tape, logits, [&self.own, others], *weight, smoothing),
        }
    }

    /// The labels that count as right: of two those with the larger weight.
    pub fn labels(&self) -> &Tensor {
        match &self.mixed {
            Some((others, weight)) if *weight < 0.5 => others,
            _ => &self.own,
        }
    }
}

impl Resident {
    /// Uploads `images`.
    pub fn new(device: &Device, images: &Images) -> Result<Self> {
        let shape = [images.len(), images.height, images.width, 3];
        let labels = Tensor::from_slice(device, [images.len()], &images.labels)?;
        Ok(Self { pixels: Tensor::from_slice(device, shape, &images.pixels)?, labels, input: DType::F32 })
    }

    /// `count` images of `input` (height, width) all black and of the first class.
    pub(super) fn blank(device: &Device, count: usize, input: [usize; 2]) -> Result<Self> {
        let pixels = Tensor::zeros(device, [count, input[0], input[1], 3], DType::U8)?;
        Ok(Self { pixels, labels: Tensor::zeros(device, [count], DType::I32)?, input: DType::F32 })
    }

    /// The same, of which a network gets batches of type `input`, and computes in it.
    pub fn giving(self, input: DType) -> Self {
        Self { input, ..self }
    }

    /// The class of each image.
    pub fn labels(&self) -> Result<Vec<i32>> {
        self.labels.to_vec()
    }

    /// The kind of device that they are on.
    pub fn target(&self) -> Target {
        self.pixels.device().target()
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.elements()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.elements() == 0
    }

    /// Uploads an order in which batches will be drawn.
    pub fn order(&self, numbers: &[u32]) -> Result<Order> {
        let indices: Vec<i32> = numbers.iter().map(|&number| number as i32).collect();
        let indices = Tensor::from_slice(self.pixels.device(), [indices.len()], &indices)?;
        Ok(Order { numbers: numbers.into(), indices })
    }

    /// `batch` images from position `at` of `order`, as a network's input `[B, H, W, 3]`, and their labels `[B]`.
    pub fn batch(&self, order: &Order, at: usize, batch: usize, how: &Augment, key: Key) -> Result<(Tensor, Tensor)> {
        let x = augment(&self.pixels, &order.indices, at, batch, how, key, self.input)?;
        Ok((x, pick_labels(&self.labels, &order.indices, at, batch)?))
    }

    /// The same as a batch to learn from, augmented as `how` says and normalized by `channels`.
    ///
    /// # Errors
    /// As [`by_order`].
    pub fn augmented(
        &self,
        order: &Order,
        at: usize,
        batch: usize,
        how: &Augmentation,
        channels: &Channels,
        key: Key,
    ) -> Result<Batch> {
        let numbers = order.numbers.get(at..at.saturating_add(batch)).unwrap_or_default();
        let chosen = Chosen { numbers, indices: &order.indices, offset: at };
        let x = by_order(&self.pixels, chosen, how, channels, key, self.input)?;
        let own = pick_labels(&self.labels, &order.indices, at, batch)?;
        let Some(mixing) = how.mixing else { return Ok(Batch { x, own, mixed: None }) };
        let drawn = mixing.draw([self.pixels.dim(1), self.pixels.dim(2)], key);
        let others = partner_labels(&self.labels, &order.indices, at, batch)?;
        Ok(Batch { x: mix(&x, &drawn)?, own, mixed: Some((others, drawn.label as f32)) })
    }
}
