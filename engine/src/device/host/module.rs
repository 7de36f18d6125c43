//! A loaded shared object and its kernels.

use std::collections::HashMap;
use std::collections::hash_map;
use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::callbacks::{RUNTIME, Runtime};
use super::compiler::Purpose;
use super::image::Image;
use super::scheduler::Builtins;
use super::symbols::Symbols;
use super::{Mode, Options, compiler, library};
use crate::device::disk_cache::Entry as Cached;
use crate::device::observed::Line;
use crate::device::{Arg, Handle, Module, Source};
use crate::environment::Environment;
use crate::error::{Error, Result};

/// The most static shared memory that a block can have on any GPU: 48 KiB (CUDA Programming Guide, Compute Capabilities). Tiles
/// that are made for a CPU run on no GPU and may take more.
const MAX_STATIC_SHARED: u64 = 48 << 10;

type BuiltinsFn = unsafe extern "C" fn(*mut Builtins);
pub(super) type Entry = unsafe extern "C" fn(*const *mut c_void);
type ParametersFn = unsafe extern "C" fn() -> *const u32;

pub(super) struct HostModule {
    pub(super) source: Source,
    /// Where the shared object was found, for another process to read its tables.
    pub(super) path: PathBuf,
    /// The tables of what was loaded; in fast mode, where nobody looks at them, why they are not there.
    symbols: Result<Symbols, String>,
    /// What they said of places in the code.
    lines: Mutex<HashMap<u32, Vec<Line>>>,
    builtins: BuiltinsFn,
    /// In profiled mode, the same source compiled to count operations; or why that cannot be.
    pub(super) counting: Result<Box<HostModule>, String>,
    library: libloading::Library,
}

/// What a [`Function`](crate::device::Function) holds: a kernel and the module that it is in.
pub(super) struct Loaded {
    pub(super) kernel: Kernel,
    pub(super) module: Arc<HostModule>,
}

/// A kernel of a module.
pub(super) struct Kernel {
    pub(super) entry: Entry,
    builtins: BuiltinsFn,
    parameters: Vec<Parameter>,
}

/// How often an operation was executed (counted.h).
#[repr(C)]
pub(super) struct Counter {
    pub(super) count: u64,
    distance: i64,
    pub(super) operation: u64,
}

impl Counter {
    /// The address behind the first byte of the code that counts here, like a return address.
    pub(super) fn code(&self) -> u64 {
        (self as *const Self as u64).wrapping_add_signed(self.distance) + 1
    }
}

/// What shim.h says about a kernel's parameter: a letter for its kind, and its size.
#[derive(Clone, Copy)]
struct Parameter {
    kind: u8,
    bytes: u32,
}

impl HostModule {
    pub(super) fn load(source: &Source, options: &Options, stop: &AtomicBool) -> Result<Arc<Self>> {
        let Options { mode, environment, .. } = options;
        let purpose = match mode {
            Mode::Fast => Purpose::Run,
            Mode::Fenced(_) => Purpose::Trace,
            Mode::Checked | Mode::Profiled => Purpose::Observe,
        };
        let mut module = Self::compiled(source, purpose, environment, stop)?;
        let bytes = module.symbols.as_ref().map_or(0, |symbols| symbols.static_shared);
        if bytes > MAX_STATIC_SHARED && (*mode != Mode::Fast || options.gpu_tiles) {
            return Err(too_much_shared(source, bytes));
        }
        if purpose == Purpose::Run {
            module.symbols = Err("a kernel's tables are for observers".into());
        }
        if *mode == Mode::Profiled {
            let twin = Self::compiled(source, Purpose::Count, environment, stop);
            module.counting = twin.map(Box::new).map_err(|e| e.to_string());
        }
        Ok(Arc::new(module))
    }

    fn compiled(source: &Source, purpose: Purpose, environment: &Environment, stop: &AtomicBool) -> Result<Self> {
        let cached = compiler::shared_object(source, purpose, environment, stop)?;
        Self::open(source, &cached).or_else(|_| {
            // Whole, but not for this system (a cache folder shared with another one, say): made again, once.
            let cached = compiler::shared_object_anew(source, purpose, environment, stop)?;
            Self::open(source, &cached).map_err(|said| unloadable(source, &cached, &said))
        })
    }

    fn open(source: &Source, cached: &Cached) -> Result<Self, String> {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the object was compiled by `compiler` from shim.h, and its initializers are the kernel's own; these
        // are the types that shim.h gives to the two functions.
        unsafe {
            let library = library::load(cached, number)?;
            let missing = |e| library::said(&e);
            library.get::<unsafe extern "C" fn(*const Runtime)>(b"warptape_bind").map_err(missing)?(&RUNTIME);
            let builtins = *library.get::<BuiltinsFn>(b"warptape_builtins").map_err(missing)?;
            let counting = Err("operations are counted in profiled mode alone".into());
            Ok(Self {
                source: source.clone(),
                path: cached.path().into(),
                symbols: Symbols::read(cached.contents()),
                lines: Mutex::default(),
                builtins,
                counting,
                library,
            })
        }
    }

    /// The tables of the shared object, as it was loaded.
    ///
    /// # Errors
    /// A sentence, if they cannot be read or this is not a module that is observed.
    pub(super) fn symbols(&self) -> Result<&Symbols, String> {
        self.symbols.as_ref().map_err(Clone::clone)
    }

    /// The lines that places in the code, from the module's start, come from; see [`Code::lines`](crate::device::observed::Code).
    ///
    /// # Errors
    /// As [`HostModule::symbols`].
    pub(super) fn lines(&self, places: &mut dyn Iterator<Item = u32>) -> Result<HashMap<u32, Vec<Line>>, String> {
        let mut known = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut found, mut tables) = (HashMap::new(), None);
        for place in places {
            let lines = match known.entry(place) {
                hash_map::Entry::Occupied(known) => known.into_mut(),
                hash_map::Entry::Vacant(unknown) => {
                    // They are read once for all that nobody has asked for.
                    let tables = match &mut tables {
                        Some(tables) => tables,
                        none => none.insert(self.symbols()?.lines()?),
                    };
                    unknown.insert(tables.of(place.into()))
                }
            };
            found.insert(place, lines.clone());
        }
        Ok(found)
    }

    /// The counters of a module that counts operations.
    #[allow(clippy::mut_from_ref)]
    pub(super) fn counters(&self) -> &mut [Counter] {
        let (mut first, mut last) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: counted_functions.h has this function, of this type; the section lives as long as the module, and only
        // the profiler, which counts one launch of a process at a time, looks at it.
        unsafe {
            let symbol =
                self.library.get::<unsafe extern "C" fn(*mut *mut Counter, *mut *mut Counter)>(b"warptape_counts");
            match symbol {
                Ok(bounds) => bounds(&mut first, &mut last),
                Err(_) => return &mut [],
            }
            if first.is_null() {
                &mut []
            } else {
                std::slice::from_raw_parts_mut(first, last.offset_from(first) as usize)
            }
        }
    }

    /// The kernel `name`.
    ///
    /// # Errors
    /// A name that the module does not have; the error lists what it has.
    pub(super) fn find(&self, name: &str) -> Result<Kernel> {
        let symbol = |part: &str| format!("warptape_{part}_{name}");
        // SAFETY: the compiler wrapped every kernel in these two functions, of these types.
        let found = unsafe {
            let entry = self.library.get::<Entry>(symbol("entry").as_bytes()).map(|entry| *entry);
            let parameters = self.library.get::<ParametersFn>(symbol("parameters").as_bytes());
            entry.and_then(|entry| Ok((entry, parameters?())))
        };
        let (entry, mut list) = found.map_err(|_| Error::Source {
            file: self.source.file.clone(),
            what: format!("has no kernel '{name}'; it has {}", self.source.kernels().join(", ")),
        })?;
        let mut parameters = Vec::new();
        // SAFETY: the list ends with a zero.
        unsafe {
            while *list != 0 {
                parameters.push(Parameter { kind: *list as u8, bytes: *list >> 8 });
                list = list.add(1);
            }
        }
        Ok(Kernel { entry, builtins: self.builtins, parameters })
    }
}

/// Why a fresh shared object does not load.
fn unloadable(source: &Source, cached: &Cached, said: &str) -> Error {
    if let Some((_, symbol)) = said.split_once("undefined symbol: ") {
        let symbol = symbol.split([' ', ',', '\n']).next().unwrap_or(symbol);
        let what = format!(
            "uses '{symbol}', which nothing defines; dynamic shared memory is declared in these words: extern __shared__ T name[];"
        );
        return Error::Source { file: source.file.clone(), what };
    }
    let fix = "set WARPTAPE_CACHE to a folder that libraries can be loaded from";
    Error::file(cached.path(), format!("does not load: {said}; {fix}"))
}

fn too_much_shared(source: &Source, bytes: u64) -> Error {
    let fix = "use less, or declare it extern __shared__ and give its size at the launch (‹shared›)";
    let what =
        format!("has {bytes} bytes of static __shared__ memory, and no GPU takes more than {MAX_STATIC_SHARED}: {fix}");
    Error::Source { file: source.file.clone(), what }
}

impl Module for HostModule {
    fn function(self: Arc<Self>, name: &str) -> Result<Handle> {
        Ok(Arc::new(Loaded { kernel: self.find(name)?, module: self }))
    }
}

impl Kernel {
    /// Where CUDA's built-in variables are for this OS thread.
    pub(super) fn builtins(&self) -> Builtins {
        let null = std::ptr::null_mut();
        let mut found = Builtins { thread: null, block: null, block_dim: null, grid_dim: null };
        // SAFETY: fills the four addresses; the thread-locals they point at live as long as this OS thread.
        unsafe { (self.builtins)(&mut found) };
        found
    }

    /// Where the kernel's module is for this OS thread. None where the system does not tell.
    pub(super) fn image(&self) -> Option<Image> {
        // A thread has its thread-local memory from the first use on. While other threads load modules, the loader may not
        // tell of it for a moment (seen once in thousands of launches, with glibc 2.36).
        (0..100).find_map(|turn| {
            if turn > 0 {
                std::thread::yield_now();
            }
            self.builtins();
            Image::of_module(self.entry)
        })
    }

    /// Arguments that do not fit would make the kernel read beyond them, or take a size for an address.
    pub(super) fn accepts(&self, args: &[Arg]) -> Result<(), String> {
        if self.parameters.len() != args.len() {
            return Err(format!("takes {} arguments and was given {}", self.parameters.len(), args.len()));
        }
        let wrong = args.iter().zip(&self.parameters).position(|(arg, parameter)| !parameter.takes(arg));
        wrong.map_or(Ok(()), |i| {
            Err(format!("argument {i} is {} there and was given {:?}", self.parameters[i], args[i]))
        })
    }
}

impl Parameter {
    fn takes(self, arg: &Arg) -> bool {
        match arg {
            Arg::Ptr(_) | Arg::Tensor { .. } => self.kind == b'p',
            Arg::U64(_) => self.bytes == 8 && matches!(self.kind, b'p' | b'i'),
            // Of a smaller integer the kernel reads the first bytes (see `Arg::pointer`).
            Arg::I32(_) | Arg::U32(_) => self.bytes <= 4 && self.kind == b'i',
            Arg::F32(_) => self.bytes == 4 && self.kind == b'f',
            Arg::F64(_) => self.bytes == 8 && self.kind == b'f',
            Arg::Ints(ints) => self.kind == b's' && self.bytes as usize <= size_of_val(ints),
        }
    }
}

impl std::fmt::Display for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            b'p' => "a pointer",
            b'i' => "an integer",
            b'f' => "a floating-point number",
            _ => "a struct",
        };
        write!(f, "{kind} of {} bytes", self.bytes)
    }
}
