//! What tests and tools know of an op: one entry each, under the op's name.

use crate::check::Case;
use crate::device::dry::Dry;
use crate::device::{Device, Source, Target};
use crate::error::Result;
use crate::launch::ladder::Summary;
use crate::op::workload::{self, Workload};
use crate::tensor::DType;

/// An op's entry: `pub static OP` of its file, see [`ALL`](super::ALL).
pub struct Op {
    /// Its module's name, as tools show it.
    pub name: &'static str,
    /// Examples with their reference in f64: what it computes is held against them on every device, by every rung. None of an
    /// op that has no such reference, which has tests of its own.
    pub cases: fn() -> Vec<Case>,
    /// The types of its tensors of activations.
    pub elements: &'static [DType],
    /// Its kernels at work at any size.
    pub workloads: fn() -> Vec<Workload>,
    /// Its ladders, with what sets up their problems.
    pub ladders: fn() -> Vec<Summary>,
    /// Sizes beside those of cases and workloads, so that all tiles and widths of access come up that a GPU takes; see
    /// [`sources`].
    pub sizes: &'static [Sizes],
}

/// Sizes of a workload: its name, and for each of its dimensions those that it is to have, in every combination.
pub type Sizes = (&'static str, &'static [&'static [usize]]);

impl Op {
    /// An entry with nothing in it.
    pub const fn named(name: &'static str) -> Self {
        let elements = &DType::FLOATS;
        Self { name, elements, cases: Vec::new, workloads: Vec::new, ladders: Vec::new, sizes: &[] }
    }

    /// Launches its cases and its workloads on `device` in type `element`, by default and by every rung of its ladders.
    fn launch(&self, device: &Device, element: DType) -> Result<()> {
        let (cases, ladders) = ((self.cases)(), (self.ladders)());
        let cases: Vec<_> = cases.iter().map(|case| workload::of_case(case, element)).collect();
        let rungs = ladders.iter().flat_map(Summary::numbers).max().unwrap_or(0);
        for rung in std::iter::once(None).chain((1..=rungs).map(Some)) {
            ladders.iter().for_each(|ladder| device.choices().force(ladder.name, rung));
            cases.iter().try_for_each(|run| run(device))?;
            for workload in (self.workloads)() {
                workload.run(device, &[], element)?;
                let more = self.sizes.iter().filter(|(name, _)| *name == workload.name);
                more.flat_map(|(_, sizes)| combinations(sizes))
                    .try_for_each(|sizes| workload.run(device, &sizes, element))?;
            }
        }
        ladders.iter().for_each(|ladder| device.choices().force(ladder.name, None));
        Ok(())
    }
}

/// Every choice of one of each.
fn combinations(sizes: &[&[usize]]) -> Vec<Vec<usize>> {
    let longer = |all: Vec<Vec<usize>>, next: &&[usize]| {
        all.iter().flat_map(|one| next.iter().map(|&size| [&one[..], &[size]].concat())).collect()
    };
    sizes.iter().fold(vec![Vec::new()], longer)
}

/// Every kernel of `ops` as a GPU compiles it, each file once for each set of defines: what they launch on a dry device.
///
/// # Errors
/// Those of the ops; a kernel tree (`WARPTAPE_KERNELS`) without one of the files.
pub fn sources(ops: &[&Op]) -> Result<Vec<Source>> {
    let dry = Dry::new(Target::Cuda);
    let launched = dry.launched();
    let device = Device::new(Box::new(dry));
    ops.iter().try_for_each(|op| op.elements.iter().try_for_each(|&element| op.launch(&device, element)))?;
    Ok(launched.sources())
}
