//! Many kernels compiled at once before the first of them is needed, and an end to that when somebody cannot wait.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, mpsc};

use super::{Device, Source};
use crate::error::Result;

impl Device {
    /// From when `flag` is set, nothing more is compiled here, and compilers that run are ended where they can be: what
    /// needs a kernel that is not there fails with [`Error::Interrupted`]. The first flag given counts.
    pub fn compile_until(&self, flag: &'static AtomicBool) {
        let _ = self.0.stop.set(flag);
    }

    pub(super) fn stop(&self) -> &'static AtomicBool {
        static NEVER: AtomicBool = AtomicBool::new(false);
        self.0.stop.get().copied().unwrap_or(&NEVER)
    }

    /// Compiles and loads those of `sources` that are not loaded yet, as many at once as there are cores. `told` hears how
    /// many are done, of how many, each time that it changes.
    ///
    /// # Errors
    /// The first error of a compilation; [`Error::Interrupted`](crate::error::Error::Interrupted), see
    /// [`Device::compile_until`].
    pub fn prepare(&self, sources: Vec<Source>, told: &mut dyn FnMut(usize, usize)) -> Result<()> {
        let unknown = |source: &Source| {
            source.kernels().iter().any(|kernel| self.known(&source.file, kernel, &source.defines).is_none())
        };
        let mut sources: Vec<Source> = sources.into_iter().filter(unknown).collect();
        // The longest texts take longest: begun last, one of them would keep one core busy and the others idle.
        sources.sort_by_key(|source| source.text.len());
        let total = sources.len();
        let queue = Mutex::new(sources);
        let next = || queue.lock().unwrap().pop();
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(total);
        let (send, receive) = mpsc::channel();
        std::thread::scope(|scope| {
            for send in vec![send; workers] {
                scope.spawn(move || {
                    while let Some(source) = next() {
                        // Nobody listens any more after an error.
                        if send.send(self.load(&source)).is_err() {
                            return;
                        }
                    }
                });
            }
            told(0, total);
            let mut first = Ok(());
            for done in 1..=total {
                match receive.recv() {
                    Ok(Ok(())) => told(done, total),
                    Ok(Err(error)) => {
                        first = Err(error);
                        queue.lock().unwrap().clear();
                        break;
                    }
                    Err(_) => break,
                }
            }
            drop(receive);
            first
        })
    }
}
