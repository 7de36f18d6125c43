//! The cache of compiled kernels runs only what its owner wrote.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use warptape::device::Geometry;
use warptape::device::host::Order;
use warptape::{DType, Environment, Tensor};

use crate::command::{done, warptape};
use crate::support::{Kernels, contents, entries_made, environment, host, host_in, on_gpu};

/// A user that owns nothing here.
const OTHER: u32 = 65534;

/// The kernel in the cache; what it computes tells it from another.
fn kernel(value: i32) -> String {
    format!("extern \"C\" __global__ void put(int* x) {{ x[threadIdx.x] = {value}; }}")
}

/// Runs `kernel` and gives back the value that it put.
fn put(kernel: &str, environment: Environment) -> warptape::Result<i32> {
    let device = host_in(environment, Order::Forward, false);
    let x = Tensor::zeros(&device, [1], DType::I32)?;
    Kernels::compile(&device, "put.cu", kernel)?.launch("put", Geometry::linear(1, 1), &[x.arg()])?;
    Ok(x.to_vec::<i32>()?[0])
}

#[test]
#[ignore = "another test runs it in a process of its own, which it kills"]
fn child_puts() {
    put(&kernel(7), Environment::of_process()).unwrap();
}

/// Runs the kernel where the cache is in `cache`; tells the value and how many entries that made, or the error.
fn puts_in(cache: &Path) -> String {
    match entries_made(cache, || put(&kernel(7), environment().with("WARPTAPE_CACHE", cache))) {
        (Ok(value), made) => format!("{value} after {made} compilations"),
        (Err(error), _) => error.to_string(),
    }
}

const MADE: &str = "7 after 1 compilations";
const FOUND: &str = "7 after 0 compilations";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// A cache with one entry, and where that lies.
fn filled() -> (TempDir, PathBuf) {
    let cache = TempDir::new().unwrap();
    assert_eq!(puts_in(cache.path()), MADE);
    assert_eq!(puts_in(cache.path()), FOUND);
    let names = contents(cache.path());
    assert_eq!(names.len(), 1, "{names:?}");
    let entry = cache.path().join(&names[0]);
    assert_eq!(mode(&entry), 0o600);
    (cache, entry)
}

/// Whether files can be given away here; says so if not.
fn is_root(what: &str) -> bool {
    let probe = tempfile::NamedTempFile::new().unwrap();
    let root = chown(probe.path(), Some(OTHER), None).is_ok();
    if !root {
        println!("not tested: {what} (only root can give files away)");
    }
    root
}

/// Puts something into the entry's place; the kernel has to be made again and must not wait for it.
fn is_made_again(what: &str, replace: impl FnOnce(&Path)) {
    let (cache, entry) = filled();
    replace(&entry);
    assert_eq!(puts_in(cache.path()), MADE, "{what}");
    assert!(fs::symlink_metadata(&entry).unwrap().is_file(), "{what}");
    assert_eq!(puts_in(cache.path()), FOUND, "{what}");
}

#[test]
fn what_is_no_file_of_the_owners_alone_is_made_again() {
    if on_gpu() {
        return;
    }
    is_made_again("a link to a whole entry", |entry| {
        let moved = entry.with_extension("away");
        fs::rename(entry, &moved).unwrap();
        symlink(moved, entry).unwrap();
    });
    is_made_again("a pipe", |entry| {
        fs::remove_file(entry).unwrap();
        assert!(Command::new("mkfifo").arg(entry).status().unwrap().success());
    });
    is_made_again("a file that others can write to", |entry| {
        fs::set_permissions(entry, Permissions::from_mode(0o666)).unwrap();
    });
    is_made_again("another kernel's entry under its name", |entry| {
        let other = TempDir::new().unwrap();
        assert_eq!(put(&kernel(666), environment().with("WARPTAPE_CACHE", other.path())).unwrap(), 666);
        fs::remove_file(entry).unwrap();
        fs::copy(other.path().join(&contents(other.path())[0]), entry).unwrap();
    });
    if is_root("an entry of another user") {
        is_made_again("another user's", |entry| chown(entry, Some(OTHER), None).unwrap());
    }
}

#[test]
fn what_is_no_folder_is_said() {
    if on_gpu() {
        return;
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let told = puts_in(file.path());
    assert!(
        told.ends_with("kernel cache: is no folder; set WARPTAPE_CACHE to a folder that can be written to"),
        "{told}"
    );
}

#[test]
fn another_users_folder_is_refused() {
    if on_gpu() || !is_root("a folder of another user") {
        return;
    }
    let (cache, _) = filled();
    chown(cache.path(), Some(OTHER), None).unwrap();
    let told = puts_in(cache.path());
    let expected = "belongs to another user (number 65534); set WARPTAPE_CACHE to a folder of your own";
    assert!(told.ends_with(expected) && !told.contains('\n'), "{told}");
    chown(cache.path(), Some(0), None).unwrap();
    assert_eq!(puts_in(cache.path()), FOUND);
    // Nor does another user's link lead to one of ours.
    let folder = TempDir::new().unwrap();
    let link = folder.path().join("link");
    symlink(cache.path(), &link).unwrap();
    assert_eq!(puts_in(&link), FOUND);
    std::os::unix::fs::lchown(&link, Some(OTHER), None).unwrap();
    let told = puts_in(&link);
    assert!(told.ends_with(expected), "{told}");
}

#[test]
fn an_open_folder_is_closed_and_emptied() {
    if on_gpu() {
        return;
    }
    let (cache, entry) = filled();
    let strange = [format!("{}.so", "0".repeat(32)), "build-planted".into()].map(|name| cache.path().join(name));
    symlink("/dev/zero", &strange[0]).unwrap();
    fs::create_dir(&strange[1]).unwrap();
    for open in [0o770, 0o757] {
        fs::set_permissions(cache.path(), Permissions::from_mode(open)).unwrap();
        let doctor = done(warptape().arg("doctor").env("WARPTAPE_CACHE", cache.path()));
        let note = format!("closed and emptied: {}", cache.path().display());
        assert!(doctor.stderr.contains(&note), "{}", doctor.stderr);
        assert_eq!(doctor.stderr.lines().count(), 1, "{}", doctor.stderr);
        assert_eq!(mode(cache.path()), 0o700);
        assert!(!entry.exists());
        assert_eq!(puts_in(cache.path()), MADE);
        assert!(strange.iter().all(|path| fs::symlink_metadata(path).is_err()), "{:?}", contents(cache.path()));
    }
}

/// What holds somebody's work, or is for all, is neither emptied nor closed.
#[test]
fn a_folder_for_more_than_the_cache_is_left_alone() {
    if on_gpu() {
        return;
    }
    let (cache, entry) = filled();
    let work = cache.path().join("thesis.tex");
    fs::write(&work, "years").unwrap();
    fs::set_permissions(cache.path(), Permissions::from_mode(0o777)).unwrap();
    let told = puts_in(cache.path());
    assert!(told.contains("other users can write there, and it holds thesis.tex; set WARPTAPE_CACHE"), "{told}");
    assert!(work.exists() && entry.exists());
    fs::remove_file(work).unwrap();
    fs::set_permissions(cache.path(), Permissions::from_mode(0o1777)).unwrap();
    let told = puts_in(cache.path());
    assert!(told.contains("it is for all to use; set WARPTAPE_CACHE"), "{told}");
    assert_eq!(mode(cache.path()), 0o1777);
}

#[test]
fn without_a_home_the_cache_is_this_process_alone() {
    if on_gpu() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let mine = folder.path().join("put.cu");
    fs::write(&mine, kernel(7)).unwrap();
    let homeless = |words: &[&OsStr]| {
        let mut command = warptape();
        command.args(words).env("TMPDIR", folder.path());
        for name in ["HOME", "XDG_CACHE_HOME", "WARPTAPE_CACHE"] {
            command.env_remove(name);
        }
        let done = done(&mut command);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert_eq!(contents(folder.path()), ["put.cu"], "{words:?}");
        done.stdout
    };
    let told = homeless(&["doctor".as_ref()]);
    let line = told.lines().find(|line| line.contains("kernel cache")).unwrap();
    assert!(line.contains(folder.path().to_str().unwrap()), "{line}");
    assert!(line.contains("for this process alone, which removes it: set WARPTAPE_CACHE, or HOME"), "{line}");
    let words = ["kernels", "run", mine.to_str().unwrap(), "--device", "host", "--arg", "x=i32[1]"];
    let words = [&words[..], &["--grid", "1", "--block", "1"]].concat();
    let told = homeless(&words.iter().map(OsStr::new).collect::<Vec<_>>());
    assert!(told.contains("x: i32[1]  7 "), "{told}");
}

#[test]
fn what_a_killed_process_left_is_cleared() {
    if on_gpu() {
        return;
    }
    let (cache, entry) = filled();
    // A folder in use and one whose process is gone.
    let (used, left) = (cache.path().join("build-used"), cache.path().join("build-left"));
    for folder in [&used, &left] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("out"), "half").unwrap();
    }
    let lock = fs::File::open(&used).unwrap();
    lock.try_lock().unwrap();
    fs::remove_file(&entry).unwrap();
    assert_eq!(puts_in(cache.path()), MADE);
    assert!(used.exists() && !left.exists(), "{:?}", contents(cache.path()));
    drop(lock);
    // A process that another test starts just now has the lock, too, until it has become its program.
    let cleared = || {
        fs::remove_file(&entry).unwrap();
        assert_eq!(puts_in(cache.path()), MADE);
        contents(cache.path()).len() == 1
    };
    assert!((0..20).any(|_| cleared()), "{:?}", contents(cache.path()));

    // The folder of a process is locked while its compiler runs: the next leaves it alone until that is killed.
    let slow = cache.path().with_extension("slow");
    let script = "#!/bin/sh\ncase \"$*\" in *--version*|*-dM*) exec c++ \"$@\";; esac\nexec sleep 60\n";
    fs::write(&slow, script).unwrap();
    fs::set_permissions(&slow, Permissions::from_mode(0o755)).unwrap();
    let mut killed = Command::new(std::env::current_exe().unwrap());
    killed.args(["--exact", "device::kernel_cache::child_puts", "--include-ignored"]);
    killed.env("WARPTAPE_CACHE", cache.path()).env("CXX", &slow).stdout(Stdio::null()).stderr(Stdio::null());
    let mut killed = killed.spawn().unwrap();
    let building = || contents(cache.path()).iter().any(|name| name.starts_with("build-"));
    while !building() {
        assert_eq!(killed.try_wait().unwrap(), None, "it compiles for a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::remove_file(&entry).unwrap();
    assert_eq!(puts_in(cache.path()), MADE);
    assert!(building());
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(building(), "a kill leaves it");
    fs::remove_file(&entry).unwrap();
    assert_eq!(puts_in(cache.path()), MADE);
    assert!(!building(), "{:?}", contents(cache.path()));
    fs::remove_file(slow).unwrap();
}

/// Each is another library, although the files they were loaded from are closed and their numbers used again.
#[test]
fn many_modules_are_loaded_at_once() {
    if on_gpu() {
        return;
    }
    let device = host(Order::Forward, false);
    let x = Tensor::zeros(&device, [1], DType::I32).unwrap();
    let load = |value: i32| (value, Kernels::compile(&device, "put.cu", &kernel(value)).unwrap());
    let modules: Vec<(i32, Kernels)> = (1..9).map(load).collect();
    for (value, kernels) in modules.iter().chain(&modules) {
        kernels.launch("put", Geometry::linear(1, 1), &[x.arg()]).unwrap();
        assert_eq!(x.to_vec::<i32>().unwrap(), [*value]);
    }
    drop(modules);
    // The first again, out of the cache, after all were closed.
    assert_eq!(put(&kernel(1), Environment::of_process()).unwrap(), 1);
}
