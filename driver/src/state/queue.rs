//! Queued work, and when it runs.
//!
//! A stream's work runs in order. Between streams there is an order only where an event was waited for, and where one of them is
//! the default stream, which waits for all that was queued before on streams that care for it, as they do for what it has.

use super::Driver;
use super::work::Work;
use crate::settings::Order;
use crate::status::{Answer, Status};

/// What a stream holds at most, as a GPU's queues have an end: who queues more waits for the oldest.
const ROOM: usize = 1024;

/// A place in a stream: the work with this number, which is done when the stream has come that far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub stream: u64,
    pub number: u64,
}

/// Queued work.
pub struct Item {
    pub number: u64,
    pub work: Work,
    /// The call that queued it.
    pub by: &'static str,
}

impl Driver {
    /// Whether a stream has come as far.
    pub fn done(&self, point: Point) -> bool {
        self.streams.get(&point.stream).is_none_or(|stream| stream.completed >= point.number)
    }

    /// Queues work, and runs as much as the order wants at once. Where a capture goes on, it is noted, and counts as done.
    pub fn queue(&mut self, stream: u64, work: Work, by: &'static str) -> Answer<Point> {
        if self.note(stream, &work, by)? {
            return Ok(Point { stream, number: 0 });
        }
        self.sequence += 1;
        let point = Point { stream, number: self.sequence };
        let Some(found) = self.streams.get_mut(&stream) else { return Err(Status::INVALID_HANDLE.into()) };
        found.queue.push_back(Item { number: point.number, work, by });
        found.issued = point.number;
        let context = found.context;
        match self.settings.order {
            Order::Eager => self.reach(point),
            Order::Lazy => {
                while self.streams.get(&stream).is_some_and(|stream| stream.queue.len() > ROOM) {
                    self.advance(stream);
                }
            }
            Order::Random(_) => {
                for _ in 0..self.drawn(2) {
                    self.step_anywhere(context);
                }
            }
        }
        Ok(point)
    }

    /// Queues the record of an event; who asks for the event from now on means this one.
    pub fn record(&mut self, event: u64, stream: u64) -> Answer {
        if self.note_record(event, stream)? {
            return Ok(());
        }
        let point = Point { stream, number: self.sequence + 1 };
        let found = self.event(event)?;
        (found.record, found.time, found.noted) = (Some(point), None, None);
        self.queue(stream, Work::Record(event), "cuEventRecord").map(|_| ())
    }

    /// Runs what must be done for a stream to come as far; in random order other streams' work, too.
    pub fn reach(&mut self, point: Point) {
        while !self.done(point) {
            let context = self.streams.get(&point.stream).map_or(0, |stream| stream.context);
            match self.settings.order {
                Order::Random(_) => self.step_anywhere(context),
                _ => self.advance(point.stream),
            }
        }
    }

    /// Runs all of a stream's work.
    pub fn finish(&mut self, stream: u64) {
        if let Some(number) = self.streams.get(&stream).map(|stream| stream.issued) {
            self.reach(Point { stream, number });
        }
    }

    /// Runs all work of a context.
    pub fn drain(&mut self, context: u64) {
        self.streams_of(context).into_iter().for_each(|stream| self.finish(stream));
    }

    /// Runs the next work of a stream, or what it waits for.
    pub fn advance(&mut self, mut stream: u64) {
        // Who waits has a higher number than what it waits for, so this ends.
        while let Some(other) = self.waits_for(stream) {
            stream = other;
        }
        self.run_next(stream);
    }

    /// Runs the next work of a stream that waits for nothing.
    fn step_anywhere(&mut self, context: u64) {
        let streams = self.streams_of(context);
        let has_work = |stream: &u64| self.streams.get(stream).is_some_and(|stream| !stream.queue.is_empty());
        let ready: Vec<u64> =
            streams.into_iter().filter(has_work).filter(|stream| self.waits_for(*stream).is_none()).collect();
        if !ready.is_empty() {
            let chosen = self.drawn(ready.len() as u64) as usize;
            self.run_next(ready[chosen]);
        }
    }

    fn streams_of(&self, context: u64) -> Vec<u64> {
        self.streams.iter().filter(|(_, stream)| stream.context == context).map(|(stream, _)| *stream).collect()
    }

    /// The stream that the next work of a stream waits for.
    fn waits_for(&self, stream: u64) -> Option<u64> {
        let this = self.streams.get(&stream)?;
        let next = this.queue.front()?;
        if let Work::Wait(point) = next.work
            && !self.done(point)
        {
            return Some(point.stream);
        }
        if this.flags & 1 == 1 {
            return None;
        }
        let before = |(handle, other): (&u64, &super::streams::Stream)| {
            let cares = other.context == this.context && other.flags & 1 == 0 && other.legacy != this.legacy;
            (cares && other.queue.front().is_some_and(|item| item.number < next.number)).then_some(*handle)
        };
        self.streams.iter().find_map(before)
    }

    fn run_next(&mut self, stream: u64) {
        let Some(item) = self.streams.get_mut(&stream).and_then(|stream| stream.queue.pop_front()) else { return };
        let number = item.number;
        let outcome = self.run(item);
        let Some(found) = self.streams.get_mut(&stream) else { return };
        found.completed = number;
        let context = found.context;
        if found.destroyed && found.queue.is_empty() {
            self.streams.remove(&stream);
        }
        if let Err(status) = outcome {
            self.fail(context, status);
        }
    }

    /// Ends all that a context has queued: nothing follows a fault.
    fn fail(&mut self, context: u64, status: Status) {
        if let Ok(context) = self.context(context) {
            context.fault.get_or_insert(status);
        }
        for stream in self.streams.values_mut().filter(|stream| stream.context == context) {
            stream.queue.clear();
            stream.completed = stream.issued;
        }
        self.streams.retain(|_, stream| !(stream.destroyed && stream.queue.is_empty()));
    }

    /// What a context's work has come to: its fault, if there was one.
    pub fn outcome(&mut self, context: u64) -> Answer {
        match self.context(context)?.fault {
            Some(fault) => Err(fault.into()),
            None => Ok(()),
        }
    }

    /// All work that is queued, in any stream, with the calls that queued it.
    pub fn queued(&self) -> impl Iterator<Item = &Item> {
        self.streams.values().flat_map(|stream| &stream.queue)
    }
}
