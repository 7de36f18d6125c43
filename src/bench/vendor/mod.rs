//! NVIDIA's own libraries as contenders: cuBLAS for products, cuDNN for convolutions. Both are looked for at run time, like
//! NVRTC; what is not there, or refuses, is told and not an error.
//!
//! Bound here and not through cudarc: that knows only the loader's own search path, on which a PyTorch's or a wheel's
//! libraries are not, panics where a symbol is missing, and its two features take half a minute to build.

mod cublas;
mod cudnn;
pub mod library;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::device::Device;
use crate::error::Result;
use crate::op::{conv2d, matmul};
use crate::tensor::Tensor;
use cublas::Cublas;
use cudnn::Cudnn;

/// What the columns are called.
pub const CUBLAS: &str = "cuBLAS";
/// Of the interface that NVIDIA has replaced by one of graphs, which may know faster kernels.
pub const CUDNN: &str = "cuDNN (legacy API)";

/// Environment variables that make NVIDIA's libraries compute in less than f32, or PyTorch ask them to.
const LESS_EXACT: [&str; 4] = [
    "CUBLAS_EMULATE_SINGLE_PRECISION",
    "CUBLAS_EMULATE_DOUBLE_PRECISION",
    "CUBLAS_EMULATION_STRATEGY",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
];

/// Sees to it that libraries of this process, and of those that it starts, compute in f32: whatever the user's environment
/// says, TF32 is off and nothing is emulated. To be called before anything else runs.
pub fn insist_on_f32() {
    // SAFETY: a command's first act, when this process has but one thread.
    unsafe {
        LESS_EXACT.iter().for_each(|name| std::env::remove_var(name));
        std::env::set_var("NVIDIA_TF32_OVERRIDE", "0");
    }
}

/// Solves a problem once, with the inputs that a ladder's job has.
pub type Run = Box<dyn Fn() -> Result<Tensor>>;

/// The libraries, or why they are not there; none on a device that is no GPU.
pub struct Vendor(Option<Libraries>);

struct Libraries {
    cublas: Result<Cublas, String>,
    cudnn: Result<Cudnn, String>,
}

impl Vendor {
    /// The libraries for `device`; the very ones that PyTorch has loaded, where `theirs` names them.
    pub fn open(device: &Device, theirs: &BTreeMap<String, PathBuf>) -> Self {
        let theirs = |name: &str| theirs.get(name).map(PathBuf::as_path);
        Self(device.stream().map(|stream| Libraries {
            cublas: Cublas::open(stream, theirs("cublas"), device.environment()),
            cudnn: Cudnn::open(stream, theirs("cudnn"), device.environment()),
        }))
    }

    /// Names and versions of what is there.
    pub fn versions(&self) -> Vec<(String, String)> {
        let Some(libraries) = &self.0 else { return Vec::new() };
        let version = |name: &str, version: Option<String>| version.map(|version| (name.to_owned(), version));
        let cublas = version("cuBLAS", libraries.cublas.as_ref().ok().map(Cublas::version));
        let cudnn = version("cuDNN", libraries.cudnn.as_ref().ok().map(Cudnn::version));
        cublas.into_iter().chain(cudnn).collect()
    }

    /// The library's name and its ways to solve `problem` of `ladder`, the one it holds for the fastest first; or why it
    /// has none. Nothing for a ladder that no library stands beside.
    pub fn job(
        &self,
        device: &Device,
        ladder: &str,
        problem: &str,
    ) -> Option<(&'static str, Result<Vec<Run>, String>)> {
        let libraries = self.0.as_ref()?;
        let text = |error: crate::error::Error| error.to_string();
        if ladder == "matmul_forward" {
            let job = |cublas: &Cublas| {
                let sizes = problem.parse::<matmul::Sizes>().map_err(text)?;
                Ok(vec![cublas.product(device, sizes)?])
            };
            return Some((CUBLAS, libraries.cublas.as_ref().map_err(Clone::clone).and_then(job)));
        }
        let direction = cudnn::DIRECTIONS.iter().find(|(name, _)| *name == ladder)?.1;
        let job =
            |cudnn: &Cudnn| cudnn.convolutions(device, direction, problem.parse::<conv2d::Sizes>().map_err(text)?);
        Some((CUDNN, libraries.cudnn.as_ref().map_err(Clone::clone).and_then(job)))
    }
}
