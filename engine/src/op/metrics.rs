//! Loss and accuracy of many batches, added up on the device so that no step waits for them.

use crate::check::{Input, Values};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::launch::{Args, dimension, rows};
use crate::op::Op;
use crate::op::topk::FILE;
use crate::op::workload::{self, Workload};
use crate::tensor::{DType, Tensor};

/// Its entry.
pub static OP: Op = Op { workloads, ..Op::named("metrics") };

/// Running totals on a device.
pub struct Totals {
    /// One [`Raw`] as bytes.
    raw: Tensor,
}

/// Averages over everything added since the last reset. With nothing added they are NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// Mean loss per row.
    pub loss: f64,
    /// Fraction of rows whose label has the largest logit.
    pub top1: f64,
    /// Fraction of rows whose label is among the five largest; all rows, if there are fewer than five classes.
    pub top5: f64,
    /// Number of rows.
    pub count: u64,
    /// The first step whose loss was not finite.
    pub first_bad_step: Option<u32>,
}

/// `Totals` of the kernel.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Raw {
    loss: f64,
    rows: u64,
    first: u64,
    in_five: u64,
    bad_step: u64,
}

impl Totals {
    /// Totals of nothing.
    pub fn new(device: &Device) -> Result<Self> {
        Ok(Self { raw: Tensor::zeros(device, [size_of::<Raw>()], DType::U8)? })
    }

    /// Totals that go on from [`Totals::sums`] as if they had never stopped.
    pub fn from_sums(device: &Device, [loss, first, in_five, rows]: [f64; 4]) -> Result<Self> {
        let raw = Raw { loss, rows: rows as u64, first: first as u64, in_five: in_five as u64, bad_step: 0 };
        Ok(Self { raw: Tensor::from_slice(device, [size_of::<Raw>()], bytemuck::bytes_of(&raw))? })
    }

    /// What the averages are made from: the sum of loss × rows, hits among the first and the first five, rows. Exact, so
    /// that an epoch may be cut in two. Waits for the device.
    pub fn sums(&self) -> Result<[f64; 4]> {
        let raw = self.raw()?;
        Ok([raw.loss, raw.first as f64, raw.in_five as f64, raw.rows as f64])
    }

    /// Adds a batch: its mean `loss [1]`, its `logits [N, K]` and `labels [N]`. `step` is what
    /// [`Metrics::first_bad_step`] will name if the loss is not finite. A label outside `0 … K − 1` counts as a miss.
    ///
    /// # Errors
    /// Other shapes or element types.
    pub fn add(&self, loss: &Tensor, logits: &Tensor, labels: &Tensor, step: u32) -> Result<()> {
        let (n, k) = rows::logits("metrics", logits)?;
        rows::labels("metrics", labels, n)?;
        if loss.elements() != 1 || loss.dtype() != DType::F32 {
            return Err(Error::shape("metrics", format!("the loss is {} {}, not f32 [1]", loss.dtype(), loss.shape())));
        }
        let tensors = [self.raw.arg(), loss.arg(), logits.arg(), labels.arg()];
        let args = Args::of([&tensors[..], &[dimension(n)?, dimension(k)?, step.into()]]);
        rows::launch(logits, FILE, "totals_forward", n, &args)
    }

    /// The averages so far; waits for the device.
    pub fn read(&self) -> Result<Metrics> {
        let raw = self.raw()?;
        let per_row = |total: f64| total / raw.rows as f64;
        Ok(Metrics {
            loss: per_row(raw.loss),
            top1: per_row(raw.first as f64),
            top5: per_row(raw.in_five as f64),
            count: raw.rows,
            first_bad_step: raw.bad_step.checked_sub(1).map(|step| step as u32),
        })
    }

    fn raw(&self) -> Result<Raw> {
        Ok(bytemuck::pod_read_unaligned(&self.raw.to_vec::<u8>()?))
    }

    /// Starts again from nothing, after everything that is queued.
    pub fn reset(&self) -> Result<()> {
        self.raw.clear()
    }
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [n, k]: [usize; 2], element: DType| {
        let labels = Input::new([n], Values::Labels(k));
        let inputs = [Input::new([1], Values::Uniform).single(), Input::new([n, k], Values::Uniform), labels];
        let [loss, logits, labels] = workload::tensors(device, &inputs, element)?;
        Totals::new(device)?.add(&loss, &logits, &labels, 1)
    };
    vec![Workload::new("metrics", ["n", "k"], [33, 50], run)]
}
