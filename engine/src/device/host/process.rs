//! Compilers as processes that can be ended in the middle.

use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Runs `command`, whose own temporary files go into `folder`. Returns, where it failed, what it wrote to its standard
/// error; or none if `stop` was set: then it and all that it started are ended.
pub(super) fn run(mut command: Command, folder: &Path, stop: &AtomicBool) -> io::Result<Option<Result<(), String>>> {
    // Ctrl-C is for this process, which decides what ends; a compiler in the same group would die of it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    // A file, since nobody reads while it runs.
    let said = folder.join("log");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(&said)?);
    let Some(status) = wait(command.env("TMPDIR", folder).spawn()?, stop)? else { return Ok(None) };
    let log = || io::Result::Ok(String::from_utf8_lossy(&std::fs::read(&said)?).into_owned());
    Ok(Some(if status.success() { Ok(()) } else { Err(log()?) }))
}

fn wait(mut child: Child, stop: &AtomicBool) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if stop.load(Ordering::Relaxed) {
            #[cfg(unix)]
            // SAFETY: the child leads a process group of its own and was not waited for, so the number is still its.
            unsafe {
                libc::kill(-(child.id() as libc::pid_t), libc::SIGKILL);
            }
            child.kill()?;
            return child.wait().map(|_| None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
