//! The host device's compiler and the cache on disk.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use warptape::device::disk_cache::{self, Cache};
use warptape::device::host::Order;
use warptape::device::{Buffer, Defines, Geometry, Source};
use warptape::{DType, Environment, Error, Tensor};

use crate::command::{refused, warptape};
use crate::support::{Child, Kernels, child, entries_made, environment, host, host_in, on_gpu, tell};

const TWICE: &str = r#"
extern "C" __global__ void twice(int* x) {
    x[threadIdx.x] *= 2;
}
"#;

fn compile(text: &str, defines: Defines) -> Error {
    let source = Source::from_text("mine.cu", text, &defines);
    // SAFETY: the texts initialise nothing, or do not compile.
    source.and_then(|source| unsafe { host(Order::Forward, false).compile(&source) }.map(|_| ())).unwrap_err()
}

#[test]
fn an_error_shows_the_numbered_line() {
    if on_gpu() {
        return;
    }
    let error = compile(&TWICE.replace("threadIdx.x", "threadIdx.w"), Defines::new());
    let Error::Compile { kernel, log, .. } = &error else { panic!("{error}") };
    assert_eq!(kernel, "mine.cu");
    assert!(log.starts_with("mine.cu:3:"), "{log}");
    assert!(log.contains("error: ") && log.contains("'w'"), "{log}");
    assert!(log.contains("\n>    3 |     x[threadIdx.w] *= 2;\n"), "{log}");
    assert!(log.contains("\n     2 | extern"), "{log}");
}

#[test]
fn an_error_in_an_included_file_shows_its_line() {
    if on_gpu() {
        return;
    }
    let text = format!("#include \"prelude/elementwise.cuh\"\n{TWICE}");
    let error = compile(&text, Defines::new().with("ITEMS", 1).with("THREADS", 32));
    let Error::Compile { kernel, log, .. } = &error else { panic!("{error}") };
    assert_eq!(kernel, "mine.cu (ITEMS=1 THREADS=32)");
    // VEC is missing: where the header uses it, not in mine.cu.
    let first = log.lines().next().unwrap();
    assert!(first.starts_with("prelude/elementwise.cuh:") && first.contains("VEC"), "{log}");
    let line = first.split(':').nth(1).unwrap();
    let quoted = log.lines().find(|l| l.starts_with('>')).unwrap();
    assert!(quoted.contains(&format!("{line} | ")) && quoted.contains("VEC"), "{log}");
    // Lines after an include still have their own numbers.
    let error = compile(
        &text.replace("threadIdx.x", "threadIdx.w"),
        Defines::new().with("VEC", 4).with("ITEMS", 1).with("THREADS", 32),
    );
    assert!(error.to_string().contains("mine.cu:4:"), "{error}");
    assert!(error.to_string().contains(">    4 |     x[threadIdx.w] *= 2;"), "{error}");
}

#[test]
fn an_unknown_include_names_the_line() {
    let error = compile(&format!("\n#include \"prelude/nothing.cuh\"\n{TWICE}"), Defines::new()).to_string();
    assert!(
        error.starts_with("kernel source mine.cu: line 2: \"prelude/nothing.cuh\" cannot be included: "),
        "{error}"
    );
    let error = compile("#include <vector>", Defines::new()).to_string();
    assert!(error.starts_with("kernel source mine.cu: line 1: <vector> is not there for kernels: "), "{error}");
}

#[test]
fn kernels_are_found_whatever_stands_around_their_names() {
    let text = "
        // __global__ void commented_out()
        extern \"C\" __global__ void plain() {}
        extern \"C\" __launch_bounds__(32) __global__ void before() {}
        extern \"C\" __global__ void __launch_bounds__((8 * (4)), 2) bounded(int* x) {}
        extern \"C\" __global__ __launch_bounds__(32)
        void split_over_lines(
            int* x) {}";
    let source = Source::from_text("names.cu", text, &Defines::new()).unwrap();
    assert_eq!(source.kernels(), ["plain", "before", "bounded", "split_over_lines"]);
    if !on_gpu() {
        let kernels = Kernels::compile(&host(Order::Forward, false), "names.cu", text).unwrap();
        source.kernels().iter().for_each(|name| _ = kernels.function(name).unwrap());
    }
}

/// Compiles and runs a kernel where the cache is in `folder` and tells how many compilations that took, or the error.
fn compiles(folder: &Path, environment: Environment) -> String {
    let run = || -> warptape::Result<()> {
        let device = host_in(environment.with("WARPTAPE_CACHE", folder), Order::Forward, false);
        let x = Tensor::from_slice(&device, [3], &[1, 2, 3])?;
        Kernels::compile(&device, "mine.cu", TWICE)?.launch("twice", Geometry::linear(1, 3), &[x.arg()])?;
        assert_eq!(x.to_vec::<i32>()?, [2, 4, 6]);
        Ok(())
    };
    match entries_made(folder, run) {
        (Ok(()), made) => format!("compiled {made}"),
        (Err(error), _) => error.to_string(),
    }
}

fn compiles_in(folder: &Path) -> String {
    compiles(folder, environment())
}

#[test]
fn a_second_device_compiles_nothing() {
    if on_gpu() {
        return;
    }
    let cache = TempDir::new().unwrap();
    // The folder is made as needed.
    let folder = cache.path().join("deep/down");
    assert_eq!(compiles_in(&folder), "compiled 1");
    assert_eq!(compiles_in(&folder), "compiled 0");
    // What the compiler is told counts: other arguments, another entry.
    for expected in ["compiled 1", "compiled 0"] {
        assert_eq!(compiles(&folder, environment().with("CXX", "c++ -DSOMETHING")), expected);
    }
    assert_eq!(entries(&folder).len(), 2, "nothing but the two entries is left");
}

/// The cache is the one that the variable names.
#[test]
#[ignore = "other tests run it in a process of its own"]
fn child_compiles() {
    tell(compiles_in(&Cache::of(&Environment::of_process()).folder().unwrap()));
}

#[test]
fn two_processes_may_start_at_once() {
    if on_gpu() {
        return;
    }
    let cache = TempDir::new().unwrap();
    let start = || child("device::compiler::child_compiles", &[("WARPTAPE_CACHE", cache.path().as_os_str())]);
    let children = [start(), start()];
    for told in children.map(Child::told) {
        assert!(["compiled 0", "compiled 1"].contains(&told.as_str()), "{told}");
    }
    assert_eq!(entries(cache.path()).len(), 1);
}

fn entries(cache: &Path) -> Vec<PathBuf> {
    fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_damaged_entry_is_made_again() {
    if on_gpu() {
        return;
    }
    let cache = TempDir::new().unwrap();
    assert_eq!(compiles_in(cache.path()), "compiled 1");
    let entry = entries(cache.path()).remove(0);
    let whole = fs::read(&entry).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&whole[..whole.len() / 2], &whole[..whole.len() - 1], &[], &flipped, b"no library at all"] {
        // Another file under its name: the first is still where it was loaded.
        fs::remove_file(&entry).unwrap();
        fs::write(&entry, damaged).unwrap();
        assert_eq!(compiles_in(cache.path()), "compiled 1", "{} bytes", damaged.len());
        assert_eq!(compiles_in(cache.path()), "compiled 0", "{} bytes", damaged.len());
    }
}

#[test]
fn an_entry_that_does_not_load_is_made_again() {
    if on_gpu() {
        return;
    }
    let cache = TempDir::new().unwrap();
    assert_eq!(compiles_in(cache.path()), "compiled 1");
    // Whole, but for no loader: another system's, say.
    let entry = entries(cache.path()).remove(0);
    fs::remove_file(&entry).unwrap();
    let write = |out: &Path| fs::write(out, "no library").map_err(|e| Error::file(out, e));
    let there = Cache::of(&environment().with("WARPTAPE_CACHE", cache.path()));
    there.entry(entry.file_name().unwrap().to_str().unwrap(), write).unwrap();
    assert_eq!(compiles_in(cache.path()), "compiled 1");
    assert_eq!(compiles_in(cache.path()), "compiled 0");
}

#[test]
fn a_cache_that_cannot_be_written_to_names_the_variable() {
    if on_gpu() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let told = compiles_in(&file.join("cache"));
    assert!(told.contains("kernel cache: ") && told.contains("set WARPTAPE_CACHE to a folder"), "{told}");
    assert!(!told.contains('\n'), "{told}");
}

#[test]
fn a_missing_compiler_is_one_line() {
    if on_gpu() {
        return;
    }
    let told = compiles(TempDir::new().unwrap().path(), environment().with("CXX", "/nowhere/c++"));
    assert!(told.starts_with("no C++ compiler found (CXX=/nowhere/c++): install one"), "{told}");
    assert!(!told.contains('\n'), "{told}");
    let tried = "no C++ compiler found (tried g++, c++ and clang++): install one";
    let mut command = warptape();
    command.args(["kernels", "run", "relu_forward", "--device", "host"]).env("PATH", "/nowhere").env_remove("CXX");
    refused(&mut command, 1, &[tried]);
}

#[test]
fn kernels_are_read_from_a_folder() {
    if on_gpu() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let told = || -> warptape::Result<Vec<i32>> {
        let device = host_in(environment().with("WARPTAPE_KERNELS", folder.path()), Order::Forward, false);
        let x = Tensor::from_slice(&device, [3], &[1, 2, 3])?;
        let function = device.function("mine/twice.cu", "twice", &Defines::new())?;
        crate::support::launch(&device, &function, Geometry::linear(1, 3), &[x.arg()])?;
        x.to_vec()
    };
    let missing = told().unwrap_err().to_string();
    assert!(missing.contains("twice.cu") && missing.contains("WARPTAPE_KERNELS names the folder"), "{missing}");
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/twice.cu"), "#include \"mine/by.cuh\"\n".to_owned() + &TWICE.replace('2', "BY"))
        .unwrap();
    fs::write(folder.path().join("mine/by.cuh"), "#define BY 2\n").unwrap();
    assert_eq!(told().unwrap(), [2, 4, 6]);
}

/// Threads that want the same kernel at the same time wait for one compilation.
#[test]
fn threads_share_a_compilation() {
    if on_gpu() {
        return;
    }
    let made = std::sync::atomic::AtomicUsize::new(0);
    let cache = Cache::of(&Environment::of_process());
    let name = format!("test-{}", disk_cache::key(&[&std::process::id().to_le_bytes()]));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let contents = cache.bytes(&name, || {
                    made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    std::thread::sleep(std::time::Duration::from_millis(50));
                    Ok(b"contents".to_vec())
                });
                assert_eq!(contents.unwrap(), b"contents");
            });
        }
    });
    assert_eq!(made.into_inner(), 1);
    fs::remove_file(cache.folder().unwrap().join(name)).unwrap();
}

/// Sentinels stand at the very next byte, also where a buffer ends inside a word.
#[test]
fn guards_see_every_byte_around_a_buffer() {
    let text = "extern \"C\" __global__ void poke(unsigned char* x, int at) { x[at] = 1; }";
    for (_, device) in crate::support::orders() {
        let kernels = Kernels::compile(&device, "poke.cu", text).unwrap();
        let poke = |tensor: &Tensor, at: i32| {
            let launched = kernels.launch("poke", Geometry::linear(1, 1), &[tensor.arg(), at.into()]);
            launched.and_then(|()| device.check_guards()).map_err(|e| e.to_string())
        };
        for bytes in [0, 1, 2, 3, 4, 5, 7, 1000, 1023] {
            let fresh = || Tensor::zeros(&device, [bytes], DType::U8).unwrap();
            for at in 0..bytes as i32 {
                poke(&fresh(), at).unwrap();
            }
            for at in [bytes as i32, bytes as i32 + 1, bytes as i32 + 1000, -1, -1024] {
                let error = poke(&fresh(), at).unwrap_err();
                // A GPU in software does not let it happen.
                let what = match (crate::support::on_checked(), crate::support::on_ptx()) {
                    (true, _) => "out of bounds".into(),
                    (_, true) => "writes 1 bytes at ".into(),
                    _ => format!("a kernel wrote outside its buffer of {bytes} bytes, at byte offset {at}"),
                };
                assert!(error.contains(&what), "{error}");
                device.check_guards().unwrap();
            }
            let mut poison = vec![0; bytes];
            // SAFETY: a guarded device writes all of a new buffer.
            unsafe { Buffer::new(&device, bytes).unwrap().download(0, &mut poison).unwrap() };
            let expected = warptape::device::guard::POISON.to_le_bytes().into_iter().cycle();
            assert!(poison.into_iter().eq(expected.take(bytes)), "{bytes}");
        }
    }
}
