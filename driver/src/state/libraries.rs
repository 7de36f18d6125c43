//! Libraries: modules that load themselves into each context that asks ("CUDA Driver API", "Library Management").

use std::collections::BTreeMap;

use super::Driver;
use super::handles::Kind;
use crate::image::Image;
use crate::status::{Answer, Status, wrong};

/// A library.
pub struct Library {
    image: Image,
    /// Its kernels' names, as they stand in the text, and the handles of those that were asked for.
    pub kernels: Vec<(String, Option<u64>)>,
    /// Modules by context.
    pub modules: BTreeMap<u64, u64>,
}

/// A kernel of a library.
pub struct Kernel {
    pub library: u64,
    name: String,
}

impl Driver {
    /// Loads a library; no context is needed.
    pub fn load_library(&mut self, image: Image) -> Answer<u64> {
        image.suits(self.settings.version())?;
        let text = warptape_ptx::text::parse(&image.ptx);
        let text = text.or_else(|(line, why)| wrong(Status::INVALID_PTX, format!("line {line} of the PTX: {why}")))?;
        let kernels = text.functions.into_iter().filter(|function| function.kernel).map(|f| (f.name, None)).collect();
        let handle = self.handles.fresh(Kind::Library);
        self.libraries.insert(handle, Library { image, kernels, modules: BTreeMap::new() });
        Ok(handle)
    }

    /// A library that a program names.
    pub fn library(&mut self, handle: u64) -> Answer<&mut Library> {
        let unknown = self.handles.unknown(Kind::Library, handle);
        self.libraries.get_mut(&handle).map_or_else(|| wrong(Status::INVALID_HANDLE, unknown), Ok)
    }

    /// A library's kernel.
    ///
    /// # Errors
    /// None is called so, which is no mistake: programs ask.
    pub fn kernel_of(&mut self, library: u64, name: &str) -> Answer<u64> {
        let found = self.library(library)?.kernels.iter().position(|(known, _)| known == name);
        let at = found.ok_or(Status::NOT_FOUND)?;
        if let Some(handle) = self.library(library)?.kernels[at].1 {
            return Ok(handle);
        }
        let handle = self.handles.fresh(Kind::Kernel);
        self.kernels.insert(handle, Kernel { library, name: name.to_owned() });
        self.library(library)?.kernels[at].1 = Some(handle);
        Ok(handle)
    }

    /// A kernel that a program names.
    pub fn library_kernel(&self, handle: u64) -> Answer<&Kernel> {
        let unknown = || self.handles.unknown(Kind::Kernel, handle);
        self.kernels.get(&handle).map_or_else(|| wrong(Status::INVALID_HANDLE, unknown()), Ok)
    }

    /// The library's module in the current context, loaded if it was not.
    pub fn module_of(&mut self, library: u64) -> Answer<u64> {
        let context = self.current()?;
        let known = self.library(library)?.modules.get(&context).copied();
        if let Some(module) = known.filter(|module| self.modules.contains_key(module)) {
            return Ok(module);
        }
        let unknown = self.handles.unknown(Kind::Library, library);
        let Some(found) = self.libraries.remove(&library) else { return wrong(Status::INVALID_HANDLE, unknown) };
        let loaded = self.load(context, &found.image);
        let found = self.libraries.entry(library).or_insert(found);
        let module = loaded?;
        found.modules.insert(context, module);
        Ok(module)
    }

    /// The function that a library's kernel is in the current context.
    pub fn function_of(&mut self, kernel: u64) -> Answer<u64> {
        let Kernel { library, name } = self.library_kernel(kernel)?;
        let (library, name) = (*library, name.clone());
        let module = self.module_of(library)?;
        self.find_function(module, &name)
    }

    /// Unloads a library from all contexts, after what is queued there.
    pub fn unload_library(&mut self, handle: u64) -> Answer {
        let modules = std::mem::take(&mut self.library(handle)?.modules);
        for (context, module) in modules {
            self.drain(context);
            self.unload(module);
        }
        self.libraries.remove(&handle);
        self.kernels.retain(|_, kernel| kernel.library != handle);
        Ok(())
    }
}
