//! Streams and events.

use std::collections::VecDeque;
use std::time::Instant;

use super::Driver;
use super::handles::Kind;
use super::queue::{Item, Point};
use crate::status::{Answer, Status, wrong};

/// The default stream, which waits for others and they for it (`CU_STREAM_LEGACY`; 0 is the same).
pub const LEGACY: u64 = 1;
/// The calling thread's own default stream (`CU_STREAM_PER_THREAD`).
pub const PER_THREAD: u64 = 2;

/// A stream with what is queued on it.
pub struct Stream {
    pub context: u64,
    /// `CU_STREAM_NON_BLOCKING` is 1: it does not care for the default stream.
    pub flags: u32,
    pub priority: i32,
    /// The default stream of its context.
    pub legacy: bool,
    /// Made by the driver, not by the program.
    pub own: bool,
    /// Destroyed: it ends with what is queued.
    pub destroyed: bool,
    pub queue: VecDeque<Item>,
    /// The capture that notes what it is given.
    pub capture: Option<u64>,
    /// The work that was done last.
    pub completed: u64,
    /// The work that was queued last.
    pub issued: u64,
}

/// An event.
pub struct Event {
    pub context: u64,
    pub timed: bool,
    /// The last record of it.
    pub record: Option<Point>,
    /// When that was done.
    pub time: Option<Instant>,
    /// Of a record that a capture noted: which, and what came before it.
    pub noted: Option<(u64, Vec<usize>)>,
}

impl Driver {
    /// Makes a stream.
    pub fn make_stream(&mut self, context: u64, flags: u32, priority: i32) -> u64 {
        self.add_stream(context, flags, priority, false, false)
    }

    fn add_stream(&mut self, context: u64, flags: u32, priority: i32, legacy: bool, own: bool) -> u64 {
        let handle = self.handles.fresh(Kind::Stream);
        let (queue, capture, completed, issued) = Default::default();
        let destroyed = false;
        let stream = Stream { context, flags, priority, legacy, own, destroyed, queue, capture, completed, issued };
        self.streams.insert(handle, stream);
        handle
    }

    /// The stream that a program names, which may be a default one, for work in `context`.
    pub fn stream(&mut self, context: u64, handle: u64) -> Answer<u64> {
        let own = |driver: &mut Driver, known: Option<u64>, legacy| {
            known.unwrap_or_else(|| driver.add_stream(context, 0, 0, legacy, true))
        };
        match handle {
            0 | LEGACY => {
                let known = self.context(context)?.default_stream;
                let stream = own(self, known, true);
                self.context(context)?.default_stream = Some(stream);
                Ok(stream)
            }
            PER_THREAD => {
                let thread = std::thread::current().id();
                let known = self.context(context)?.thread_streams.get(&thread).copied();
                let stream = own(self, known, false);
                self.context(context)?.thread_streams.insert(thread, stream);
                Ok(stream)
            }
            _ => match self.streams.get(&handle) {
                Some(stream) if !stream.destroyed && stream.context == context => Ok(handle),
                Some(stream) if !stream.destroyed => {
                    wrong(Status::INVALID_HANDLE, format!("the stream {handle:#x} belongs to another context"))
                }
                _ => wrong(Status::INVALID_HANDLE, self.handles.unknown(Kind::Stream, handle)),
            },
        }
    }

    /// An event that a program names.
    pub fn event(&mut self, handle: u64) -> Answer<&mut Event> {
        let unknown = self.handles.unknown(Kind::Event, handle);
        self.events.get_mut(&handle).map_or_else(|| wrong(Status::INVALID_HANDLE, unknown), Ok)
    }

    /// Milliseconds between two recorded events.
    pub fn elapsed(&mut self, start: u64, end: u64) -> Answer<f32> {
        let mut times = [None; 2];
        for (place, handle) in [start, end].into_iter().enumerate() {
            let event = self.event(handle)?;
            if !event.timed {
                return wrong(Status::INVALID_HANDLE, format!("the event {handle:#x} was made to take no times"));
            }
            if event.noted.is_some() {
                return wrong(Status::CAPTURED_EVENT, format!("the event {handle:#x} was recorded by a capture"));
            }
            let Some(point) = event.record else {
                return wrong(Status::INVALID_HANDLE, format!("the event {handle:#x} was never recorded"));
            };
            times[place] = event.time.filter(|_| self.done(point));
        }
        let [Some(start), Some(end)] = times else { return Err(Status::NOT_READY.into()) };
        let ahead = end.saturating_duration_since(start).as_secs_f64();
        let behind = start.saturating_duration_since(end).as_secs_f64();
        Ok(((ahead - behind) * 1e3) as f32)
    }
}
