//! Batches of training images, made on the device from a data set that lives there.
//!
//! Pictures are gathered, and moved by whole pixels ([`augment()`]: crop, flip) or sampled where a map leads ([`sample()`]:
//! everything that a written order has of geometry); colours follow ([`colour()`]), and mixing of the batch ([`mix()`]).
//! [`by_order`] does for images what an [`Augmentation`] says.

mod colour;
mod draw;
mod examples;
mod geometry;
mod mix;
mod problem;
mod reference;
mod sample;
mod written;

use crate::device::{Arg, Defines, Geometry, Target};
use crate::error::{Error, Result};
use crate::launch::{Args, Variant, dimension, launch};
use crate::op::Op;
use crate::op::random::Key;
use crate::tensor::{DType, Tensor};
pub use colour::{COLOUR, Coloured, colour};
use geometry::middle;
pub use geometry::{Edge, Moved, Size, Stage, stages};
pub use mix::{Mix, mix};
pub use problem::{Channels, Sizes};
pub use reference::{recoloured, sampled};
pub use sample::{SAMPLE, sample};
pub use written::{Augmentation, Colouring, Geometric, Mixing, forms};

const FILE: &str = "augment/gather.cu";

/// Its entry.
pub static OP: Op = Op {
    cases: examples::cases,
    workloads: examples::workloads,
    ladders: || {
        vec![
            SAMPLE.summary("augment_sample", examples::sample_job),
            COLOUR.summary("augment_colour", examples::colour_job),
        ]
    },
    ..Op::named("augment")
};

/// What happens to each image where only whole pixels move; torchvision's `RandomCrop(padding)`, `RandomHorizontalFlip`,
/// `ToTensor`, `Normalize`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augment {
    /// Rows and columns of the result; the pictures' own if none.
    pub size: Option<Size>,
    /// Black pixels added on each side before a random crop of that size; none for the middle, which evaluation takes.
    pub padding: Option<usize>,
    /// Whether every other image is mirrored; false for evaluation.
    pub flip: bool,
    /// Mean of each channel, of values in [0, 1].
    pub mean: [f32; 3],
    /// Standard deviation of each channel.
    pub std: [f32; 3],
}

impl Augment {
    /// The middle of pictures, normalized: torchvision's `CenterCrop`, `ToTensor`, `Normalize`.
    pub const fn evaluation(mean: [f32; 3], std: [f32; 3]) -> Self {
        Self { size: None, padding: None, flip: false, mean, std }
    }
}

/// `[B, H, W, 3]` of type `to`: images `indices[offset]`, …, `indices[offset + batch − 1]` of `images [N, R, C, 3]` (u8), augmented.
///
/// What happens to an image depends on `key` and on its own index, not on its place in the batch. Of images that were brought for
/// this batch alone, `indices` is `[2, M]`: where each lies, and its own index in the whole set. An index outside `0 … N − 1` yields
/// NaN, which the loss then shows.
///
/// # Errors
/// Other shapes or element types; fewer indices than asked for; images smaller than the result; a standard deviation that is not
/// positive.
pub fn augment(
    images: &Tensor,
    indices: &Tensor,
    offset: usize,
    batch: usize,
    how: &Augment,
    key: Key,
    to: DType,
) -> Result<Tensor> {
    let size = how.size.unwrap_or_else(|| images.shape().dims().get(1..3).map_or([0; 2], |size| [size[0], size[1]]));
    let (n, picture) = check(images, size, indices, offset, batch, to)?;
    let [height, width] = size;
    let padding = how.padding.unwrap_or(0);
    if padding > picture[0].max(picture[1]) {
        let what = format!("a padding of {padding} leaves nothing of {} x {} pixels", picture[0], picture[1]);
        return Err(Error::shape("augment", what));
    }
    let scales = Channels { mean: how.mean, std: how.std }.args(255.0)?;
    let out = Tensor::empty(images.device(), [batch, height, width, 3], to)?;
    let tensors = [out.arg(), images.arg(), indices.arg()];
    let sizes = [dimension(picture[0])?, dimension(picture[1])?, dimension(height)?, dimension(width)?];
    // The first place of the crop, and how many there are.
    let from = middle(picture, size).map(|first| how.padding.map_or(first as i32, |padding| -(padding as i32)));
    let places = |axis: usize| how.padding.map_or(1, |padding| picture[axis] + 2 * padding - size[axis] + 1);
    let crop = [Arg::I32(from[0]), Arg::I32(from[1]), dimension(places(0))?, dimension(places(1))?];
    // Their numbers stand in a row of their own, or are the indices.
    let numbers = if indices.shape().rank() == 2 { indices.dim(1) } else { 0 };
    let place = [dimension(n)?, dimension(offset)?, dimension(numbers)?];
    let args = Args::of([&tensors, &place, &sizes, &crop, &[dimension(how.flip.into())?], &scales, &key.args()]);

    let target = images.device().target();
    let threads = threads(target);
    let parts = match target {
        Target::Cuda => (height * width).div_ceil(threads * 4), // each thread takes four pixels
        Target::Host { .. } => 1,
    };
    launch(images.device(), &variant(target, to), "augment_forward", Geometry::grid(batch, parts, 1, threads), &args)?;
    Ok(out)
}

/// The images of a batch.
#[derive(Clone, Copy)]
pub struct Chosen<'a> {
    /// Their numbers, on the host.
    pub numbers: &'a [u32],
    /// The same on the device, among others.
    pub indices: &'a Tensor,
    /// Where in it.
    pub offset: usize,
}

/// `[B, H, W, 3]` of type `to`: the chosen ones of `images [N, R, C, 3]` (u8), as the geometry and the colours of `order` make
/// them, of `size` H × W, normalized. Where images are larger, the first crop of the order cuts this size out, or one before all
/// else; without any order it is the middle. What happens to an image depends on `key` and on its own number.
///
/// # Errors
/// As [`augment()`] and [`Augmentation::check`].
pub fn by_order(
    images: &Tensor,
    Chosen { numbers, indices, offset }: Chosen,
    size: Size,
    order: &Augmentation,
    channels: &Channels,
    key: Key,
    to: DType,
) -> Result<Tensor> {
    let (_, picture) = check(images, size, indices, offset, numbers.len(), to)?;
    order.check([picture, size])?;
    // Colours are changed in [0, 1], in f32, and normalized afterwards.
    let (between, element) = if order.colours.is_empty() { (*channels, to) } else { (Channels::PLAIN, DType::F32) };
    let moved = match order.whole_pixels() {
        Some((padding, flip)) => {
            let how = Augment { size: Some(size), padding, flip, mean: between.mean, std: between.std };
            augment(images, indices, offset, numbers.len(), &how, key, element)?
        }
        None => {
            let map = |&number: &u32| stages(&order.moves([picture, size], key, number), [picture, size]);
            let maps: Vec<_> = numbers.iter().map(map).collect();
            sample(images, indices, offset, size, &maps, &between, element)?
        }
    };
    if order.colours.is_empty() {
        return Ok(moved);
    }
    let list = |&number: &u32| order.colours.iter().map(|one| one.draw(size, key, number)).collect();
    let lists: Vec<_> = numbers.iter().map(list).collect();
    colour(&moved, &lists, channels, to)
}

/// The labels `[B]` that belong to the same batch, from `labels [N]` (i32). An index out of range yields −1, which is no
/// class.
///
/// # Errors
/// Other shapes or element types; fewer indices than asked for.
pub fn pick_labels(labels: &Tensor, indices: &Tensor, offset: usize, batch: usize) -> Result<Tensor> {
    labels_from(labels, indices, offset, batch, 0)
}

/// The labels `[B]` of the images that [`mix()`] mixes those of a batch with.
///
/// # Errors
/// As [`pick_labels`].
pub fn partner_labels(labels: &Tensor, indices: &Tensor, offset: usize, batch: usize) -> Result<Tensor> {
    labels_from(labels, indices, offset, batch, batch.saturating_sub(1))
}

/// Those of the batch turned by `turn` places.
fn labels_from(labels: &Tensor, indices: &Tensor, offset: usize, batch: usize, turn: usize) -> Result<Tensor> {
    let (&[n], DType::I32) = (labels.shape().dims(), labels.dtype()) else {
        let what = format!("labels are i32 [N], not {} {}", labels.dtype(), labels.shape());
        return Err(Error::shape("augment", what));
    };
    check_indices(indices, offset, batch)?;
    let out = Tensor::empty(labels.device(), [batch], DType::I32)?;
    let sizes = [dimension(n)?, dimension(offset)?, dimension(batch)?, dimension(turn)?];
    let args = Args::of([&[out.arg(), labels.arg(), indices.arg()], &sizes[..]]);
    let target = labels.device().target();
    let geometry = Geometry::linear(1, threads(target)); // a few hundred labels: one block walks them
    launch(labels.device(), &variant(target, DType::F32), "augment_forward_labels", geometry, &args)?;
    Ok(out)
}

/// Refuses what is no set of images to take a batch of `size` from. Returns how many images there are, and their size.
fn check(
    images: &Tensor,
    size: Size,
    indices: &Tensor,
    offset: usize,
    batch: usize,
    to: DType,
) -> Result<(usize, Size)> {
    let &[n, height, width, 3] = images.shape().dims() else {
        return Err(Error::shape("augment", format!("images are [N, H, W, 3], not {}", images.shape())));
    };
    if height < size[0] || width < size[1] || size.contains(&0) {
        let [rows, columns] = size;
        let what = format!("images of {height} x {width} pixels have no part of {rows} x {columns}");
        return Err(Error::shape("augment", what));
    }
    if images.dtype() != DType::U8 {
        return Err(Error::shape("augment", format!("images are u8, not {}", images.dtype())));
    }
    if !to.is_float() {
        return Err(Error::usage(format!("augment: a network's input is f32, f16 or bf16, not {to}")));
    }
    dimension(height * width * 3)?; // offsets within an image are ints
    check_indices(indices, offset, batch)?;
    Ok((n, [height, width]))
}

fn check_indices(indices: &Tensor, offset: usize, batch: usize) -> Result<()> {
    let have = indices.shape().dims().last().copied().unwrap_or(0);
    let enough = offset.checked_add(batch).is_some_and(|end| end <= have);
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
