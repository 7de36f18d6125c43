//! Pictures decoded by workers ahead of whoever needs them, in bounded memory.
//!
//! Workers take positions one after another and put each picture under its position, so what comes out does not
//! depend on their number. They wait while as many pictures are decoded, or being decoded, as there is room for.

use std::collections::HashMap;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use super::{Images, Loading};
use crate::error::{Error, Result};

/// What is read of each position, in their order: pixels `[height, width, 3]`, or something with them.
pub struct Ahead<T = Vec<u8>> {
    shared: Arc<Shared<T>>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared<T> {
    read: Box<dyn Fn(usize) -> Result<T> + Send + Sync>,
    /// Behind the last position.
    end: usize,
    /// Pictures decoded and not yet taken, at most.
    room: usize,
    state: Mutex<State<T>>,
    /// Told of whatever changes the state.
    changed: Condvar,
}

struct State<T> {
    /// The next position that a worker takes.
    begun: usize,
    /// The next position that comes out.
    taken: usize,
    decoded: HashMap<usize, Result<T>>,
    over: bool,
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().expect("no thread panics with it")
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).expect("no thread panics with it")
    }

    /// What a worker does.
    fn work(&self) {
        loop {
            let mut state = self.state();
            while !state.over && (state.begun >= state.taken + self.room && state.begun < self.end) {
                state = self.wait(state);
            }
            let at = state.begun;
            if state.over || at >= self.end {
                return;
            }
            state.begun += 1;
            drop(state);
            let read = (self.read)(at);
            self.state().decoded.insert(at, read);
            self.changed.notify_all();
        }
    }
}

/// What `read` makes of `file`. Whoever waits for a picture must get an answer, whatever its decoder does.
///
/// # Errors
/// Those of `read`, and one for its panic.
pub fn guarded<T>(file: impl AsRef<Path>, read: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(Error::file(file.as_ref(), "its decoder failed: convert it to PNG or remove it")))
}

impl<T: Send + 'static> Ahead<T> {
    /// Begins with the first of `positions`, on `workers` threads (0: on all cores), at most `room` ahead. `read` does not panic: see
    /// [`guarded`].
    pub fn of(
        read: impl Fn(usize) -> Result<T> + Send + Sync + 'static,
        positions: Range<usize>,
        room: usize,
        workers: usize,
    ) -> Self {
        let Range { start, end } = positions;
        let state = State { begun: start, taken: start, decoded: HashMap::new(), over: false };
        let (state, changed, room) = (Mutex::new(state), Condvar::new(), room.max(1));
        let shared = Arc::new(Shared { read: Box::new(read), end, room, state, changed });
        let worker = || {
            let shared = shared.clone();
            std::thread::spawn(move || shared.work())
        };
        Self { workers: (0..Loading::threads(workers).min(room)).map(|_| worker()).collect(), shared }
    }
}

impl<T> Ahead<T> {
    /// The position that comes next.
    pub fn position(&self) -> usize {
        self.shared.state().taken
    }
}

impl<T> Iterator for Ahead<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let mut state = self.shared.state();
        let at = state.taken;
        if at >= self.shared.end {
            return None;
        }
        let read = loop {
            if let Some(read) = state.decoded.remove(&at) {
                break read;
            }
            state = self.shared.wait(state);
        };
        state.taken += 1;
        drop(state);
        self.shared.changed.notify_all();
        Some(read)
    }
}

impl Ahead {
    /// Begins with position `from` of `order`, indices into `images`; at most `room` pictures ahead.
    pub fn new(images: &Arc<Images>, order: Vec<u32>, from: usize, room: usize) -> Self {
        let (images, end) = (images.clone(), order.len());
        let workers = images.files.as_ref().map_or(0, |files| files.workers);
        let read = move |at: usize| {
            let index = order[at] as usize;
            guarded(&images.origins[index].file, || images.read(index).map(|pixels| pixels.into_owned()))
        };
        Self::of(read, from..end, room, workers)
    }

    /// The next `count` pictures, `[count, height, width, 3]`; fewer at the end of the order.
    ///
    /// # Errors
    /// The first of them that cannot be read.
    pub fn pictures(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        for pixels in self.by_ref().take(count) {
            let pixels = pixels?;
            all.reserve(if all.is_empty() { count * pixels.len() } else { 0 });
            all.extend(pixels);
        }
        Ok(all)
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // One that panicked has said so.
            let _ = worker.join();
        }
    }
}
