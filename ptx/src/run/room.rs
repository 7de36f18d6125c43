//! The blocks of a cluster while they run, in turns of all of their warps; a block by itself is a cluster of one.

use super::block::{Block, Outcome, WINDOW, again};
use super::fault::Fault;
use super::flight::Flight;
use super::launch::Prepared;
use super::meeting::ClusterBarrier;
use crate::lane::LANES;
use crate::memory::Stretch;
use crate::watch::Watch;

/// Rounds in which all warps only spin, after which what is asynchronous goes on by itself.
const PATIENCE: u32 = 8;

/// What came of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Somebody went on.
    On,
    /// Nobody did, but spin.
    Idle,
    /// All threads have exited.
    Over,
}

/// Memory and warps of a cluster, used for one after the other.
pub struct Room {
    pub blocks: Vec<Block>,
    /// What all blocks share.
    pub around: Around,
    /// The cluster's number, and the order of its warps' turns.
    number: u32,
    turns: Vec<usize>,
    rounds: u32,
    /// Rounds since somebody went on.
    idle: u32,
    _memory: Stretch,
}

/// What is in flight, and where the cluster meets.
pub struct Around {
    pub flight: Flight,
    pub barrier: ClusterBarrier,
}

impl Room {
    /// Room for clusters of a launch.
    ///
    /// # Errors
    /// The system gives no memory, as a sentence.
    pub fn new(launch: &Prepared<'_>) -> Result<Self, String> {
        let count = launch.cluster.iter().product::<u32>();
        let bytes = WINDOW as usize * count as usize;
        let memory = Stretch::new(bytes).map_err(|e| format!("gets no shared memory: {e}"))?;
        let warps = launch.threads().div_ceil(LANES);
        let flight = Flight::new(launch, memory.range(), warps);
        let turns = (0..warps * count as usize).collect();
        let blocks: Vec<Block> = (0..count).map(|rank| Block::new(launch, memory.range(), rank)).collect();
        let around = Around { flight, barrier: ClusterBarrier::default() };
        Ok(Self { blocks, around, number: 0, turns, rounds: 0, idle: 0, _memory: memory })
    }

    /// Instructions that warps did.
    pub fn executed(&self) -> u64 {
        self.blocks.iter().flat_map(|block| &block.warps).map(|warp| warp.executed).sum()
    }

    /// Begins as the cluster of this number (x fastest).
    ///
    /// # Errors
    /// What a thread did that it must not.
    pub fn begin(
        &mut self,
        launch: &Prepared<'_>,
        number: u32,
        mut watch: Option<&mut dyn Watch>,
    ) -> Result<(), Box<Fault>> {
        (self.number, self.rounds, self.idle) = (number, 0, 0);
        self.around.flight.clear();
        self.around.flight.watched = watch.is_some();
        let threads = launch.threads() * self.blocks.len();
        self.around.barrier = ClusterBarrier::of(threads as u32);
        self.blocks.iter_mut().try_for_each(|block| block.begin(launch, number, again(&mut watch)))?;
        let Around { flight, .. } = &mut self.around;
        flight.numbers.iter_mut().zip(&self.blocks).for_each(|(number, block)| *number = block.common.number);
        Ok(())
    }

    /// Gives all warps a turn.
    ///
    /// # Errors
    /// What a thread did that it must not.
    pub fn round(&mut self, launch: &Prepared<'_>, mut watch: Option<&mut dyn Watch>) -> Result<Round, Box<Fault>> {
        let warps = self.blocks[0].warps.len();
        launch.order.warps(&mut self.turns, self.number.into(), self.rounds);
        self.rounds = self.rounds.wrapping_add(1);
        let (mut moved, mut yielded) = (false, false);
        for &turn in &self.turns {
            let (rank, warp) = (turn / warps, turn % warps);
            let block = &mut self.blocks[rank];
            if let Some(watch) = again(&mut watch) {
                watch.turn(block.common.number);
            }
            block.wake(warp, &self.around.barrier);
            while let Some(group) = block.warps[warp].pick(&launch.order) {
                let outcome = block.run_group(launch, warp, group, &mut self.around, again(&mut watch))?;
                yielded |= outcome == Outcome::Yielded;
                moved |= outcome != Outcome::Yielded;
            }
            let over = block.is_over();
            let ends = over && !std::mem::replace(&mut self.around.flight.exited[rank], over);
            if ends && watch.is_some() {
                self.around.flight.ends(launch, rank)?;
            }
        }
        if self.blocks.iter().all(Block::is_over) {
            while self.around.flight.oldest(launch)? {}
            for block in &self.blocks {
                if let Some(watch) = again(&mut watch) {
                    watch.turn(block.common.number);
                    watch.end_block();
                }
            }
            return Ok(Round::Over);
        }
        moved |= std::mem::take(&mut self.around.flight.moved);
        self.idle = if moved { 0 } else { self.idle + 1 };
        let stuck = !moved && !yielded;
        if (stuck || self.idle == PATIENCE) && self.around.flight.oldest(launch)? {
            self.idle = 0;
            return Ok(Round::On);
        }
        match (stuck, moved) {
            (true, _) => Err(self.stuck(launch, false)),
            (false, true) => Ok(Round::On),
            (false, false) => Ok(Round::Idle),
        }
    }
}
