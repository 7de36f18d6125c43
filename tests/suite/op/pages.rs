//! Kernels as pages: where a file lies and what it is called.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use warptape::op;

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels")
}

/// Paths below `kernels/` of all files that end so.
fn files(ending: &str) -> Vec<String> {
    fn below(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
    }
    let name = |path: PathBuf| path.strip_prefix(tree()).unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<String> = below(&tree()).into_iter().map(name).filter(|name| name.ends_with(ending)).collect();
    files.sort();
    assert!(files.len() > 10, "{files:?}");
    files
}

#[test]
fn folders_are_called_as_ops_and_numbers_mean_rungs() {
    let ops: BTreeSet<&str> = op::workloads().iter().map(|workload| workload.op).collect();
    let ladders = op::ladders();
    let rungs: BTreeSet<&str> = ladders.iter().flat_map(|ladder| ladder.files.iter().copied()).collect();
    for file in files(".cu") {
        let (folder, name) = file.split_once('/').unwrap();
        assert!(ops.contains(folder), "{file}: no op is called {folder}");
        let numbered = name.rsplit('/').next().unwrap().starts_with(|first: char| first.is_ascii_digit());
        assert_eq!(numbered, rungs.contains(&*file), "{file}: the files of a ladder begin with their rung's number");
    }
}

/// Fields of a header, in their order: what lies where, what has to be defined, how it is launched, what a launch must
/// guarantee; what it costs, what it waits for, in what it improves on the rung below; what to read and to try.
const FIELDS: [&str; 10] =
    ["layout", "defines", "launch", "requires", "bytes", "FLOPs", "limit", "measures", "source", "exercise"];

/// What is wrong with the header of `file`, which must have the fields `needed`.
fn fault(file: &str, needed: &[&str]) -> Option<String> {
    let text = fs::read_to_string(tree().join(file)).unwrap();
    let header: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//")).collect();
    let field = |line: &str| {
        let name = line.strip_prefix("   ")?.split(' ').next()?;
        FIELDS.iter().position(|field| *field == name).filter(|_| line.len() > 13)
    };
    let found: Vec<usize> = header.iter().filter_map(|line| field(line)).collect();
    let first = header.iter().position(|line| field(line).is_some()).unwrap_or(header.len());
    let (above, below) = header.split_at(first);
    let missing = needed.iter().find(|name| !found.iter().any(|&at| FIELDS[at] == **name));
    if !found.is_sorted_by(|a, b| a < b) {
        return Some(format!("fields are in another order than {FIELDS:?}, or twice"));
    }
    if let Some(missing) = missing {
        return Some(format!("there is no '{missing}' among its fields"));
    }
    if let Some(line) = below.iter().find(|line| field(line).is_none() && !line.starts_with("             ")) {
        return Some(format!("'//{line}' stands among or below the fields"));
    }
    let formula = above.iter().any(|line| line.starts_with("   "));
    (file.ends_with(".cu") && !formula).then(|| "no formula stands above its fields".into())
}

#[test]
fn headers_have_the_same_fields_in_the_same_order() {
    let ladders = op::ladders();
    let mut faults = Vec::new();
    for file in files(".cu") {
        let mut needed = vec!["layout", "defines", "launch", "bytes", "FLOPs", "limit"];
        needed.extend(ladders.iter().any(|ladder| ladder.files.contains(&&*file)).then_some("measures"));
        faults.extend(fault(&file, &needed).map(|fault| format!("{file}: {fault}")));
    }
    for file in files(".cuh") {
        faults.extend(fault(&file, &["defines"]).map(|fault| format!("{file}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
