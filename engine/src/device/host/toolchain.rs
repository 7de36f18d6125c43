//! Which C++ compiler there is, what it is told, and what it makes of that: the vectors that kernels are compiled for.

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::sync::{LazyLock, Mutex};

use super::compiler::Purpose;
use crate::environment::Environment;
use crate::error::{Error, Result};

/// A C++ compiler that answered.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// Program and leading arguments (`CXX` may be `ccache g++`).
    pub command: Vec<String>,
    /// First line of `--version`.
    pub version: String,
    /// True for clang under any name.
    pub clang: bool,
    /// What it compiles for with the flags in force.
    pub vectors: Vectors,
    /// f32 values in the rows of register tiles: the vectors' width, or `WARPTAPE_LANES`.
    pub lanes: usize,
    /// `WARPTAPE_CXXFLAGS`: what a person adds. It stands last, where it wins.
    extra: Vec<String>,
}

/// Vector instructions that code is compiled for, by the compiler's own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vectors {
    /// 512 bits.
    Avx512,
    /// 256 bits, with fused multiply-add.
    Avx2,
    /// 128 bits of x86.
    Sse2,
    /// 128 bits of Arm.
    Neon,
    /// None that we know of.
    Unknown,
}

impl Vectors {
    /// From the macros that a compiler defines.
    fn of(macros: &str) -> Self {
        let has = |name: &str| macros.lines().any(|line| line.split(' ').nth(1) == Some(name));
        match () {
            () if has("__AVX512F__") => Self::Avx512,
            () if has("__AVX2__") && has("__FMA__") => Self::Avx2,
            () if has("__SSE2__") => Self::Sse2,
            () if has("__ARM_NEON") => Self::Neon,
            () => Self::Unknown,
        }
    }

    /// How many f32 values one holds.
    pub fn lanes(self) -> usize {
        match self {
            Self::Avx512 => 16,
            Self::Avx2 => 8,
            Self::Sse2 | Self::Neon | Self::Unknown => 4,
        }
    }

    /// The name of the instruction set: `AVX-512`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "AVX-512",
            Self::Avx2 => "AVX2",
            Self::Sse2 => "SSE2",
            Self::Neon => "NEON",
            Self::Unknown => "no known vectors",
        }
    }
}

/// `-ffp-contract=fast` fuses multiply and add as NVRTC does; nothing here relaxes NaN or infinity.
const FLAGS: &[&str] = &[
    "-std=c++20",
    "-march=native",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-strict-aliasing",
    "-fvisibility=hidden",
    "-fPIC",
    "-shared",
    "-w",
];

const RUN: &[&str] = &["-O3"];

/// The same code as [`RUN`].
const TRACE: &[&str] = &["-O3", "-g1"];

const COUNT: &[&str] = &["-O1", "-g1"];

/// Code for observers: callbacks before accesses, tables that lead from code to source lines, inlining, so that
/// what an inlined function touches of its caller is a register again, and no libraries but the usual ones: the thread
/// sanitizer's own callbacks must not be there. In GCC's words: entering a function is of no interest, volatile accesses
/// are, and a vector that is copied stays whole, as one access.
const OBSERVED: &[&str] = &[
    "-O1",
    "-g1",
    "-finline-functions",
    "-fsanitize=thread",
    "-nodefaultlibs",
    "-lm",
    "-lc",
    "-DWARPTAPE_OBSERVED",
    "--param=tsan-instrument-func-entry-exit=0",
    "--param=tsan-distinguish-volatile=1",
    "-fno-tree-sra",
    "-fno-ipa-sra",
    "-fno-tree-loop-distribute-patterns",
];

/// Both compilers prefer 256-bit vectors on AVX-512 machines unless told otherwise; register tiles want all of it.
const WIDE: &str = "-mprefer-vector-width=512";

impl Compiler {
    /// Everything between the program's name and its files.
    ///
    /// # Errors
    /// Accesses cannot be observed with this compiler.
    pub(super) fn arguments(&self, purpose: Purpose) -> Result<Vec<String>> {
        let of_purpose = match purpose {
            Purpose::Run => RUN,
            Purpose::Trace => TRACE,
            Purpose::Count => COUNT,
            Purpose::Observe if self.clang => return Err(self.unfit()),
            Purpose::Observe => OBSERVED,
        };
        let flags = FLAGS.iter().chain(of_purpose).copied().chain(self.wide()).map(str::to_owned);
        Ok(self.command[1..].iter().cloned().chain(flags).chain(self.extra.clone()).collect())
    }

    /// clang's thread sanitizer merges accesses and leaves others out, which gives false findings and misses true ones.
    fn unfit(&self) -> Error {
        let what = "kernels can be checked and profiled with g++ alone: install it, and set CXX=g++ if CXX is set";
        Error::device("host", format!("{what} (this is {})", self.version))
    }

    fn wide(&self) -> Option<&'static str> {
        (self.vectors == Vectors::Avx512 && self.lanes == 16).then_some(WIDE)
    }

    /// What of it decides on the bits of results: version, flags, instruction set and width of tiles.
    pub fn description(&self) -> String {
        let flags = self.command[1..].iter().cloned().chain(FLAGS.iter().chain(RUN).map(|&flag| flag.to_owned()));
        let flags: Vec<String> = flags.chain(self.wide().map(str::to_owned)).chain(self.extra.clone()).collect();
        let Self { version, vectors, lanes, .. } = self;
        format!("{version}; {}; {}, {lanes} lanes", flags.join(" "), vectors.name())
    }
}

/// `WARPTAPE_LANES`, if set.
///
/// # Errors
/// Another width than tiles can have.
fn forced_lanes(environment: &Environment) -> Result<Option<usize>> {
    match environment.text("WARPTAPE_LANES") {
        "" => Ok(None),
        "4" => Ok(Some(4)),
        "8" => Ok(Some(8)),
        "16" => Ok(Some(16)),
        other => Err(Error::usage(format!("WARPTAPE_LANES={other:?}: set it to 4, 8 or 16, or not at all"))),
    }
}

/// Finds the compiler: `CXX` if set, else `g++`, `c++` or `clang++`.
///
/// # Errors
/// [`Error::NoCompiler`], one line that names what to install; a width of tiles that is none.
pub fn find(environment: &Environment) -> Result<Compiler> {
    let set = Some(environment.text("CXX")).filter(|cxx| !cxx.trim().is_empty());
    let extra: Vec<String> = environment.text("WARPTAPE_CXXFLAGS").split_whitespace().map(str::to_owned).collect();
    let candidates = match set {
        Some(cxx) => vec![cxx],
        None => vec!["g++", "c++", "clang++"],
    };
    let mut tried = match set {
        Some(cxx) => format!("CXX={cxx}"),
        None => "tried g++, c++ and clang++".into(),
    };
    for candidate in candidates {
        let command: Vec<String> = candidate.split_whitespace().map(str::to_owned).collect();
        match ask(&command, &extra) {
            Ok((version, macros)) => {
                let vectors = Vectors::of(&macros);
                let lanes = forced_lanes(environment)?.unwrap_or(vectors.lanes());
                return Ok(Compiler { command, version, clang: macros.contains("__clang__"), vectors, lanes, extra });
            }
            Err(Some(said)) => tried = format!("{candidate} does not compile C++20: {said}"),
            Err(None) => {}
        }
    }
    Err(Error::NoCompiler { tried })
}

/// Version and predefined macros of what answers as a C++ compiler; what it says instead, if it can be started.
fn ask(command: &[String], extra: &[String]) -> Result<(String, String), Option<String>> {
    let run = |arguments: &[String]| -> Result<Output, Option<String>> {
        let mut program = Command::new(&command[0]);
        program.env("LC_ALL", "C").stdin(Stdio::null()).args(&command[1..]).args(arguments).output().map_err(|_| None)
    };
    let version = run(&["--version".into()])?;
    let macros = FLAGS.iter().map(|&flag| flag.to_owned()).chain(extra.iter().cloned());
    let macros = run(&macros.chain(["-dM", "-E", "-x", "c++", "/dev/null"].map(str::to_owned)).collect::<Vec<_>>())?;
    let first = |text: &[u8]| String::from_utf8_lossy(text).lines().next().map(str::to_owned);
    let defined = String::from_utf8_lossy(&macros.stdout).into_owned();
    match first(&version.stdout) {
        Some(version) if macros.status.success() && defined.contains("__cplusplus") => Ok((version, defined)),
        said => Err(first(&macros.stderr).or(said).or_else(|| Some("it says nothing".into()))),
    }
}

/// The compiler, found once for each environment and kept.
pub(super) fn found(environment: &Environment) -> Result<Compiler> {
    static FOUND: Mutex<BTreeMap<[String; 3], Compiler>> = Mutex::new(BTreeMap::new());
    let key = ["CXX", "WARPTAPE_CXXFLAGS", "WARPTAPE_LANES"].map(|name| environment.text(name).to_owned());
    let mut found = FOUND.lock().unwrap();
    if let Some(compiler) = found.get(&key) {
        return Ok(compiler.clone());
    }
    let compiler = find(environment)?;
    found.insert(key, compiler.clone());
    Ok(compiler)
}

/// What `-march=native` depends on: a cache folder may be shared by unlike machines.
pub(super) fn machine_id() -> &'static String {
    static ID: LazyLock<String> = LazyLock::new(|| {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        // The first processor's: its model and features, by their names on x86 and on Arm.
        let names = ["model name", "flags", "CPU implementer", "CPU part", "Features"];
        let first = cpuinfo.split("\n\n").next().unwrap_or("").lines();
        let lines: Vec<&str> = first.filter(|line| names.iter().any(|name| line.starts_with(name))).collect();
        format!("{} {}", std::env::consts::ARCH, lines.join(" "))
    });
    &ID
}
