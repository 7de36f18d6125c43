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
