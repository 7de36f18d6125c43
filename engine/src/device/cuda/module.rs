//! A cubin that the driver has loaded, and its kernels.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::{Arc, Mutex};

use cudarc::driver::result;
use cudarc::driver::sys::{self, CUfunction, CUfunction_attribute as FunctionAttribute, CUmodule, CUresult};

use super::cubin;
use super::driver::Context;
use super::fit::Allowance;
use crate::device::launch::accepts;
use crate::device::{Arg, Handle, Module, Source};
use crate::error::{Error, Result};

/// A loaded cubin.
pub(super) struct CudaModule {
    file: String,
    names: Vec<String>,
    /// What each of `names` is called in the module.
    symbols: HashMap<String, String>,
    context: Arc<Context>,
    tells_parameters: bool,
    module: CUmodule,
    /// One for each kernel: what its launches may ask for is remembered there.
    kernels: Mutex<HashMap<String, Arc<Kernel>>>,
}

// SAFETY: driver handles, as in `Cuda`.
unsafe impl Send for CudaModule {}
// SAFETY: likewise.
unsafe impl Sync for CudaModule {}

/// What a [`Function`](crate::device::Function) holds: a kernel and the module that it is in.
pub(super) struct Loaded {
    pub(super) kernel: Arc<Kernel>,
    _module: Arc<CudaModule>,
}

/// A kernel of a module.
pub(super) struct Kernel {
    pub(super) raw: CUfunction,
    /// What launches may ask for.
    pub(super) shared: Allowance,
    /// Bytes of each parameter, where the driver tells them.
    parameters: Option<Vec<usize>>,
}

// SAFETY: a driver handle, as in `Cuda`.
unsafe impl Send for Kernel {}
// SAFETY: likewise.
unsafe impl Sync for Kernel {}

impl Kernel {
    /// Refuses arguments that do not fit, where the driver tells what would.
    pub(super) fn accepts(&self, args: &[Arg]) -> Result<(), String> {
        self.parameters.as_ref().map_or(Ok(()), |parameters| accepts(parameters, args))
    }
}

impl Module for CudaModule {
    fn function(self: Arc<Self>, name: &str) -> Result<Handle> {
        let mut kernels = self.kernels.lock().unwrap();
        let kernel = match kernels.get(name) {
            Some(known) => known.clone(),
            None => {
                let found = Arc::new(self.find(name)?);
                kernels.insert(name.into(), found.clone());
                found
            }
        };
        drop(kernels);
        Ok(Arc::new(Loaded { kernel, _module: self }))
    }
}

impl CudaModule {
    /// The module `module`, loaded from `image`, which `source` was compiled to.
    pub(super) fn new(
        source: &Source,
        image: &[u8],
        context: Arc<Context>,
        module: CUmodule,
        tells_parameters: bool,
    ) -> Self {
        let (file, names) = (source.file.clone(), source.kernels().to_vec());
        let symbols = names.iter().filter_map(|name| Some((name.clone(), cubin::symbol(image, name)?))).collect();
        Self { file, names, symbols, context, tells_parameters, module, kernels: Mutex::default() }
    }

    fn find(&self, name: &str) -> Result<Kernel> {
        self.context.bind()?;
        let unknown = || Error::Source { file: self.file.clone(), what: cubin::without_symbol(name, &self.names) };
        let symbol = self.symbols.get(name).ok_or_else(unknown)?;
        let c_name = CString::new(symbol.as_str()).map_err(|_| unknown())?;
        // SAFETY: the module is loaded as long as `self` lives.
        let raw = unsafe { result::module::get_function(self.module, c_name) }.map_err(|e| match e.0 {
            CUresult::CUDA_ERROR_NOT_FOUND => unknown(),
            _ => self.context.error(&format!("looking for {name} in {}", self.file), e),
        })?;
        let size = FunctionAttribute::CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES;
        // SAFETY: the kernel was just found in a loaded module.
        let fixed = unsafe { result::function::get_function_attribute(raw, size) }
            .map_err(|e| self.context.error(&format!("asking for the shared memory of {name}"), e))?;
        let parameters = self.tells_parameters.then(|| {
            let parameter = |index| {
                let (mut offset, mut bytes) = (0, 0);
                // SAFETY: the pointers are to live integers; an index past the end is an error, not a fault.
                let told = unsafe { sys::cuFuncGetParamInfo(raw, index, &mut offset, &mut bytes) };
                told.result().ok().map(|()| bytes)
            };
            (0..).map_while(parameter).collect()
        });
        Ok(Kernel { raw, shared: Allowance::new(fixed as u32), parameters })
    }
}

impl Drop for CudaModule {
    fn drop(&mut self) {
        if self.context.bind().is_ok() {
            // SAFETY: unloaded once; the driver waits for kernels of it that still run.
            _ = unsafe { result::module::unload(self.module) };
        }
    }
}
