//! Functions as the machine runs them: names resolved, registers placed, one entry per instruction.

use crate::lane::{Alu, Operands, Width};
use crate::run::{access, atomic, barrier, call, collective};
use crate::text::tree::Place;

/// An instruction.
pub struct Op {
    /// The predicate that guards it, or [`UNGUARDED`].
    pub guard: u32,
    /// Flips the guard: all ones for `@!p`.
    pub flip: u32,
    pub action: Action,
}

/// No guard.
pub const UNGUARDED: u32 = u32::MAX;

/// What an instruction does.
pub enum Action {
    /// Computes lanes from lanes.
    Alu(Alu, Operands),
    /// Goes on elsewhere.
    Jump(u32),
    /// `brx.idx`: where to, by a register's value.
    Table(u32, Box<[u32]>),
    Load(Box<access::Transfer>),
    Store(Box<access::Transfer>),
    Atomic(Box<atomic::Atomic>),
    Call(Box<call::Call>),
    Return,
    Exit,
    Trap,
    Barrier(Box<barrier::Barrier>),
    /// Lanes of a warp meet.
    Collective(Box<collective::Collective>),
    /// Anything else that needs more than registers.
    Other(Box<dyn Run>),
}

/// An instruction that is done by code of its own.
pub trait Run: Send + Sync {
    /// Does it for the lanes of `mask`.
    fn run(&self, step: &mut crate::run::Step<'_, '_>, mask: u32) -> crate::run::Next;
}

/// A function or kernel.
#[derive(Default)]
pub struct Function {
    pub name: String,
    pub kernel: bool,
    pub ops: Vec<Op>,
    /// For each op: its place in the source, and its line in the PTX text.
    pub places: Vec<(Place, u32)>,
    /// How each op is written, as a number in `written`; none for those that the decoder has put in.
    pub names: Vec<Option<u32>>,
    pub written: Vec<String>,
    /// Words of a frame's registers: those that change, then all, constants too.
    pub variable_words: usize,
    pub words: usize,
    /// Registers that never change: where, how wide, their value in each lane.
    pub constants: Vec<(u32, Width, u128)>,
    /// Registers that are filled when a warp begins.
    pub specials: Vec<(u32, Special)>,
    pub params: Vec<Param>,
    pub returns: Vec<Param>,
    /// Bytes of its `.param` variables: first its own parameters, then returns, then those that it passes on.
    pub param_bytes: usize,
    /// Bytes of its `.local` variables.
    pub local_bytes: usize,
    /// `.reqntid` and `.maxntid`, `.reqnctapercluster` and the like.
    pub directives: Vec<(String, Vec<u32>)>,
    /// Whether it has atomic operations on global memory, whose order would depend on how many cores there are.
    pub orders_blocks: bool,
    /// For each op of a function that multiplies by `wgmma`, registers of other instructions; nothing for others.
    pub touches: Vec<Touch>,
    /// Whether copies or multiplies of it read shared memory other than by ordinary accesses.
    pub has_proxies: bool,
}

/// Registers that an instruction reads and writes.
#[derive(Clone, Default)]
pub struct Touch {
    pub reads: Vec<u32>,
    pub writes: Vec<u32>,
    /// Whether it writes what it reads.
    pub moves: bool,
}

/// A parameter's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    pub offset: usize,
    pub bytes: usize,
}

/// Special registers that stay the same while a warp runs (ISA 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Special {
    Tid(usize),
    Ntid(usize),
    Ctaid(usize),
    Nctaid(usize),
    ClusterId(usize),
    Nclusterid(usize),
    ClusterCtaid(usize),
    ClusterNctaid(usize),
    ClusterCtarank,
    ClusterNctarank,
    IsExplicitCluster,
    Laneid,
    Warpid,
    Nwarpid,
    Smid,
    Nsmid,
    Gridid,
    LanemaskEq,
    LanemaskLe,
    LanemaskLt,
    LanemaskGe,
    LanemaskGt,
    DynamicShared,
    TotalShared,
    /// `%envreg`: 1 and 2 hold where blocks of a cooperative launch meet, the high word first; what others hold is the driver's.
    Environment(u32),
}

/// Registers that change by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    Cycles,
    CyclesHigh,
    Nanoseconds,
    NanosecondsHigh,
}

impl Special {
    /// Whether it is another one in each block.
    pub fn is_the_blocks(self) -> bool {
        use Special::{ClusterCtaid, ClusterCtarank, ClusterId, Ctaid, Smid};
        matches!(self, Ctaid(_) | ClusterId(_) | ClusterCtaid(_) | ClusterCtarank | Smid)
    }

    /// The register that is written `name`, and its width.
    pub fn named(name: &str) -> Option<(Self, Width)> {
        let (stem, axis) = match name.rsplit_once('.') {
            Some((stem, axis)) => (stem, ["x", "y", "z"].iter().position(|a| *a == axis)),
            None => (name, None),
        };
        let word = |special| Some((special, Width::B32));
        match (stem, axis) {
            ("%tid", Some(axis)) => word(Special::Tid(axis)),
            ("%ntid", Some(axis)) => word(Special::Ntid(axis)),
            ("%ctaid", Some(axis)) => word(Special::Ctaid(axis)),
            ("%nctaid", Some(axis)) => word(Special::Nctaid(axis)),
            ("%clusterid", Some(axis)) => word(Special::ClusterId(axis)),
            ("%nclusterid", Some(axis)) => word(Special::Nclusterid(axis)),
            ("%cluster_ctaid", Some(axis)) => word(Special::ClusterCtaid(axis)),
            ("%cluster_nctaid", Some(axis)) => word(Special::ClusterNctaid(axis)),
            ("%cluster_ctarank", None) => word(Special::ClusterCtarank),
            ("%cluster_nctarank", None) => word(Special::ClusterNctarank),
            ("%is_explicit_cluster", None) => Some((Special::IsExplicitCluster, Width::Predicate)),
            ("%laneid", None) => word(Special::Laneid),
            ("%warpid", None) => word(Special::Warpid),
            ("%nwarpid", None) => word(Special::Nwarpid),
            ("%smid", None) => word(Special::Smid),
            ("%nsmid", None) => word(Special::Nsmid),
            ("%gridid", None) => Some((Special::Gridid, Width::B64)),
            ("%lanemask_eq", None) => word(Special::LanemaskEq),
            ("%lanemask_le", None) => word(Special::LanemaskLe),
            ("%lanemask_lt", None) => word(Special::LanemaskLt),
            ("%lanemask_ge", None) => word(Special::LanemaskGe),
            ("%lanemask_gt", None) => word(Special::LanemaskGt),
            ("%dynamic_smem_size", None) => word(Special::DynamicShared),
            ("%total_smem_size", None) => word(Special::TotalShared),
            ("%envreg1", None) => word(Special::Environment(1)),
            ("%envreg2", None) => word(Special::Environment(2)),
            _ => None,
        }
    }
}

impl Clock {
    /// The register that is written `name`, and its width.
    pub fn named(name: &str) -> Option<(Self, Width)> {
        Some(match name {
            "%clock" => (Clock::Cycles, Width::B32),
            "%clock_hi" => (Clock::CyclesHigh, Width::B32),
            "%clock64" => (Clock::Cycles, Width::B64),
            "%globaltimer" => (Clock::Nanoseconds, Width::B64),
            "%globaltimer_lo" => (Clock::Nanoseconds, Width::B32),
            "%globaltimer_hi" => (Clock::NanosecondsHigh, Width::B32),
            _ => return None,
        })
    }
}
