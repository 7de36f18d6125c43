//! How a step of many tensors is launched: tensor by tensor, or all at once.

use std::fmt;
use std::str::FromStr;

use crate::device::{Arg, Defines, Geometry};
use crate::error::{Error, Result};
use crate::op::ladder::{self, Rung};
use crate::op::{Variant, dimension, elementwise, launch};
use crate::tensor::{DType, Tensor};

/// What one step moves. As text, `t62 n11173962 s2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
            (found.tensors > 0 && found.elements >= found.tensors && found.slots <= 2).then_some(found)
        };
        parts().ok_or_else(|| Error::usage(format!("optimizer step '{text}': write t62 n11173962 s2")))
    }
}

/// A parameter in one step.
pub(super) struct Update {
    pub w: Tensor,
    /// What is kept for it, as the kernels have it: v; m and v.
    pub kept: Vec<Tensor>,
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
        let problem = Problem { tensors: self.updates.len(), elements, slots: first.kept.len() };
        let rung = ladder.pick(first.w.device(), &problem)?;
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
            let kept = (0..step.places).map(|i| kept.get(i).map_or(Arg::Ptr(0), Tensor::arg));
            let inputs: Vec<Arg> = kept.chain([g.arg()]).collect();
            elementwise::launch(file, step.entry, w.elements(), w, &inputs, step.scalars)
        })
    })
}

/// One launch, of which each block looks up its part in a table.
pub(super) const fn all_at_once(file: &'static str) -> Rung<Problem, Run> {
    Rung::new(file, |file, step, table| {
        let device = step.updates[0].w.device();
        let defines = elementwise::defines(device.target());
        let blocks = table.fill(step.updates, chunk(&defines))?;
        let args = [&[table.on_device.as_ref().map_or(Arg::Ptr(0), Tensor::arg)], step.scalars].concat();
        let geometry = Geometry::linear(blocks, defines.get("THREADS"));
        launch(device, &Variant { file, defines }, step.entry, geometry, &args)
    })
}

/// Where each block's part of a step lies (`Part` in `kernels/prelude/optim.cuh`), in device memory. Kept from step to step:
/// buffers mostly have the same addresses again.
pub(super) struct Table {
    parts: Vec<[u64; 5]>,
    /// None without parameters. As large as it can become from the start, so that memory in use does not depend on steps.
    on_device: Option<Tensor>,
}

impl Table {
    /// An empty table for `parameters`.
    pub fn new(parameters: &[Tensor]) -> Result<Self> {
        let chunk = |w: &Tensor| chunk(&elementwise::defines(w.device().target()));
        let blocks: usize = parameters.iter().map(|w| w.elements().div_ceil(chunk(w))).sum();
        let first = parameters.first().filter(|_| blocks > 0);
        let on_device = first.map(|w| Tensor::empty(w.device(), [blocks, 10], DType::I32)).transpose()?;
        Ok(Self { parts: Vec::new(), on_device })
    }

    /// Writes the table for blocks of `chunk` elements, if it is another one than before; tells the number of blocks.
    fn fill(&mut self, updates: &[Update], chunk: usize) -> Result<usize> {
        let mut parts = Vec::new();
        for Update { w, kept, g } in updates {
            let n = w.elements();
            dimension(n)?;
            let kept = [0, 1].map(|i| kept.get(i).map_or(0, Tensor::address));
            let part = |first: usize| [w.address(), kept[0], kept[1], g.address(), n as u64 | (first as u64) << 32];
            parts.extend((0..n).step_by(chunk).map(part));
        }
        let blocks = parts.len();
        if let Some(table) = self.on_device.as_ref().filter(|_| self.parts != parts) {
            let mut words = bytemuck::cast_slice::<_, i32>(&parts).to_vec();
            words.resize(table.elements(), 0);
            table.write(&words)?;
            self.parts = parts;
        }
        Ok(blocks)
    }
}

/// Elements that a block updates.
fn chunk(defines: &Defines) -> usize {
    ["VEC", "ITEMS", "THREADS"].map(|name| defines.get(name)).into_iter().product()
}
