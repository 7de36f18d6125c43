//! Kernels that are ready to launch.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::error::Result;

/// What a backend needs to launch one of its kernels. It keeps loaded what the kernel is part of, and only the backend
/// that made it can look into it.
pub type Handle = Arc<dyn Any + Send + Sync>;

/// A compiled source: hands out the kernels it contains.
pub trait Module: Send + Sync {
    /// The kernel `name`, or an error that lists what the module has.
    fn function(self: Arc<Self>, name: &str) -> Result<Handle>;
}

/// A kernel ready to launch. Keeps its module loaded; clones share it. As text, `relu_forward (relu/vectorized.cu)`.
#[derive(Clone)]
pub struct Function(Arc<Inner>);

struct Inner {
    kernel: String,
    file: Option<String>,
    handle: Handle,
}

impl Function {
    /// Kernel `name` of a module that [`Device::compile`](super::Device::compile) made.
    ///
    /// # Errors
    /// A name that the module does not have; the error lists what it has.
    pub fn of(module: &Arc<dyn Module>, name: &str) -> Result<Self> {
        Self::found(module, name, None)
    }

    /// Kernel `name` of a module that was compiled from `file` of the kernel tree.
    pub(super) fn in_file(module: &Arc<dyn Module>, name: &str, file: &str) -> Result<Self> {
        Self::found(module, name, Some(file.into()))
    }

    fn found(module: &Arc<dyn Module>, name: &str, file: Option<String>) -> Result<Self> {
        let handle = module.clone().function(name)?;
        Ok(Self(Arc::new(Inner { kernel: name.into(), file, handle })))
    }

    /// The `__global__` function's name.
    pub fn kernel(&self) -> &str {
        &self.0.kernel
    }

    /// Its file below `kernels/`; none for one of a text that a user brings.
    pub fn file(&self) -> Option<&str> {
        self.0.file.as_deref()
    }

    /// The backend's own handle, if it is a `T`; if not, another backend made it.
    pub fn handle<T: 'static>(&self) -> Option<&T> {
        self.0.handle.downcast_ref()
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.file {
            Some(file) => write!(f, "{} ({file})", self.0.kernel),
            None => f.write_str(&self.0.kernel),
        }
    }
}
