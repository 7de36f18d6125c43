//! How findings are shown: sentences with source lines for people, JSON for programs.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::device::checked::{Finding, Line, Side};
use crate::device::{Defines, Source, Tree};
use crate::error::Result;

/// What a check found.
pub(super) struct Outcome {
    /// Each once.
    pub(super) findings: Vec<Finding>,
    /// Results that are not what they should be, a line each.
    pub(super) wrong: Vec<String>,
}

impl Outcome {
    /// Shows it; `files` are the files of the user's own, all others of `tree`.
    pub(super) fn print(&self, files: &[&Source], tree: &Tree, as_json: bool) -> Result<()> {
        if as_json {
            let found = self.findings.iter().map(entry).chain(self.wrong().iter().map(|what| wrong(what)));
            return crate::cli::print(format_args!("{:#}", found.collect::<Value>()));
        }
        for finding in &self.findings {
            crate::cli::print(format_args!("{finding}\n{}", excerpt(finding, files, tree)))?;
        }
        self.wrong().iter().try_for_each(|what| crate::cli::print(format_args!("wrong result: {what}\n")))
    }

    /// Wrong results, unless findings explain them.
    fn wrong(&self) -> &[String] {
        if self.findings.is_empty() { &self.wrong } else { &[] }
    }

    /// The last line: of `kernels` kernels in `orders` thread orders.
    ///
    /// # Errors
    /// Anything found.
    pub(super) fn verdict(&self, kernels: usize, orders: u64, as_json: bool) -> anyhow::Result<()> {
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        if !self.findings.is_empty() {
            let guilty: HashSet<_> = self.findings.iter().map(|finding| &finding.shown).collect();
            let found = count(self.findings.len(), "finding");
            return Err(anyhow::anyhow!("{found} in {}", count(guilty.len(), "kernel")));
        }
        if !self.wrong.is_empty() {
            return Err(anyhow::anyhow!("{}, but no finding that tells why", count(self.wrong.len(), "wrong result")));
        }
        if !as_json {
            let orders = count(orders as usize, "thread order");
            crate::cli::print(format_args!("{}, {orders}: nothing found", count(kernels, "kernel")))?;
        }
        Ok(())
    }
}

/// The source lines of a finding with two lines around each, those lines marked.
fn excerpt(finding: &Finding, files: &[&Source], tree: &Tree) -> String {
    let lines = finding.lines();
    let loaded = tree.load(&finding.file, &Defines::new());
    let source = files.iter().find(|source| source.file == finding.file).copied().or(loaded.as_ref().ok());
    let mut text = String::new();
    let Some(source) = source else { return text };
    let mut names: Vec<&str> = lines.iter().map(|line| &*line.file).collect();
    names.dedup();
    for name in names {
        let of_file = || lines.iter().filter(|line| line.file == name);
        let _ = writeln!(text, "  {name}");
        let mut last = None;
        for (number, row) in source.lines_of(name) {
            if !of_file().any(|line| line.number.abs_diff(number) <= 2) {
                continue;
            }
            if last.is_some_and(|last| number > last + 1) {
                text.push_str("     ...\n");
            }
            let mark = if of_file().any(|line| line.number == number) { '>' } else { ' ' };
            let _ = writeln!(text, "{mark}{number:5} | {row}");
            last = Some(number);
        }
    }
    text
}

fn entry(finding: &Finding) -> Value {
    let line = |line: &Line| json!({"file": line.file, "line": line.number});
    let side = |side: &Option<Side>| {
        side.as_ref().map(|side| {
            let lines: Vec<Value> = side.lines.iter().map(line).collect();
            json!({"lines": lines, "does": side.does, "block": side.block, "thread": side.thread})
        })
    };
    json!({
        "what": finding.what.to_string(), "kernel": finding.kernel, "file": finding.file, "name": finding.name,
        "detail": finding.detail, "at": finding.at.iter().map(line).collect::<Vec<_>>(), "here": side(&finding.here), "there": side(&finding.there), "times": finding.times,
    })
}

fn wrong(what: &str) -> Value {
    let none = Value::Null;
    json!({
        "what": "wrong result", "kernel": none, "file": none, "name": none,
        "detail": what, "here": none, "there": none, "times": 1,
    })
}
