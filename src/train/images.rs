//! Images that live on the device: uploaded once as bytes, cropped, flipped and normalized there batch by batch.

use crate::data::Images;
use crate::device::{Device, Target};
use crate::error::Result;
use crate::op::augment::{Augment, augment, pick_labels};
use crate::op::random::Key;
use crate::tensor::{DType, Tensor};

/// A set of images on a device, with their labels. A network gets them as f32, or as [`Resident::giving`] says.
pub struct Resident {
    pixels: Tensor,
    labels: Tensor,
    /// The type of a network's input.
    input: DType,
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
    pub fn order(&self, indices: &[u32]) -> Result<Tensor> {
        let indices: Vec<i32> = indices.iter().map(|&i| i as i32).collect();
        Tensor::from_slice(self.pixels.device(), [indices.len()], &indices)
    }

    /// `batch` images from position `at` of `order`, as a network's input `[B, H, W, 3]`, and their labels `[B]`.
    pub fn batch(&self, order: &Tensor, at: usize, batch: usize, how: &Augment, key: Key) -> Result<(Tensor, Tensor)> {
        let x = augment(&self.pixels, order, at, batch, how, key, self.input)?;
        Ok((x, pick_labels(&self.labels, order, at, batch)?))
    }
}
