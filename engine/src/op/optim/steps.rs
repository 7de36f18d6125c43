//! How a step of many tensors is launched: tensor by tensor, or all at once.

use std::fmt;
use std::str::FromStr;

use crate::device::{Arg, Geometry};
use crate::error::{Error, Result};
use crate::launch::ladder::{self, Rung};
use crate::launch::{Args, Variant, dimension, elementwise, launch};
use crate::tensor::{DType, Tensor};

/// What one step moves. As text, `t62 n11173962 s2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Parameters.
    pub tensors: usize,
    /// Elements of all of them.
    pub elements: usize,
    /// Tensors kept for each parameter.
    pub slots: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{} n{} s{}", self.tensors, self.elements, self.slots)
    }
}

impl FromStr for Problem {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = || {
            let mut words = text.split(' ');
            let mut number = |name: char| words.next()?.strip_prefix(name)?.parse::<usize>().ok();
            let found = Self { tensors: number('t')?, elements: number('n')?, slots: number('s')? };
            (found.tensors > 0 && found.elements >= found.tensors && found.slots <= SLOTS).then_some(found)
        };
        parts().ok_or_else(|| Error::usage(format!("optimizer step '{text}': write t62 n11173962 s2")))
    }
}

/// The most tensors that are kept for a parameter.
pub(crate) const SLOTS: usize = 3;

/// A parameter in one step.
pub(crate) struct Update {
    /// The parameter itself.
    pub w: Tensor,
    /// What is kept for it, as the kernels have it: v; m, v and its largest.
    pub kept: [Option<Tensor>; SLOTS],
    /// Its gradient.
    pub g: Tensor,
}

/// One step: kernel, numbers, and the parameters.
pub(super) struct Step<'a> {
    pub entry: &'static str,
    /// Tensors that the kernel can keep for a parameter; those that it does not need are null.
    pub places: usize,
    pub scalars: &'a [Arg],
    pub updates: &'a [Update],
}

impl Step<'_> {
    /// Takes the step with the rung that is chosen from `ladder`.
    pub fn take(&self, ladder: &Ladder, table: &mut Table) -> Result<()> {
        let Some(first) = self.updates.first() else { return Ok(()) };
        let elements = self.updates.iter().map(|update| update.w.elements()).sum();
        let problem = Problem { tensors: self.updates.len(), elements, slots: first.kept.iter().flatten().count() };
        let rung = ladder.pick(first.w.device(), &problem, DType::F32);
        (rung.run)(rung.file, self, table)
    }
}

/// Launches a step's kernels.
pub(super) type Run = fn(&'static str, &Step, &mut Table) -> Result<()>;
/// The kernels of one optimizer.
pub(super) type Ladder = ladder::Ladder<Problem, Run>;

/// The ladder of `name`, a kernel that is in both files.
pub(super) const fn ladder(name: &'static str, rungs: &'static [Rung<Problem, Run>]) -> Ladder {
    // On the host, too: fewer launches, and cores share all of the work instead of that of one tensor.
    Ladder { name, rungs, default: |_, _| 2 }
}

/// A launch for each tensor.
pub(super) const fn one_by_one(file: &'static str) -> Rung<Problem, Run> {
    Rung::new(file, |file, step, _| {
        step.updates.iter().try_for_each(|Update { w, kept, g }| {
            let kept = kept.each_ref().map(|kept| kept.as_ref().map_or(Arg::Ptr(0), Tensor::arg));
            let inputs = Args::of([&kept[..step.places], &[g.arg()]]);
            elementwise::launch(file, step.entry, w.elements(), w, &inputs, step.scalars)
        })
    })
}

/// One launch, of which each block looks up its part in a table.
pub(super) const fn all_at_once(file: &'static str) -> Rung<Problem, Run> {
    Rung::new(file, |file, step, table| over_parts(file, step.entry, step.updates, table, [&[], step.scalars]))
}

/// Launches `entry` with a block for each part of `updates` and the arguments `before…`, the parts, `after…`.
pub(super) fn over_parts(
    file: &'static str,
    entry: &str,
    updates: &[Update],
    table: &mut Table,
    [before, after]: [&[Arg]; 2],
) -> Result<()> {
    let Some(first) = updates.first() else { return Ok(()) };
    let device = first.w.device();
    let target = device.target();
    let (table, blocks) = table.find(updates, elementwise::block(target))?;
    let args = Args::of([before, &[table.map_or(Arg::Ptr(0), Tensor::arg)], after]);
    let geometry = Geometry::linear(blocks, elementwise::threads(target));
    launch(device, &Variant { file, defines: elementwise::defines(target) }, entry, geometry, &args)
}

/// Where each block's part of a step lies (`Part` in `kernels/prelude/optim.cuh`), in device memory, for the addresses that
/// came up lately. Parameters stay where they are; gradients come and go, and mostly lie in one of two ways, in turn.
pub(crate) struct Table {
    /// The one that was used last stands first. Empty without parameters. All are as large as they can become from the start,
    /// so that memory in use does not depend on steps.
    layouts: Vec<Layout>,
}

struct Layout {
    /// What is in the table: addresses and elements of each update.
    of: Vec<[u64; WORDS]>,
    on_device: Tensor,
}

/// What the table has for a part: the parameter, what is kept for it, its gradient, and two numbers in one.
const WORDS: usize = SLOTS + 3;

/// Layouts that are kept.
const LAYOUTS: usize = 2;

impl Table {
    /// An empty table for `parameters`.
    pub fn new<'a>(parameters: impl IntoIterator<Item = &'a Tensor>) -> Result<Self> {
        let parameters: Vec<&Tensor> = parameters.into_iter().collect();
        let blocks = blocks(parameters.iter().copied());
        let first = parameters.first().copied().filter(|_| blocks > 0);
        let layout = |w: &Tensor| {
            Ok(Layout { of: Vec::new(), on_device: Tensor::empty(w.device(), [blocks, 2 * WORDS], DType::I32)? })
        };
        let layouts = first.into_iter().flat_map(|w| [w; LAYOUTS]).map(layout).collect::<Result<_>>()?;
        Ok(Self { layouts })
    }

    /// The table for blocks of `chunk` elements, written if none that is kept has these addresses; and the number of blocks.
    fn find(&mut self, updates: &[Update], chunk: usize) -> Result<(Option<&Tensor>, usize)> {
        let of = updates.iter().map(|Update { w, kept, g }| {
            let kept = kept.each_ref().map(|kept| kept.as_ref().map_or(0, Tensor::address));
            [w.address(), kept[0], kept[1], kept[2], g.address(), w.elements() as u64]
        });
        match self.layouts.iter().position(|layout| of.clone().eq(layout.of.iter().copied())) {
            Some(place) => self.layouts[..=place].rotate_right(1),
            None => {
                self.layouts.rotate_right(1);
                if let Some(oldest) = self.layouts.first_mut() {
                    oldest.write(of, chunk)?;
                }
            }
        }
        let blocks = updates.iter().map(|update| update.w.elements().div_ceil(chunk)).sum();
        Ok((self.layouts.first().map(|layout| &layout.on_device), blocks))
    }
}

/// Blocks that take a part each of `tensors`.
pub(super) fn blocks<'a>(tensors: impl Iterator<Item = &'a Tensor>) -> usize {
    tensors.map(|w| w.elements().div_ceil(elementwise::block(w.device().target()))).sum()
}

impl Layout {
    /// Writes the table of `updates` for blocks of `chunk` elements.
    fn write(&mut self, updates: impl Iterator<Item = [u64; WORDS]>, chunk: usize) -> Result<()> {
        self.of.clear();
        let (mut parts, mut of): (Vec<[u64; WORDS]>, _) = (Vec::new(), std::mem::take(&mut self.of));
        for update in updates {
            let [.., n] = update;
            dimension(n as usize)?;
            let part = |at: usize| {
                let mut part = update;
                part[WORDS - 1] |= (at as u64) << 32;
                part
            };
            parts.extend((0..n as usize).step_by(chunk).map(part));
            of.push(update);
        }
        let mut words = bytemuck::cast_slice::<_, i32>(&parts).to_vec();
        words.resize(self.on_device.elements(), 0);
        self.on_device.write(&words)?;
        // Last: what was not written is not there.
        self.of = of;
        Ok(())
    }
}
