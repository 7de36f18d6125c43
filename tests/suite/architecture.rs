//! ARCHITECTURE.md's table of modules is the list of arrows between them: which module may use which. Here the real arrows are
//! collected from the paths in `src`, and held against it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::rust_paths::{paths, texts};

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Where the sources of the two packages lie.
const PACKAGES: [&str; 2] = ["engine/src", "src"];

/// The first and last column of the table's rows: `` | `engine/src/tensor` | … | device error | ``.
fn rows(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.trim_end_matches('|').split('|').collect();
        let name = below_src(cells[0].trim().trim_end_matches('`').trim_end_matches(".rs"))?;
        Some((name.to_owned(), cells.last()?.split_whitespace().map(str::to_owned).collect()))
    });
    rows.collect()
}

/// `op/relu.rs` of `engine/src/op/relu.rs`.
fn below_src(path: &str) -> Option<&str> {
    PACKAGES.iter().find_map(|package| path.strip_prefix(package)?.strip_prefix('/'))
}

/// The arrows that do not lead to a row above. Where there is none, there is no circle.
fn upside_down(rows: &[(String, BTreeSet<String>)]) -> Vec<String> {
    let is_above = |to: &String, at: usize| rows[..at].iter().any(|(above, _)| above == to);
    let all = rows.iter().enumerate().flat_map(|(at, (from, uses))| uses.iter().map(move |to| (at, from, to)));
    all.filter(|(at, _, to)| !is_above(to, *at)).map(|(_, from, to)| format!("{from} -> {to}")).collect()
}

/// What the packages' roots give another name: `Tensor` is of `tensor`.
fn renamed() -> BTreeMap<String, String> {
    let exported = PACKAGES.iter().flat_map(|package| {
        let text = fs::read_to_string(format!("{package}/lib.rs")).unwrap();
        paths(&text, &[]).into_iter().filter(|path| path.parts.len() > 1 && path.parts[0] != "warptape_engine")
    });
    exported.map(|path| (path.parts.last().unwrap().clone(), path.parts[0].clone())).collect()
}

/// The arrows of one file: its module, another, and the line.
fn arrows(file: &str, text: &str, renamed: &BTreeMap<String, String>) -> Vec<(String, String, usize)> {
    let mut module: Vec<&str> = below_src(file).unwrap().trim_end_matches(".rs").split('/').collect();
    if module.last() == Some(&"mod") {
        module.pop();
    }
    let from = module[0];
    let there = paths(text, &module).into_iter().map(|path| {
        let first = path.parts[0].clone();
        (from.to_owned(), renamed.get(&first).cloned().unwrap_or(first), path.line)
    });
    there.filter(|(from, to, _)| from != to).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Every Rust file below `folder`, with its path and its text.
fn files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push((path.to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The arrows of `files` that `allowed` does not say, a line each.
fn forbidden(allowed: &Arrows, files: &[(String, String)]) -> Vec<String> {
    let mut complaints = Vec::new();
    let renamed = renamed();
    for (file, text) in files {
        for (from, to, line) in arrows(file, text, &renamed) {
            if !allowed.get(&from).is_some_and(|all| all.contains(&to)) {
                complaints.push(format!("{file}:{line}: {from} -> {to} is no arrow of ARCHITECTURE.md"));
            }
        }
    }
    complaints
}

/// The arrows that `allowed` says and none of `files` needs.
fn unneeded(mut allowed: Arrows, files: &[(String, String)]) -> Vec<String> {
    let renamed = renamed();
    for (from, to, _) in files.iter().flat_map(|(file, text)| arrows(file, text, &renamed)) {
        allowed.entry(from).or_default().remove(&to);
    }
    allowed.iter().flat_map(|(from, all)| all.iter().map(move |to| format!("{from} -> {to}"))).collect()
}

/// The table, and all sources but the packages' roots and the command's `main`, which may use everything.
fn real() -> (Arrows, Vec<(String, String)>) {
    let mut all = Vec::new();
    PACKAGES.iter().for_each(|package| files(Path::new(package), &mut all));
    all.retain(|(name, _)| !["lib.rs", "main.rs"].contains(&below_src(name).unwrap()));
    all.sort();
    (table().into_iter().collect(), all)
}

fn table() -> Vec<(String, BTreeSet<String>)> {
    rows(&fs::read_to_string("ARCHITECTURE.md").unwrap())
}

#[test]
fn modules_stand_on_those_above_them() {
    let mut rows = table();
    assert!(upside_down(&rows).is_empty(), "no row above for {:?}", upside_down(&rows));
    rows.iter_mut().find(|(name, _)| name == "tensor").unwrap().1.insert("nn".into());
    assert_eq!(upside_down(&rows), ["tensor -> nn"], "the planted circle");
}

#[test]
fn modules_use_each_other_as_the_architecture_says() {
    let (mut allowed, files) = real();
    let complaints = forbidden(&allowed, &files);
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    let modules: BTreeSet<&str> =
        files.iter().map(|(file, _)| below_src(file).unwrap().split(['/', '.']).next().unwrap()).collect();
    assert_eq!(allowed.keys().map(String::as_str).collect::<BTreeSet<_>>(), modules, "rows of the table");
    // One is planted, to see that it is found.
    allowed.get_mut("tensor").unwrap().insert("nn".into());
    assert_eq!(unneeded(allowed, &files), ["tensor -> nn"], "arrows that nothing needs, and one that is found");
}

/// What a process is told from outside is a value that is handed on, so that a test, or a library's user, can say another.
#[test]
fn the_environment_is_read_in_one_place() {
    let reads = |text: &str| ["env::var(", "env::var_os(", "env::vars"].iter().any(|call| text.contains(call));
    let readers: Vec<String> = real().1.into_iter().filter(|(_, text)| reads(text)).map(|(file, _)| file).collect();
    assert_eq!(readers, ["engine/src/environment.rs"]);
}

/// The library names settings, and the command line makes options of them: others have no flags, and no parser of options.
#[test]
fn flags_are_named_by_the_command_line_alone() {
    // A text that is nothing else is told another program, and in backticks stand commands of the system.
    let names_flag = |text: &str| {
        let plain: Vec<&str> = text.split('`').step_by(2).collect();
        let plain = plain.join(" ");
        let mut words =
            plain.split(|c: char| c.is_whitespace() || "\"'(".contains(c)).filter_map(|w| w.strip_prefix("--"));
        text.contains(' ') && words.any(|word| word.starts_with(|c: char| c == '{' || c.is_ascii_lowercase()))
    };
    assert!(names_flag("\"a smaller --batch-size\"") && names_flag("\"--{name} 0\"") && !names_flag("\"--version\""));
    for (file, text) in real().1.iter().filter(|(file, _)| !file.starts_with("src/cli/")) {
        assert!(!text.contains("clap::"), "{file} parses options");
        let found: Vec<_> = texts(text).into_iter().filter(|(text, _)| names_flag(text)).collect();
        assert!(found.is_empty(), "{file}: {found:?}");
    }
}

#[test]
fn a_planted_arrow_is_found_with_its_line() {
    let (allowed, _) = real();
    let planted = [
        ("use crate::cli;", true),
        ("use crate::{error::Error, op::{add::add, relu}};", true),
        ("use crate::{error::Error, tape};", true),
        ("fn f(t: &crate::Tape) {}", true),
        ("mod inner { use super::super::nn; }", true),
        ("use super::train::Trainer;", true),
        ("const A: char = '\"'; use crate::nn; const B: &str = r#\"\"\"#;", true),
        ("#[cfg(test)] mod tests { use crate::nn; }", false),
        ("/* crate::nn */ const A: &str = \"crate::nn\"; // crate::nn\n/// [`crate::nn`]", false),
        ("use crate::error::{self, Error}; use self::inner::super_::nn;", false),
    ];
    for (code, is_forbidden) in planted {
        let found = forbidden(&allowed, &[("engine/src/tensor.rs".into(), format!("// A line.\n{code}\n"))]);
        assert_eq!(found.len(), usize::from(is_forbidden), "{code}: {found:?}");
        assert!(
            found.iter().all(|complaint| complaint.starts_with("engine/src/tensor.rs:2: tensor -> ")),
            "{code}: {found:?}"
        );
    }
    // The other package's modules are reached by its name, too.
    let planted = [
        ("use warptape_engine::nn;", true),
        ("use ::warptape_engine::{error::Error, nn::Layer};", true),
        ("fn f(t: &warptape_engine::Tape) {}", true),
        ("use warptape_engine::*;", true),
        ("use warptape_engine as engine;", true),
        ("extern crate warptape_engine;", true),
        ("extern crate self as program;", true),
        ("use crate as root;", true),
        ("pub(crate) fn f() -> warptape_engine::Result<()> { warptape_engine::files::read(todo!()) }", false),
    ];
    for (code, is_forbidden) in planted {
        let found = forbidden(&allowed, &[("src/data.rs".into(), format!("// A line.\n{code}\n"))]);
        assert_eq!(found.len(), usize::from(is_forbidden), "{code}: {found:?}");
        assert!(found.iter().all(|complaint| complaint.starts_with("src/data.rs:2: data -> ")), "{code}: {found:?}");
    }
}
