//! Queued work when its time has come.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use warptape_ptx::run::{self, What};

use super::Driver;
use super::enter;
use super::queue::Item;
use super::work::{Call, Copy, Fill, Launch, Source, Work, digest};
use crate::report;
use crate::settings::Order;
use crate::status::{Refusal, Status};

/// Threads that run blocks.
fn cores() -> usize {
    static CORES: AtomicUsize = AtomicUsize::new(0);
    match CORES.load(Ordering::Relaxed) {
        0 => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            CORES.store(cores, Ordering::Relaxed);
            cores
        }
        known => known,
    }
}

impl Driver {
    /// Runs an item.
    ///
    /// # Errors
    /// The fault that nothing on this context can follow.
    pub fn run(&mut self, item: Item) -> Result<(), Status> {
        let by = item.by;
        match item.work {
            Work::Copy(copy) => self.run_copy(&copy, by),
            Work::Fill(fill) => self.run_fill(&fill, by),
            Work::Launch(launch) => self.run_launch(&launch, by),
            Work::Record(event) => {
                if let Some(event) = self.events.get_mut(&event)
                    && event.record.is_some_and(|point| point.number == item.number)
                {
                    event.time = Some(Instant::now());
                }
                Ok(())
            }
            Work::Wait(_) => Ok(()),
            Work::Free(address) => {
                self.give_back(address, by);
                Ok(())
            }
            Work::Call(call) => {
                // SAFETY: what the program asked for.
                enter::callback(|| unsafe {
                    match call {
                        Call::Function { run, data } => run(data as *mut _),
                        Call::Callback { run, stream, data } => {
                            run(stream as *mut _, Status::SUCCESS.0, data as *mut _);
                        }
                    }
                });
                Ok(())
            }
        }
    }

    /// Whether memory that was there when work was queued is there still.
    fn still_there(&self, address: u64, bytes: usize, by: &'static str) -> Result<(), Status> {
        let gone = self.allocations.find(address).is_some_and(|(_, found)| found.gone);
        let known = self.memory.range().contains(&address);
        if gone || (known && !self.memory.allows(address, bytes as u64, false)) {
            report::mistake(by, &format!("{address:#x} was freed before the queued work that uses it ran"));
            return Err(Status::ILLEGAL_ADDRESS);
        }
        Ok(())
    }

    fn run_copy(&mut self, copy: &Copy, by: &'static str) -> Result<(), Status> {
        let span = copy.shape.span(copy.from_pitch);
        self.still_there(copy.to, copy.shape.span(copy.to_pitch), by)?;
        let from = match &copy.from {
            Source::Memory(from) => {
                self.still_there(*from, span, by)?;
                *from as *const u8
            }
            Source::Bytes(bytes) => bytes.as_ptr(),
        };
        if let Some(before) = copy.digest {
            // SAFETY: page-locked memory that is still there.
            let now = digest(unsafe { std::slice::from_raw_parts(from, span) });
            let given = self.allocations.find(from as u64).is_some_and(|(_, found)| found.in_kernels);
            if now != before && !given {
                let what = format!(
                    "the page-locked memory at {from:p} was changed after its copy was queued and before it ran"
                );
                report::mistake(by, &what);
            }
        }
        for row in 0..copy.shape.rows {
            // SAFETY: both stretches were checked when the copy was queued, and are still there.
            unsafe {
                let (from, to) = (from.add(row * copy.from_pitch), (copy.to as *mut u8).add(row * copy.to_pitch));
                std::ptr::copy(from, to, copy.shape.width);
            }
        }
        Ok(())
    }

    fn run_fill(&mut self, fill: &Fill, by: &'static str) -> Result<(), Status> {
        self.still_there(fill.to, fill.shape.span(fill.pitch), by)?;
        let pattern = fill.pattern.to_le_bytes();
        for row in 0..fill.shape.rows {
            // SAFETY: checked when it was queued, and still there.
            let row =
                unsafe { std::slice::from_raw_parts_mut((fill.to as *mut u8).add(row * fill.pitch), fill.shape.width) };
            row.chunks_exact_mut(fill.bytes).for_each(|part| part.copy_from_slice(&pattern[..fill.bytes]));
        }
        Ok(())
    }

    fn run_launch(&mut self, launch: &Launch, by: &'static str) -> Result<(), Status> {
        self.launches += 1;
        let Launch { module, kernel, name, grid, block, cluster, shared, params } = launch;
        if self.settings.faults.launch_failure == Some(self.launches) {
            return Err(Status::LAUNCH_FAILED);
        }
        let order = match self.settings.order {
            Order::Random(seed) => run::Order::Random(seed ^ self.launches.rotate_left(32)),
            _ => run::Order::Forward,
        };
        let launch = run::Launch {
            memory: &self.memory,
            program: &module.program,
            kernel: *kernel,
            grid: *grid,
            block: *block,
            cluster: *cluster,
            shared: *shared,
            workspace: 0,
            params,
            order,
            cores: cores(),
        };
        run::launch(&launch, None).map(|_| ()).map_err(|fault| {
            report::mistake(by, &format!("{name}: {}: {fault}", module.line(fault.place)));
            status_of(&fault.what)
        })
    }
}

/// What a driver says of such a fault.
fn status_of(what: &What) -> Status {
    match what {
        What::Access { address, bytes, .. } if bytes.is_power_of_two() && address % bytes != 0 => {
            Status::MISALIGNED_ADDRESS
        }
        What::Access { .. } => Status::ILLEGAL_ADDRESS,
        What::Other(text) if text.contains("assert") => Status::ASSERT,
        What::Meeting(_) | What::Other(_) => Status::LAUNCH_FAILED,
    }
}

/// A refusal as the fault that it is where nobody can be told any more.
impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        refusal.status
    }
}
