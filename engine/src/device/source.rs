//! Kernel sources: texts with all that they include, their defines, and the names of the kernels in them.

use std::fmt::Write as _;

use super::{Defines, Tree, include};
use crate::error::Result;

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
    /// A text under the name `file`; it may include files of warptape's own tree of kernels, files that lie beside `file`, and
    /// headers whose contents kernels have anyway, such as `<cuda_runtime.h>` and `<math.h>`. [`Tree::source`] takes another tree.
    ///
    /// # Errors
    /// An `#include` that cannot be resolved; host code.
    pub fn from_text(file: &str, text: &str, defines: &Defines) -> Result<Self> {
        Tree::default().source(file, text, defines)
    }

    pub(super) fn spliced(tree: &Tree, file: &str, text: &str, defines: &Defines) -> Result<Self> {
        let spliced = include::spliced(tree, file, text)?;
        let kernels = kernel_names(&spliced);
        Ok(Self { file: include::shown(file), text: spliced, defines: defines.clone(), kernels })
    }

    /// Names of the `__global__` functions, in order.
    pub fn kernels(&self) -> &[String] {
        &self.kernels
    }

    /// The files that the text was put together from, some of them several times.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let rests = self.text.lines().filter_map(|line| line.strip_prefix("#line "));
        rests.filter_map(|rest| Some(rest.split_once(' ')?.1.trim_matches('"')))
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

/// What a kernel's name may stand behind, with parentheses of its own (CUDA C++ Programming Guide, execution configuration).
const ATTRIBUTES: [&str; 4] = ["__launch_bounds__", "__cluster_dims__", "__block_size__", "__maxnreg__"];

/// Finds `__global__ … void name(`: attributes such as `__launch_bounds__(256)` may stand between.
fn kernel_names(text: &str) -> Vec<String> {
    let code = without_comments(text);
    let mut names = Vec::new();
    for part in code.split("__global__").skip(1) {
        let Some(mut rest) = part.split_once("void").map(|p| p.1.trim_start()) else { continue };
        while let Some(attribute) = ATTRIBUTES.iter().find_map(|attribute| rest.strip_prefix(attribute)) {
            rest = after_parentheses(attribute).trim_start();
        }
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
pub fn without_comments(text: &str) -> String {
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
