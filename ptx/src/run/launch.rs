//! A launch: what is run, with what, and how blocks come to cores.

use super::block::{Common, WINDOW};
use super::fault::{Fault, What};
use super::params::Params;
use super::schedule::Schedule;
use super::warp::Warp;
use crate::code::{Function, Special};
use crate::lane::LANES;
use crate::memory::Memory;
use crate::program::Program;
use crate::text::tree::Place;
use crate::watch::Watch;

/// In which order whatever nothing orders is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The first first.
    #[default]
    Forward,
    /// The last first.
    Reverse,
    /// Drawn anew each time, from this seed.
    Random(u64),
}

/// What is launched.
pub struct Launch<'a> {
    pub memory: &'a Memory,
    pub program: &'a Program,
    /// Its number in [`Program::functions`].
    pub kernel: u32,
    pub grid: [u32; 3],
    pub block: [u32; 3],
    /// Blocks of a cluster; a kernel with `.reqnctapercluster` may be launched with [1, 1, 1], too.
    pub cluster: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub shared: u32,
    /// Of a cooperative launch: the address of 8 bytes of global memory, zeros, by which its blocks meet. 0 for others.
    pub workspace: u64,
    /// Parameters, laid out as [`Function::params`] say.
    pub params: &'a [u8],
    pub order: Order,
    /// Threads of the operating system that run blocks.
    pub cores: usize,
}

/// A launch while it runs.
pub struct Prepared<'a> {
    pub memory: &'a Memory,
    pub functions: &'a [Function],
    pub kernel: u32,
    pub grid: [u32; 3],
    pub block: [u32; 3],
    pub cluster: [u32; 3],
    explicit: bool,
    workspace: u64,
    pub shared_bytes: u64,
    dynamic: u32,
    pub params: Params,
    pub order: Order,
}

/// Runs a kernel to its end and says how many instructions warps did. With a watch blocks run one after the other,
/// but for those that only spin and give way.
///
/// # Errors
/// What a thread did that it must not; of several blocks' the one that comes first in the order of blocks.
pub fn launch(launch: &Launch<'_>, mut watch: Option<&mut dyn Watch>) -> Result<u64, Box<Fault>> {
    let Launch { memory, program, kernel, grid, block, shared, workspace, params, order, cores, .. } = *launch;
    let functions = &program.functions[..];
    let shared_bytes = program.shared_bytes(kernel, shared);
    let (cluster, explicit) = clusters(&functions[kernel as usize], launch.cluster);
    let (dynamic, params) = (shared, Params::new(params));
    let prepared = Prepared {
        memory,
        functions,
        kernel,
        grid,
        block,
        cluster,
        explicit,
        workspace,
        shared_bytes,
        dynamic,
        params,
        order,
    };
    let refuse = |what: String| Err(prepared.fault((kernel, 0), [0; 3], 0, What::Other(what)));
    if shared_bytes > WINDOW {
        return refuse(format!("wants {shared_bytes} bytes of shared memory"));
    }
    let blocks = grid.iter().map(|n| u64::from(*n)).product::<u64>();
    let Ok(blocks) = u32::try_from(blocks) else { return refuse(format!("has {blocks} blocks")) };
    let whole = (0..3).all(|axis| cluster[axis] > 0 && grid[axis] % cluster[axis] == 0);
    let each = cluster.iter().map(|n| u64::from(*n)).product::<u64>();
    if !whole || each > CLUSTER || launch.cluster != [1; 3] && launch.cluster != cluster {
        return refuse(format!(
            "cannot run {grid:?} blocks in clusters of {cluster:?} ({:?} asked for)",
            launch.cluster
        ));
    }
    let clusters = blocks / each as u32;
    let alone = watch.is_some() || prepared.function().orders_blocks;
    let helpers = if alone { 0 } else { cores.min(clusters as usize).saturating_sub(1) };
    let schedule = Schedule::new(&prepared, clusters);
    std::thread::scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(|| schedule.work(None));
        }
        schedule.work(watch.take());
    });
    schedule.outcome()
}

/// Blocks of a cluster at most (an H100's, if a kernel says that it is not portable).
const CLUSTER: u64 = 16;

/// The blocks of a cluster, and whether anybody says so.
fn clusters(function: &Function, asked: [u32; 3]) -> ([u32; 3], bool) {
    let said = function.directives.iter().find(|(name, _)| name == "reqnctapercluster");
    match said {
        Some((_, numbers)) => (std::array::from_fn(|axis| numbers.get(axis).copied().unwrap_or(1)), true),
        None => (asked, asked != [1; 3] || function.directives.iter().any(|(name, _)| name == "explicitcluster")),
    }
}

impl Prepared<'_> {
    /// The coordinates of the block of a rank in a cluster, both x fastest.
    pub fn block_of(&self, cluster: u32, rank: u32) -> [u32; 3] {
        let split = |number: u32, [x, y, _]: [u32; 3]| [number % x, number / x % y, number / x / y];
        let of = split(cluster, std::array::from_fn(|axis| self.grid[axis] / self.cluster[axis]));
        let within = split(rank, self.cluster);
        std::array::from_fn(|axis| of[axis] * self.cluster[axis] + within[axis])
    }

    pub fn function(&self) -> &Function {
        &self.functions[self.kernel as usize]
    }

    /// Threads of a block.
    pub fn threads(&self) -> usize {
        self.block.iter().map(|n| *n as usize).product()
    }

    /// Where an instruction stands: in the source, and in the PTX text.
    pub fn place(&self, (function, pc): (u32, u32)) -> (Place, u32) {
        self.functions[function as usize].places.get(pc as usize).copied().unwrap_or_default()
    }

    /// How many clusters an H100 has at the same time, as far as threads and shared memory say.
    pub fn resident(&self) -> u32 {
        let by_threads = 2048 / self.threads().clamp(1, 2048) as u32;
        let by_shared = 233_472 / (self.shared_bytes as u32 + 1024);
        (SMS * by_threads.min(by_shared).clamp(1, 32) / self.cluster.iter().product::<u32>()).max(1)
    }

    /// A fault of an instruction by a thread of a block.
    pub fn fault(&self, at: (u32, u32), block: [u32; 3], thread: usize, what: What) -> Box<Fault> {
        let (place, text_line) = self.place(at);
        Box::new(Fault { what, at, block, thread: self.thread(thread), place, text_line, others: Vec::new() })
    }

    /// A thread's coordinates in its block.
    fn thread(&self, number: usize) -> [u32; 3] {
        let [x, y, _] = self.block.map(|n| n as usize);
        [number % x, number / x % y, number / x / y].map(|n| n as u32)
    }

    /// Sets the special registers of a frame.
    pub fn fill_frame(&self, block: &Common, warp: &mut Warp, frame: usize) {
        let first = warp.number as usize * LANES;
        let (warp_number, function) = (warp.number, warp.frames[frame].function as usize);
        let words = warp.frames[frame].words.pointer();
        let filled = std::mem::replace(&mut warp.frames[frame].filled, true);
        let changes = |special: &Special| !filled || special.is_the_blocks();
        for &(offset, special) in self.functions[function].specials.iter().filter(|(_, special)| changes(special)) {
            // SAFETY: the decoder placed the register in the frame, as wide as its kind is.
            unsafe {
                let at = words.add(offset as usize);
                let fill = |of: &dyn Fn(usize) -> u32| (0..LANES).for_each(|lane| *at.add(lane) = of(lane));
                let all = |value: u32| fill(&|_| value);
                match special {
                    Special::Tid(axis) => fill(&|lane| self.thread(first + lane)[axis]),
                    Special::Ntid(axis) => all(self.block[axis]),
                    Special::Ctaid(axis) => all(block.id[axis]),
                    Special::Nctaid(axis) => all(self.grid[axis]),
                    // Without clusters each block is one of its own.
                    Special::ClusterId(axis) => all(block.id[axis] / self.cluster[axis]),
                    Special::Nclusterid(axis) => all(self.grid[axis] / self.cluster[axis]),
                    Special::ClusterCtaid(axis) => all(block.id[axis] % self.cluster[axis]),
                    Special::ClusterCtarank => all(block.rank),
                    Special::ClusterNctaid(axis) => all(self.cluster[axis]),
                    Special::ClusterNctarank => all(self.cluster.iter().product()),
                    Special::IsExplicitCluster => *at = if self.explicit { u32::MAX } else { 0 },
                    Special::Laneid => fill(&|lane| lane as u32),
                    Special::Warpid => all(warp_number),
                    Special::Nwarpid => all(2048 / LANES as u32),
                    Special::Smid => all(block.number % SMS),
                    Special::Nsmid => all(SMS),
                    Special::Gridid => (0..LANES).for_each(|lane| at.cast::<u64>().add(lane).write(1)),
                    Special::LanemaskEq => fill(&|lane| 1 << lane),
                    Special::LanemaskLt => fill(&|lane| (1 << lane) - 1),
                    Special::LanemaskLe => fill(&|lane| (1 << lane) | ((1 << lane) - 1)),
                    Special::LanemaskGt => fill(&|lane| !((1 << lane) | ((1 << lane) - 1))),
                    Special::LanemaskGe => fill(&|lane| !((1 << lane) - 1)),
                    Special::DynamicShared => all(self.dynamic),
                    Special::Environment(1) => all((self.workspace >> 32) as u32),
                    Special::Environment(_) => all(self.workspace as u32),
                    Special::TotalShared => all(self.shared_bytes as u32),
                }
            }
        }
    }
}

/// Streaming multiprocessors that kernels are told of: an H100's.
pub const SMS: u32 = 132;

impl Order {
    /// The order in which lanes do what they do one after the other.
    pub fn lanes(self, mask: u32) -> impl Iterator<Item = usize> {
        let reverse = self == Order::Reverse;
        (0..LANES)
            .map(move |lane| if reverse { LANES - 1 - lane } else { lane })
            .filter(move |lane| mask >> lane & 1 == 1)
    }

    /// The order of blocks, unless it is the natural one.
    pub fn blocks(self, count: u32) -> Option<Vec<u32>> {
        match self {
            Order::Forward => None,
            Order::Reverse => Some((0..count).rev().collect()),
            Order::Random(seed) => {
                let mut all: Vec<u32> = (0..count).collect();
                shuffle(&mut all, seed);
                Some(all)
            }
        }
    }

    /// Puts warps into the order of their next turn.
    pub fn warps(self, turns: &mut [usize], block: u64, turn: u32) {
        match self {
            Order::Forward => {}
            Order::Reverse => turns.sort_by_key(|warp| usize::MAX - warp),
            Order::Random(seed) => shuffle(turns, mix(seed ^ block << 20 ^ u64::from(turn))),
        }
    }

    /// Which of so many groups of a warp runs next; None for the one that is behind.
    pub fn group(self, executed: u64, count: usize) -> Option<usize> {
        match self {
            Order::Random(seed) if count > 1 => Some((mix(seed ^ executed) % count as u64) as usize),
            _ => None,
        }
    }
}

/// A number that looks drawn (SplitMix64: Steele et al., OOPSLA 2014).
fn mix(seed: u64) -> u64 {
    let a = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let b = (a ^ a >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let c = (b ^ b >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    c ^ c >> 31
}

/// Puts things into an order that follows from the seed (Fisher and Yates).
fn shuffle<T>(all: &mut [T], seed: u64) {
    for last in (1..all.len()).rev() {
        all.swap(last, (mix(seed ^ last as u64) % (last as u64 + 1)) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lanes;
    use super::*;

    #[test]
    fn orders_visit_each_once() {
        let mut shuffled = Order::Random(3).blocks(50).unwrap();
        assert_ne!(shuffled, Order::Random(4).blocks(50).unwrap());
        shuffled.sort_unstable();
        assert_eq!(shuffled, (0..50).collect::<Vec<_>>());
        assert_eq!(Order::Reverse.lanes(0b1011).collect::<Vec<_>>(), [3, 1, 0]);
        assert_eq!(lanes(0b1011).collect::<Vec<_>>(), [0, 1, 3]);
    }
}
