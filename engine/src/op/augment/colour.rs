//! Colour transforms of a batch, one after the other.

use super::problem::{Channels, Sizes};
use super::threads;
use crate::device::{Arg, Defines, Geometry, Target};
use crate::error::{Error, Result};
use crate::launch::ladder::{Ladder, Rung};
use crate::launch::{Args, Variant, dimension, launch};
use crate::tensor::{DType, Tensor};

/// What was drawn for one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coloured {
    /// Whether it becomes grey.
    Grey(bool),
    /// Every value times this.
    Brightness(f64),
    /// What lies beyond the mean of the image's grey times this.
    Contrast(f64),
    /// What lies beyond each pixel's grey times this.
    Saturation(f64),
    /// The hue turned by this share of a turn.
    Hue(f64),
    /// A black rectangle.
    Cutout {
        /// From the first row to that behind the last.
        rows: [usize; 2],
        /// From the first column to that behind the last.
        columns: [usize; 2],
    },
}

const CONTRAST: u32 = 2;

impl Coloured {
    /// The kernels' number of the transform (`prelude/colour.cuh`).
    fn kind(&self) -> u32 {
        match self {
            Self::Grey(_) => 0,
            Self::Brightness(_) => 1,
            Self::Contrast(_) => CONTRAST,
            Self::Saturation(_) => 3,
            Self::Hue(_) => 4,
            Self::Cutout { .. } => 5,
        }
    }

    /// The kernels' four floats.
    fn factors(&self) -> [f32; 4] {
        match *self {
            Self::Grey(whether) => [whether.into(), 0.0, 0.0, 0.0],
            Self::Brightness(f) | Self::Contrast(f) | Self::Saturation(f) | Self::Hue(f) => [f as f32, 0.0, 0.0, 0.0],
            Self::Cutout { rows, columns } => {
                let [left, right, top, bottom] = [columns[0], columns[1], rows[0], rows[1]].map(|end| end as f32);
                [left, right, top, bottom]
            }
        }
    }
}

/// A batch on its way through its transforms.
pub struct Job<'a> {
    x: &'a Tensor,
    out: &'a Tensor,
    table: &'a Tensor,
    kinds: &'a [u32],
    scales: [Arg; 6],
}

type Run = fn(&'static str, &Sizes, &Job) -> Result<()>;

const ENTRY: &str = "augment_forward_colour";

/// The kernels of colours.
pub static COLOUR: Ladder<Sizes, Run> = Ladder {
    name: ENTRY,
    rungs: &[
        Rung::new("augment/colour/1_by_transform.cu", by_transform),
        Rung::new("augment/colour/2_fused.cu", fused),
    ],
    default: |_, _| 2,
};

fn by_transform(file: &'static str, sizes: &Sizes, job: &Job) -> Result<()> {
    let device = job.x.device();
    let threads = threads(device.target());
    let launch = |element, entry, blocks, args: &[Arg]| {
        let variant = Variant::new(file, Defines::new().with("THREADS", threads), element);
        launch(device, &variant, entry, Geometry::linear(blocks, threads), args)
    };
    let (b, pixels) = (sizes.b, sizes.h * sizes.w);
    let blocks = (b * pixels).div_ceil(threads);
    let [batch, area, width, count] = [b, pixels, sizes.w, sizes.k].map(dimension);
    let [batch, area, width, count] = [batch?, area?, width?, count?];
    let mut from = job.x.clone();
    for (at, &kind) in job.kinds.iter().enumerate() {
        let means = Tensor::empty(device, [b], DType::F32)?;
        if kind == CONTRAST {
            launch(DType::F32, "augment_forward_mean", b, &[means.arg(), from.arg(), area])?;
        }
        let to = Tensor::empty(device, job.x.shape(), DType::F32)?;
        let tensors = [to.arg(), from.arg(), job.table.arg(), means.arg(), batch, area, width, count];
        let args = Args::of([&tensors, &[dimension(at)?, Arg::I32(kind as i32)]]);
        launch(DType::F32, "augment_forward_recolour", blocks, &args)?;
        from = to;
    }
    let args = Args::of([&[job.out.arg(), from.arg(), batch, area], &job.scales[..]]);
    launch(job.out.dtype(), "augment_forward_normalize", blocks, &args)
}

fn fused(file: &'static str, sizes: &Sizes, job: &Job) -> Result<()> {
    let target = job.x.device().target();
    let contrast = job.kinds.iter().position(|&kind| kind == CONTRAST).unwrap_or(job.kinds.len());
    let whole = contrast < job.kinds.len();
    let (threads, parts) = match target {
        // A block that has an image to itself had better be large.
        Target::Cuda if whole => (1024, 1),
        Target::Cuda => (256, (sizes.h * sizes.w).div_ceil(256 * 4)),
        Target::Host { .. } => (1, 1),
    };
    let kinds = job.kinds.iter().rev().fold(0, |all, kind| all << 4 | kind);
    let tensors = [job.out.arg(), job.x.arg(), job.table.arg()];
    let numbers = [dimension(sizes.h * sizes.w)?, dimension(sizes.w)?, dimension(sizes.k)?, Arg::I32(kinds as i32)];
    let args = Args::of([&tensors, &numbers, &[dimension(contrast)?], &job.scales]);
    let variant = Variant::new(file, Defines::new().with("THREADS", threads), job.out.dtype());
    launch(job.x.device(), &variant, ENTRY, Geometry::grid(sizes.b, parts, 1, threads), &args)
}

/// `x [B, H, W, 3]` (f32, in [0, 1]) with the colours of each image through its own of the `B` lists, then normalized and of type
/// `to`. All is computed in f32 as torchvision does for images of floats; nothing is rounded to bytes.
///
/// # Errors
/// Other shapes or element types; lists of other transforms than the first, of none, of more than eight, or with two of contrast;
/// a standard deviation that is not positive.
pub fn colour(x: &Tensor, lists: &[Vec<Coloured>], channels: &Channels, to: DType) -> Result<Tensor> {
    let fail = |what: String| Err(Error::shape("augment", what));
    let (&[b, h, w, 3], DType::F32) = (x.shape().dims(), x.dtype()) else {
        return fail(format!("colours are f32 [B, H, W, 3], not {} {}", x.dtype(), x.shape()));
    };
    let kinds = |list: &[Coloured]| list.iter().map(Coloured::kind).collect::<Vec<_>>();
    if b == 0 || lists.len() != b || !to.is_float() {
        return fail(format!("{b} images take as many lists and become floats, not {} and {to}", lists.len()));
    }
    let first = kinds(&lists[0]);
    let contrasts = first.iter().filter(|&&kind| kind == CONTRAST).count();
    if !(1..=8).contains(&first.len()) || contrasts > 1 || lists.iter().any(|list| kinds(list) != first) {
        return fail(format!("all {b} images need the same 1 to 8 colour transforms, contrast once"));
    }
    dimension(h * w * 3)?; // offsets within an image are ints
    let out = Tensor::empty(x.device(), x.shape(), to)?;
    let table: Vec<f32> = lists.iter().flatten().flat_map(Coloured::factors).collect();
    let table = Tensor::from_slice(x.device(), [b, first.len(), 4], &table)?;
    let sizes = Sizes { b, h, w, k: first.len() };
    let job = Job { x, out: &out, table: &table, kinds: &first, scales: channels.args(1.0)? };
    let rung = COLOUR.pick(x.device(), &sizes, to);
    (rung.run)(rung.file, &sizes, &job)?;
    Ok(out)
}
