//! How calls come in: one at a time, with a result and a line on what is wrong.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;

use super::{DRIVER, Driver};
use crate::report;
use crate::status::{Answer, Status, wrong};

thread_local! {
    /// Whether this thread runs a function that the program queued.
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Runs a function that the program gave. It must not call the driver ("CUDA Driver API", `cuLaunchHostFunc`), and is told so.
pub fn callback(run: impl FnOnce()) {
    IN_CALLBACK.set(true);
    run();
    IN_CALLBACK.set(false);
}

/// Does a call that needs no driver, and tells what is wrong with it.
pub fn bare(call: &'static str, work: impl FnOnce() -> Answer) -> u32 {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => Status::SUCCESS.0,
        Ok(Err(refusal)) => {
            if let Some(why) = refusal.why {
                report::mistake(call, &why);
            }
            refusal.status.0
        }
        Err(_) => {
            report::say(&format!("{call}: a mistake in the emulated driver itself"));
            Status::UNKNOWN.0
        }
    }
}

/// Does a call on the driver, initialised or not.
pub fn maybe(call: &'static str, work: impl FnOnce(&mut Option<Driver>) -> Answer) -> u32 {
    bare(call, || {
        if IN_CALLBACK.get() {
            return wrong(Status::NOT_PERMITTED, "a function that a stream runs must not call the driver");
        }
        work(&mut DRIVER.lock().unwrap_or_else(PoisonError::into_inner))
    })
}

/// Does a call on the driver, which must be initialised.
pub fn call(call: &'static str, work: impl FnOnce(&mut Driver) -> Answer) -> u32 {
    maybe(call, |driver| match driver {
        Some(driver) => work(driver),
        None => wrong(Status::NOT_INITIALIZED, "cuInit comes first"),
    })
}

/// Does a call that needs a context: the one that is current on this thread.
pub fn in_context(name: &'static str, work: impl FnOnce(&mut Driver, u64) -> Answer) -> u32 {
    call(name, |driver| {
        let context = driver.current()?;
        driver.permitted(context, name)?;
        work(driver, context)
    })
}

/// Does a call that came with a newer CUDA: in an older driver's library it is not even there.
pub fn since(version: (u32, u32), name: &'static str, work: impl FnOnce(&mut Driver, u64) -> Answer) -> u32 {
    in_context(name, |driver, context| {
        let (major, minor) = driver.settings.version();
        if (major, minor) < version {
            let why = format!("came with CUDA {}.{}, and this driver is for {major}.{minor}", version.0, version.1);
            return wrong(Status::NOT_SUPPORTED, why);
        }
        work(driver, context)
    })
}
