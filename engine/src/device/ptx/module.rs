//! A PTX text that is loaded, and its kernels.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use warptape_ptx::lane::Isa;
use warptape_ptx::memory::Memory;
use warptape_ptx::program::Program;
use warptape_ptx::run::Fault;
use warptape_ptx::text::tree::Place;

use super::Watched;
use crate::device::cuda::cubin;
use crate::device::launch::accepts;
use crate::device::observed::Line;
use crate::device::signature::{Kind, Parameter, Signature};
use crate::device::{Arg, Handle, Module, Source};
use crate::error::{Error, Result};

/// Bytes between variables in shared memory where it is observed: whoever leaves one is in none.
const SHARED_GAP: u64 = 16 << 10;

/// A loaded module.
pub(super) struct PtxModule {
    pub(super) source: Source,
    names: Vec<String>,
    /// What each of `names` is called in the text.
    symbols: HashMap<String, String>,
    /// What source files are called in messages, by number.
    files: HashMap<u32, String>,
    memory: Arc<RwLock<Memory>>,
    observer: Option<Watched>,
    /// By kernel, which parameters point to what it cannot write; where that is observed.
    read_only: HashMap<u32, Vec<bool>>,
    pub(super) program: Program,
}

/// By parameter, whether it is a pointer to constants.
fn read_only(source: &Source, kernel: &str) -> Option<Vec<bool>> {
    let signature = Signature::of(source, kernel).ok()?;
    let constant = |parameter: &Parameter| matches!(parameter.kind, Kind::Pointer { read_only: true, .. });
    Some(signature.parameters.iter().map(constant).collect())
}

/// What a [`Function`](crate::device::Function) holds: a kernel of a module.
pub(super) struct Loaded {
    pub(super) kernel: u32,
    /// Bytes of each parameter.
    sizes: Vec<usize>,
    pub(super) module: Arc<PtxModule>,
}

impl PtxModule {
    /// Loads what `source` was compiled to, for the device `name`.
    ///
    /// # Errors
    /// An instruction that the machine does not know, with its lines.
    pub(super) fn load(
        source: &Source,
        image: &[u8],
        name: &str,
        memory: Arc<RwLock<Memory>>,
        observer: Option<Watched>,
    ) -> Result<Self> {
        let text = String::from_utf8_lossy(image);
        let gap = if observer.is_some() { SHARED_GAP } else { 0 };
        let mut place = memory.write().unwrap_or_else(PoisonError::into_inner);
        let loaded = Program::load_spaced(&text, &mut place, Isa::detect(), gap);
        drop(place);
        let program = loaded.map_err(|(line, why)| {
            let written = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default().trim();
            let what = format!("line {line} of its PTX cannot be run on {name}: {why}: {written}");
            Error::Source { file: source.file.clone(), what }
        })?;
        let names = source.kernels().to_vec();
        let symbols: HashMap<String, String> =
            names.iter().filter_map(|name| Some((name.clone(), cubin::symbol(image, name)?))).collect();
        // NVRTC puts the working directory before relative names.
        let called = |path: &String| {
            let known = source.files().find(|known| path == known || path.ends_with(&format!("/{known}")));
            known.map_or_else(|| path.clone(), str::to_owned)
        };
        let files = program.files.iter().map(|(number, path)| (*number, called(path))).collect();
        if let Some(observer) = &observer {
            let mut observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
            for &(address, bytes) in program.variables.values() {
                observer.allocated(address, bytes);
                observer.written(address, bytes);
            }
        }
        let kernels = names.iter().filter_map(|name| Some((name, program.kernel(symbols.get(name)?)?)));
        let kernels = kernels.filter(|_| observer.is_some());
        let read_only = kernels.filter_map(|(name, kernel)| Some((kernel, read_only(source, name)?))).collect();
        Ok(Self { source: source.clone(), names, symbols, files, memory, observer, read_only, program })
    }

    /// A place in the source, as messages name it.
    fn line(&self, place: Place) -> String {
        let file = self.files.get(&place.file).map_or(&self.source.file[..], |file| file);
        format!("{file}:{}", place.line)
    }

    /// By parameter of a kernel, whether it points to what the kernel cannot write; nothing if that is not known.
    pub(super) fn read_only(&self, kernel: u32) -> &[bool] {
        self.read_only.get(&kernel).map_or(&[], Vec::as_slice)
    }

    /// The lines that an instruction comes from: where it stands, then the calls that led there; of CUDA's own files none.
    pub(super) fn lines(&self, at: (u32, u32)) -> Vec<Line> {
        self.program.places(at).into_iter().filter_map(|place| self.line_of(place)).collect()
    }

    /// The line of a place, if it is in a file of the source.
    pub(super) fn line_of(&self, place: Place) -> Option<Line> {
        let file = self.files.get(&place.file).filter(|file| self.source.files().any(|known| known == *file))?;
        Some(Line { file: file.clone(), number: place.line })
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
        let unknown =
            || Error::Source { file: self.source.file.clone(), what: cubin::without_symbol(name, &self.names) };
        let kernel = kernel.ok_or_else(unknown)?;
        let sizes = self.program.params(kernel).iter().map(|param| param.bytes).collect();
        Ok(Arc::new(Loaded { kernel, sizes, module: self }))
    }
}

impl Drop for PtxModule {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            let mut observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
            self.program.variables.values().for_each(|(address, _)| observer.released(*address));
        }
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
        accepts(&self.sizes, args)?;
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
