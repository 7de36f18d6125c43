//! A PTX text that is loaded, and its kernels.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use warptape_ptx::lane::Isa;
use warptape_ptx::memory::Memory;
use warptape_ptx::program::Program;
use warptape_ptx::run::Fault;
use warptape_ptx::text::tree::Place;

use crate::device::cuda::cubin;
use crate::device::launch::accepts;
use crate::device::{Arg, Handle, Module, Source};
use crate::error::{Error, Result};

/// A loaded module.
pub(super) struct PtxModule {
    file: String,
    names: Vec<String>,
    /// What each of `names` is called in the text.
    symbols: HashMap<String, String>,
    /// What source files are called in messages, by number.
    files: HashMap<u32, String>,
    memory: Arc<RwLock<Memory>>,
    pub(super) program: Program,
}

/// What a [`Function`](crate::device::Function) holds: a kernel of a module.
pub(super) struct Loaded {
    pub(super) kernel: u32,
    pub(super) module: Arc<PtxModule>,
}

impl PtxModule {
    /// Loads what `source` was compiled to, for the device `name`.
    ///
    /// # Errors
    /// An instruction that the machine does not know, with its lines.
    pub(super) fn load(source: &Source, image: &[u8], name: &str, memory: Arc<RwLock<Memory>>) -> Result<Self> {
        let text = String::from_utf8_lossy(image);
        let loaded = Program::load(&text, &mut memory.write().unwrap_or_else(PoisonError::into_inner), Isa::detect());
        let program = loaded.map_err(|(line, why)| {
            let written = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default().trim();
            let what = format!("line {line} of its PTX cannot be run on {name}: {why}: {written}");
            Error::Source { file: source.file.clone(), what }
        })?;
        let (file, names) = (source.file.clone(), source.kernels().to_vec());
        let symbols = names.iter().filter_map(|name| Some((name.clone(), cubin::symbol(image, name)?))).collect();
        // NVRTC puts the working directory before relative names.
        let called = |path: &String| {
            let known = source.files().find(|known| path == known || path.ends_with(&format!("/{known}")));
            known.map_or_else(|| path.clone(), str::to_owned)
        };
        let files = program.files.iter().map(|(number, path)| (*number, called(path))).collect();
        Ok(Self { file, names, symbols, files, memory, program })
    }

    /// A place in the source, as messages name it.
    fn line(&self, place: Place) -> String {
        let file = self.files.get(&place.file).map_or(&self.file[..], |file| file);
        format!("{file}:{}", place.line)
    }

    /// A fault as a sentence with its line.
    pub(super) fn told(&self, fault: &Fault) -> String {
        let others: Vec<String> = fault.others.iter().map(|place| self.line(*place)).collect();
        let elsewhere =
            if others.is_empty() { String::new() } else { format!("; others are at {}", others.join(", ")) };
        format!("{}: {fault}{elsewhere}", self.line(fault.place))
    }
}

impl Module for PtxModule {
    fn function(self: Arc<Self>, name: &str) -> Result<Handle> {
        let kernel = self.symbols.get(name).and_then(|symbol| self.program.kernel(symbol));
        let unknown = || Error::Source { file: self.file.clone(), what: cubin::without_symbol(name, &self.names) };
        Ok(Arc::new(Loaded { kernel: kernel.ok_or_else(unknown)?, module: self }))
    }
}

impl Drop for PtxModule {
    fn drop(&mut self) {
        self.program.unload(&mut self.memory.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Loaded {
    /// The kernel's parameters with the values of `args`.
    ///
    /// # Errors
    /// Arguments that do not fit.
    pub(super) fn params(&self, args: &[Arg]) -> Result<Vec<u8>, String> {
        let params = self.module.program.params(self.kernel);
        let sizes: Vec<usize> = params.iter().map(|param| param.bytes).collect();
        accepts(&sizes, args)?;
        let mut all = vec![0; params.iter().map(|param| param.offset + param.bytes).max().unwrap_or(0)];
        for (param, arg) in params.iter().zip(args) {
            let to = &mut all[param.offset..param.offset + param.bytes];
            // SAFETY: `accepts` has seen that the argument has as many bytes; on a little-endian machine the first are those of
            // a smaller integer.
            unsafe { std::ptr::copy_nonoverlapping(arg.pointer().cast(), to.as_mut_ptr(), param.bytes) };
        }
        Ok(all)
    }
}
