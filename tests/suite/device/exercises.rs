//! The exercises of kernels/README.md: each edit does to the tools' findings what the text says.

use std::path::Path;

use tempfile::TempDir;

use crate::command::warptape;
use crate::support::on_gpu;

/// A copy of the kernel tree in which `from` stands as `to`, once, in `file`.
fn edited(file: &str, from: &str, to: &str) -> TempDir {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &to);
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let folder = TempDir::new().unwrap();
    copy(Path::new("kernels"), folder.path());
    let path = folder.path().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches(from).count(), 1, "'{from}' in {file}");
    std::fs::write(path, text.replace(from, to)).unwrap();
    folder
}

/// What `warptape kernels …` prints with the tree in `folder`, and its exit code.
fn kernels(folder: &Path, args: &[&str]) -> (String, Option<i32>) {
    let output = warptape().arg("kernels").args(args).env("WARPTAPE_KERNELS", folder).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (text, output.status.code())
}

/// The line of a profile that begins with `name`.
fn line(profile: &str, name: &str) -> String {
    let found = profile.lines().find(|line| line.trim_start().starts_with(name));
    found.unwrap_or_else(|| panic!("no {name} in\n{profile}")).to_owned()
}

#[test]
fn turn_the_block_around() {
    if on_gpu() {
        println!("skipped: exercises are done on the host device");
        return;
    }
    let loads =
        |folder: &Path, rung: &str| line(&kernels(folder, &["profile", rung, "--shape", "64,64,64"]).0, "global loads");
    let (tree, was) = (Path::new("kernels"), "threadIdx.x % SIDE, column = blockIdx.x * SIDE + threadIdx.x / SIDE");
    let is = "threadIdx.x / SIDE, column = blockIdx.x * SIDE + threadIdx.x % SIDE";
    let mine = edited("matmul/1_naive.cu", was, is);
    assert_ne!(loads(tree, "matmul_forward:1"), loads(tree, "matmul_forward:2"));
    assert_eq!(loads(mine.path(), "matmul_forward:1"), loads(tree, "matmul_forward:2"));
}

#[test]
fn take_a_barrier_away() {
    if on_gpu() {
        println!("skipped: exercises are done on the host device");
        return;
    }
    for barrier in ["  // the tiles are complete", "  // nobody reads them any more: the next step may overwrite them"]
    {
        let mine = edited("matmul/3_shared_tile.cu", &format!("__syncthreads();{barrier}"), "");
        let (text, code) = kernels(mine.path(), &["check", "matmul_forward:3", "--seeds", "1", "--shape", "64,64,64"]);
        assert!(text.contains("race: ") && text.contains("shared a_tile") && code == Some(1), "{text}");
    }
}

#[test]
fn what_is_the_1_for() {
    if on_gpu() {
        println!("skipped: exercises are done on the host device");
        return;
    }
    let profile = |folder: &Path| {
        line(&kernels(folder, &["profile", "filters_transpose", "--shape", "1,8,8,32,64,3,3,1"]).0, "shared loads")
    };
    assert!(profile(Path::new("kernels")).contains(" 0 of bank conflicts"));
    let mine = edited("conv2d/filters_transpose.cu", "piece[TILE][TILE + 1]", "piece[TILE][TILE]");
    let found = profile(mine.path());
    assert!(found.contains("32.00 wavefronts each"), "{found}");
}

#[test]
fn who_needs_the_guard() {
    if on_gpu() {
        println!("skipped: exercises are done on the host device");
        return;
    }
    let mine = edited("matmul/1_naive.cu", "    if (row >= m || column >= n) return;\n", "");
    let check =
        |shape: &str| kernels(mine.path(), &["check", "matmul_forward:1", "--seeds", "1", &format!("--shape={shape}")]);
    let (text, code) = check("33,32,32");
    assert!(text.contains("out of bounds: ") && code == Some(1), "{text}");
    let (text, code) = check("64,32,32");
    assert!(text.contains("nothing found") && code == Some(0), "{text}");
}
