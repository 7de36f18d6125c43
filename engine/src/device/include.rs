//! `#include` lines: files are spliced in, textually and once each, because NVRTC has no file system of its own; `#line`
//! keeps every message pointing at the file a person edits.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use super::{Tree, source};
use crate::error::{Error, Result, plain};
use crate::files;

/// What stands before every kernel, so that lines that include [`KNOWN`] headers can be dropped.
pub(super) const STANDARD: &str = include_str!("standard.h");

/// Headers whose contents kernels have anyway, as far as they can use them: from the compiler, `shim.h` or [`STANDARD`].
const KNOWN: [&str; 29] = [
    "assert.h",
    "cassert",
    "cfloat",
    "climits",
    "cmath",
    "cstddef",
    "cstdint",
    "cstdio",
    "cstdlib",
    "cstring",
    "cuda.h",
    "cuda_runtime.h",
    "cuda_runtime_api.h",
    "device_functions.h",
    "device_launch_parameters.h",
    "device_types.h",
    "driver_types.h",
    "float.h",
    "host_defines.h",
    "limits.h",
    "math.h",
    "math_functions.h",
    "sm_30_intrinsics.h",
    "stddef.h",
    "stdint.h",
    "stdio.h",
    "stdlib.h",
    "string.h",
    "vector_types.h",
];

/// How the names of headers that kernels cannot have begin, and what to do instead.
const INSTEAD: [(&str, &str); 8] = [
    ("cooperative_groups", "use __syncthreads, __syncwarp and the __shfl_…_sync functions"),
    ("thrust/", "it is for host code; write the loop, and for sums include \"prelude/reduce.cuh\""),
    ("cub/", "write the loop, and for sums include \"prelude/reduce.cuh\""),
    ("cuda_fp16", "f16 is in \"prelude/element.cuh\", without arithmetic of its own: compute in float"),
    ("cuda_bf16", "bf16 is in \"prelude/element.cuh\", without arithmetic of its own: compute in float"),
    ("cuda_fp8", "there is no 8-bit precision here: use float"),
    ("curand", "include \"prelude/philox.cuh\" for random numbers"),
    ("mma.h", "there are no tensor cores here: use float and fmaf"),
];

/// `text`, the contents of `file`, with all that it includes, of `tree` or beside it.
///
/// # Errors
/// An `#include` that cannot be resolved, with its line; host code.
pub(super) fn spliced(tree: &Tree, file: &str, text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len() + 32 * 1024);
    splice(tree, file, text, &mut HashSet::new(), &mut out)?;
    Ok(out)
}

/// The name of `file` as it may stand in a `#line` and in compilers' messages: what would end it there is a `?`.
pub(super) fn shown(file: &str) -> String {
    file.replace(|c: char| matches!(c, '"' | '\\') || c.is_control(), "?")
}

fn splice(tree: &Tree, file: &str, text: &str, seen: &mut HashSet<String>, out: &mut String) -> Result<()> {
    let failed =
        |line: usize, what: String| Err(Error::Source { file: file.into(), what: format!("line {line}: {what}") });
    if let Some((line, what)) = host_code(text) {
        let fix =
            "move the kernels to a file of their own (a launch is described beside it, in a TOML file, or by options)";
        return failed(line, format!("{what} is host code, which has no place here: {fix}"));
    }
    seen.insert(file.into());
    let shown = shown(file);
    let _ = writeln!(out, "#line 1 \"{shown}\"");
    for (number, line) in (1..).zip(text.lines()) {
        let Some(include) = included(line) else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let quoted = include.strip_prefix('"').and_then(|rest| rest.split_once('"')).map(|(name, _)| name);
        let angled = include.strip_prefix('<').and_then(|rest| rest.split_once('>')).map(|(name, _)| name);
        let Some(name) = quoted.or(angled) else {
            return failed(number, format!("#include {include}: write #include \"file.cuh\""));
        };
        match quoted.map(|name| find(tree, file, name)) {
            Some(Ok((path, included))) => {
                if !seen.contains(&path) {
                    splice(tree, &path, &included, seen, out)?;
                }
            }
            // Visual Studio's template has "cuda_runtime.h".
            _ if KNOWN.contains(&name) => {}
            Some(Err(what)) => return failed(number, format!("\"{name}\" cannot be included: {what}")),
            None => {
                let instead = INSTEAD.iter().find(|(start, _)| name.starts_with(start)).map(|(_, instead)| *instead);
                let all = "kernels have what they need of CUDA's and C's headers, and include \"files\" besides; drop it, or \
                           move host code to another file";
                return failed(number, format!("<{name}> is not there for kernels: {}", instead.unwrap_or(all)));
            }
        }
        // The line itself stays, as a comment, for those who show the source.
        let _ = writeln!(out, "#line {number} \"{shown}\"\n// {}", line.trim_start());
    }
    Ok(())
}

/// What stands after the `#include` of a line.
fn included(line: &str) -> Option<&str> {
    Some(line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("include")?.trim())
}

/// Path and text of a file that `file` includes: of the tree, or from the folder that `file` lies in.
fn find(tree: &Tree, file: &str, name: &str) -> Result<(String, String), String> {
    let of_tree = match tree.read(name) {
        Ok(text) => return Ok((name.into(), text)),
        Err(error) => error,
    };
    let beside = Path::new(file).parent().unwrap_or(Path::new("")).join(name);
    match files::read_code(&beside) {
        Ok(text) => Ok((beside.to_string_lossy().into_owned(), text)),
        Err(error) => Err(format!("{}: {}; and not one of warptape's own: {of_tree}", beside.display(), plain(error))),
    }
}

/// The first line of host code: a launch, or else `main`. What a person has put under a condition (`#ifdef`) is theirs.
fn host_code(text: &str) -> Option<(usize, &'static str)> {
    let code = source::without_comments(text);
    let mut depth = 0;
    let mut main = None;
    for (number, line) in (1..).zip(code.lines()) {
        let directive = line.trim_start().strip_prefix('#').map(str::trim_start);
        depth += directive.is_some_and(|d| d.starts_with("if")) as usize;
        depth -= usize::min(depth, directive.is_some_and(|d| d.starts_with("endif")) as usize);
        if depth > 0 || directive.is_some() {
            continue;
        }
        // Every second part stands in quotes.
        if line.split('"').step_by(2).any(|part| part.contains("<<<")) {
            return Some((number, "a launch with <<<…>>>"));
        }
        let words: Vec<&str> = line.split(|c: char| c.is_whitespace() || c == '(').filter(|w| !w.is_empty()).collect();
        if main.is_none() && words.windows(2).any(|pair| pair == ["int", "main"]) {
            main = Some((number, "main"));
        }
    }
    main
}
