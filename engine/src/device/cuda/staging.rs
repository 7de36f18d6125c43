//! Uploads that return before the copy is done and still never read the caller's memory afterwards.
//!
//! Data goes through a ring of page-locked memory: copied in by the CPU, copied out by the GPU in its own time. The CPU
//! waits only when the ring is full, which lets the next batch be prepared while the GPU works on this one.

use std::collections::VecDeque;

use cudarc::driver::result::{self, DriverError, event};
use cudarc::driver::sys::{self, CUevent, CUevent_flags, CUresult, CUstream};

/// Bytes of the ring.
const CAPACITY: u64 = 32 << 20;
/// The most that travels at once; larger uploads go in pieces, so that filling one overlaps the transfer of another.
const PIECE: usize = 4 << 20;

/// The ring. Positions count bytes since the beginning, and stand for `position % CAPACITY` in memory.
pub(super) struct Staging {
    memory: *mut u8,
    head: u64,
    /// Where each piece under way begins, with the event after its transfer; oldest first.
    under_way: VecDeque<(u64, CUevent)>,
    events: Vec<CUevent>,
}

// SAFETY: page-locked memory and events belong to the context, not to a thread; access is behind a mutex.
unsafe impl Send for Staging {}

impl Staging {
    /// A ring in page-locked memory of the current context.
    pub(super) fn new() -> Result<Self, DriverError> {
        // SAFETY: freed in `release`.
        let memory = unsafe { result::malloc_host(CAPACITY as usize, 0) }?;
        Ok(Self { memory: memory.cast(), head: 0, under_way: VecDeque::new(), events: Vec::new() })
    }

    /// Queues the copy of `from` to device address `to`; `from` may change as soon as this returns.
    pub(super) fn upload(&mut self, to: u64, from: &[u8], stream: CUstream) -> Result<(), DriverError> {
        for (i, piece) in from.chunks(PIECE).enumerate() {
            let start = self.reserve(piece.len() as u64)?;
            // SAFETY: the piece lies within the ring, and no transfer under way touches it.
            let staged = unsafe {
                let at = self.memory.add((start % CAPACITY) as usize);
                at.copy_from_nonoverlapping(piece.as_ptr(), piece.len());
                std::slice::from_raw_parts(at, piece.len())
            };
            let event = match self.events.pop() {
                Some(event) => event,
                None => event::create(CUevent_flags::CU_EVENT_DISABLE_TIMING)?,
            };
            self.under_way.push_back((start, event));
            // SAFETY: the destination is the caller's buffer; the source stays untouched until the event has passed.
            unsafe {
                result::memcpy_htod_async(to + (i * PIECE) as u64, staged, stream)?;
                event::record(event, stream)?;
            }
        }
        Ok(())
    }

    /// The position of `bytes` free bytes in one run, after waiting for whatever lies there still. Events that have passed are
    /// taken back first, so that small uploads never have many under way.
    fn reserve(&mut self, bytes: u64) -> Result<u64, DriverError> {
        let room = CAPACITY - self.head % CAPACITY;
        let start = if bytes <= room { self.head } else { self.head + room };
        let end = start + bytes.next_multiple_of(256);
        while let Some(&(oldest, event)) = self.under_way.front() {
            // SAFETY: the event lives until `release`.
            let passed = unsafe { sys::cuEventQuery(event) };
            match passed {
                CUresult::CUDA_SUCCESS => {}
                // Nothing behind it has passed either, and there is room.
                CUresult::CUDA_ERROR_NOT_READY if oldest + CAPACITY >= end => break,
                // SAFETY: as above.
                CUresult::CUDA_ERROR_NOT_READY => unsafe { event::synchronize(event) }?,
                failed => failed.result()?,
            }
            self.under_way.pop_front();
            self.events.push(event);
        }
        self.head = end;
        Ok(start)
    }

    /// Frees everything; the stream must have come to rest, and the context must be current.
    pub(super) fn release(&mut self) {
        let events = self.under_way.drain(..).map(|(_, event)| event).chain(self.events.drain(..));
        // SAFETY: each was created here and is destroyed once.
        unsafe {
            events.for_each(|event| _ = event::destroy(event));
            _ = result::free_host(self.memory.cast());
        }
    }
}
