//! NVIDIA's own libraries as contenders: cuBLAS for products, cuDNN for convolutions. Both are looked for at run time, like
//! NVRTC; what is not there, or refuses, is told and not an error.
//!
//! Bound here and not through cudarc: that knows only the loader's own search path, on which a PyTorch's or a wheel's
//! libraries are not, panics where a symbol is missing, and its two features take half a minute to build.

mod cublas;
mod cudnn;
mod library;

use crate::device::Device;
use crate::error::Result;
use crate::op::{conv2d, matmul};
use crate::tensor::Tensor;
use cublas::Cublas;
use cudnn::Cudnn;

/// Solves a problem once, with the inputs that a ladder's job has.
pub type Run = Box<dyn Fn() -> Result<Tensor>>;

/// The libraries, or why they are not there; none on a device that is no GPU.
pub struct Vendor(Option<Libraries>);

struct Libraries {
    cublas: Result<Cublas, String>,
    cudnn: Result<Cudnn, String>,
}

impl Vendor {
    /// The libraries for `device`.
    pub fn open(device: &Device) -> Self {
        Self(
            device
                .backend()
                .stream()
                .map(|stream| Libraries { cublas: Cublas::open(stream), cudnn: Cudnn::open(stream) }),
        )
    }

    /// Names and versions of what is there.
    pub fn versions(&self) -> Vec<(String, String)> {
        let Some(libraries) = &self.0 else { return Vec::new() };
        let version = |name: &str, version: Option<String>| version.map(|version| (name.to_owned(), version));
        let cublas = version("cuBLAS", libraries.cublas.as_ref().ok().map(Cublas::version));
        let cudnn = version("cuDNN", libraries.cudnn.as_ref().ok().map(Cudnn::version));
        cublas.into_iter().chain(cudnn).collect()
    }

    /// The library's name and its way to solve `problem` of `ladder`, or why it has none. Nothing for a ladder that no
    /// library stands beside.
    pub fn job(&self, device: &Device, ladder: &str, problem: &str) -> Option<(&'static str, Result<Run, String>)> {
        let libraries = self.0.as_ref()?;
        let text = |error: crate::error::Error| error.to_string();
        if ladder == "matmul_forward" {
            let job = |cublas: &Cublas| cublas.product(device, problem.parse::<matmul::Sizes>().map_err(text)?);
            return Some(("cuBLAS", libraries.cublas.as_ref().map_err(Clone::clone).and_then(job)));
        }
        let direction = cudnn::DIRECTIONS.iter().find(|(name, _)| *name == ladder)?.1;
        let job = |cudnn: &Cudnn| cudnn.convolution(device, direction, problem.parse::<conv2d::Sizes>().map_err(text)?);
        Some(("cuDNN", libraries.cudnn.as_ref().map_err(Clone::clone).and_then(job)))
    }
}
