//! Pictures decoded by workers ahead of the step that needs them, in bounded memory.
//!
//! Workers take positions of the order one after another and put each picture under its position, so what comes out does not
//! depend on their number. They wait while as many pictures are decoded, or being decoded, as there is room for.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use super::{Images, Loading};
use crate::error::{Error, Result};

/// Pictures of an order, from a position on.
pub struct Ahead {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    images: Arc<Images>,
    order: Vec<u32>,
    /// Pictures decoded and not yet taken, at most.
    room: usize,
    state: Mutex<State>,
    /// Told of whatever changes the state.
    changed: Condvar,
}

struct State {
    /// The next position that a worker takes.
    begun: usize,
    /// The next position that comes out.
    taken: usize,
    decoded: HashMap<usize, Result<Vec<u8>>>,
    over: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with it")
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).expect("no thread panics with it")
    }

    /// What a worker does.
    fn work(&self) {
        loop {
            let mut state = self.state();
            while !state.over && (state.begun >= state.taken + self.room && state.begun < self.order.len()) {
                state = self.wait(state);
            }
            let at = state.begun;
            if state.over || at >= self.order.len() {
                return;
            }
            state.begun += 1;
            drop(state);
            let index = self.order[at] as usize;
            let read = || self.images.read(index).map(|pixels| pixels.into_owned());
            // Whoever waits for a picture must get an answer, whatever its decoder does.
            let picture = std::panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
                let file = &self.images.origins[index].file;
                Err(Error::file(file, "its decoder failed: convert it to PNG or remove it"))
            });
            self.state().decoded.insert(at, picture);
            self.changed.notify_all();
        }
    }
}

impl Ahead {
    /// Begins with position `from` of `order`, indices into `images`; at most `room` pictures ahead.
    pub fn new(images: &Arc<Images>, order: Vec<u32>, from: usize, room: usize) -> Self {
        let state = State { begun: from, taken: from, decoded: HashMap::new(), over: false };
        let (state, changed, images) = (Mutex::new(state), Condvar::new(), images.clone());
        let workers = Loading::threads(images.files.as_ref().map_or(0, |files| files.workers));
        let shared = Arc::new(Shared { images, order, room: room.max(1), state, changed });
        let worker = || {
            let shared = shared.clone();
            std::thread::spawn(move || shared.work())
        };
        Self { workers: (0..workers.min(room.max(1))).map(|_| worker()).collect(), shared }
    }

    /// The position that comes next.
    pub fn position(&self) -> usize {
        self.shared.state().taken
    }

    /// The next `count` pictures, `[count, height, width, 3]`; fewer at the end of the order.
    ///
    /// # Errors
    /// The first of them that cannot be read.
    pub fn take(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut pixels = Vec::with_capacity(count * self.shared.images.stride());
        for _ in 0..count {
            let mut state = self.shared.state();
            let at = state.taken;
            if at >= self.shared.order.len() {
                break;
            }
            let picture = loop {
                if let Some(picture) = state.decoded.remove(&at) {
                    break picture;
                }
                state = self.shared.wait(state);
            };
            state.taken += 1;
            drop(state);
            self.shared.changed.notify_all();
            pixels.extend(picture?);
        }
        Ok(pixels)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // One that panicked has said so.
            let _ = worker.join();
        }
    }
}
