//! Ctrl-C and `kill`: the first asks a training to stop, the second ends it.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::error::{Error, Result};

/// Set when the training is to stop.
pub static STOP: AtomicBool = AtomicBool::new(false);
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// From now on SIGINT (Ctrl-C), SIGTERM and SIGHUP set [`STOP`]. A second one ends the process at once: checkpoints are whole
/// at every moment.
///
/// # Errors
/// A system that has no room for a thread.
#[cfg(unix)]
pub fn watch() -> Result<()> {
    use std::io::Write;
    let failed = |e: std::io::Error| Error::Training(format!("cannot watch for Ctrl-C: {e}; free some memory"));
    let mut signals =
        signal_hook::iterator::Signals::new([libc::SIGINT, libc::SIGTERM, libc::SIGHUP]).map_err(failed)?;
    let wait = move || {
        for signal in signals.forever() {
            if STOP.swap(true, Ordering::Relaxed) {
                std::process::exit(128 + signal);
            }
            SIGNAL.store(signal, Ordering::Relaxed);
            let _ = writeln!(std::io::stderr(), "\nfinishing this step, then saving (press again to quit at once)");
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map_err(failed)?;
    Ok(())
}

/// Without signals there is nothing to watch for: Ctrl-C ends the process.
#[cfg(not(unix))]
pub fn watch() -> Result<()> {
    Ok(())
}

/// What a process ends with that was asked to stop, as shells have it: 130 after Ctrl-C, 143 after `kill`.
pub fn exit_code() -> i32 {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => 130,
        signal => 128 + signal,
    }
}
