//! NVRTC with its wrapper: cubins that carry their PTX, if there is a real NVRTC.

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};

use libloading::Library;

use crate::interface::{Gpu, library, made};
use crate::process::tells;

/// The real library: named, or where `scripts/install_nvrtc.sh` puts it. Says so where there is none.
fn real() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.nvrtc/nvidia/cu13/lib/libnvrtc.so.13");
    let found = std::env::var_os("WARPTAPE_REAL_NVRTC").map(PathBuf::from).unwrap_or(here);
    if !found.exists() {
        println!("skipped: there is no NVRTC at {}", found.display());
        return None;
    }
    Some(found)
}

/// Compiles `text` by the library `file`: cubin and log.
fn compile(file: &Path, text: &str) -> (Vec<u8>, String) {
    type Program = *mut c_void;
    type Size = unsafe extern "C" fn(Program, *mut usize) -> c_int;
    type Read = unsafe extern "C" fn(Program, *mut c_char) -> c_int;
    type Strings = *const *const c_char;
    type Create = unsafe extern "C" fn(*mut Program, *const c_char, *const c_char, c_int, Strings, Strings) -> c_int;
    // SAFETY: nvrtc.h's types; texts and buffers live.
    unsafe {
        let library = Box::leak(Box::new(Library::new(file).unwrap()));
        let create = library.get::<Create>(b"nvrtcCreateProgram").unwrap();
        let run =
            library.get::<unsafe extern "C" fn(Program, c_int, Strings) -> c_int>(b"nvrtcCompileProgram").unwrap();
        let read = |program, what: &str| {
            let size = library.get::<Size>(format!("nvrtcGet{what}Size").as_bytes()).unwrap();
            let read = library.get::<Read>(format!("nvrtcGet{what}").as_bytes()).unwrap();
            let mut bytes = 0;
            assert_eq!(size(program, &mut bytes), 0);
            let mut buffer = vec![0u8; bytes];
            assert_eq!(read(program, buffer.as_mut_ptr().cast()), 0);
            buffer
        };
        let text = CString::new(text).unwrap();
        let options = [c"--gpu-architecture=sm_90a".as_ptr(), c"--ptxas-options=-v".as_ptr()];
        let mut program = null_mut();
        assert_eq!(create(&mut program, text.as_ptr(), c"made_up.cu".as_ptr(), 0, null(), null()), 0);
        assert_eq!(run(program, 2, options.as_ptr()), 0);
        let (cubin, log) = (read(program, "CUBIN"), read(program, "ProgramLog"));
        let destroy = library.get::<unsafe extern "C" fn(*mut Program) -> c_int>(b"nvrtcDestroyProgram").unwrap();
        assert_eq!(destroy(&mut program), 0);
        (cubin, String::from_utf8(log).unwrap())
    }
}

/// A kernel with registers, static shared memory and an array in local memory.
const TEXT: &str = "
extern \"C\" __global__ void reverse(int* p, int n) {
    __shared__ int row[256];
    int local[40];
    for (int i = 0; i < 40; ++i) local[i] = i * n;
    row[threadIdx.x] = p[threadIdx.x] + local[p[0] % 40];
    __syncthreads();
    p[threadIdx.x] = row[n - 1 - threadIdx.x];
}";

/// The number before `words` in the assembler's report.
fn reported(log: &str, words: &str) -> i32 {
    let before = log.split_once(words).unwrap_or_else(|| panic!("{words} in {log}")).0.trim_end();
    before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_compiles_and_loads() {
    let real = PathBuf::from(std::env::var_os("WARPTAPE_REAL_NVRTC").unwrap());
    let (cubin, log) = compile(&library(), TEXT);
    let gpu = Gpu::open();
    let module = made(|to| unsafe { (gpu.cu.cuModuleLoadData)(to, cubin.as_ptr().cast()) });
    let kernel = made(|to| unsafe { (gpu.cu.cuModuleGetFunction)(to, module, c"reverse".as_ptr()) });
    let attribute = |number| made::<i32>(|to| unsafe { (gpu.cu.cuFuncGetAttribute)(to, number, kernel) });
    let told = [reported(&log, "bytes smem"), reported(&log, "bytes stack frame"), reported(&log, "registers")];
    assert_eq!([attribute(1), attribute(3), attribute(4)], told, "{log}");
    assert_eq!(told[0], 1024);

    let device = gpu.alloc(4 * 64);
    gpu.fill(device, 0, 64, 0);
    assert_eq!(gpu.increment(device, 32, 0), 0);
    assert_eq!(gpu.launch(kernel, [1, 1, 1], [64, 1, 1], 0, 0, &[device, 64]), 0);
    let all = gpu.read(device, 64);
    assert_eq!((&all[..32], &all[32..]), (&[64; 32][..], &[65; 32][..]));
    // A cubin of the real library is real, and runs on GPUs only.
    let (bare, _) = compile(&real, TEXT);
    assert_eq!(unsafe { (gpu.cu.cuModuleLoadData)(&mut 0, bare.as_ptr().cast()) }, 209);
}

#[test]
fn a_cubin_carries_its_ptx() {
    let Some(real) = real() else { return };
    let real = real.to_str().unwrap();
    let lines = ["the cubin carries no PTX", "at the end"];
    tells("nvrtc::child_compiles_and_loads", &[("WARPTAPE_REAL_NVRTC", real)], &lines);
}
