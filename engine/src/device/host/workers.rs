//! The threads that run blocks: the one that launches, and a pool of helpers.

use std::sync::{Arc, Condvar, LazyLock, Mutex};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// A pool of its own: in the shared one a launch would wait for whatever else runs there, such as image decoding.
/// `None` if the system gives no threads; then launches run on their own.
static POOL: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let threads = cores().saturating_sub(1).max(1);
    ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("host-{i}")).build().ok()
});

/// Cores that this process may use.
pub(in crate::device) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A call of [`run`], as helpers see it.
struct Call {
    work: Work,
    state: Mutex<State>,
    left: Condvar,
}

struct Work(*const (dyn Fn() + Sync));
// SAFETY: the closure is `Sync`; that it still lives is what `State` sees to.
unsafe impl Send for Work {}
// SAFETY: likewise.
unsafe impl Sync for Work {}

#[derive(Default)]
struct State {
    /// Helpers inside `work`.
    inside: usize,
    /// Set when the caller is done: helpers that wake up only now find nothing to do, and nobody waits for them.
    closed: bool,
}

/// Runs `work` on this thread and, as soon as they wake up, on up to `helpers` others; returns when all of them are done.
/// Work that is finished before a helper wakes up does not wait for it, so small launches cost no context switch.
pub(super) fn run(helpers: usize, work: &(dyn Fn() + Sync)) {
    let Some(pool) = POOL.as_ref().filter(|_| helpers > 0) else {
        return work();
    };
    // SAFETY: only the lifetime changes; `Closing` keeps this call from returning while a helper uses the reference.
    let work_pointer = unsafe { std::mem::transmute::<*const (dyn Fn() + Sync + '_), *const (dyn Fn() + Sync)>(work) };
    let call = Arc::new(Call { work: Work(work_pointer), state: Mutex::new(State::default()), left: Condvar::new() });
    let closing = Closing(&call);
    for _ in 0..helpers.min(pool.current_num_threads()) {
        let call = call.clone();
        pool.spawn(move || call.help());
    }
    work();
    drop(closing);
}

impl Call {
    fn help(&self) {
        {
            let mut state = self.state.lock().unwrap();
            if state.closed {
                return;
            }
            state.inside += 1;
        }
        let _leaving = Leaving(self);
        // SAFETY: `closed` was not set when `inside` was raised, so `run` waits for this helper to leave.
        unsafe { (*self.work.0)() };
    }
}

struct Leaving<'a>(&'a Call);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().inside -= 1;
        self.0.left.notify_one();
    }
}

/// Closes the call and waits for the helpers inside, even if the caller's own share panics.
struct Closing<'a>(&'a Call);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap();
        state.closed = true;
        while state.inside > 0 {
            state = self.0.left.wait(state).unwrap();
        }
    }
}
