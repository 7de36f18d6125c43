//! Kernel sources: the shipped tree, and the names of the kernels in a text.
//!
//! The tree is embedded in the binary. `WARPTAPE_KERNELS=DIR` reads it from a folder instead, so that a kernel can be
//! edited and run again without building anything.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::include;
use crate::error::{Error, Result};
use crate::files;

static TREE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/kernels");

/// Compile-time constants of a kernel (`-DNAME=VALUE`): tile shapes, element types. Ordered, so that equal sets hash
/// equally.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Defines(BTreeMap<String, String>);

impl Defines {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Each of `named` numbers defined.
    pub fn of<const N: usize>(named: [(&str, usize); N]) -> Self {
        Self(named.map(|(name, value)| (name.to_owned(), value.to_string())).into())
    }

    /// The set with `name` defined as `value`.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.insert(name.into(), value.to_string());
        self
    }

    /// The value of `name` as a number, or 0 if it is not defined as one.
    pub fn get(&self, name: &str) -> usize {
        self.0.get(name).and_then(|v| v.parse().ok()).unwrap_or(0)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }
}

impl std::fmt::Display for Defines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pairs: Vec<_> = self.iter().map(|(k, v)| format!("{k}={v}")).collect();
        f.write_str(&pairs.join(" "))
    }
}

/// A complete translation unit: the kernel's text with its includes spliced in, and its defines.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path below `kernels/`, or the user's file.
    pub file: String,
    /// The spliced text.
    pub text: String,
    /// Compile-time constants.
    pub defines: Defines,
    kernels: Vec<String>,
}

impl Source {
    /// The file `file` of the kernel tree.
    pub fn load(file: &str, defines: &Defines) -> Result<Self> {
        Self::from_text(file, &read(file)?, defines)
    }

    /// A text that is not in the tree, under the name `file`; it may include files of the tree, files that lie beside `file`,
    /// and headers whose contents kernels have anyway, such as `<cuda_runtime.h>` and `<math.h>`.
    ///
    /// # Errors
    /// An `#include` that cannot be resolved; host code.
    pub fn from_text(file: &str, text: &str, defines: &Defines) -> Result<Self> {
        let spliced = include::spliced(file, text)?;
        let kernels = kernel_names(&spliced);
        Ok(Self { file: include::shown(file), text: spliced, defines: defines.clone(), kernels })
    }

    /// Names of the `__global__` functions, in order.
    pub fn kernels(&self) -> &[String] {
        &self.kernels
    }

    /// The lines of `file` with their numbers (from 1), in order; none if it is no part of this source. An include
    /// stands there as a comment.
    pub fn lines_of(&self, file: &str) -> impl Iterator<Item = (u32, &str)> {
        let (mut current, mut number) = ("", 0);
        self.text.lines().filter_map(move |text| {
            if let Some(directive) = text.strip_prefix("#line ") {
                let (next, name) = directive.split_once(' ').unwrap_or(("1", ""));
                (number, current) = (next.parse().unwrap_or(1), name.trim_matches('"'));
                return None;
            }
            number += 1;
            (current == file).then_some((number - 1, text))
        })
    }

    /// The lines of `file` around `line` (1-based) with their numbers, the line itself marked; empty if unknown.
    pub fn excerpt(&self, file: &str, line: usize) -> String {
        let mut out = String::new();
        for (number, text) in self.lines_of(file) {
            if (number as usize).abs_diff(line) <= 2 {
                let mark = if number as usize == line { '>' } else { ' ' };
                let _ = writeln!(out, "{mark}{number:5} | {text}");
            }
        }
        out
    }
}

/// Every `.cu` file of the tree, by path.
pub fn kernel_files() -> Vec<String> {
    let mut files = files();
    files.retain(|file| file.ends_with(".cu"));
    files
}

/// Every file of the tree, by path.
fn files() -> Vec<String> {
    fn walk(dir: &Dir<'_>, files: &mut Vec<String>) {
        files.extend(dir.files().map(|file| file.path().to_string_lossy().into_owned()));
        dir.dirs().for_each(|d| walk(d, files));
    }
    let mut files = Vec::new();
    walk(&TREE, &mut files);
    files.sort();
    files
}

/// SHA-256 of all kernels and what they include, in hexadecimal: equal texts make equal bits.
///
/// # Errors
/// A folder of kernels (`WARPTAPE_KERNELS`) that lacks one of them.
pub fn digest() -> Result<String> {
    let mut hash = Sha256::new();
    for file in files().into_iter().filter(|file| file.ends_with(".cu") || file.ends_with(".cuh")) {
        hash.update(file.as_bytes());
        hash.update(read(&file)?);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The text of a file of the tree.
pub(super) fn read(file: &str) -> Result<String> {
    if let Some(dir) = std::env::var_os("WARPTAPE_KERNELS") {
        let path = Path::new(&dir).join(file);
        return files::read_code(&path)
            .map_err(|e| Error::file(path, format!("{e} (WARPTAPE_KERNELS names the folder to read kernels from)")));
    }
    let found = TREE.get_file(file).and_then(|f| f.contents_utf8());
    found.map(str::to_owned).ok_or_else(|| Error::Source { file: file.into(), what: "no such file".into() })
}

/// Finds `__global__ … void name(`: attributes such as `__launch_bounds__(256)` may stand between.
fn kernel_names(text: &str) -> Vec<String> {
    let code = without_comments(text);
    let mut names = Vec::new();
    for part in code.split("__global__").skip(1) {
        let Some(after) = part.split_once("void").map(|p| p.1.trim_start()) else { continue };
        let rest =
            after.strip_prefix("__launch_bounds__").map_or(after, |bounds| after_parentheses(bounds).trim_start());
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What follows a parenthesized list at the start of `text`.
fn after_parentheses(text: &str) -> &str {
    let mut depth = 0;
    let end = text.find(|c| {
        depth += (c == '(') as i32 - (c == ')') as i32;
        c == ')' && depth == 0
    });
    end.map_or("", |end| &text[end + 1..])
}

/// The text without comments and `#line`: of each comment a space and its ends of lines stay.
pub(crate) fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("#line "));
    let mut rest = &*lines.collect::<Vec<_>>().join("\n");
    let mut code = String::with_capacity(rest.len());
    while let Some(at) = rest.find(['/', '"']) {
        let (before, tail) = rest.split_at(at);
        code.push_str(before);
        let length = match tail.as_bytes() {
            [b'/', b'/', ..] => tail.find('\n').unwrap_or(tail.len()),
            [b'/', b'*', ..] => tail[2..].find("*/").map_or(tail.len(), |end| end + 4),
            // Comments do not begin in a string; one that never ends is the compiler's to report.
            [b'"', ..] => tail[1..].find(['"', '\n']).map_or(tail.len(), |end| end + 2),
            _ => 1,
        };
        if tail.starts_with('/') && tail[1..].starts_with(['/', '*']) {
            code.push(' ');
            code.extend(tail[..length].chars().filter(|&c| c == '\n'));
        } else {
            code.push_str(&tail[..length]);
        }
        rest = &tail[length..];
    }
    code + rest
}
