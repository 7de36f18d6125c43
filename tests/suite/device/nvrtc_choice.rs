//! What a driver and a GPU can take: which NVRTC, which architecture, how much shared memory. No GPU is needed to decide.

use std::cell::RefCell;
use std::path::Path;

use warptape::cli::doctor::{self, Line, Need};
use warptape::device::cuda::cubin;
use warptape::device::cuda::find::{newest_first, unfit};
use warptape::device::cuda::fit::{Allowance, Machine, Unfit, Version, arch, fit};
use warptape::device::cuda::locate::{NVRTC, candidates};
use warptape::device::cuda::nvrtc::Nvrtc;

use crate::device::nvrtc::{nvrtc, places, touch};

/// What NVRTC 12.4 and 13.0 compile for.
const OF_12: [u32; 11] = [50, 52, 53, 60, 61, 62, 70, 75, 80, 89, 90];
const OF_13: [u32; 9] = [75, 80, 86, 87, 89, 90, 100, 110, 120];

fn machine(driver: Version, capability: Version) -> Machine {
    Machine { driver, capability }
}

#[test]
fn architecture_follows_compute_capability() {
    let cases =
        [((7, 5), Some("sm_75")), ((8, 0), Some("sm_80")), ((9, 0), Some("sm_90a")), ((12, 0), Some("sm_120a"))];
    for (capability, expected) in cases {
        assert_eq!(arch(&OF_13, capability).as_deref(), expected);
    }
    // PTX for what is newer than the compiler, and nothing for what is older.
    assert_eq!(arch(&OF_12, (10, 0)).as_deref(), Some("compute_90"));
    assert_eq!(arch(&OF_13, (7, 0)), None);
}

#[test]
fn an_nvrtc_suits_drivers_of_its_major_version_and_newer_ones() {
    let ok = |text: &str| Ok(text.to_owned());
    /// Version and architectures of an NVRTC; version of the driver; what the GPU is capable of; what is chosen.
    type Row = (Version, &'static [u32], Version, Version, Result<String, Unfit>);
    let cases: [Row; 10] = [
        ((13, 0), &OF_13, (13, 0), (9, 0), ok("sm_90a")),
        // Newer minor versions: a cubin of one loads, whatever the driver's.
        ((13, 3), &OF_13, (13, 0), (9, 0), ok("sm_90a")),
        ((12, 4), &OF_12, (12, 0), (8, 0), ok("sm_80")),
        // An older major version always does.
        ((12, 4), &OF_12, (13, 0), (9, 0), ok("sm_90a")),
        // A newer one never does.
        ((13, 0), &OF_13, (12, 9), (9, 0), Err(Unfit::TooNew)),
        ((12, 0), &OF_12, (11, 8), (8, 0), Err(Unfit::TooNew)),
        // PTX is compiled by the driver, which must know its version.
        ((12, 4), &OF_12, (12, 8), (10, 0), ok("compute_90")),
        ((12, 4), &OF_12, (12, 4), (10, 0), ok("compute_90")),
        ((12, 9), &OF_12, (12, 8), (10, 0), Err(Unfit::TooNew)),
        ((13, 0), &OF_13, (13, 0), (7, 0), Err(Unfit::GpuTooOld(75))),
    ];
    for (nvrtc, archs, driver, capability, expected) in cases {
        assert_eq!(
            fit(nvrtc, archs, machine(driver, capability)),
            expected,
            "NVRTC {nvrtc:?}, driver {driver:?}, GPU {capability:?}"
        );
    }
}

#[test]
fn what_does_not_suit_says_what_would() {
    let title = "NVRTC 13.3 at /x/libnvrtc.so.13";
    let said = unfit(title, (13, 3), Unfit::TooNew, machine((12, 4), (9, 0)));
    assert_eq!(
        said,
        "NVRTC 13.3 at /x/libnvrtc.so.13 is too new for this driver, which is for CUDA up to 12.4: run scripts/install_nvrtc.sh 12, or update the driver"
    );
    // Of the same major version the minor one counts, too, where PTX is made.
    let said = unfit(title, (13, 3), Unfit::TooNew, machine((13, 1), (13, 0)));
    assert!(said.contains("install_nvrtc.sh 13.1"), "{said}");
    let said = unfit(title, (13, 3), Unfit::GpuTooOld(75), machine((13, 0), (7, 0)));
    assert!(said.contains("sm_75") && said.contains("sm_70") && said.contains("install_nvrtc.sh 12"), "{said}");
}

#[test]
fn the_newest_nvrtc_is_tried_first_by_the_names_of_files() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    // A wheel tells its minor version beside it, a toolkit in its full name, a container in neither.
    let wheel = touch(root.join("here/.nvrtc/nvidia/cu13/lib/libnvrtc.so.13"));
    touch(root.join("here/.nvrtc/nvidia/cu13/lib/libnvrtc-builtins.so.13.3"));
    touch(root.join("here/.nvrtc/nvidia/cu13/lib/libnvrtc-builtins.alt.so.13.9"));
    let toolkit = touch(root.join("usr/local/cuda-13.0/lib64/libnvrtc.so.13.0.88"));
    let link = root.join("usr/local/cuda-13.0/lib64/libnvrtc.so");
    std::os::unix::fs::symlink("libnvrtc.so.13.0.88", &link).unwrap();
    let old = touch(root.join("loader/libnvrtc.so.12"));
    let silent = touch(root.join("usr/lib64/libnvrtc.so"));
    let found = newest_first(candidates(&NVRTC, &places(root, &[("LD_LIBRARY_PATH", root.join("loader"))])));
    let expected =
        [(wheel, Some((13, 3))), (link, Some((13, 0))), (toolkit, Some((13, 0))), (old, Some((12, 0))), (silent, None)];
    assert_eq!(found[..5], expected);
    let bare: Vec<&Path> = found[5..].iter().map(|(file, _)| file.as_path()).collect();
    assert_eq!(bare, ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"].map(Path::new), "bare names come last");
}

/// Told by its name: the file is never opened, and says nothing of being broken.
#[test]
fn an_nvrtc_that_the_driver_cannot_load_is_named_with_the_fix() {
    let temp = tempfile::tempdir().unwrap();
    let file = touch(temp.path().join("libnvrtc.so.13"));
    let places = places(temp.path(), &[("WARPTAPE_NVRTC", file.clone())]);
    let error = Nvrtc::find_for(&places, machine((12, 4), (9, 0))).unwrap_err().to_string();
    assert!(error.contains(&format!("NVRTC 13.0 at {} is too new", file.display())), "{error}");
    assert!(error.contains("install_nvrtc.sh 12") && error.lines().count() == 1, "{error}");
}

#[test]
fn the_installed_nvrtc_serves_a_driver_of_its_version_and_no_older_one() {
    let Some(installed) = nvrtc() else { return };
    let temp = tempfile::tempdir().unwrap();
    let path = installed.path().canonicalize().unwrap();
    // By a name that tells no version: it has to be loaded to know.
    let link = temp.path().join("libnvrtc.so");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for chosen in [path, link] {
        let places = places(temp.path(), &[("WARPTAPE_NVRTC", chosen)]);
        let (major, minor) = installed.version();
        let (found, arch) = Nvrtc::find_for(&places, machine((major, minor), (9, 0))).unwrap();
        assert_eq!((found.version(), arch.as_str(), found.passed_over().len()), ((major, minor), "sm_90a", 0));
        let error = Nvrtc::find_for(&places, machine((major - 1, 8), (9, 0))).unwrap_err().to_string();
        assert!(error.contains("is too new for this driver"), "{error}");
        let error = Nvrtc::find_for(&places, machine((major, minor), (3, 5))).unwrap_err().to_string();
        assert!(error.contains("this one is sm_35") && error.contains("WARPTAPE_NVRTC"), "{error}");
    }
}

/// The driver is told whenever static and dynamic memory together pass 48 KiB, and once.
#[test]
fn shared_memory_is_allowed_for_by_static_and_dynamic_together() {
    let told = RefCell::new(Vec::new());
    let tell = |bytes: u32| -> Result<(), &str> {
        told.borrow_mut().push(bytes);
        if bytes > 227 << 10 { Err("too much") } else { Ok(()) }
    };
    let kernel = Allowance::new(20_480);
    for dynamic in [0, 28_672, 40_960, 40_960, 49_152, 28_673, 49_156] {
        kernel.cover(dynamic, tell).unwrap();
    }
    assert_eq!(told.take(), [40_960, 49_152, 49_156]);
    assert_eq!(kernel.cover(300 << 10, tell), Err("too much"));
    kernel.cover(49_156, tell).unwrap();
    kernel.cover(49_160, tell).unwrap();
    assert_eq!(told.take(), [300 << 10, 49_160]);
    // Without static memory the limit is what a launch may have anyway; with too much of it, nothing is left.
    Allowance::new(0).cover(48 << 10, tell).unwrap();
    assert!(told.take().is_empty());
    Allowance::new(60 << 10).cover(4, tell).unwrap();
    assert_eq!(told.take(), [4]);
}

#[test]
fn a_kernel_without_a_name_in_the_machine_code_says_why() {
    let declared = ["add_forward".to_owned(), "add_backward".to_owned()];
    let said = cubin::without_symbol("add_forward", &declared);
    assert!(said.contains("'add_forward'") && said.contains("extern \"C\"") && !said.contains("it has"), "{said}");
    assert_eq!(cubin::without_symbol("add", &declared), "has no kernel 'add'; it has add_forward, add_backward");
}

#[test]
fn doctor_fails_where_what_is_required_is_missing() {
    let line = |what, found: &str, ok| Line { what, found: found.into(), ok };
    let driver = line("NVIDIA driver", "no NVIDIA driver found", false);
    let lines = [driver, line("NVRTC", "13.3", true), line("C++ compiler", "g++ 12", true)];
    assert_eq!(doctor::lacks(&lines, Need::Cuda).as_deref(), Some("NVIDIA driver: no NVIDIA driver found"));
    assert_eq!(doctor::lacks(&lines, Need::Host), None);
    let lines = [line("NVIDIA driver", "580", true), line("GPU", "cuda:0", true), line("NVRTC", "too new", false)];
    assert_eq!(doctor::lacks(&lines, Need::Cuda).as_deref(), Some("NVRTC: too new"));
}
