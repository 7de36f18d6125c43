//! The system's C++ compiler in NVRTC's role: source in, loadable module out, cached on disk.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use super::toolchain::{self, Compiler};
use super::{process, unit};
use crate::device::Source;
use crate::device::disk_cache::{self, Cache, Entry};
use crate::environment::Environment;
use crate::error::{Error, Result};

/// What a source is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be fast.
    Run,
    /// To be fast, with tables that lead from code to source lines.
    Trace,
    /// To call back before every access.
    Observe,
    /// To count operations on floats.
    Count,
}

/// The shared object for `source`, from the cache or compiled now; the compiler is ended when `stop` is set.
pub(super) fn shared_object(
    source: &Source,
    purpose: Purpose,
    environment: &Environment,
    stop: &AtomicBool,
) -> Result<Entry> {
    let build = Build::new(source, purpose, environment)?;
    Cache::of(environment).entry(&build.name, |out| build.compile(out, stop))
}

/// The shared object for `source`, compiled now whatever the cache has.
pub(super) fn shared_object_anew(
    source: &Source,
    purpose: Purpose,
    environment: &Environment,
    stop: &AtomicBool,
) -> Result<Entry> {
    let build = Build::new(source, purpose, environment)?;
    Cache::of(environment).renewed(&build.name, |out| build.compile(out, stop))
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
    fn new(source: &'a Source, purpose: Purpose, environment: &Environment) -> Result<Self> {
        let compiler = toolchain::found(environment)?;
        let text = unit::translation_unit(source, purpose);
        let arguments = compiler.arguments(purpose)?;
        let mut parts = vec![&text, &compiler.command[0], &compiler.version, toolchain::machine_id()];
        parts.extend(&arguments);
        let key = disk_cache::key(&parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>());
        Ok(Self { source, compiler, text, arguments, name: format!("{key}.so") })
    }

    fn compile(&self, out: &Path, stop: &AtomicBool) -> Result<()> {
        let Err(mut log) = self.said(out, &self.text, stop)? else { return Ok(()) };
        // An open brace or condition runs on into the entry points, of which the complaint then is. Without them it is told
        // where it stands.
        if log.lines().find(|line| is_error(line)).is_some_and(|line| line.starts_with(unit::OWN))
            && let Some((text, _)) = self.text.rsplit_once(unit::ENTRIES)
            && let Err(plainer) = self.said(out, text, stop)?
        {
            log = plainer;
        }
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

    /// Compiles `text`. Returns what the compiler said where it failed.
    fn said(&self, out: &Path, text: &str, stop: &AtomicBool) -> Result<Result<(), String>> {
        let unit = out.with_extension("cpp");
        std::fs::write(&unit, text).map_err(|e| Error::file(&unit, e))?;
        let program = &self.compiler.command[0];
        let mut command = Command::new(program);
        // In other languages than English the lines that name an error would not be found.
        command.env("LC_ALL", "C").args(&self.arguments).arg("-o").args([out, &unit]);
        // Tables of lines name files as `#line` does, wherever this is compiled.
        if let Ok(here) = std::env::current_dir() {
            command.arg(format!("-fdebug-prefix-map={}=.", here.display()));
        }
        // A kernel may have the name of a function that compilers know of C: it is the kernel that is meant, and it is nobody
        // else's to see.
        command.args(self.source.kernels().iter().map(|kernel| format!("-fno-builtin-{kernel}")));
        let folder = out.parent().expect("a file in a folder");
        let ended = process::run(command, folder, stop).map_err(|e| Error::file(program, e))?;
        ended.ok_or(Error::Interrupted)
    }
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
