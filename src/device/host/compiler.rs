//! The system's C++ compiler in NVRTC's role: source in, loadable module out, cached on disk.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

use super::process;
use crate::device::include::STANDARD;
use crate::device::{Source, disk_cache};
use crate::error::{Error, Result};

const SHIM: &str = include_str!("shim.h");
const FUNCTIONS: &str = include_str!("functions.h");
const OBSERVE: &str = include_str!("observe.h");
const COUNTED: &str = include_str!("counted.h");
const COUNTED_FUNCTIONS: &str = include_str!("counted_functions.h");

/// What a source is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be fast.
    Run,
    /// To call back before every access.
    Observe,
    /// To count operations on floats.
    Count,
}

/// A C++ compiler that answered.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// Program and leading arguments (`CXX` may be `ccache g++`).
    pub command: Vec<String>,
    /// First line of `--version`.
    pub version: String,
}

/// How the names of our own files begin in tables of lines: they are never what a person looks for.
pub(super) const OWN: &str = "warptape:";

static COMPILATIONS: AtomicUsize = AtomicUsize::new(0);

/// How many sources this process has compiled (not found in the cache).
pub fn compilations() -> usize {
    COMPILATIONS.load(Ordering::Relaxed)
}

/// Finds the compiler: `CXX` if set, else `clang++`, else `c++`.
///
/// # Errors
/// [`Error::NoCompiler`], one line that names what to install.
pub fn find() -> Result<Compiler> {
    let candidates: Vec<String> = match std::env::var("CXX") {
        Ok(cxx) if !cxx.trim().is_empty() => vec![cxx],
        _ => vec!["clang++".into(), "c++".into()],
    };
    for candidate in &candidates {
        let command: Vec<String> = candidate.split_whitespace().map(str::to_owned).collect();
        let output = Command::new(&command[0]).args(&command[1..]).arg("--version").output();
        if let Ok(output) = output.as_ref().map(|o| &o.stdout)
            && let Some(version) = String::from_utf8_lossy(output).lines().next()
        {
            return Ok(Compiler { command, version: version.to_owned() });
        }
    }
    let tried = match std::env::var("CXX") {
        Ok(cxx) if !cxx.trim().is_empty() => format!("CXX={cxx}"),
        _ => "tried clang++ and c++".into(),
    };
    Err(Error::NoCompiler { tried })
}

/// The compiler, found once and kept.
fn found() -> Result<Compiler> {
    static FOUND: Mutex<Option<Compiler>> = Mutex::new(None);
    let mut slot = FOUND.lock().unwrap();
    if slot.is_none() {
        *slot = Some(find()?);
    }
    Ok(slot.clone().expect("set above"))
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

const COUNT: &[&str] = &["-O1", "-g1"];

/// Code for observers: callbacks before accesses, tables that lead from code to source lines, inlining, so that
/// what an inlined function touches of its caller is a register again, and no libraries but the usual ones: the thread
/// sanitizer's own callbacks must not be there.
const OBSERVED: &[&str] =
    &["-O1", "-g1", "-finline-functions", "-fsanitize=thread", "-nodefaultlibs", "-lm", "-lc", "-DWARPTAPE_OBSERVED"];

/// In GCC's words: entering a function is of no interest, volatile accesses are, and a vector that is copied stays whole, as one access.
const OBSERVED_GCC: &[&str] = &[
    "--param=tsan-instrument-func-entry-exit=0",
    "--param=tsan-distinguish-volatile=1",
    "-fno-tree-sra",
    "-fno-ipa-sra",
    "-fno-tree-loop-distribute-patterns",
];

/// The shared object for `source`, from the cache or compiled now; the compiler is ended when `stop` is set.
pub fn shared_object(source: &Source, purpose: Purpose, stop: &AtomicBool) -> Result<PathBuf> {
    let build = Build::new(source, purpose)?;
    disk_cache::entry(&build.name, |out| build.compile(out, stop))
}

/// The shared object for `source`, compiled now whatever the cache has.
pub fn shared_object_anew(source: &Source, purpose: Purpose, stop: &AtomicBool) -> Result<PathBuf> {
    let build = Build::new(source, purpose)?;
    disk_cache::renewed(&build.name, |out| build.compile(out, stop))
}

/// One compilation: what goes in, and the name of what comes out.
struct Build<'a> {
    source: &'a Source,
    compiler: Compiler,
    text: String,
    arguments: Vec<String>,
    name: String,
}

impl<'a> Build<'a> {
    fn new(source: &'a Source, purpose: Purpose) -> Result<Self> {
        let compiler = found()?;
        let text = translation_unit(source, purpose);
        let of_purpose = match purpose {
            Purpose::Run => [RUN, &[]],
            Purpose::Count => [COUNT, &[]],
            Purpose::Observe if compiler.version.contains("clang") => [OBSERVED, &[]],
            Purpose::Observe => [OBSERVED, OBSERVED_GCC],
        };
        let flags = FLAGS.iter().chain(of_purpose.into_iter().flatten()).copied().chain(wide_vectors());
        let flags = compiler.command[1..].iter().map(String::as_str).chain(flags);
        let arguments: Vec<String> = flags.map(str::to_owned).collect();
        let mut parts = vec![&text, &compiler.command[0], &compiler.version, machine_id()];
        parts.extend(&arguments);
        let key = disk_cache::key(&parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>());
        Ok(Self { source, compiler, text, arguments, name: format!("{key}.so") })
    }

    fn compile(&self, out: &Path, stop: &AtomicBool) -> Result<()> {
        COMPILATIONS.fetch_add(1, Ordering::Relaxed);
        let unit = out.with_extension("cpp");
        std::fs::write(&unit, &self.text).map_err(|e| Error::file(&unit, e))?;
        let program = &self.compiler.command[0];
        let mut command = Command::new(program);
        // In other languages than English the lines that name an error would not be found.
        command.env("LC_ALL", "C").args(&self.arguments).arg("-o").args([out, &unit]);
        // Tables of lines name files as `#line` does, wherever this is compiled.
        if let Ok(here) = std::env::current_dir() {
            command.arg(format!("-fdebug-prefix-map={}=.", here.display()));
        }
        let folder = out.parent().expect("a file in a folder");
        let ended = process::run(command, folder, stop).map_err(|e| Error::file(program, e))?;
        let Err(log) = ended.ok_or(Error::Interrupted)? else { return Ok(()) };
        let defines = self.source.defines.to_string();
        Err(Error::Compile {
            kernel: if defines.is_empty() {
                self.source.file.clone()
            } else {
                format!("{} ({defines})", self.source.file)
            },
            compiler: self.compiler.version.clone(),
            log: format!("{}\n{}", shorten(&log), excerpt(self.source, &log)),
        })
    }
}

/// Both compilers prefer 256-bit vectors on AVX-512 machines unless told otherwise; register tiles want all of it.
fn wide_vectors() -> Option<&'static str> {
    (super::native_lanes() == 16).then_some("-mprefer-vector-width=512")
}

/// The lines that name an error, without the compiler's own context.
fn shorten(log: &str) -> String {
    let errors: Vec<&str> = log.lines().filter(|l| is_error(l)).take(10).collect();
    if errors.is_empty() { log.to_owned() } else { errors.join("\n") }
}

/// `error:`, `fatal error:`; not a quoted source line about errors.
fn is_error(line: &str) -> bool {
    line.contains("error: ")
}

/// Numbered source lines around the first error (`file:line:column: error: …`).
fn excerpt(source: &Source, log: &str) -> String {
    let first = log.lines().find(|l| is_error(l));
    let mut parts = first.unwrap_or("").split(':');
    match (parts.next(), parts.next().and_then(|n| n.parse().ok())) {
        (Some(file), Some(line)) => source.excerpt(file, line),
        _ => String::new(),
    }
}

/// Our headers, then the kernel's text, then one entry point per kernel with a uniform signature.
fn translation_unit(source: &Source, purpose: Purpose) -> String {
    let (shim, functions) = (("shim.h", SHIM), ("functions.h", FUNCTIONS));
    let headers: &[(&str, &str)] = match purpose {
        Purpose::Run => &[shim, functions],
        Purpose::Observe => &[shim, functions, ("observe.h", OBSERVE)],
        Purpose::Count => &[("counted.h", COUNTED), shim, functions, ("counted_functions.h", COUNTED_FUNCTIONS)],
    };
    let mut unit = String::new();
    for (name, text) in headers.iter().chain(&[("standard.h", STANDARD)]) {
        unit += &format!("#line 1 \"{OWN}{name}\"\n{text}\n");
    }
    // After our headers, which have names of their own.
    source.defines.iter().for_each(|(name, value)| unit += &format!("#define {name} {value}\n"));
    unit += &format!("{}\n#undef float\n#line 1 \"{OWN}entry points\"\n", source.text);
    let dynamic = dynamic_shared(&source.text);
    if !dynamic.is_empty() {
        // The most that a block can have on any GPU so far (Hopper): 227 KiB.
        unit += &format!(
            "extern \"C\" {{ __shared__ char {DYNAMIC}[227 * 1024] __attribute__((aligned(1024), used)); }}\n"
        );
    }
    for (kind, name) in dynamic {
        // As on a GPU, all names are of the same memory.
        unit += &format!("extern __shared__ {kind} {name}[] __attribute__((alias(\"{DYNAMIC}\")));\n");
    }
    for name in source.kernels() {
        unit += &format!(
            "extern \"C\" __attribute__((visibility(\"default\"))) WT_QUIET void warptape_entry_{name}(void* const* args) \
             {{ warptape_host::invoke({name}, args); }}\n\
             extern \"C\" __attribute__((visibility(\"default\"))) const unsigned* warptape_parameters_{name}() \
             {{ return warptape_host::parameters({name}); }}\n"
        );
    }
    unit
}

/// The launcher's dynamic shared memory, in symbols.
pub(super) const DYNAMIC: &str = "warptape_dynamic_shared";

/// Finds `extern __shared__ T name[];`: the launcher's dynamic shared memory, which needs a definition here. Types and names.
pub(super) fn dynamic_shared(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let code: String = text.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    for statement in code.split("extern").skip(1).filter_map(|rest| rest.split(';').next()) {
        let Some((qualifiers, array)) = statement.split_once("__shared__") else { continue };
        // The alignment may stand on either side; the definition is aligned for anything.
        let [qualifiers, array] = [qualifiers, array].map(without_alignment);
        let Some((declaration, _)) = array.split_once('[') else { continue };
        let Some((kind, name)) = declaration.trim().rsplit_once(char::is_whitespace) else { continue };
        if qualifiers.trim().is_empty() && !found.iter().any(|(_, n)| n == name) {
            found.push((kind.trim().into(), name.into()));
        }
    }
    found
}

/// A declaration without `__align__(16)` or `alignas(16)`.
fn without_alignment(declaration: &str) -> String {
    for word in ["__align__", "alignas"] {
        if let Some((before, rest)) = declaration.split_once(word) {
            return format!("{before} {}", rest.split_once(')').map_or("", |p| p.1));
        }
    }
    declaration.to_owned()
}

/// What `-march=native` depends on: a cache folder may be shared by unlike machines.
fn machine_id() -> &'static String {
    static ID: LazyLock<String> = LazyLock::new(|| {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        // The first processor's: its model and features, by their names on x86 and on Arm.
        let names = ["model name", "flags", "CPU implementer", "CPU part", "Features"];
        let first = cpuinfo.split("\n\n").next().unwrap_or("").lines();
        let lines: Vec<&str> = first.filter(|line| names.iter().any(|name| line.starts_with(name))).collect();
        format!("{} {} {}", std::env::consts::ARCH, super::native_lanes(), lines.join(" "))
    });
    &ID
}
