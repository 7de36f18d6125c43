//! Batches of training images, made on the device from a data set that lives there: gather, random crop of the
//! zero-padded image, random horizontal flip, scaling to [0, 1], normalization.

use crate::check::{Input, Values};
use crate::device::{Arg, Defines, Device, Geometry, Target};
use crate::error::{Error, Result};
use crate::launch::{Args, Variant, dimension, launch};
use crate::op::Op;
use crate::op::random::Key;
use crate::op::workload::{self, Workload};
use crate::tensor::{DType, Tensor};

const FILE: &str = "augment/gather.cu";

/// Its entry.
pub static OP: Op = Op { workloads, ..Op::named("augment") };

/// What happens to each image; torchvision's `RandomCrop(padding)`, `RandomHorizontalFlip`, `ToTensor`, `Normalize`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Augment {
    /// Black pixels added on each side before a crop of the original size; 0 for evaluation.
    pub padding: usize,
    /// Whether every other image is mirrored; false for evaluation.
    pub flip: bool,
    /// Mean of each channel, of values in [0, 1].
    pub mean: [f32; 3],
    /// Standard deviation of each channel.
    pub std: [f32; 3],
}

/// `[B, H, W, 3]` of type `to`: images `indices[offset]`, …, `indices[offset + batch − 1]` of `images [N, H, W, 3]` (u8), augmented.
///
/// What happens to an image depends on `key` and on its own index, not on its place in the batch. An index outside
/// `0 … N − 1` yields NaN, which the loss then shows.
///
/// # Errors
/// Other shapes or element types; fewer indices than asked for; a standard deviation that is not positive.
pub fn augment(
    images: &Tensor,
    indices: &Tensor,
    offset: usize,
    batch: usize,
    how: &Augment,
    key: Key,
    to: DType,
) -> Result<Tensor> {
    let &[n, height, width, 3] = images.shape().dims() else {
        return Err(Error::shape("augment", format!("images are [N, H, W, 3], not {}", images.shape())));
    };
    if images.dtype() != DType::U8 {
        return Err(Error::shape("augment", format!("images are u8, not {}", images.dtype())));
    }
    check(indices, offset, batch)?;
    if !how.std.iter().all(|&std| std > 0.0) {
        return Err(Error::usage(format!("normalization: standard deviations must be positive, not {:?}", how.std)));
    }
    if how.padding > height.max(width) {
        let what = format!("a padding of {} leaves nothing of {height} x {width} pixels", how.padding);
        return Err(Error::shape("augment", what));
    }
    dimension(height * width * 3)?; // offsets within an image are ints
    if !to.is_float() {
        return Err(Error::usage(format!("augment: a network's input is f32, f16 or bf16, not {to}")));
    }
    let out = Tensor::empty(images.device(), [batch, height, width, 3], to)?;
    let tensors = [out.arg(), images.arg(), indices.arg()];
    let image = [dimension(height)?, dimension(width)?];
    let changes = [dimension(how.padding)?, dimension(how.flip.into())?];
    let channels: [_; 3] = std::array::from_fn(|c| (f64::from(how.mean[c]), f64::from(how.std[c])));
    let scales = channels.map(|(_, std)| Arg::F32((1.0 / (255.0 * std)) as f32));
    let shifts = channels.map(|(mean, std)| Arg::F32((-mean / std) as f32));
    let place = [dimension(n)?, dimension(offset)?];
    let args = Args::of([&tensors, &place, &image, &changes, &scales, &shifts, &key.args()]);

    let target = images.device().target();
    let threads = threads(target);
    let parts = match target {
        Target::Cuda => (height * width).div_ceil(threads * 4), // each thread takes four pixels
        Target::Host { .. } => 1,
    };
    launch(images.device(), &variant(target, to), "augment_forward", Geometry::grid(batch, parts, 1, threads), &args)?;
    Ok(out)
}

/// The labels `[B]` that belong to the same batch, from `labels [N]` (i32). An index out of range yields −1, which is no
/// class.
///
/// # Errors
/// Other shapes or element types; fewer indices than asked for.
pub fn pick_labels(labels: &Tensor, indices: &Tensor, offset: usize, batch: usize) -> Result<Tensor> {
    let (&[n], DType::I32) = (labels.shape().dims(), labels.dtype()) else {
        let what = format!("labels are i32 [N], not {} {}", labels.dtype(), labels.shape());
        return Err(Error::shape("augment", what));
    };
    check(indices, offset, batch)?;
    let out = Tensor::empty(labels.device(), [batch], DType::I32)?;
    let sizes = [dimension(n)?, dimension(offset)?, dimension(batch)?];
    let args = Args::of([&[out.arg(), labels.arg(), indices.arg()], &sizes[..]]);
    let target = labels.device().target();
    let geometry = Geometry::linear(1, threads(target)); // a few hundred labels: one block walks them
    launch(labels.device(), &variant(target, DType::F32), "augment_forward_labels", geometry, &args)?;
    Ok(out)
}

fn check(indices: &Tensor, offset: usize, batch: usize) -> Result<()> {
    let enough = offset.checked_add(batch).is_some_and(|end| end <= indices.elements());
    if batch == 0 || indices.dtype() != DType::I32 || !enough {
        let have = format!("{} {}", indices.dtype(), indices.shape());
        return Err(Error::shape("augment", format!("{batch} i32 indices from {offset} are wanted of {have}")));
    }
    Ok(())
}

fn threads(target: Target) -> usize {
    if target == Target::Cuda { 256 } else { 1 }
}

fn variant(target: Target, to: DType) -> Variant {
    Variant::new(FILE, Defines::new().with("THREADS", threads(target)), to)
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [batch, h, w]: [usize; 3], element: DType| {
        let n = batch.saturating_mul(2);
        let images = Input::new([n, h, w, 3], Values::Labels(256));
        workload::fits(&images.shape)?;
        let pixels: Vec<u8> = images.draw(1, DType::F32).into_iter().map(|value| value as u8).collect();
        let images = Tensor::from_slice(device, &images.shape, &pixels)?;
        let inputs = [Input::new([n], Values::Labels(10)), Input::new([batch], Values::Labels(n))];
        let [labels, picked] = workload::tensors(device, &inputs, element)?;
        let how = Augment { padding: 2.min(h), flip: true, mean: [0.5; 3], std: [0.25; 3] };
        augment(&images, &picked, 0, batch, &how, Key { seed: 1, step: 2, stream: 3 }, element)?;
        pick_labels(&labels, &picked, 0, batch).map(drop)
    };
    vec![Workload::new("augment", ["batch", "h", "w"], [9, 13, 15], run)]
}
