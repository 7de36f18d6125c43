//! How the threads of a CUDA block take turns on one OS thread: each that has to wait has a stack of its own, a fiber, and
//! the processor is handed to and fro.
//!
//! A crate of its own for the sake of speed. A kernel with barriers switches twice per thread and barrier; a switch is a few
//! instructions, if it stands in the function that waits. Each call between the two costs a return that the processor
//! guesses wrong, since it comes back on another stack. Here, in one unit of code, the compiler leaves none.

mod entry;
mod stacks;

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::io;
use std::ops::Range;

use corosensei::stack::Stack;
use corosensei::{Coroutine, Yielder};

pub use self::entry::{barrier, collective, current, park};
use self::stacks::FiberStack;
pub use self::stacks::MOST;

/// A compiled kernel, which takes a pointer to each argument.
pub type Kernel = unsafe extern "C" fn(*const *mut c_void);

/// Who goes on.
pub enum Next {
    /// A fiber that starts threads.
    Start,
    /// The fiber of this number, on which a thread waited.
    Resume(usize),
    /// None: the block is over, or cannot go on.
    Nobody,
}

/// The threads of a block: what each of them is doing, and who may go on.
pub trait Threads {
    /// Decides who goes on.
    fn next(&mut self) -> Next;
    /// Makes the next thread the running one, on fiber `fiber`; false if all have started.
    fn start(&mut self, fiber: usize) -> bool;
    /// The running thread has returned.
    fn finish(&mut self);
    /// The running thread arrives at a barrier, with what shim.h passes. Returns whether it has to wait.
    fn barrier(&mut self, kind: c_int, predicate: c_int, file: *const c_char, line: c_int) -> bool;
    /// What the last complete barrier tells its threads.
    fn verdict(&self) -> c_int;
    /// The running thread arrives at a warp collective, with what shim.h passes. Returns whether it has to wait.
    fn collective(
        &mut self,
        kind: c_int,
        mask: u32,
        value: u64,
        source: c_int,
        file: *const c_char,
        line: c_int,
    ) -> bool;
    /// What the collective gives the running thread.
    fn result(&self) -> u64;
}

/// What runs on an OS thread now.
pub struct Turn {
    /// Only touched while nobody else does: the fibers and the loop that resumes them take turns.
    pub threads: *mut dyn Threads,
    /// Addresses of the running fiber's stack.
    pub stack: Range<u64>,
    yielder: *const Yielder<(), ()>,
}

thread_local! {
    static CURRENT: Cell<*mut Turn> = const { Cell::new(std::ptr::null_mut()) };
}

/// The fibers that run the blocks of one launch on one OS thread.
pub struct Fibers {
    fibers: Vec<Coroutine<(), (), (), FiberStack>>,
    turn: Box<Turn>,
    kernel: Kernel,
    args: *const *mut c_void,
}

impl Fibers {
    /// None yet; they will run `kernel` with the arguments that `args` points at.
    ///
    /// # Safety
    /// `args` holds one pointer per parameter of `kernel`. They, `threads` and the kernel's code outlive the fibers, which
    /// stay on the OS thread that makes them. Nobody else uses `threads` while [`Fibers::run`] does.
    pub unsafe fn new(threads: *mut dyn Threads, kernel: Kernel, args: *const *mut c_void) -> Self {
        let turn = Box::new(Turn { threads, stack: 0..0, yielder: std::ptr::null() });
        Self { fibers: Vec::new(), turn, kernel, args }
    }

    /// Runs a block until nobody goes on. If threads wait then, the fibers cannot be used again.
    ///
    /// # Errors
    /// No stack can be mapped for another fiber.
    pub fn run(&mut self) -> io::Result<()> {
        let turn: *mut Turn = &mut *self.turn;
        CURRENT.set(turn);
        // Fibers that start threads of this block; the others are left from earlier blocks.
        let mut begun = 0;
        let result = loop {
            // SAFETY: the promise of `new`; only this loop and, while `resume` runs, one fiber touch what `turn` leads to.
            let fiber = match unsafe { (*(*turn).threads).next() } {
                Next::Nobody => break Ok(()),
                Next::Resume(fiber) => fiber,
                Next::Start => {
                    if begun == self.fibers.len() {
                        match self.another() {
                            Ok(fiber) => self.fibers.push(fiber),
                            Err(error) => break Err(error),
                        }
                    }
                    begun += 1;
                    begun - 1
                }
            };
            self.fibers[fiber].resume(());
        };
        CURRENT.set(std::ptr::null_mut());
        result
    }

    /// A fiber that starts threads until none are left, waits for the next block, and so on.
    fn another(&mut self) -> io::Result<Coroutine<(), (), (), FiberStack>> {
        let (kernel, args, number) = (self.kernel, self.args, self.fibers.len());
        let turn: *mut Turn = &mut *self.turn;
        let stack = stacks::take()?;
        let addresses = stack.limit().get() as u64..stack.base().get() as u64;
        Ok(Coroutine::with_stack(stack, move |yielder: &Yielder<(), ()>, ()| {
            loop {
                // SAFETY: as in `run`, whose `resume` this is; the kernel is called as `new` says.
                unsafe {
                    ((*turn).yielder, (*turn).stack) = (yielder, addresses.clone());
                    while (*(*turn).threads).start(number) {
                        kernel(args);
                        (*(*turn).threads).finish();
                    }
                }
                yielder.suspend(());
            }
        }))
    }
}

impl Drop for Fibers {
    fn drop(&mut self) {
        stacks::give(self.fibers.drain(..).map(|mut fiber| {
            // Fibers wait for another block or, after an error, stand in the middle of the kernel. Neither holds anything
            // that needs dropping; to unwind them, as dropping a coroutine does, would go through C++ frames.
            // SAFETY: see above.
            unsafe { fiber.force_reset() };
            fiber.into_stack()
        }));
    }
}
