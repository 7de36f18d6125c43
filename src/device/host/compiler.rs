//! The system's C++ compiler in NVRTC's role: source in, loadable module out, cached on disk.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::device::{Source, disk_cache};
use crate::error::{Error, Result};

const SHIM: &str = include_str!("shim.h");

/// A C++ compiler that answered.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// Program and leading arguments (`CXX` may be `ccache g++`).
    pub command: Vec<String>,
    /// First line of `--version`.
    pub version: String,
}

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
    "-O3",
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

/// The shared object for `source`, from the cache or compiled now.
pub fn shared_object(source: &Source) -> Result<PathBuf> {
    let compiler = found()?;
    let text = translation_unit(source);
    let defines: Vec<String> = source.defines.iter().map(|(name, value)| format!("-D{name}={value}")).collect();
    let machine = machine_id();
    let key = disk_cache::key(&[
        text.as_bytes(),
        defines.join(" ").as_bytes(),
        FLAGS.join(" ").as_bytes(),
        compiler.version.as_bytes(),
        machine.as_bytes(),
    ]);
    disk_cache::entry(&format!("{key}.so"), |out| compile(&compiler, source, &text, &defines, out))
}

fn compile(compiler: &Compiler, source: &Source, text: &str, defines: &[String], out: &Path) -> Result<()> {
    COMPILATIONS.fetch_add(1, Ordering::Relaxed);
    let unit = out.with_extension("cpp");
    std::fs::write(&unit, text).map_err(|e| Error::file(&unit, e))?;
    let output = Command::new(&compiler.command[0])
        .args(&compiler.command[1..])
        .args(FLAGS)
        .args(wide_vectors(compiler))
        .args(defines)
        .arg("-o")
        .args([out, &unit])
        .output()
        .map_err(|e| Error::file(&compiler.command[0], e))?;
    if output.status.success() {
        return Ok(());
    }
    let log = String::from_utf8_lossy(&output.stderr);
    Err(Error::Compile {
        kernel: format!("{} ({})", source.file, source.defines),
        compiler: compiler.version.clone(),
        log: format!("{}\n{}", shorten(&log), excerpt(source, &log)),
    })
}

/// Both compilers prefer 256-bit vectors on AVX-512 machines unless told otherwise; register tiles want all of it.
fn wide_vectors(_compiler: &Compiler) -> &'static [&'static str] {
    if super::native_lanes() == 16 { &["-mprefer-vector-width=512"] } else { &[] }
}

/// The lines that name an error, without the compiler's own context.
fn shorten(log: &str) -> String {
    let errors: Vec<&str> = log.lines().filter(|l| l.contains("error")).take(10).collect();
    if errors.is_empty() { log.to_owned() } else { errors.join("\n") }
}

/// Numbered source lines around the first error (`file:line:column: error: …`).
fn excerpt(source: &Source, log: &str) -> String {
    let first = log.lines().find(|l| l.contains("error"));
    let mut parts = first.unwrap_or("").split(':');
    match (parts.next(), parts.next().and_then(|n| n.parse().ok())) {
        (Some(file), Some(line)) => source.excerpt(file, line),
        _ => String::new(),
    }
}

/// Shim, then the kernel's text, then one entry point per kernel with a uniform signature.
fn translation_unit(source: &Source) -> String {
    let mut unit = format!("#line 1 \"shim.h\"\n{SHIM}\n{}\n#line 1 \"entry points\"\n", source.text);
    for (kind, name) in dynamic_shared(&source.text) {
        // The most that a block can have on any GPU so far (Hopper): 227 KiB.
        unit += &format!("thread_local {kind} {name}[227 * 1024 / sizeof({kind})] __attribute__((aligned(1024)));\n");
    }
    for name in source.kernels() {
        unit += &format!(
            "extern \"C\" __attribute__((visibility(\"default\"))) void warptape_entry_{name}(void** args) \
             {{ warptape_host::invoke({name}, args); }}\n"
        );
    }
    unit
}

/// Finds `extern __shared__ T name[];`: the launcher's dynamic shared memory, which needs a definition here.
fn dynamic_shared(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let Some(rest) = line.trim_start().strip_prefix("extern __shared__") else { continue };
        let rest = match rest.trim_start().strip_prefix("__align__") {
            Some(aligned) => aligned.split_once(')').map_or("", |p| p.1),
            None => rest,
        };
        let Some((declaration, _)) = rest.split_once('[') else { continue };
        let Some((kind, name)) = declaration.trim().rsplit_once(char::is_whitespace) else { continue };
        if !found.iter().any(|(_, n)| n == name) {
            found.push((kind.trim().into(), name.into()));
        }
    }
    found
}

/// What `-march=native` depends on: a cache folder may be shared by unlike machines.
fn machine_id() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = |name: &str| cpuinfo.lines().find(|l| l.starts_with(name)).unwrap_or("").to_owned();
    format!("{} {} {} {}", std::env::consts::ARCH, super::native_lanes(), line("model name"), line("flags"))
}
