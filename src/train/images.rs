//! Images that live on the device: uploaded once as bytes, cropped, flipped and normalized there batch by batch.

use crate::data::Images;
use crate::device::Device;
use crate::error::Result;
use crate::op::augment::{Augment, augment};
use crate::op::random::Key;
use crate::tensor::Tensor;

/// A set of images on a device, with their labels at hand.
pub struct Resident {
    pixels: Tensor,
    labels: Vec<i32>,
}

impl Resident {
    /// Uploads `images`.
    pub fn new(device: &Device, images: &Images) -> Result<Self> {
        let shape = [images.len(), images.height, images.width, 3];
        Ok(Self { pixels: Tensor::from_slice(device, shape, &images.pixels)?, labels: images.labels.clone() })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The images `indices` as a network's input `[B, H, W, 3]`, and their labels `[B]`.
    pub fn batch(&self, indices: &[u32], how: &Augment, key: Key) -> Result<(Tensor, Tensor)> {
        let device = self.pixels.device();
        let wanted: Vec<i32> = indices.iter().map(|&i| i as i32).collect();
        let labels: Vec<i32> = indices.iter().map(|&i| self.labels[i as usize]).collect();
        let indices = Tensor::from_slice(device, [wanted.len()], &wanted)?;
        let x = augment(&self.pixels, &indices, 0, wanted.len(), how, key)?;
        Ok((x, Tensor::from_slice(device, [labels.len()], &labels)?))
    }
}
