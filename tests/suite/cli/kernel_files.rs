//! Kernel files that are no usual ones: what they include, how they and their kernels are called, how much they use.

use std::fs;

use crate::command::{Done, done, folder, warptape};
use crate::support::on_gpu;

/// `warptape kernels SUB FILE` with more words, on the host.
fn kernels(sub: &str, file: &str, more: &[&str]) -> Done {
    let device: &[&str] = if sub == "run" { &["--device", "host"] } else { &[] };
    done(warptape().args(["kernels", sub, file]).args(device).args(more))
}

const ONE: [&str; 6] = ["--grid", "1", "--block", "4", "--arg", "x=f32[4]"];

#[test]
fn what_has_no_end_is_not_read() {
    if on_gpu() {
        return;
    }
    let (_folder, file) = folder("#include \"/dev/zero\"\n", "");
    let done = kernels("run", &file, &ONE);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("line 1: \"/dev/zero\" cannot be included: "), "{}", done.stderr);
    assert!(
        done.stderr.contains("it is a pipe or a device, not a file") && done.stderr.lines().count() == 1,
        "{}",
        done.stderr
    );
    fs::write(&file, "/".repeat((16 << 20) + 1)).unwrap();
    let done = kernels("run", &file, &ONE);
    assert!(done.stderr.contains("mine.cu: it is longer than 16 MiB"), "{}", done.stderr);
    let done = kernels("run", &file, &["--launch", "/dev/zero"]);
    assert!(done.stderr.contains("/dev/zero: it is a pipe or a device"), "{}", done.stderr);
}

#[test]
fn a_define_is_one_line() {
    if on_gpu() {
        return;
    }
    let (_folder, file) = folder("extern \"C\" __global__ void put(float* x) { *x = A; }", "");
    for value in ["A=1\n#error smuggled", "A=1\\"] {
        let done = kernels("run", &file, &[&ONE[..], &["--define", value]].concat());
        assert_eq!(done.code, Some(2), "{}", done.stderr);
        assert!(done.stderr.contains("a value is one line and does not end with a backslash"), "{}", done.stderr);
    }
}

#[test]
fn any_name_of_a_file_works() {
    if on_gpu() {
        return;
    }
    let (folder, _) = folder("", "");
    let file = folder.path().join("it's \"mine\"\n.cu");
    let race = "#include \"by.cuh\"\nextern \"C\" __global__ void put(float* x) {\n    *x = BY * threadIdx.x;\n}\n";
    fs::write(&file, race).unwrap();
    fs::write(folder.path().join("by.cuh"), "#define BY 2.0f\n").unwrap();
    let file = file.to_str().unwrap();
    let done = kernels("run", file, &ONE);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let done = kernels("check", file, &ONE);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stdout.contains("it's ?mine??.cu:3"), "{}{}", done.stdout, done.stderr);
}

/// Names of functions that compilers know of C.
#[test]
fn kernels_may_be_called_like_functions_of_c() {
    if on_gpu() {
        return;
    }
    for name in ["free", "malloc", "abort", "exit"] {
        let text = format!("extern \"C\" __global__ void {name}(float* x) {{ x[threadIdx.x] = 2.0f; }}");
        let (_folder, file) = folder(&text, "");
        for sub in ["run", "check"] {
            let done = kernels(sub, &file, &ONE);
            assert_eq!(done.code, Some(0), "{name}: {}", done.stderr);
            assert!(sub == "check" || done.stdout.contains("2.0 2.0 2.0 2.0"), "{name}: {}", done.stdout);
        }
    }
}

/// As `ptxas` refuses it.
#[test]
fn more_static_shared_memory_than_any_gpu_has_is_an_error() {
    if on_gpu() {
        return;
    }
    let kernel = |floats: usize| {
        format!(
            "__shared__ float outside[12288];\n\
             extern \"C\" __global__ void other(float* x) {{ outside[threadIdx.x] = 1; __syncthreads(); *x = outside[*(int*)x]; }}\n\
             extern \"C\" __global__ void put(float* x) {{\n\
             __shared__ float half[6144], tile[{floats}];\n\
             half[threadIdx.x] = tile[threadIdx.x] = 2; __syncthreads();\n\
             x[threadIdx.x] = half[3 - threadIdx.x] + tile[(threadIdx.x + 1) % 4]; }}"
        )
    };
    let words = [&ONE[..], &["--kernel", "put"]].concat();
    for (floats, fits) in [(6144, true), (6145, false), (16 << 20, false)] {
        let (_folder, file) = folder(&kernel(floats), "");
        for sub in ["run", "check", "profile"] {
            let done = kernels(sub, &file, &words);
            assert_eq!(done.code, Some(if fits { 0 } else { 1 }), "{sub} {floats}: {}{}", done.stdout, done.stderr);
            let bytes = 4 * (6144 + floats);
            let says = format!("has {bytes} bytes of static __shared__ memory, and no GPU takes more than 49152: ");
            assert_eq!(done.stderr.contains(&says), !fits, "{sub} {floats}: {}", done.stderr);
        }
    }
}

#[test]
fn what_nothing_defines_is_named() {
    if on_gpu() {
        return;
    }
    let text = "#define DYNAMIC extern __shared__\n\
                extern \"C\" __global__ void put(float* x) { DYNAMIC float s[]; s[threadIdx.x] = *x; __syncthreads(); *x = s[1]; }";
    let (_folder, file) = folder(text, "");
    let done = kernels("run", &file, &[&ONE[..], &["--shared", "16"]].concat());
    assert_eq!(done.code, Some(1), "{}", done.stdout);
    assert!(done.stderr.contains("mine.cu: uses 's', which nothing defines"), "{}", done.stderr);
    assert!(done.stderr.contains("extern __shared__ T name[]") && done.stderr.lines().count() == 1, "{}", done.stderr);
}
