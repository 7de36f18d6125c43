//! cuBLAS's f32 matrix product, in its pedantic math mode: f32 alone, no TF32, nothing emulated.

use std::ffi::{c_int, c_void};
use std::path::Path;
use std::rc::Rc;

use super::Run;
use super::library::Loaded;
use crate::check::{Input, Values};
use crate::device::Device;
use crate::device::cuda::locate::CUBLAS;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::op::matmul::{Form, Sizes};
use crate::op::workload;
use crate::tensor::{DType, Tensor};

type Handle = *mut c_void;
type Sgemm = unsafe extern "C" fn(
    Handle,
    c_int,
    c_int,
    c_int,
    c_int,
    c_int,
    *const f32,
    *const f32,
    c_int,
    *const f32,
    c_int,
    *const f32,
    *mut f32,
    c_int,
) -> c_int;

/// `CUBLAS_OP_N` and `CUBLAS_OP_T`.
const PLAIN: c_int = 0;
const TRANSPOSED: c_int = 1;
/// `CUBLAS_PEDANTIC_MATH`.
const PEDANTIC: c_int = 2;

/// The library with a handle that queues work on our stream.
pub(super) struct Cublas(Rc<Opened>);

struct Opened {
    handle: Handle,
    sgemm: Sgemm,
    version: c_int,
    _library: Loaded,
}

impl Cublas {
    /// Loads the library; its context must be current.
    pub(super) fn open(stream: *mut c_void, theirs: Option<&Path>, environment: &Environment) -> Result<Self, String> {
        // Its helper is found by the loader only where it lies on the loader's path.
        let library = Loaded::find(&CUBLAS, theirs, &["libcublasLt.so"], environment)?;
        let (mut handle, mut version) = (std::ptr::null_mut(), 0);
        // SAFETY: the signatures are those of cublas_api.h, the same in CUDA 12 and 13; pointers are to live variables.
        let (codes, sgemm) = unsafe {
            let create: unsafe extern "C" fn(*mut Handle) -> c_int = library.get("cublasCreate_v2")?;
            let set_stream: unsafe extern "C" fn(Handle, *mut c_void) -> c_int = library.get("cublasSetStream_v2")?;
            let set_math: unsafe extern "C" fn(Handle, c_int) -> c_int = library.get("cublasSetMathMode")?;
            let ask: unsafe extern "C" fn(Handle, *mut c_int) -> c_int = library.get("cublasGetVersion_v2")?;
            let sgemm: Sgemm = library.get("cublasSgemm_v2")?;
            match create(&mut handle) {
                0 => ([set_stream(handle, stream), set_math(handle, PEDANTIC), ask(handle, &mut version)], sgemm),
                code => return Err(format!("cublasCreate fails with status {code}")),
            }
        };
        match codes {
            [0, 0, 0] => Ok(Self(Rc::new(Opened { handle, sgemm, version, _library: library }))),
            codes => Err(format!("cublasSetStream, cublasSetMathMode and cublasGetVersion return {codes:?}")),
        }
    }

    /// `12.9.1`
    pub(super) fn version(&self) -> String {
        let number = self.0.version;
        format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100)
    }

    /// C = op(A) · op(B). cuBLAS counts columns first, so it is asked for Cᵀ = op(B)ᵀ · op(A)ᵀ of the same memory.
    pub(super) fn product(&self, device: &Device, sizes: Sizes) -> Result<Run, String> {
        let Sizes { form, m, n, k } = sizes;
        let (of_a, of_b) =
            (if form == Form::TN { [k, m] } else { [m, k] }, if form == Form::NT { [n, k] } else { [k, n] });
        let inputs = [of_a, of_b].map(|shape| Input::new(shape, Values::Uniform));
        let [a, b] = workload::tensors(device, &inputs, DType::F32).map_err(|e| e.to_string())?;
        let (turn_a, turn_b) =
            (if form == Form::TN { TRANSPOSED } else { PLAIN }, if form == Form::NT { TRANSPOSED } else { PLAIN });
        let (opened, device) = (self.0.clone(), device.clone());
        Ok(Box::new(move || {
            // SAFETY: the product is written over all of it.
            let c = unsafe { Tensor::uninitialized(&device, [m, n], DType::F32)? };
            let [rows, columns, depth, of_a, of_b] = [m, n, k, of_a[1], of_b[1]].map(|size| size as c_int);
            let (one, zero) = (1.0f32, 0.0f32);
            let [a, b] = [&a, &b].map(|tensor| tensor.address() as *const f32);
            // SAFETY: matrices of these sizes, which live until the stream has come past this call.
            let code = unsafe {
                let c = c.address() as *mut f32;
                (opened.sgemm)(
                    opened.handle,
                    turn_b,
                    turn_a,
                    columns,
                    rows,
                    depth,
                    &one,
                    b,
                    of_b,
                    a,
                    of_a,
                    &zero,
                    c,
                    columns,
                )
            };
            if code == 0 { Ok(c) } else { Err(Error::device("cuda", format!("cublasSgemm fails with status {code}"))) }
        }))
    }
}
