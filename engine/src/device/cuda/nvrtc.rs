//! NVRTC, NVIDIA's run-time compiler: kernel text in, machine code for one architecture out.
//!
//! It is asked for a **cubin**, not for PTX: the driver then has nothing to compile and cannot refuse a PTX version
//! that is newer than it. It needs no GPU, so every kernel can be compiled for every architecture anywhere.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use super::api::{Api, Program};
use super::cubin::{self, Usage};
use super::fit;
use crate::device::Source;
use crate::device::disk_cache::{self, Cache};
use crate::device::include::STANDARD;
use crate::environment::Environment;
use crate::error::{Error, Result};

/// How to get NVRTC, for messages.
pub const INSTALL: &str = "run scripts/install_nvrtc.sh (or `pip install nvidia-cuda-nvrtc`), or set WARPTAPE_NVRTC to libnvrtc.so or its folder";

/// What every kernel is compiled with, besides its architecture and defines. `-v` makes the assembler report registers
/// and spills in the log.
// `-default-device` because a lambda with `auto` parameters counts as a host function otherwise.
pub(in crate::device) const OPTIONS: [&str; 4] = ["--std=c++17", "-default-device", "-lineinfo", "--ptxas-options=-v"];

/// The first that installs CUDA's headers.
const BRINGS_HEADERS: fit::Version = (13, 3);

/// A loaded NVRTC.
#[derive(Debug)]
pub struct Nvrtc {
    path: PathBuf,
    pub(super) version: fit::Version,
    pub(super) archs: Vec<u32>,
    /// Newer ones that do not suit the machine.
    pub(super) passed_over: Vec<String>,
    api: Api,
    cache: Cache,
}

/// What a compilation yields.
pub struct Compiled {
    /// A cubin, or PTX text with its final NUL where a `compute_*` architecture was asked for.
    pub image: Vec<u8>,
    /// NVRTC's log: warnings and the assembler's report.
    pub log: String,
}

impl Nvrtc {
    /// Loads the library `file`; the environment says where its cache lies.
    ///
    /// # Errors
    /// The file cannot be loaded or is not NVRTC.
    pub fn load(file: &Path, environment: &Environment) -> Result<Self> {
        let failed = |what: String| {
            Error::device("cuda", format!("NVRTC at {} cannot be used ({what}): {INSTALL}", file.display()))
        };
        let api = Api::load(file).map_err(|e| failed(e.to_string()))?;
        let (version, archs) = api.identity().map_err(|what| failed(what.into()))?;
        let cache = Cache::of(environment);
        Ok(Self { path: file.to_path_buf(), version, archs, api, cache, passed_over: Vec::new() })
    }

    /// The file it was loaded from; a bare name if the loader chose it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Major and minor version.
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// Compute capabilities it compiles for, ascending: 80, 90, 120.
    pub fn supported_archs(&self) -> &[u32] {
        &self.archs
    }

    /// Newer ones that were found and do not suit this machine, with their versions and places.
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// Whether it brings CUDA's own headers (`cuda_fp16.h`, `mma.h`), which kernels may then include.
    pub fn brings_headers(&self) -> bool {
        self.version >= BRINGS_HEADERS
    }

    /// The newest architecture that it compiles for, with the chip's own features: `sm_121a`.
    pub fn newest_arch(&self) -> String {
        fit::specific(self.archs.last().copied().unwrap_or(0))
    }

    /// Machine code of `source` for `arch`, from the disk cache if it was compiled before.
    ///
    /// # Errors
    /// [`Error::Compile`] with NVRTC's log and the lines it complains about; an unknown architecture; an unwritable cache.
    pub fn compile_cubin(&self, source: &Source, arch: &str) -> Result<Vec<u8>> {
        self.image(source, arch, "cubin")
    }

    /// PTX of `source` for `arch` (`sm_90a`) with its final NUL, from the disk cache if it was compiled before.
    ///
    /// # Errors
    /// As [`Nvrtc::compile_cubin`].
    pub fn compile_ptx(&self, source: &Source, arch: &str) -> Result<Vec<u8>> {
        self.image(source, &arch.replace("sm_", "compute_"), "ptx")
    }

    fn image(&self, source: &Source, arch: &str, ending: &str) -> Result<Vec<u8>> {
        let key = self.key(source, arch);
        let name = format!("{key}.{ending}");
        let make = || {
            let Compiled { image, log } = self.compile(source, arch)?;
            // What it costs is known by the way.
            self.cache.bytes(&format!("{key}.log"), || Ok(log.into_bytes()))?;
            Ok(image)
        };
        let image = self.cache.bytes(&name, make)?;
        if cubin::is_whole(&image) {
            return Ok(image);
        }
        // The driver is given no length and would read beyond the end of a file that was cut off.
        let path = self.cache.folder()?.join(&name);
        std::fs::remove_file(&path).map_err(|e| Error::file(&path, e))?;
        self.cache.bytes(&name, make)
    }

    /// What the kernels of `source` cost on `arch`, and the compiler's warnings; from the disk cache if known.
    ///
    /// # Errors
    /// As [`Nvrtc::compile_cubin`].
    pub fn resources(&self, source: &Source, arch: &str) -> Result<(Vec<Usage>, Vec<String>)> {
        let name = format!("{}.log", self.key(source, arch));
        let log = self.cache.bytes(&name, || Ok(self.compile(source, arch)?.log.into_bytes()))?;
        let log = String::from_utf8_lossy(&log);
        Ok((cubin::usage(&log), cubin::warnings(&log).into_iter().map(str::to_owned).collect()))
    }

    fn key(&self, source: &Source, arch: &str) -> String {
        let version = format!("nvrtc {}.{}", self.version.0, self.version.1);
        let (defines, options) = (source.defines.to_string(), OPTIONS.join(" "));
        let parts = [&version, arch, &options, &defines, &source.file, STANDARD, &source.text];
        disk_cache::key(&parts.map(str::as_bytes))
    }

    /// Compiles `source` for `arch` (`sm_90a` for a cubin, `compute_90` for PTX), whatever the cache holds.
    ///
    /// # Errors
    /// As [`Nvrtc::compile_cubin`].
    pub fn compile(&self, source: &Source, arch: &str) -> Result<Compiled> {
        if !self.knows(arch) {
            return Err(self.unknown(arch));
        }
        let mut options: Vec<String> = OPTIONS.map(str::to_owned).to_vec();
        options.push(format!("--gpu-architecture={arch}"));
        options.extend(source.defines.iter().map(|(name, value)| format!("-D{name}={value}")));
        let c_string = |text: &str| {
            CString::new(text).map_err(|_| Error::Source { file: source.file.clone(), what: "holds a NUL byte".into() })
        };
        let text = format!("#line 1 \"standard.h\"\n{STANDARD}\n{}", source.text);
        let (text, name) = (c_string(&text)?, c_string(&source.file)?);
        let options = options.iter().map(|option| c_string(option)).collect::<Result<Vec<_>>>()?;

        let program = Program::compile(&self.api, &text, &name, &options);
        let image = if arch.starts_with("sm_") { program.cubin() } else { program.ptx() };
        match (program.succeeded(), image) {
            (true, Some(image)) => Ok(Compiled { image, log: program.log() }),
            _ => Err(self.failure(source, arch, &program)),
        }
    }

    /// Whether it compiles for an architecture.
    pub fn knows(&self, arch: &str) -> bool {
        let digits: String = arch.chars().filter(char::is_ascii_digit).collect();
        digits.parse().is_ok_and(|number| self.archs.contains(&number))
    }

    /// The error for an architecture that it does not know.
    pub fn unknown(&self, arch: &str) -> Error {
        let known: Vec<_> = self.archs.iter().map(|a| format!("sm_{a}")).collect();
        let (major, minor) = self.version;
        Error::usage(format!("NVRTC {major}.{minor} has no {arch}; it has {}", known.join(", ")))
    }

    /// The compile error: NVRTC's words, then the lines that the first error is about.
    fn failure(&self, source: &Source, arch: &str, program: &Program<'_>) -> Error {
        let mut log = program.log();
        if log.trim().is_empty() {
            log = program.error();
        }
        let noise = ["ptxas info", "Remark:"];
        let told = log.lines().filter(|l| !l.trim().is_empty() && !noise.iter().any(|n| l.starts_with(n)));
        let mut log = told.collect::<Vec<_>>().join("\n");
        let mut excerpt = position(&log).map(|(file, line)| source.excerpt(file, line)).unwrap_or_default();
        if excerpt.is_empty() {
            excerpt = ptx_excerpt(&log, &program.ptx().unwrap_or_default());
        }
        if !excerpt.is_empty() {
            log = format!("{log}\n\n{}", excerpt.trim_end());
        }
        let defines = source.defines.to_string();
        let with = if defines.is_empty() { String::new() } else { format!(" [{defines}]") };
        let compiler = format!("NVRTC {}.{} for {arch}", self.version.0, self.version.1);
        Error::Compile { kernel: format!("{}{with}", source.file), compiler, log }
    }
}

/// File and line of the first `file(12): error: …` of a log.
fn position(log: &str) -> Option<(&str, usize)> {
    let line = log.lines().find(|l| l.contains("): error") || l.contains("): catastrophic error"))?;
    let (file, rest) = line.split_once("): ")?.0.rsplit_once('(')?;
    Some((file, rest.parse().ok()?))
}

/// The assembler names lines of the PTX, which nobody has seen: show them (an `asm` statement has a mistake).
fn ptx_excerpt(log: &str, ptx: &[u8]) -> String {
    let first = log.lines().find_map(|l| l.split_once("ptx input, line ")?.1.split(';').next()?.parse::<usize>().ok());
    let Some(first) = first else { return String::new() };
    let ptx = String::from_utf8_lossy(ptx);
    let lines = ptx.lines().enumerate().skip(first.saturating_sub(4)).take(7);
    lines.map(|(i, l)| format!("{}{:5} | {l}\n", if i + 1 == first { '>' } else { ' ' }, i + 1)).collect()
}
