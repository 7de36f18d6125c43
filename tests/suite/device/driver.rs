//! Drivers that refuse and GPUs that fail: one line each, and no panic. The emulated driver (`driver/`) fails on demand, so these
//! need no GPU; where it was not built, or there is no NVRTC, they are skipped.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::command::{done, refused, shared, warptape};
use crate::device::nvrtc::nvrtc;

/// A folder with the emulated driver under the names that programs look for, and what else they need.
struct Driver {
    folder: TempDir,
    real: PathBuf,
}

impl Driver {
    /// Says so where there is none, and that the test is skipped.
    fn find() -> Option<Self> {
        let tests = std::env::current_exe().unwrap();
        let built = tests.parent().unwrap().with_file_name("libwarptape_driver.so");
        let library = std::env::var_os("WARPTAPE_DRIVER").map_or(built, PathBuf::from);
        if !library.is_file() {
            println!("skipped: {} is not there (cargo build --release -p warptape-driver)", library.display());
            return None;
        }
        // Where these tests run over the emulated driver themselves, the NVRTC that is found is the one around the real one.
        let real = match std::env::var_os("WARPTAPE_REAL_NVRTC") {
            Some(real) => real.into(),
            None => fs::canonicalize(nvrtc()?.path()).ok()?,
        };
        let folder = tempfile::tempdir().unwrap();
        for name in ["libcuda.so", "libcuda.so.1", "libnvrtc.so.13"] {
            symlink(fs::canonicalize(&library).unwrap(), folder.path().join(name)).unwrap();
        }
        Some(Self { folder, real })
    }

    /// The command on the emulated GPU, with these faults.
    fn command(&self, faults: &str) -> Command {
        let (here, mut command) = (self.folder.path(), warptape());
        let run = shared().run.to_str().unwrap();
        command.args(["eval", run, "--device", "cuda"]).env("WARPTAPE_DRIVER_FAULTS", faults);
        command.env("LD_LIBRARY_PATH", here).env("WARPTAPE_NVRTC", here.join("libnvrtc.so.13"));
        command.env("WARPTAPE_REAL_NVRTC", &self.real).env("WARPTAPE_CACHE", here.join("cache"));
        command.env("WARPTAPE_DRIVER_STRICT", "1");
        command
    }
}

#[test]
fn no_driver_no_device_and_drivers_that_are_too_old() {
    let Some(driver) = Driver::find() else { return };
    let none = "the NVIDIA driver finds no GPU: use --device host";
    refused(&mut driver.command("no-device"), 1, &["cuda", none]);
    refused(&mut driver.command("old-driver=11.8"), 1, &["is for CUDA 11.8 and 12 is needed: update the driver"]);
    if nvrtc().is_some_and(|nvrtc| nvrtc.version().0 == 13) {
        refused(&mut driver.command("old-driver=12.2"), 1, &["too new for this driver, which is for CUDA up to 12.2"]);
    }
    if Path::new("/dev/nvidiactl").exists() {
        println!("skipped: without a driver, since this machine has one");
        return;
    }
    let empty = tempfile::tempdir().unwrap();
    let mut without = driver.command("");
    refused(
        without.env("LD_LIBRARY_PATH", empty.path()),
        1,
        &["no NVIDIA driver found (libcuda.so.1)", "--device host"],
    );
}

#[test]
fn memory_that_runs_out_and_kernels_that_fail() {
    let Some(driver) = Driver::find() else { return };
    // It works, also without what not every GPU or machine has, and where asking once more helps.
    let rows = |faults: &str| {
        let outcome = done(&mut driver.command(faults));
        assert_eq!((outcome.code, &*outcome.stderr), (Some(0), ""), "{faults}: {}", outcome.stdout);
        outcome.stdout
    };
    let expected = rows("");
    for faults in ["no-pools", "no-page-locked", "no-pools,no-page-locked", "out-of-memory=3"] {
        assert_eq!(rows(faults), expected, "{faults}");
    }
    let smaller = ["allocating", "CUDA_ERROR_OUT_OF_MEMORY (out of memory)", "use a smaller batch"];
    for faults in ["out-of-memory=1..", "out-of-memory=3..", "no-pools,out-of-memory=3.."] {
        refused(&mut driver.command(faults), 1, &smaller);
    }
    let failed = ["CUDA_ERROR_LAUNCH_FAILED (unspecified launch failure)", "a kernel that ran earlier did this"];
    for faults in ["launch-failure=1", "launch-failure=7"] {
        refused(&mut driver.command(faults), 1, &failed);
    }
}
