//! What becomes of a picture before a network sees it: `preprocessing.json`, for other programs and for ours.

use image::RgbImage;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::onnx;
use crate::data::picture::RIBBON;
use crate::data::{Fit, Images, Size};
use crate::device::Device;
use crate::error::Result;
use crate::op::augment::Augment;
use crate::op::random::Key;
use crate::tensor::Tensor;
use crate::train::checkpoint::Meta;
use crate::train::images::Resident;

/// The layout of the file that this version writes.
pub const FORMAT: u32 = 1;

/// From a picture of any size to a network's input.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Preprocessing {
    format: u32,
    /// The network, as `models::build` takes it.
    pub network: String,
    /// What a picture is brought to.
    pub resize: Resize,
    /// The middle that the network sees of that.
    pub crop: Crop,
    /// Subtracted from each channel, which goes from 0 to 1.
    pub mean: [f32; 3],
    /// What each channel is then divided by.
    pub std: [f32; 3],
}

/// How a picture is brought to a size.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Resize {
    /// What becomes of one whose sides have another ratio.
    pub kind: Fit,
    /// Rows in pixels.
    pub height: usize,
    /// Columns in pixels.
    pub width: usize,
}

/// The size of a part.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Crop {
    /// Rows in pixels.
    pub height: usize,
    /// Columns in pixels.
    pub width: usize,
}

impl Preprocessing {
    /// What evaluation does with the pictures of the run that `meta` is of.
    pub fn of(meta: &Meta) -> Self {
        let images = meta.images();
        let [height, width] = images.input();
        let kind = meta.config.resize.unwrap_or_default();
        Self {
            format: FORMAT,
            network: meta.spec(),
            resize: Resize { kind, height: images.height, width: images.width },
            crop: Crop { height, width },
            mean: meta.mean,
            std: meta.std,
        }
    }

    /// Whether this version reads such a file: what is wrong with it if not.
    pub(super) fn check(&self) -> Result<(), String> {
        let sides = [self.resize.height, self.resize.width, self.crop.height, self.crop.width];
        let fits = self.crop.height <= self.resize.height && self.crop.width <= self.resize.width;
        match self.format {
            FORMAT if !fits || sides.iter().any(|side| !(1..=4096).contains(side)) => {
                Err(format!("sizes {sides:?}: expected 1 to 4096 pixels, of which no more are seen than there are"))
            }
            FORMAT if !self.std.iter().all(|std| *std > 0.0) => Err(format!("deviations {:?} of channels", self.std)),
            FORMAT => Ok(()),
            other => Err(format!("format {other}, this version reads {FORMAT}")),
        }
    }

    /// The contents of the file: also what a program must know that has none of our code.
    pub(super) fn json(&self) -> serde_json::Value {
        let Self { format, network, resize: Resize { kind, height, width }, crop, mean, std } = self;
        json!({
            "format": format,
            "network": network,
            "decode": {
                "channels": "RGB",
                "bits": 8,
                "grey": "three equal channels",
                "transparency": "over white",
                "orientation": "as EXIF says",
                "frame": "first",
            },
            "resize": {
                "kind": kind,
                "height": height,
                "width": width,
                "filter": "lanczos",
                "antialias": true,
                "ribbon": RIBBON,
            },
            "crop": { "kind": "center", "height": crop.height, "width": crop.width },
            "range": [0, 1],
            "mean": mean,
            "std": std,
            "input": { "name": onnx::INPUT, "type": "float32", "layout": "NCHW" },
            "output": { "name": onnx::OUTPUT, "probabilities": "softmax" },
        })
    }

    /// The network's input `[N, H, W, 3]` in f32 for `pictures` of any sizes, on `device`.
    ///
    /// # Errors
    /// What the device says; a picture that is too large to be brought to another size.
    pub fn input(&self, pictures: &[RgbImage], device: &Device) -> Result<Tensor> {
        let Self { resize, crop, .. } = self;
        let [whole, seen] =
            [(resize.height, resize.width), (crop.height, crop.width)].map(|(height, width)| Size { height, width });
        let mut images = Images::of(whole, seen);
        pictures.iter().try_for_each(|picture| images.push(picture, resize.kind, 0))?;
        let (resident, how) = (Resident::new(device, &images)?, Augment::evaluation(self.mean, self.std));
        let key = Key { seed: 0, step: 0, stream: 0 };
        Ok(resident.batch(&resident.order(&resident.all())?, 0, pictures.len(), &how, key)?.0)
    }
}
