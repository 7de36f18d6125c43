//! The blocks of a cluster while they run, in turns of all of their warps; a block by itself is a cluster of one.

use super::block::{Block, Outcome, WINDOW, again};
use super::fault::Fault;
use super::flight::Flight;
use super::launch::Prepared;
use super::meeting::ClusterBarrier;
use crate::lane::LANES;
use crate::memory::Stretch;
use crate::watch::Watch;

/// Turns in which nobody does anything but branch back, after which nobody ever will.
const IDLE: u32 = 1 << 14;

/// Such turns after which what is asynchronous goes on by itself.
const PATIENCE: u32 = 1 << 6;

/// Memory and warps of a cluster, used for one after the other.
pub struct Room {
    pub blocks: Vec<Block>,
    /// What all blocks share.
    pub around: Around,
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
        let flight = Flight::new(memory.range(), launch.threads().div_ceil(LANES));
        let blocks = (0..count).map(|rank| Block::new(launch, memory.range(), rank)).collect();
        let around = Around { flight, barrier: ClusterBarrier::default() };
        Ok(Self { blocks, around, _memory: memory })
    }

    /// Instructions that warps did.
    pub fn executed(&self) -> u64 {
        self.blocks.iter().flat_map(|block| &block.warps).map(|warp| warp.executed).sum()
    }

    /// Runs the cluster of this number (x fastest) to its end.
    ///
    /// # Errors
    /// What a thread did that it must not.
    pub fn run(
        &mut self,
        launch: &Prepared<'_>,
        number: u32,
        mut watch: Option<&mut dyn Watch>,
    ) -> Result<(), Box<Fault>> {
        self.around.flight.clear();
        let threads = launch.threads() * self.blocks.len();
        self.around.barrier = ClusterBarrier::of(threads as u32);
        for block in &mut self.blocks {
            block.begin(launch, number, again(&mut watch))?;
        }
        let warps = self.blocks[0].warps.len();
        let mut idle = 0;
        let mut turns: Vec<usize> = (0..warps * self.blocks.len()).collect();
        loop {
            launch.order.warps(&mut turns, number.into(), idle);
            let (mut moved, mut yielded) = (false, false);
            for &turn in &turns {
                let (rank, warp) = (turn / warps, turn % warps);
                let block = &mut self.blocks[rank];
                block.wake(warp, &self.around.barrier);
                while let Some(group) = block.warps[warp].pick(&launch.order) {
                    let outcome = block.run_group(launch, warp, group, &mut self.around, again(&mut watch))?;
                    yielded |= outcome == Outcome::Yielded;
                    moved |= outcome != Outcome::Yielded;
                }
                self.around.flight.exited[rank] = block.is_over();
            }
            if self.blocks.iter().all(Block::is_over) {
                break;
            }
            moved |= std::mem::take(&mut self.around.flight.moved);
            idle = if moved { 0 } else { idle + 1 };
            let stuck = !moved && !yielded;
            if (stuck || idle > 0 && idle % PATIENCE == 0) && self.around.flight.oldest(launch)? {
                continue;
            }
            if stuck || idle > IDLE {
                return Err(self.stuck(launch, yielded));
            }
        }
        while self.around.flight.oldest(launch)? {}
        if let Some(watch) = watch {
            watch.end_block();
        }
        Ok(())
    }
}
