//! What the shadow of a word remembers of an access.

/// An access, or several alike by lanes of one warp, as the shadow of a word remembers it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Number of the block in the grid; [`NEVER`] if there is none.
    pub(super) block: u32,
    pub(super) epoch: u32,
    /// The warp's clock.
    pub(super) clock: u32,
    /// Where in the code.
    pub(super) code: u32,
    pub(super) lanes: u32,
    /// The warp, or the queue.
    pub(super) warp: u16,
    /// The warp that did it, or asked for it.
    pub(super) by: u16,
    /// How many fences the launch had seen.
    pub(super) fences: u32,
    /// The number of what all of this but the lanes is the same for.
    pub(super) event: u32,
    /// Reads that are all volatile: what an atomic operation does meanwhile is seen, or not, and both is right.
    pub(super) volatile: bool,
}

/// What is added to numbers of queues, to tell them from warps'.
pub(super) const QUEUE: u16 = 1 << 15;

/// No block.
const NEVER: u32 = u32::MAX;

impl Mark {
    pub(super) const NONE: Self = Self {
        block: NEVER,
        epoch: 0,
        clock: 0,
        code: 0,
        lanes: 0,
        warp: 0,
        by: 0,
        fences: 0,
        event: 0,
        volatile: false,
    };

    /// Its event and its lanes.
    pub(super) fn short(&self) -> u64 {
        u64::from(self.event) << 32 | u64::from(self.lanes)
    }

    /// Whether it is a queue's.
    pub(super) fn is_queued(&self) -> bool {
        self.warp & QUEUE != 0
    }

    /// The first of its threads, as a number in the block.
    pub(super) fn thread(&self) -> usize {
        self.by as usize * 32 + self.lanes.trailing_zeros() as usize
    }

    /// Whether `other` stands for accesses by lanes of the same warp, in the same block.
    pub(super) fn same_warp(&self, other: &Self) -> bool {
        self.block == other.block && self.warp == other.warp
    }

    /// In short, with a later read by the same warp: the later one, with the lanes of both if nothing lies between them. One that is
    /// volatile does not make others so.
    pub(super) fn with(&self, later: &Self) -> u64 {
        match self.epoch == later.epoch && self.clock == later.clock {
            false => later.short(),
            true if later.volatile && !self.volatile => self.short() | later.short() & 0xFFFF_FFFF,
            true => later.short() | self.short() & 0xFFFF_FFFF,
        }
    }
}
