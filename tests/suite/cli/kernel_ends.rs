//! `kernels run` on files of one's own that go wrong: one line with place and reason, whatever they do to their process.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::command::{Done, copy_of_run, device, done, fails, folder, on_host, quick, refused, succeeds, warptape};
use crate::support::has_compiler;

const TEXT: &str = r#"__global__ void far(float* y, int n) {
    y[threadIdx.x * 100000] = n; // far
}
__global__ void beyond(float* y, int n) {
    y[threadIdx.x + n] = 1; // beyond
}
__global__ void before(float* y, int n) {
    y[threadIdx.x + 1] = y[(int)threadIdx.x - n]; // before
}
__global__ void wild(float* y, int n) {
    *(float*)(0x123456780000ull + n) = 1; // wild
}
__global__ void divide(float* y, int n) {
    y[threadIdx.x] = 7 / (n - 1); // divide
}
__device__ __noinline__ int deeper(int n) {
    volatile int pad[1000];
    pad[n & 511] = n;
    return deeper(n + 1) + pad[n & 511];
}
__global__ void deep(float* y, int n) { y[0] = deeper(n); }
__global__ void trap(float* y, int n) {
    if (n == 1) __builtin_trap(); // trap
    y[0] = n;
}
extern "C" void _exit(int);
__global__ void leave(float* y, int n) { _exit(0); }
__global__ void vectors(float* y, int n) { ((float4*)y)[threadIdx.x] = make_float4(n, n, n, n); }
"#;

/// Runs `kernel` of [`TEXT`] with 16 threads, which must fail on the line marked with its name and for `reason`.
fn ends(kernel: &str, y: &str, reason: &str) {
    let (_folder, file) = folder(TEXT, "grid = 1\nblock = 16\n[args]\nn = 1\n");
    let line = (1..).zip(TEXT.lines()).find(|(_, text)| text.ends_with(&format!("// {kernel}")));
    let place = line.map_or(String::new(), |(line, _)| format!(": {file}:{line}"));
    let args = ["kernels", "run", &file, "--device", "host", "--kernel", kernel, "--arg", &format!("y={y}")];
    fails(&args, 1, &[&format!("error: {kernel}{place}: "), &format!(": {reason}")]);
}

#[test]
fn stray_accesses() {
    if !has_compiler() {
        return;
    }
    ends("far", "f32[64]", "reaches index 100000 of y, which is f32[64]");
    ends("far", "null", "accesses address 0x0 through a null pointer");
    // One element beyond either end, whatever the size is.
    for size in [16, 15, 13] {
        ends("beyond", &format!("f32[{size}] empty"), &format!("reaches index {size} of y, which is f32[{size}]"));
    }
    ends("before", "f32[17]", "reaches index -1 of y, which is f32[17]");
    ends("wild", "f32[64]", "accesses address 0x123456780001, which is in no buffer");
}

#[test]
fn what_ends_a_process() {
    if !has_compiler() {
        return;
    }
    if cfg!(target_arch = "x86_64") {
        ends("divide", "f32[64]", "divides an integer by zero");
        ends("trap", "f32[64]", "runs into __trap()");
    }
    ends("deep", "f32[64]", "overflows the stack of a thread");
    ends("leave", "f32[64]", "ends the process, with exit code 0");
}

/// A buffer that ends at the fence is no more aligned than its size; one that a GPU would give is.
#[test]
fn vectors_in_an_odd_buffer() {
    if !has_compiler() {
        return;
    }
    let (_folder, file) =
        folder(TEXT, "kernel = \"vectors\"\ngrid = 1\nblock = 16\n[args]\nn = 3\ny = \"f32[65] zeros\"\n");
    let said = succeeds(&["kernels", "run", &file, "--device", "host"]);
    assert!(said.ends_with("  y: f32[65]  3.0 3.0 3.0 3.0 3.0 3.0 3.0 3.0 …  (from 0.0 to 3.0)\n"), "{said}");
}

/// Neither making a large buffer nor telling of it takes many times its size.
#[test]
#[expect(clippy::zombie_processes, reason = "wait4 waits for it, and tells what it used")]
fn memory_for_a_large_buffer() {
    if !on_host() || !has_compiler() {
        return;
    }
    let text = "__global__ void k(unsigned char* y) { y[threadIdx.x] = 1; }\n";
    let (_folder, file) = folder(text, "grid = 1\nblock = 32\n[args]\ny = \"u8[67108864] zeros\"\n");
    let child = warptape().args(["kernels", "run", &file]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let (mut status, mut usage) = (0, unsafe { std::mem::zeroed::<libc::rusage>() });
    // SAFETY: the child is this test's own, and both places are valid.
    assert_eq!(unsafe { libc::wait4(child.id() as i32, &mut status, 0, &mut usage) }, child.id() as i32);
    assert_eq!(status, 0);
    let said = std::io::read_to_string(child.stdout.unwrap()).unwrap();
    assert!(said.contains("y: u8[67108864]  1 1 1 1 1 1 1 1 …  (from 0 to 1)"), "{said}");
    // The compiler's share is in it.
    let most = usage.ru_maxrss as u64 * if cfg!(target_os = "macos") { 1 } else { 1024 };
    assert!(most < 768 << 20, "{} MiB", most >> 20);
}

#[test]
fn files_as_they_are_written() {
    let launch = "grid = 1\nblock = 8\n[args]\ny = \"f32[8] zeros\"\n";
    // A brace that is never closed: the complaint is about the file, where it ends.
    let open = "__global__ void k(float* y) {\n    if (threadIdx.x < 8) {\n        y[threadIdx.x] = 1;\n}\n";
    let (_folder, file) = folder(open, launch);
    let Done { code, stderr, .. } = done(warptape().args(["kernels", "run", &file, "--device", &device()]));
    assert!(code == Some(1) && stderr.contains("mine.cu") && stderr.contains("does not compile"), "{stderr}");
    assert!(!stderr.contains("entry points"), "{stderr}");
    if on_host() {
        assert!(stderr.contains(&format!("{file}:4:")), "{stderr}");
    }
    // NULL, a comment in Latin-1, and a name that is no UTF-8.
    let (root, _) = folder("", "");
    let mut text = b"// caf\xe9\n".to_vec();
    text.extend(b"__global__ void k(float* y) { if (y != NULL) y[threadIdx.x] = 1; }\n");
    let file = root.path().join(OsStr::from_bytes(b"na\xefve.cu"));
    fs::write(&file, text).unwrap();
    let arguments = ["--grid", "1", "--block", "8", "--arg", "y=f32[8] empty", "--device"];
    let Done { code, stdout, stderr } =
        done(warptape().args(["kernels", "run"]).arg(&file).args(arguments).arg(device()));
    assert!(code == Some(0) && stderr.is_empty() && stdout.contains("(from 1.0 to 1.0)"), "{stdout}{stderr}");
}

#[test]
fn what_is_no_file() {
    let (root, kernel) = folder("__global__ void k(float* y) {}\n", "");
    let pipe = root.path().join("pipe");
    let path = std::ffi::CString::new(pipe.as_os_str().as_bytes()).unwrap();
    // SAFETY: a string that ends with a zero.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    let name = pipe.to_str().unwrap();
    let pipes = [name, "it is a pipe or a device, not a file"];
    fails(&["kernels", "run", &kernel, "--launch", name], 1, &pipes);
    fails(&quick(&["--config", name]), 1, &pipes);
    let (_copy, run) = copy_of_run();
    refuse_checkpoint(&run, &pipe, &pipes[1..]);
    let long = root.path().join("long.toml");
    fs::File::create(&long).unwrap().set_len((16 << 20) + 1).unwrap();
    let parts = ["long.toml: it is longer than 16 MiB"];
    fails(&["kernels", "run", &kernel, "--launch", long.to_str().unwrap()], 1, &parts);
    fails(&quick(&["--config", long.to_str().unwrap()]), 1, &parts);
}

/// `eval` of a run whose checkpoint is `instead`.
fn refuse_checkpoint(run: &Path, instead: &Path, parts: &[&str]) {
    for name in ["best.safetensors", "last.safetensors"] {
        let _ = fs::remove_file(run.join("checkpoints").join(name));
        std::os::unix::fs::symlink(instead, run.join("checkpoints").join(name)).unwrap();
    }
    refused(warptape().args(["eval", run.to_str().unwrap(), "--device", &device()]), 1, parts);
}
