//! Kernel files as people bring them: with CUDA's headers, headers of their own, scalars of every size, C++ linkage, constants,
//! several names for dynamic shared memory; and what cannot be, in one line. On the host device in all its modes, and with NVRTC.

use warptape::device::cuda::cubin;
use warptape::device::host::{Host, Mode, Options, Order};
use warptape::device::{Defines, Device, Geometry, Source, Tree};
use warptape::error::{Error, Result};
use warptape::launch_plan::{Plan, Prepared};

use crate::support::{Kernels, checked, on_gpu, orders};

/// The host device in its three modes, the fast one in every thread order; or the GPU.
fn modes() -> Vec<(String, Device)> {
    let mut devices = orders();
    if !on_gpu() {
        devices.push(("checked".into(), checked(Order::Reverse, None)));
        devices.push(("profiled".into(), profiled()));
    }
    devices
}

fn profiled() -> Device {
    let options = Options { mode: Mode::Profiled, ..Options::default() };
    Device::new(Box::new(Host::new(options)))
}

/// Compiles `text` with NVRTC, if there is one, and finds its kernels in the result.
fn compiles_for_a_gpu(source: &Source) {
    let nvrtc = match warptape::device::cuda::nvrtc::Nvrtc::find(&warptape::Environment::of_process()) {
        Ok(nvrtc) => nvrtc,
        Err(error) => return println!("skipped: {error}"),
    };
    for arch in ["sm_90a".to_owned(), format!("compute_{}", nvrtc.supported_archs().last().unwrap())] {
        let image = nvrtc.compile(source, &arch).unwrap().image;
        for kernel in source.kernels() {
            assert!(cubin::symbol(&image, kernel).is_some(), "{arch}: {kernel} of {}", source.file);
        }
        assert_eq!(cubin::symbol(&image, "no_such_kernel"), None);
    }
}

/// Runs the file `text` as `toml` says on every device, and gives the results in `out` to `look`.
fn everywhere(text: &str, toml: &str, look: impl Fn(&str, &[f32])) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.cu");
    std::fs::write(&file, text).unwrap();
    let plan = Plan::from_toml(toml).unwrap();
    let source = plan.source(&file, &Tree::default()).unwrap();
    compiles_for_a_gpu(&source);
    for (label, device) in modes() {
        let ready = plan.prepare(&device, &source).unwrap();
        crate::support::launch_prepared(&ready, &device).unwrap_or_else(|error| panic!("{label}: {error}"));
        let out: Vec<f32> = bytemuck::pod_collect_to_vec(&ready.bytes("out").unwrap());
        look(&label, &out);
    }
}

fn refused(text: &str) -> String {
    let error = Source::from_text("own.cu", text, &Defines::new()).unwrap_err();
    let Error::Source { what, .. } = &error else { panic!("{error:?}") };
    assert!(!what.contains('\n'), "{what}");
    what.clone()
}

const HEADERS: &str = r#"#include "cuda_runtime.h"
#include <cuda.h>
#include "device_launch_parameters.h"
#include <stdio.h>
#include <cstdio>
#include <math.h>
# include <cmath>
#include <stdint.h>
#include <cstdint>
#include <float.h>   // limits
#include <cfloat>
#include <limits.h>
#include <climits>
#include <assert.h>
#include <cassert>

__global__ void constants(float* out, int n) {
    int64_t big = INT64_MAX;
    uint8_t small = UINT8_MAX;
    size_t bytes = sizeof(uintptr_t);
    assert(n == 1);
    if (n == INT_MIN) printf("%d\n", n);
    out[0] = big > 0 ? (float)small : (float)UINT_MAX;
    out[1] = FLT_MAX;
    out[2] = INFINITY;
    out[3] = NAN;
    out[4] = (float)M_PI;
    out[5] = std::sqrt((float)bytes * 2.0f) + std::max(n, 2);
    out[6] = pow(3.0f, 2);
    out[7] = std::isnan(out[3]) && isinf(out[2]) ? FLT_EPSILON : 0.0f;
}
"#;

#[test]
fn headers_of_cuda_and_c() {
    let toml = "grid = 1\nblock = 1\n[args]\nout = \"f32[8] zeros\"\nn = 1";
    everywhere(HEADERS, toml, |label, out| {
        assert!(out[3].is_nan(), "{label}");
        let rest = [&out[..3], &out[4..]].concat();
        assert_eq!(rest, [255.0, f32::MAX, f32::INFINITY, std::f32::consts::PI, 6.0, 9.0, f32::EPSILON], "{label}");
    });
    // Without the lines as well: they add nothing.
    everywhere(HEADERS.split_once("\n\n").unwrap().1, toml, |_, out| assert_eq!(out[2], f32::INFINITY));
}

#[test]
fn headers_that_cannot_be() {
    let cases = [
        ("<cooperative_groups.h>", "use __syncthreads, __syncwarp and the __shfl_…_sync functions"),
        ("<cooperative_groups/reduce.h>", "use __syncthreads"),
        ("<thrust/sort.h>", "it is for host code"),
        ("<cub/cub.cuh>", "prelude/reduce.cuh"),
        ("<cuda_fp16.h>", "f16 is in \"prelude/element.cuh\""),
        ("<curand_kernel.h>", "prelude/philox.cuh"),
        ("<vector>", "drop it, or move host code to another file"),
    ];
    for (header, fix) in cases {
        let what = refused(&format!("// mine\n#include {header}\n__global__ void k() {{}}\n"));
        assert!(
            what.starts_with(&format!("line 2: {header} is not there for kernels: ")) && what.contains(fix),
            "{what}"
        );
    }
    assert_eq!(refused("#include MINE"), "line 1: #include MINE: write #include \"file.cuh\"");
}

#[test]
fn headers_beside_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    };
    // From the including file's own folder, once each; the tree comes first.
    write("mine.h", "#pragma once\n#include <stdint.h>\n#include \"deep/one.h\"\ninline float one() { return ONE; }\n");
    write("deep/one.h", "#include \"two.h\"\nstatic constexpr float ONE = TWO / 2;\n");
    write("deep/two.h", "static constexpr float TWO = 2;\n");
    let text = "#include \"mine.h\"\n#include \"mine.h\"\n#include \"prelude/vec.cuh\"\n__global__ void k(float* out) { out[0] = one(); }\n";
    let file = write("own.cu", text);
    let plan = Plan::from_toml("grid = 1\nblock = 1\n[args]\nout = \"f32[1] zeros\"").unwrap();
    let source = plan.source(&file, &Tree::default()).unwrap();
    compiles_for_a_gpu(&source);
    for (label, device) in modes() {
        let ready = plan.prepare(&device, &source).unwrap();
        crate::support::launch_prepared(&ready, &device).unwrap();
        assert_eq!(ready.bytes("out").unwrap(), 1f32.to_le_bytes(), "{label}");
    }
    // A mistake in it is shown where it is.
    write("mine.h", "inline float one() {\n    return none;\n}\n");
    let error = plan.prepare(&modes()[0].1, &plan.source(&file, &Tree::default()).unwrap()).err().unwrap().to_string();
    assert!(error.contains("mine.h") && error.contains(">    2 |     return none;"), "{error}");

    let file = write("lost.cu", "\n#include \"gone.h\"\n");
    let error = plan.source(&file, &Tree::default()).unwrap_err().to_string();
    let beside = folder.path().join("gone.h").display().to_string();
    assert!(error.contains("line 2: \"gone.h\" cannot be included: ") && !error.contains('\n'), "{error}");
    assert!(error.contains(&beside) && error.contains("not one of warptape's own: "), "{error}");
}

#[test]
fn host_code_is_named() {
    let text = "/* int main()\n{ k<<<1, 1>>>(); } */\n__global__ void k() { printf(\"<<<\"); }\n// k<<<1, 1>>>()\nint main() {\n    k<<<1, 1>>>();\n}\n";
    let what = refused(text);
    assert!(what.starts_with("line 6: a launch with <<<…>>> is host code, which has no place here: "), "{what}");
    assert!(what.contains("move the kernels to a file of their own"), "{what}");
    let what = refused("#include <iostream>\n__global__ void k() {}\nint main(int count, char** words) {}\n");
    assert!(what.starts_with("line 3: main is host code"), "{what}");
    // Under a condition it is out of the way.
    let text = "__global__ void k() {}\n#ifdef WITH_MAIN\nint main() { k<<<1, 1>>>(); }\n#endif\n";
    Source::from_text("own.cu", text, &Defines::new()).unwrap();
}

#[test]
fn kernels_of_cpp_linkage() {
    let text = "struct Pair { float a, b; };
__global__ void __launch_bounds__(64) own(float* out, const Pair* pairs) { out[threadIdx.x] = pairs[threadIdx.x].a; }
static __global__ void own2(float* out) { out[0] = 1; }
extern \"C\" __global__ void ownc(float* out) { out[0] = 2; }
template <class T> __global__ void general(T* out) { out[0] = 3; }
";
    let source = Source::from_text("own.cu", &text.replace("template", "// template"), &Defines::new()).unwrap();
    assert_eq!(source.kernels(), ["own", "own2", "ownc"]);
    compiles_for_a_gpu(&source);
    assert_eq!(
        cubin::symbol(b".entry _Z4own2Pf(\n.entry _Z3ownPfPK4Pair(\n", "own").as_deref(),
        Some("_Z3ownPfPK4Pair")
    );
    let mixed = b"\x7fELF\0.rel.text._Z1kv\0.text.k\0";
    assert_eq!(cubin::symbol(mixed, "k").as_deref(), Some("k"), "the plain name wins");

    let toml = "kernel = \"own\"\ngrid = 1\nblock = 2\n[args]\nout = \"f32[2] zeros\"\npairs = \"f32[4] index\"";
    let plan = Plan::from_toml(toml).unwrap();
    for (label, device) in modes() {
        let ready = plan.prepare(&device, &source).unwrap();
        crate::support::launch_prepared(&ready, &device).unwrap();
        assert_eq!(bytemuck::pod_collect_to_vec::<_, f32>(&ready.bytes("out").unwrap()), [0.0, 2.0], "{label}");
    }
    let plan = Plan::from_toml(&toml.replace("own", "general")).unwrap();
    let prepared: Result<Prepared> =
        plan.prepare(&modes()[0].1, &Source::from_text("own.cu", text, &Defines::new()).unwrap());
    assert!(
        prepared.err().unwrap().to_string().contains("'general' is a template, which cannot be launched by its name")
    );
}

#[test]
fn scalars_of_every_size() {
    let text =
        "__global__ void scalars(float* out, double d, bool yes, char c, unsigned char u, short s, unsigned short t,
    long long l, unsigned long long m, int i, float f) {
    out[0] = (float)(d * 1e9 - 1e9), out[1] = yes, out[2] = (signed char)c, out[3] = u, out[4] = s, out[5] = t;
    out[6] = (float)(l >> 40), out[7] = (float)(m >> 60), out[8] = i, out[9] = f;
}";
    let toml = "grid = 1\nblock = 1\n[args]\nout = \"f32[10] zeros\"\nd = 1.000000001\nyes = true\nc = -128\nu = 255\ns = -32768\nt = 65535
        l = -9223372036854775808\nm = 9223372036854775807\ni = -7\nf = 0.5";
    everywhere(text, toml, |label, out| {
        assert!((out[0] - 1.0).abs() < 1e-3, "{label}: {}", out[0]);
        assert_eq!(out[1..], [1.0, -128.0, 255.0, -32768.0, 65535.0, -8388608.0, 7.0, -7.0, 0.5], "{label}");
    });
    let source = Source::from_text("own.cu", text, &Defines::new()).unwrap();
    let with = |from: &str, to: &str| {
        let plan = Plan::from_toml(&toml.replace(from, to)).unwrap();
        plan.prepare(&modes()[0].1, &source).err().unwrap().to_string()
    };
    for (from, to) in
        [("c = -128", "c = -129"), ("u = 255", "u = 256"), ("s = -32768", "s = 40000"), ("t = 65535", "t = -1")]
    {
        assert!(with(from, to).ends_with("does not fit into it"), "{}", with(from, to));
    }
    assert!(with("yes = true", "yes = 2").ends_with("argument 'yes' is bool in the kernel: give it true or false"));
    // Nor does a launch without a plan take one size for another.
    for (_, device) in modes() {
        let text = "__global__ void d(double x) {}\n__global__ void s(short x) {}\n__global__ void f(float x) {}";
        let kernels = Kernels::compile(&device, "own.cu", text).unwrap();
        let launch = |name: &str, arg| kernels.launch(name, Geometry::linear(1, 1), &[arg]);
        launch("d", 0.5f64.into()).unwrap();
        launch("s", 5i32.into()).unwrap();
        for (name, arg) in [("d", 0.5f32.into()), ("s", 5u64.into()), ("f", 0.5f64.into())] {
            launch(name, arg).unwrap_err();
        }
    }
}

#[test]
fn constant_memory() {
    let text = "__constant__ float given[2] = {1, 2};\nstatic __constant__ int mine = 3;\n__constant__ const float more[] = {4};
__constant__ float unset[16];
__global__ void k(float* out) { out[0] = given[1], out[1] = mine, out[2] = more[0], out[3] = unset[threadIdx.x] + 1; }";
    let toml = "grid = 1\nblock = 1\n[args]\nout = \"f32[4] zeros\"";
    everywhere(text, toml, |label, out| assert_eq!(out, [2.0, 3.0, 4.0, 1.0], "{label}"));
}

#[test]
fn names_of_dynamic_shared_memory_alias() {
    let text = "__global__ void k(float* out) {
    extern __shared__ float numbers[];
    numbers[threadIdx.x] = 1.5f * threadIdx.x;
    __syncthreads();
    extern __shared__ __align__(16) int bits[];
    out[threadIdx.x] = __int_as_float(bits[blockDim.x - 1 - threadIdx.x]);
}
extern __shared__ unsigned char bytes[];
__global__ void other(float* out) { out[0] = bytes[0]; }";
    let toml = "kernel = \"k\"\ngrid = 2\nblock = 8\nshared = 32\n[args]\nout = \"f32[8] zeros\"";
    everywhere(text, toml, |label, out| {
        assert_eq!(out, [10.5, 9.0, 7.5, 6.0, 4.5, 3.0, 1.5, 0.0], "{label}");
    });
    let plan = Plan::from_toml(&toml.replace("shared = 32", "shared = 28")).unwrap();
    let source = Source::from_text("own.cu", text, &Defines::new()).unwrap();
    let device = checked(Order::Forward, None);
    let error =
        crate::support::launch_prepared(&plan.prepare(&device, &source).unwrap(), &device).unwrap_err().to_string();
    assert!(error.contains("shared numbers or bits or bytes[7] is beyond the last of 7 elements"), "{error}");
}
