//! Dynamic shared memory however it is declared, in fast and in checked mode, with every compiler that is there.

use warptape::device::checked::Findings;
use warptape::device::host::{Host, Mode, Options, toolchain};
use warptape::device::{Device, Geometry};
use warptape::{DType, Environment, Tensor};

use crate::support::{Kernels, environment, has_compiler, on_gpu};

/// A declaration outside of the kernel, and what the kernel begins with; `s` is then memory of floats.
const DECLARED: [(&str, &str); 17] = [
    ("extern __shared__ float s[];", ""),
    ("", "extern __shared__ float s[];"),
    ("", "extern float __shared__ s[];"),
    ("", "extern volatile __shared__ float s[];"),
    ("extern __shared__ volatile float s[]; extern __shared__ int other[];", "other[threadIdx.x] = 7;"),
    ("extern \"C\" {\nextern __shared__ float s[];\n}", ""),
    ("namespace mine { extern __shared__ float s[]; }", "using mine::s;"),
    ("", "extern __shared__ __align__(16) float s[];"),
    ("", "extern __align__(16) __shared__ float s[];"),
    ("extern __shared__ alignas(128) float s[]; /* { */", ""),
    ("// as \"written by many {\n__shared__ extern float s[]; extern __shared__ float s[];", ""),
    ("template <class T> __device__ T* of() { extern __shared__ T t[]; return t; }", "float* s = of<float>();"),
    (
        "template <class T> struct Shared { __device__ operator T*() { extern __shared__ int t[]; return (T*)t; } };",
        "float* s = Shared<float>();",
    ),
    ("extern __shared__ float square[][8];", "float* s = square[0];"),
    ("#define SHARED(T, name) extern __shared__ T name[];", "SHARED(float, s)"),
    ("#define SHARED \\\n    extern __shared__ \\\n    float s[]", "SHARED;"),
    (
        "#define SHARED(T) extern __shared__ __align__(16) T t##_s[]; T* s = t##_s\n\
         template <class T> __device__ T* of() { SHARED(T); return s; }",
        "float* s = of<float>();",
    ),
];

#[test]
fn every_way_to_declare_dynamic_shared_memory_works() {
    if !has_compiler() {
        return;
    }
    for mode in [Mode::Fast, Mode::Checked] {
        every_declaration(mode, &Environment::of_process());
    }
}

fn every_declaration(mode: Mode, environment: &Environment) {
    std::thread::scope(|scope| {
        for (outside, inside) in DECLARED {
            scope.spawn(move || reverses(mode, environment.clone(), outside, inside));
        }
    });
}

fn reverses(mode: Mode, environment: Environment, outside: &str, inside: &str) {
    let text = format!(
        "{outside}\nextern \"C\" __global__ void reverse(float* y) {{\n{inside}\n\
         s[threadIdx.x] = threadIdx.x; __syncthreads(); y[threadIdx.x] = s[31 - threadIdx.x]; }}"
    );
    let findings = Findings::default();
    let options = Options { mode, findings: Some(findings.clone()), environment, ..Options::default() };
    let device = Device::new(Box::new(Host::new(options)));
    let y = Tensor::zeros(&device, [32], DType::F32).unwrap();
    let kernels = Kernels::compile(&device, "reverse.cu", &text).unwrap_or_else(|e| panic!("{text}\n{e}"));
    kernels.launch("reverse", Geometry { shared: 128, ..Geometry::linear(1, 32) }, &[y.arg()]).unwrap();
    let expected: Vec<f32> = (0..32).rev().map(|i| i as f32).collect();
    assert_eq!(y.to_vec::<f32>().unwrap(), expected, "{text}");
    assert!(findings.list().is_empty(), "{text}\n{:?}", findings.list());
}

/// Where one reference would have to serve all threads.
#[test]
fn a_macro_outside_functions_is_refused_by_name() {
    if on_gpu() {
        return;
    }
    let text = "#define SHARED extern __shared__ float s[];\nSHARED\n\
                extern \"C\" __global__ void put(float* x) { s[threadIdx.x] = *x; }";
    let device = Device::new(Box::new(Host::new(Options::default())));
    let error = Kernels::compile(&device, "put.cu", text).map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains("a macro declares extern __shared__ outside a function: write the declaration out"),
        "{error}"
    );
    assert!(error.contains("\n>    1 | #define SHARED"), "{error}");
}

#[test]
fn with_clang_as_well() {
    let clang = environment().with("CXX", "clang++");
    if toolchain::find(&clang).is_err() {
        return println!("not tested: there is no clang++ here");
    }
    every_declaration(Mode::Fast, &clang);
}

/// What initializes variables runs when the module is loaded, before any launch.
#[test]
fn variables_may_be_initialized_from_others() {
    if on_gpu() {
        return;
    }
    let text = "int A = 1024;\nint B = A * 2;\nextern \"C\" __global__ void tell(int* y) { *y = B; }";
    for mode in [Mode::Fast, Mode::Checked, Mode::Profiled] {
        let device = Device::new(Box::new(Host::new(Options { mode, ..Options::default() })));
        let y = Tensor::zeros(&device, [1], DType::I32).unwrap();
        let kernels = Kernels::compile(&device, "initialized.cu", text).unwrap();
        kernels.launch("tell", Geometry::linear(1, 1), &[y.arg()]).unwrap();
        assert_eq!(y.to_vec::<i32>().unwrap(), [2048]);
    }
}
