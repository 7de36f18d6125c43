//! Captures: what streams are given is noted for a graph instead of being run ("CUDA Driver API", `cuStreamBeginCapture`).
//!
//! Whatever would have to wait for work that does not run is refused, and what it was part of is no capture any more.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::thread::ThreadId;

use super::Driver;
use super::graphs::{Graph, Node};
use super::handles::Kind;
use super::work::Work;
use crate::status::{Answer, Refusal, Status, wrong};

/// `CU_STREAM_CAPTURE_MODE_GLOBAL`, `_THREAD_LOCAL`, `_RELAXED`
const GLOBAL: u32 = 0;
const RELAXED: u32 = 2;

/// What is noted.
pub struct Capture {
    pub context: u64,
    /// The stream that it began with.
    pub origin: u64,
    mode: u32,
    thread: ThreadId,
    nodes: Vec<Node>,
    /// By stream: what its next work comes after.
    heads: BTreeMap<u64, Vec<usize>>,
    /// Something happened that no graph can have.
    invalid: bool,
}

thread_local! {
    /// What `cuThreadExchangeStreamCaptureMode` has set.
    static MODE: Cell<u32> = const { Cell::new(GLOBAL) };
}

/// Sets what calls this thread may make while captures go on; what it was.
pub fn exchange_mode(mode: u32) -> Answer<u32> {
    match mode {
        GLOBAL..=RELAXED => Ok(MODE.replace(mode)),
        _ => wrong(Status::INVALID_VALUE, format!("there is no capture mode {mode}")),
    }
}

/// Calls that may wait for the device, or change what queued work uses: a capture does not see them.
const UNSAFE: &[&str] = &[
    "cuMemAlloc",
    "cuMemAllocPitch",
    "cuMemAllocManaged",
    "cuMemAllocHost",
    "cuMemHostAlloc",
    "cuMemHostRegister",
    "cuMemHostUnregister",
    "cuMemFree",
    "cuMemFreeHost",
    "cuArrayCreate",
    "cuArray3DCreate",
    "cuArrayDestroy",
    "cuMipmappedArrayCreate",
    "cuMipmappedArrayDestroy",
    "cuMemcpy",
    "cuMemcpyHtoD",
    "cuMemcpyDtoH",
    "cuMemcpyDtoD",
    "cuMemcpyHtoA",
    "cuMemcpyAtoH",
    "cuMemcpyDtoA",
    "cuMemcpyAtoD",
    "cuMemcpyAtoA",
    "cuMemcpy2D",
    "cuMemcpy2DUnaligned",
    "cuMemcpy3D",
    "cuModuleUnload",
    "cuLibraryUnload",
];

impl Driver {
    /// Whether a call may be made now.
    pub fn permitted(&mut self, context: u64, call: &str) -> Answer {
        if self.captures.is_empty() {
            return Ok(());
        }
        let (thread, mode) = (std::thread::current().id(), MODE.get());
        let waits = call == "cuCtxSynchronize";
        let hit = |capture: &&mut Capture| {
            let own = capture.thread == thread && capture.mode != RELAXED;
            let all = mode == GLOBAL && capture.mode == GLOBAL;
            capture.context == context && (waits || UNSAFE.contains(&call) && mode != RELAXED && (own || all))
        };
        let mut disturbed = false;
        for capture in self.captures.values_mut().filter(hit) {
            (capture.invalid, disturbed) = (true, true);
        }
        match disturbed {
            false => Ok(()),
            true => wrong(Status::STREAM_CAPTURE_UNSUPPORTED, "is not allowed while a stream is captured"),
        }
    }

    /// The capture that a stream is in, and its number.
    fn capture_of(&mut self, stream: u64) -> Option<(u64, &mut Capture)> {
        let number = self.streams.get(&stream)?.capture?;
        self.captures.get_mut(&number).map(|capture| (number, capture))
    }

    /// What a capture does not survive.
    fn invalidate<T>(&mut self, stream: u64, status: Status, why: impl Into<String>) -> Answer<T> {
        if let Some((_, capture)) = self.capture_of(stream) {
            capture.invalid = true;
        }
        wrong(status, why)
    }

    /// Refuses what a stream cannot do while it is captured.
    pub fn not_captured(&mut self, stream: u64, what: &str) -> Answer {
        match self.capture_of(stream) {
            None => Ok(()),
            Some(_) => {
                let why = format!("the stream {stream:#x} cannot {what} while it is captured");
                self.invalidate(stream, Status::STREAM_CAPTURE_UNSUPPORTED, why)
            }
        }
    }

    /// Refuses what is about an event that a capture noted.
    pub fn outside(&mut self, event: u64) -> Answer {
        match &self.event(event)?.noted {
            None => Ok(()),
            Some((number, _)) => {
                let number = *number;
                if let Some(capture) = self.captures.get_mut(&number) {
                    capture.invalid = true;
                }
                wrong(Status::CAPTURED_EVENT, format!("the event {event:#x} was recorded by a capture: it never comes"))
            }
        }
    }

    /// Begins to note what a stream is given.
    pub fn begin_capture(&mut self, context: u64, stream: u64, mode: u32) -> Answer {
        let Some(found) = self.streams.get_mut(&stream) else { return Err(Status::INVALID_HANDLE.into()) };
        if mode > RELAXED {
            return wrong(Status::INVALID_VALUE, format!("there is no capture mode {mode}"));
        }
        if found.legacy {
            return wrong(Status::STREAM_CAPTURE_UNSUPPORTED, "the default stream cannot be captured");
        }
        if found.capture.is_some() {
            return wrong(Status::ILLEGAL_STATE, format!("the stream {stream:#x} is captured already"));
        }
        self.captured += 1;
        found.capture = Some(self.captured);
        let (thread, heads) = (std::thread::current().id(), BTreeMap::from([(stream, Vec::new())]));
        let capture = Capture { context, origin: stream, mode, thread, nodes: Vec::new(), heads, invalid: false };
        self.captures.insert(self.captured, capture);
        Ok(())
    }

    /// Ends a capture: the handle of what was noted.
    pub fn end_capture(&mut self, stream: u64) -> Answer<u64> {
        let Some((number, capture)) = self.capture_of(stream) else {
            return wrong(Status::ILLEGAL_STATE, format!("the stream {stream:#x} is not captured"));
        };
        if capture.origin != stream {
            let origin = capture.origin;
            let why = format!("the capture began with the stream {origin:#x}, and is ended with {stream:#x}");
            return self.invalidate(stream, Status::STREAM_CAPTURE_UNMATCHED, why);
        }
        if capture.mode != RELAXED && capture.thread != std::thread::current().id() {
            return wrong(Status::STREAM_CAPTURE_WRONG_THREAD, "another thread has begun this capture");
        }
        let Some(capture) = self.captures.remove(&number) else { return Err(Status::UNKNOWN.into()) };
        self.streams.values_mut().filter(|s| s.capture == Some(number)).for_each(|stream| stream.capture = None);
        if capture.invalid {
            return Err(Status::STREAM_CAPTURE_INVALIDATED.into());
        }
        if let Some((left, _)) = capture.heads.iter().find(|(_, heads)| !capture.joined(heads)) {
            let why =
                format!("the stream {left:#x} was made part of the capture, whose stream does not wait for its work");
            return wrong(Status::STREAM_CAPTURE_UNJOINED, why);
        }
        let handle = self.handles.fresh(Kind::Graph);
        self.graphs.insert(handle, Graph { context: capture.context, nodes: capture.nodes });
        Ok(handle)
    }

    /// `CUstreamCaptureStatus` and the capture's number: none (0), active (1), invalidated (2).
    pub fn capture_status(&mut self, stream: u64) -> (u32, u64) {
        self.capture_of(stream).map_or((0, 0), |(number, capture)| (if capture.invalid { 2 } else { 1 }, number))
    }

    /// Notes work if its stream is captured, and says whether it is.
    pub fn note(&mut self, stream: u64, work: &Work, by: &'static str) -> Answer<bool> {
        let Some(found) = self.streams.get(&stream) else { return Ok(false) };
        let context = found.context;
        if found.legacy && self.waits_for_a_capture(context) {
            for capture in self.captures.values_mut().filter(|capture| capture.context == context) {
                capture.invalid = true;
            }
            return wrong(
                Status::STREAM_CAPTURE_IMPLICIT,
                "the default stream would wait for a stream that is captured",
            );
        }
        let Some((_, capture)) = self.capture_of(stream) else { return Ok(false) };
        if capture.invalid {
            return Err(Status::STREAM_CAPTURE_INVALIDATED.into());
        }
        let number = capture.nodes.len();
        let after = capture.heads.insert(stream, vec![number]).unwrap_or_default();
        capture.nodes.push(Node { work: work.clone(), by, after });
        Ok(true)
    }

    /// Whether a stream that cares for the default one is captured.
    fn waits_for_a_capture(&self, context: u64) -> bool {
        self.streams.values().any(|s| s.context == context && s.capture.is_some() && s.flags & 1 == 0)
    }

    /// Notes the record of an event if its stream is captured, and says whether it is.
    pub fn note_record(&mut self, event: u64, stream: u64) -> Answer<bool> {
        let Some((number, capture)) = self.capture_of(stream) else { return Ok(false) };
        if capture.invalid {
            return Err(Status::STREAM_CAPTURE_INVALIDATED.into());
        }
        let before = capture.heads.get(&stream).cloned().unwrap_or_default();
        self.event(event)?.noted = Some((number, before));
        Ok(true)
    }

    /// Notes that a stream waits for an event, if a capture has to do with one of them, and says whether it has: a stream that
    /// waits for a captured one is captured, too.
    pub fn note_wait(&mut self, stream: u64, event: u64) -> Answer<bool> {
        let noted = self.event(event)?.noted.clone();
        let own = self.capture_of(stream).map(|(number, capture)| (number, capture.invalid));
        let (number, before) = match (noted, own) {
            (None, None) => return Ok(false),
            (_, Some((_, true))) => return Err(Status::STREAM_CAPTURE_INVALIDATED.into()),
            (None, Some(_)) => {
                let why = format!("the event {event:#x} is of work that is not part of the capture");
                return self.invalidate(stream, Status::STREAM_CAPTURE_ISOLATION, why);
            }
            (Some((number, _)), _) if !self.captures.contains_key(&number) => {
                let why = format!("the event {event:#x} was recorded by a capture that is over");
                return self.invalidate(stream, Status::CAPTURED_EVENT, why);
            }
            (Some((number, _)), Some((own, _))) if number != own => {
                return self.invalidate(stream, Status::STREAM_CAPTURE_MERGE, "waits for another capture");
            }
            (Some(noted), _) => noted,
        };
        let Some(found) = self.streams.get_mut(&stream) else { return Err(Status::INVALID_HANDLE.into()) };
        if found.legacy {
            return wrong(Status::STREAM_CAPTURE_IMPLICIT, "the default stream cannot be captured");
        }
        found.capture = Some(number);
        let capture = self.captures.get_mut(&number).ok_or(Refusal::from(Status::UNKNOWN))?;
        let heads = capture.heads.entry(stream).or_default();
        heads.extend(before);
        heads.sort_unstable();
        heads.dedup();
        Ok(true)
    }
}

impl Capture {
    /// Whether the capture's own stream comes after all of these.
    fn joined(&self, nodes: &[usize]) -> bool {
        let mut before = vec![false; self.nodes.len()];
        let mut left = self.heads.get(&self.origin).cloned().unwrap_or_default();
        while let Some(node) = left.pop() {
            if !std::mem::replace(&mut before[node], true) {
                left.extend(&self.nodes[node].after);
            }
        }
        nodes.iter().all(|node| before[*node])
    }
}
