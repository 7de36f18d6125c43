//! Modules that are loaded, and their kernels.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::Arc;

use warptape_ptx::lane::Isa;
use warptape_ptx::program::Program;
use warptape_ptx::text::tree::Place;

use super::Driver;
use super::handles::Kind;
use super::limits;
use crate::image::Image;
use crate::image::cubin::Needs;
use crate::status::{Answer, Status, wrong};

/// What a module was loaded to; queued launches keep it.
pub struct Loaded {
    pub program: Program,
}

/// A module.
pub struct Module {
    pub context: u64,
    pub loaded: Arc<Loaded>,
    /// What the assembler made of its kernels; empty for one that was given as PTX.
    needs: BTreeMap<String, Needs>,
    compiled: bool,
    ptx_version: u32,
    /// Handles of the kernels that were asked for.
    functions: BTreeMap<String, u64>,
}

/// A kernel that a program has asked for.
pub struct Function {
    pub context: u64,
    pub module: u64,
    pub loaded: Arc<Loaded>,
    pub kernel: u32,
    pub name: CString,
    pub needs: Needs,
    /// Threads that a block may have.
    pub max_threads: u32,
    /// The block that it must have (`.reqntid`).
    pub required: Option<[u32; 3]>,
    /// Dynamic shared memory that launches may ask for, bytes.
    pub max_dynamic: u32,
    pub carveout: i32,
    pub non_portable_cluster: bool,
    /// `.version` of its PTX times ten.
    pub ptx_version: u32,
}

impl Loaded {
    /// A place in the source, as messages name it.
    pub fn line(&self, place: Place) -> String {
        let file = self.program.files.get(&place.file).map_or("?", |file| file);
        format!("{file}:{}", place.line)
    }
}

impl Driver {
    /// Loads a module.
    pub fn load(&mut self, context: u64, image: &Image) -> Answer<u64> {
        image.suits(self.settings.version())?;
        let program = Program::load(&image.ptx, &mut self.memory, Isa::detect()).or_else(|(line, why)| {
            let written = image.ptx.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default().trim();
            wrong(Status::INVALID_PTX, format!("line {line} of the PTX cannot be run: {why}: {written}"))
        })?;
        let needs = image.cubin.as_ref().map(|cubin| cubin.kernels.clone());
        let version = image.ptx.lines().find_map(|line| line.strip_prefix(".version")).unwrap_or_default();
        let ptx_version = version.trim().replace('.', "").parse().unwrap_or(0);
        let handle = self.handles.fresh(Kind::Module);
        let module = Module {
            context,
            loaded: Arc::new(Loaded { program }),
            compiled: needs.is_some(),
            needs: needs.unwrap_or_default(),
            ptx_version,
            functions: BTreeMap::new(),
        };
        self.modules.insert(handle, module);
        Ok(handle)
    }

    /// A module that a program names.
    pub fn module(&mut self, handle: u64) -> Answer<&mut Module> {
        let unknown = self.handles.unknown(Kind::Module, handle);
        self.modules.get_mut(&handle).map_or_else(|| wrong(Status::INVALID_HANDLE, unknown), Ok)
    }

    /// A kernel of a module.
    ///
    /// # Errors
    /// None is called so, which is no mistake: programs ask.
    pub fn find_function(&mut self, module: u64, name: &str) -> Answer<u64> {
        let found = self.module(module)?;
        if let Some(known) = found.functions.get(name) {
            return Ok(*known);
        }
        let kernel = found.loaded.program.kernel(name).ok_or(Status::NOT_FOUND)?;
        let (context, loaded, ptx_version) = (found.context, found.loaded.clone(), found.ptx_version);
        let sizes = |name| loaded.program.directive(kernel, name).map(axes);
        let required = sizes("reqntid");
        let bound = sizes("maxntid").or(required).map_or(limits::THREADS, |axes| axes.iter().product());
        // The assembler's word counts; of PTX, which a driver assembles, only what the text itself says is known.
        let needs = match found.needs.get(name) {
            Some(needs) => *needs,
            None if found.compiled => {
                return wrong(Status::INVALID_IMAGE, format!("the cubin has no machine code of {name}"));
            }
            None => Needs { shared: loaded.program.statics[kernel as usize] as u32, ..Needs::default() },
        };
        let function = Function {
            context,
            module,
            loaded,
            kernel,
            name: CString::new(name).unwrap_or_default(),
            needs,
            max_threads: bound.min(limits::threads_with(needs.registers)),
            required,
            max_dynamic: limits::SHARED_FOR_ALL.saturating_sub(needs.shared),
            carveout: -1,
            non_portable_cluster: false,
            ptx_version,
        };
        let handle = self.handles.fresh(Kind::Function);
        self.functions.insert(handle, function);
        self.module(module)?.functions.insert(name.to_owned(), handle);
        Ok(handle)
    }

    /// A kernel that a program names; one of a library is the current context's.
    pub fn function(&mut self, handle: u64) -> Answer<&mut Function> {
        let handle = if self.kernels.contains_key(&handle) { self.function_of(handle)? } else { handle };
        let unknown = self.handles.unknown(Kind::Function, handle);
        self.functions.get_mut(&handle).map_or_else(|| wrong(Status::INVALID_HANDLE, unknown), Ok)
    }

    /// Unloads a module, whose work is done.
    pub fn unload(&mut self, handle: u64) {
        if let Some(module) = self.modules.remove(&handle) {
            module.loaded.program.unload(&mut self.memory);
            self.functions.retain(|_, function| function.module != handle);
        }
    }
}

/// Numbers of threads or blocks along the three axes, of which the last may be left out.
pub fn axes(given: &[u32]) -> [u32; 3] {
    [0, 1, 2].map(|axis| given.get(axis).copied().unwrap_or(1))
}
