//! NVRTC: finding it, compiling for architectures that are not here, and what its errors look like.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use warptape::Environment;
use warptape::cli::kernels::compile::compile_sources;
use warptape::device::cuda::cubin::{self, Usage};
use warptape::device::cuda::fit;
use warptape::device::cuda::locate::{self, NVRTC};
use warptape::device::cuda::nvrtc::Nvrtc;
use warptape::device::{Defines, Source};
use warptape::error::Error;

use crate::command::{fails, folder, succeeds};

const SCALE: &str = r#"
extern "C" __global__ void __launch_bounds__(TILE) scale_forward(float* y, const float* x, float factor, int n) {
    __shared__ float staged[TILE];
    int i = blockIdx.x * TILE + threadIdx.x;
    staged[threadIdx.x] = i < n ? x[i] : 0.0f;
    __syncthreads();
    if (i < n) y[i] = factor * staged[TILE - 1 - threadIdx.x];
}
"#;

/// The installed NVRTC; without one the test says so and passes.
pub fn nvrtc() -> Option<Nvrtc> {
    Nvrtc::find(&Environment::of_process()).inspect_err(|error| println!("skipped: {error}")).ok()
}

fn scale(tile: usize) -> Source {
    Source::from_text("scale.cu", SCALE, &Defines::new().with("TILE", tile)).unwrap()
}

/// A kernel that needs far more registers than its launch bounds leave it.
fn spilling() -> Source {
    let text = r#"
extern "C" __global__ void __launch_bounds__(1024) hungry(float* y, const float* x, int n) {
    float r[200];
    for (int i = 0; i < 200; i++) r[i] = x[i * n];
    for (int k = 0; k < n; k++)
        for (int i = 0; i < 200; i++) r[i] = r[i] * x[k] + r[(i + 1) % 200];
    for (int i = 0; i < 200; i++) y[i * n] = r[i];
}
"#;
    Source::from_text("hungry.cu", text, &Defines::new()).unwrap()
}

fn failure(text: &str, arch: &str) -> Option<(String, String)> {
    let source = Source::from_text("broken.cu", text, &Defines::new().with("TILE", 32)).unwrap();
    match nvrtc()?.compile_cubin(&source, arch) {
        Err(Error::Compile { kernel, compiler, log }) => Some((format!("{kernel} / {compiler}"), log)),
        other => panic!("expected a compile error, got {:?}", other.map(|image| image.len())),
    }
}

/// A made-up environment below `root`.
pub fn places(root: &Path, variables: &[(&str, PathBuf)]) -> Environment {
    let variables: HashMap<_, _> = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    Environment { variables: variables.into(), current: root.join("here"), program: None, root: root.into() }
}

pub fn touch(file: PathBuf) -> PathBuf {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "").unwrap();
    file
}

#[test]
fn compiles_a_cubin_for_old_current_and_newest_architectures() {
    let Some(nvrtc) = nvrtc() else { return };
    for arch in ["sm_80", "sm_90a", &nvrtc.newest_arch()] {
        let image = nvrtc.compile_cubin(&scale(128), arch).unwrap();
        assert!(image.starts_with(b"\x7fELF") && cubin::is_whole(&image), "{arch}: {} bytes", image.len());
        assert!(!cubin::is_whole(&image[..image.len() - 1]), "{arch}: a cut-off image passes for whole");
        assert_eq!(image, nvrtc.compile_cubin(&scale(128), arch).unwrap(), "{arch}: the cache returns something else");
    }
}

#[test]
fn compiles_ptx_for_gpus_newer_than_itself() {
    let Some(nvrtc) = nvrtc() else { return };
    let newest = *nvrtc.supported_archs().last().unwrap();
    let arch = fit::arch(nvrtc.supported_archs(), (newest / 10 + 9, 0)).unwrap();
    assert_eq!(arch, format!("compute_{newest}"));
    let image = nvrtc.compile_cubin(&scale(128), &arch).unwrap();
    assert!(cubin::is_whole(&image) && String::from_utf8_lossy(&image).contains(".entry scale_forward"));
}

#[test]
fn defines_reach_the_kernel_and_resources_are_reported() {
    let Some(nvrtc) = nvrtc() else { return };
    for tile in [64, 256] {
        let (usages, warnings) = nvrtc.resources(&scale(tile), "sm_90a").unwrap();
        let [usage] = usages.as_slice() else { panic!("{usages:?}") };
        assert_eq!((usage.function.as_str(), usage.shared), ("scale_forward", 4 * tile as u32));
        assert!(
            usage.kernel && usage.registers > 0 && !usage.spills() && warnings.is_empty(),
            "{usage:?} {warnings:?}"
        );
    }
}

#[test]
fn check_reports_spills_and_failures() {
    let Some(nvrtc) = nvrtc() else { return };
    let good = compile_sources(&nvrtc, &[], &[scale(64), scale(128)]).unwrap();
    assert!(good.ok(&[]) && good.rows.len() == 6, "{good}");
    let spills = compile_sources(&nvrtc, &["sm_80".into()], &[scale(64), spilling()]).unwrap();
    assert!(!spills.ok(&[]) && spills.ok(&["hungry.cu".into()]) && spills.failures.is_empty(), "{spills}");
    assert!(spills.to_string().contains("1 spill registers"), "{spills}");
    let broken = Source::from_text("broken.cu", "int f( {", &Defines::new()).unwrap();
    let fails = compile_sources(&nvrtc, &["sm_80".into()], &[broken]).unwrap();
    assert!(!fails.ok(&[]) && fails.failures.len() == 1, "{fails}");
    assert!(matches!(compile_sources(&nvrtc, &["sm_1".into()], &[scale(64)]), Err(Error::Usage(_))));
}

#[test]
fn an_error_shows_the_source_line() {
    let Some((kernel, log)) = failure("\nextern \"C\" __global__ void f(float* x) {\n    x[0] = y;\n}\n", "sm_80")
    else {
        return;
    };
    assert!(kernel.starts_with("broken.cu [TILE=32] / NVRTC ") && kernel.ends_with(" for sm_80"), "{kernel}");
    assert!(log.contains("broken.cu(3): error: identifier \"y\" is undefined"), "{log}");
    assert!(log.contains(">    3 |     x[0] = y;"), "{log}");
}

#[test]
fn an_assembler_error_shows_the_ptx_line() {
    let text = "extern \"C\" __global__ void f() {\n    asm(\"fly.me.to.the.moon;\");\n}\n";
    let Some((_, log)) = failure(text, "sm_90a") else { return };
    let marked = log.lines().find(|line| line.starts_with('>'));
    assert!(marked.is_some_and(|line| line.contains("fly.me.to.the.moon")), "{log}");
}

#[test]
fn a_bad_option_is_named() {
    let Some((_, log)) = failure("extern \"C\" __global__ void f() {}\n", "sm_90z") else { return };
    assert!(log.contains("gpu-architecture"), "{log}");
}

#[test]
fn an_unknown_architecture_is_refused_with_those_known() {
    let Some(nvrtc) = nvrtc() else { return };
    let error = nvrtc.compile_cubin(&scale(64), "sm_99").unwrap_err().to_string();
    assert!(error.contains("no sm_99") && error.contains("sm_90"), "{error}");
}

#[test]
fn a_missing_nvrtc_says_how_to_install_it() {
    let root = tempfile::tempdir().unwrap();
    let there = |name: &str| root.path().join(name);
    let missing = Nvrtc::find(&places(root.path(), &[("WARPTAPE_NVRTC", there("nowhere"))])).unwrap_err();
    assert!(missing.to_string().contains("nowhere"), "{missing}");
    std::fs::create_dir(there("empty")).unwrap();
    let empty = Nvrtc::find(&places(root.path(), &[("WARPTAPE_NVRTC", there("empty"))])).unwrap_err();
    assert!(empty.to_string().contains("holds no libnvrtc.so"), "{empty}");
    let file = touch(there("lib/libnvrtc.so.13"));
    let broken = Nvrtc::find(&places(root.path(), &[("WARPTAPE_NVRTC", file)])).unwrap_err();
    assert!(broken.to_string().contains("install_nvrtc.sh"), "{broken}");
}

#[test]
fn nvrtc_is_found_in_the_usual_places_in_order() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    let wheel = "lib/python3.12/site-packages/nvidia/cu13/lib/libnvrtc.so.13";
    let files = [
        touch(root.join("loader/libnvrtc.so.12")),
        touch(root.join("home/lib64/libnvrtc.so")),
        touch(root.join("here/.nvrtc/nvidia/cu13/lib/libnvrtc.so.13")),
        touch(root.join("venv").join(wheel)),
        touch(root.join("usr/local/cuda/lib64/libnvrtc.so.13")),
        touch(root.join("usr/local/cuda-13.0/lib64/libnvrtc.so.13.0.88")),
        touch(root.join("usr/local/cuda-12.4/lib64/libnvrtc.so.12")),
        touch(root.join("python").join(wheel)),
        touch(root.join("user/.local").join(wheel)),
        touch(root.join("usr/lib/python3/dist-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12")),
        touch(root.join("usr/lib/x86_64-linux-gnu/libnvrtc.so.12")),
    ];
    // Neither is NVRTC.
    touch(root.join("loader/libnvrtc-builtins.so.12"));
    touch(root.join("loader/libnvrtc.alt.so.13"));
    touch(root.join("python/bin/python3"));
    let variables = [
        ("LD_LIBRARY_PATH", root.join("loader")),
        ("CUDA_HOME", root.join("home")),
        ("VIRTUAL_ENV", root.join("venv")),
        ("PATH", root.join("python/bin")),
        ("HOME", root.join("user")),
    ];
    let mut found = locate::candidates(&NVRTC, &places(root, &variables));
    assert!(found.pop().is_some_and(|last| last == Path::new("libnvrtc.so")), "bare names come last");
    found.retain(|file| file.is_absolute());
    assert_eq!(found, files);
    let here = places(root, &variables);
    let place = |file: &Path| locate::place(&NVRTC, &here, file);
    let named = [&files[0], &files[1], &files[2], &files[3], &files[7]].map(|file| place(file).unwrap());
    let expected = ["LD_LIBRARY_PATH", "CUDA_HOME", ".nvrtc in the current folder", "VIRTUAL_ENV", "a Python"];
    assert_eq!((named, place(Path::new("libnvrtc.so"))), (expected, None));
    let chosen = root.join("usr/local/cuda-12.4/lib64");
    let found = locate::candidates(&NVRTC, &places(root, &[("WARPTAPE_NVRTC", chosen.clone())]));
    assert_eq!(found, [chosen.join("libnvrtc.so.12")]);
}

/// Whoever works elsewhere needs no variable: `.nvrtc` is found from where the program lies.
#[test]
fn nvrtc_is_found_above_the_program() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    let file = touch(root.join("checkout/.nvrtc/nvidia/cu13/lib/libnvrtc.so.13"));
    let found_by = |program: &str| {
        let places = Environment { program: Some(root.join(program)), ..places(root, &[]) };
        let found = locate::candidates(&NVRTC, &places).into_iter().find(|found| *found == file)?;
        locate::place(&NVRTC, &places, &found)
    };
    for program in ["checkout/target/release/warptape", "checkout/target/release/deps/suite", "checkout/warptape"] {
        assert_eq!(found_by(program), Some(".nvrtc above the program"), "{program}");
    }
    assert_eq!(found_by("checkout/target/release/deps/further/suite"), None);
    assert_eq!(found_by("elsewhere/target/release/warptape"), None);
    // What anybody can write to holds anybody's library.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(root.join("checkout"), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(found_by("checkout/target/release/warptape"), None);
    }
}

#[test]
fn the_assemblers_report_is_read() {
    let log = "\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'first' for 'sm_90a'
ptxas info    : Function properties for first
ptxas         .     128 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 255 registers, used 1 barriers, 128 bytes cumulative stack size
ptxas info    : Function properties for _Z6helperPfi
ptxas         .     0 bytes stack frame, 4 bytes spill stores, 8 bytes spill loads
ptxas info    : Compiling entry function 'second' for 'sm_90a'
ptxas info    : Function properties for second
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 80 registers, used 1 barriers, 2048 bytes smem, 372 bytes cmem[0]
ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized
scale.cu(3): warning #177-D: variable \"q\" was declared but never referenced
";
    let first = Usage { function: "first".into(), kernel: true, registers: 255, stack: 128, ..Usage::default() };
    let helper = Usage { function: "_Z6helperPfi".into(), spill_stores: 4, spill_loads: 8, ..Usage::default() };
    let second = Usage { function: "second".into(), kernel: true, registers: 80, shared: 2048, ..Usage::default() };
    assert_eq!(cubin::usage(log), [first, helper, second]);
    assert_eq!(cubin::warnings(log).len(), 2);
}

/// What the tests of the devices run is CUDA, not only what the host device takes for CUDA.
#[test]
fn the_kernels_of_the_tests_are_cuda() {
    let Some(nvrtc) = nvrtc() else { return };
    let files = [
        ("conformance.cu", include_str!("conformance.cu")),
        ("warps.cu", include_str!("warps.cu")),
        ("faults.cu", include_str!("faults.cu")),
        ("first.cu", include_str!("../bench/first.cu")),
    ];
    for (file, text) in files {
        let source = Source::from_text(file, text, &Defines::new()).unwrap();
        nvrtc.compile(&source, "sm_80").unwrap();
    }
}

#[test]
fn a_file_of_ones_own_compiles() {
    let Some(nvrtc) = nvrtc() else { return };
    let text = "extern \"C\" __global__ void k(float* y) { y[threadIdx.x] = N; }\n";
    let (_folder, file) = folder(text, "[defines]\nN = 3\n");
    let arch = nvrtc.newest_arch();
    let said = succeeds(&["kernels", "compile", &file, "--arch", &arch]);
    assert!(said.lines().any(|line| line.starts_with("k ") && line.contains(&file) && line.contains("N=3")), "{said}");
    assert!(said.ends_with("\n1 compiled, 0 failed to compile, 0 spill registers\n"), "{said}");
    let said = succeeds(&["kernels", "compile", "relu", "--arch", &arch]);
    assert!(said.contains("relu/vectorized.cu") && !said.contains("matmul/"), "{said}");
}

#[test]
fn a_constant_without_a_file_is_refused() {
    fails(&["kernels", "compile", "--define", "N=1"], 2, &["--define is for files of your own; name one: "]);
}
