//! How a launch runs: blocks on all cores, or one after the other where they are observed.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use super::dice::Dice;
use super::module::Loaded;
use super::observation::Observation;
use super::{Host, Order, scheduler, stacks, workers};
use crate::device::observed::{Ended, Launch, Observer};
use crate::device::{Arg, Function, Geometry, Target};

impl Host {
    /// Runs a kernel to its end. Errors are sentences without the kernel's name.
    ///
    /// # Safety
    /// That of [`Device::launch`](crate::Device::launch).
    pub(super) unsafe fn start(&self, function: &Function, geometry: Geometry, args: &[Arg]) -> Result<(), String> {
        match self.info.target {
            Target::Cuda => geometry.fits_a_gpu()?,
            Target::Host { .. } => geometry.fits_a_block()?,
        }
        let Loaded { kernel, module } = function.handle().ok_or("was compiled for another device")?;
        kernel.accepts(args)?;

        let launch = self.launches.fetch_add(1, Ordering::Relaxed) as u64;
        let order = match self.options.order {
            Order::Random(seed) => Order::Random(seed ^ launch.rotate_left(32)),
            order => order,
        };
        if let Some(observer) = &self.observer {
            let image = kernel.image();
            let image = image.ok_or("only Linux tells where modules lie, as this mode needs")?;
            let code = Observation { module, kernel, image, geometry, order };
            let launch = Launch { function, code: &code, geometry, args };
            // SAFETY: the caller's promise.
            return unsafe { self.observe(observer.lock().unwrap(), &launch, &code) };
        }
        let count = geometry.blocks();
        let blocks = block_order(count, order);
        // Claiming a few blocks at a time keeps the counter off the hot path of small blocks.
        let chunk = (count / (8 * self.info.units)).clamp(1, 64);
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let failure = Mutex::new(None);
        let work = || {
            let pointers: Vec<*mut c_void> = args.iter().map(Arg::pointer).collect();
            // SAFETY: the arguments fit the parameters, and what the kernel does with them is the caller's promise; `function`
            // keeps the module loaded.
            let mut runner = unsafe { scheduler::Runner::new(kernel, pointers.as_ptr(), geometry, order) };
            loop {
                let first = next.fetch_add(chunk, Ordering::Relaxed);
                for position in first..(first + chunk).min(count) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let block = blocks.as_ref().map_or(position, |order| order[position] as usize);
                    if let Err(ended) = runner.run(block) {
                        failure.lock().unwrap().get_or_insert(ended);
                        stop.store(true, Ordering::Relaxed);
                        return;
                    }
                }
                if first + chunk >= count {
                    return;
                }
            }
        };
        let helpers = self.info.units.min(stacks::MOST / geometry.threads()).min(count.div_ceil(chunk)) - 1;
        workers::run(helpers, &work);
        match failure.into_inner().unwrap() {
            None => Ok(()),
            Some(ended) => Err(ended.to_string()),
        }
    }

    /// A launch of which `observer` is told: one block after the other, on this OS thread.
    ///
    /// # Safety
    /// That of [`Host::start`].
    unsafe fn observe(
        &self,
        mut observer: MutexGuard<Box<dyn Observer>>,
        launch: &Launch<'_>,
        code: &Observation<'_>,
    ) -> Result<(), String> {
        let Launch { geometry, args, .. } = launch;
        let Observation { kernel, order, .. } = code;
        observer.begin(launch)?;
        let pointers: Vec<*mut c_void> = args.iter().map(Arg::pointer).collect();
        // SAFETY: as in `start`.
        let mut runner = unsafe { scheduler::Runner::new(kernel, pointers.as_ptr(), *geometry, *order) };
        let watching: *mut dyn Observer = observer.as_mut();
        // SAFETY: the guard is held until the runner is gone, and used only through this pointer until then.
        let mut ended = unsafe {
            runner.observe(watching, code.image.base);
            let blocks = block_order(geometry.blocks(), *order);
            (0..geometry.blocks()).find_map(|position| {
                let block = blocks.as_ref().map_or(position, |order| order[position] as usize);
                (*watching).block(block as u32, code.image.thread_local.start);
                let ended = runner.run(block).err();
                (*watching).end_block();
                ended
            })
        };
        drop(runner);
        if let Some(Ended::Faulty(_, fault)) = &mut ended {
            fault.locate(code)?;
        }
        observer.end(launch, ended)
    }
}

/// The order in which blocks are claimed, unless it is the natural one.
fn block_order(blocks: usize, order: Order) -> Option<Vec<u32>> {
    let sequence = || 0..blocks as u32;
    match order {
        Order::Forward => None,
        Order::Reverse => Some(sequence().rev().collect()),
        Order::Random(seed) => {
            let mut sequence: Vec<u32> = sequence().collect();
            Dice::new(seed, u64::MAX).shuffle(&mut sequence);
            Some(sequence)
        }
    }
}
