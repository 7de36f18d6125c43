//! Which clusters run when: one after the other, but for those that only spin. They may wait for what others do that have not
//! begun, such as all of a grid that meet at a barrier of their own, so they give way to them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::block::again;
use super::fault::{Fault, What};
use super::launch::Prepared;
use super::room::{Room, Round};
use crate::watch::Watch;

/// Rounds in which clusters only spin, after which others begin: as many as a GPU would have at the same time, and, for each of
/// them, when there are more.
const GIVES_WAY: (u32, u32) = (4, 64);

/// Rounds in which nobody does anything but spin, for each cluster that runs, after which nobody ever will.
const IDLE: u32 = 1 << 18;

/// What threads of the operating system share while they run a launch.
pub struct Schedule<'s, 'l> {
    launch: &'s Prepared<'l>,
    /// Clusters in the order in which they begin, if not in the natural one.
    sequence: Option<Vec<u32>>,
    next: AtomicU32,
    /// Where the first one stands that failed, or the end.
    bound: AtomicU32,
    failure: Mutex<Option<(u32, Box<Fault>)>>,
    executed: AtomicU64,
    /// Clusters that a GPU has at the same time.
    resident: u32,
}

/// A cluster that runs, and when it began.
struct Running {
    room: Room,
    position: u32,
}

impl<'s, 'l> Schedule<'s, 'l> {
    /// Of so many clusters.
    pub fn new(launch: &'s Prepared<'l>, clusters: u32) -> Self {
        let (sequence, bound) = (launch.order.blocks(clusters), AtomicU32::new(clusters));
        let (next, failure, executed) = Default::default();
        let resident = launch.resident();
        Self { launch, sequence, next, bound, failure, executed, resident }
    }

    /// How many instructions warps did, or the fault of the first cluster that failed.
    ///
    /// # Errors
    /// That fault.
    pub fn outcome(self) -> Result<u64, Box<Fault>> {
        match self.failure.into_inner().expect("nobody panics here") {
            Some((_, fault)) => Err(fault),
            None => Ok(self.executed.into_inner()),
        }
    }

    fn fail(&self, position: u32, fault: Box<Fault>) {
        self.bound.fetch_min(position, Ordering::Relaxed);
        let mut failure = self.failure.lock().expect("nobody panics here");
        if failure.as_ref().is_none_or(|(known, _)| position < *known) {
            *failure = Some((position, fault));
        }
    }

    /// Runs clusters until none is left.
    pub fn work(&self, mut watch: Option<&mut dyn Watch>) {
        let (mut running, mut spare): (Vec<Running>, Vec<Room>) = Default::default();
        let (mut turn, mut quiet, mut more) = (0, 0, true);
        loop {
            let many = running.len() as u32;
            let patience = if many < self.resident { GIVES_WAY.0 } else { GIVES_WAY.1 * many };
            if more && (many == 0 || quiet >= patience) {
                match self.begin(&mut spare, again(&mut watch)) {
                    Some(begun) => {
                        turn = running.len();
                        running.push(begun);
                        quiet = 0;
                    }
                    None => more = false,
                }
            }
            if running.is_empty() {
                break;
            }
            let position = running[turn].position;
            // What comes after one that failed is of no interest.
            let over = position > self.bound.load(Ordering::Relaxed);
            let round = match over {
                true => Ok(Round::Over),
                false => running[turn].room.round(self.launch, again(&mut watch)),
            };
            let ended = match round {
                Ok(Round::Idle) if quiet > IDLE.saturating_mul(running.len() as u32) => {
                    let first = running.iter().min_by_key(|running| running.position).expect("some are running");
                    self.fail(first.position, first.room.stuck(self.launch, true));
                    break;
                }
                Ok(Round::Idle) => {
                    quiet += 1;
                    turn = (turn + 1) % running.len();
                    continue;
                }
                Ok(Round::On) => false,
                Ok(Round::Over) => true,
                Err(fault) => {
                    self.fail(position, fault);
                    true
                }
            };
            quiet = 0;
            if ended {
                spare.push(running.swap_remove(turn).room);
                turn = 0;
            }
        }
        let rooms = running.iter().map(|running| &running.room).chain(&spare);
        self.executed.fetch_add(rooms.map(Room::executed).sum(), Ordering::Relaxed);
    }

    /// Begins the next cluster, unless all have begun or something has failed.
    fn begin(&self, spare: &mut Vec<Room>, watch: Option<&mut dyn Watch>) -> Option<Running> {
        let position = self.next.fetch_add(1, Ordering::Relaxed);
        if position >= self.bound.load(Ordering::Relaxed) {
            return None;
        }
        let number = self.sequence.as_ref().map_or(position, |sequence| sequence[position as usize]);
        let room = match spare.pop() {
            Some(room) => Ok(room),
            None => Room::new(self.launch)
                .map_err(|why| self.launch.fault((self.launch.kernel, 0), [0; 3], 0, What::Other(why))),
        };
        let begun = room.and_then(|mut room| room.begin(self.launch, number, watch).map(|()| room));
        begun.map(|room| Running { room, position }).map_err(|fault| self.fail(position, fault)).ok()
    }
}
