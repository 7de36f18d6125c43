//! `warptape kernels check` and `kernels list`: what they print, in which form, and how they end.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{Done, done, fails, folder, succeeds, warptape};
use crate::support::on_gpu;

/// Mirrors each block's part of `x`, and forgets the barrier.
const MIRROR: &str = "// Mirrors each block's part of x.
extern \"C\" __global__ void mirror(float* y, const float* x, int n) {
    __shared__ float part[32];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    part[threadIdx.x] = i < n ? x[i] : 0.0f;
    // __syncthreads() belongs here.
    float other = part[31 - threadIdx.x];
    if (i < n) y[i] = other;
}
";

const LAUNCH: &str = "grid = 2\nblock = 32\n[args]\ny = \"f32[64] empty\"\nx = \"f32[64]\"\nn = 64\n";

/// A GPU machine has no C++ compiler, nor the checkout's kernels.
fn without_compiler() -> bool {
    if on_gpu() {
        println!("skipped: checked mode runs on the host device, whose tests have no compiler on a GPU machine");
    }
    on_gpu()
}

fn check(args: &[&str]) -> Done {
    done(warptape().args([&["kernels", "check"], args].concat()))
}

/// The findings that the command prints as JSON.
fn findings(args: &[&str], code: i32) -> Vec<Value> {
    let Done { code: got, stdout, stderr } = check(&[args, &["--json"]].concat());
    assert_eq!(got, Some(code), "{stdout}{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}"))
}

#[test]
fn a_race_is_one_finding_with_its_lines() {
    if without_compiler() {
        return;
    }
    let (_folder, file) = folder(MIRROR, LAUNCH);
    let Done { code, stdout, stderr } = check(&[&file]);
    assert_eq!((code, stderr.as_str()), (Some(1), "error: 1 finding in 1 kernel\n"), "{stdout}");
    assert_eq!(stdout.matches("race: mirror: shared part[").count(), 1, "{stdout}");
    assert!(
        stdout.contains("reads it at ") && stdout.contains("writes it at ") && stdout.contains(" times)"),
        "{stdout}"
    );
    // Both lines, each once and marked, and what stands around them.
    let rows: Vec<&str> = stdout.lines().filter(|line| line.contains(" | ")).collect();
    let marked = |row: &&&str| row.starts_with('>');
    let expected = (3..=9)
        .zip(MIRROR.lines().skip(2))
        .map(|(i, text)| format!("{}{i:5} | {text}", if [5, 7].contains(&i) { '>' } else { ' ' }));
    assert_eq!(rows, expected.collect::<Vec<_>>(), "{stdout}");
    assert_eq!(rows.iter().filter(marked).count(), 2);

    // In JSON. Forward, the first thread to read comes after all that have written.
    let [finding] = &findings(&[&file, "--seeds", "1"], 1)[..] else { panic!("one finding is expected") };
    let side = |side: &Value, does: &str, line: u32| {
        assert_eq!((&side["does"], &side["block"]), (&json!(does), &json!([0, 0, 0])), "{finding}");
        assert_eq!(side["lines"], json!([{"file": file, "line": line}]), "{finding}");
        assert_eq!(side["thread"].as_array().unwrap().len(), 3, "{finding}");
    };
    let sides = [&finding["here"], &finding["there"]];
    let (here, there) = if sides[0]["does"] == "reads" { (sides[0], sides[1]) } else { (sides[1], sides[0]) };
    side(here, "reads", 7);
    side(there, "writes", 5);
    assert_eq!((&finding["what"], &finding["kernel"]), (&json!("race"), &json!("mirror")));
    assert_eq!((&finding["file"], &finding["name"]), (&json!(file), &json!("part")));
    assert!(finding["detail"].as_str().unwrap().contains("without a barrier") && finding["times"].as_u64() > Some(1));
    assert_eq!(finding.as_object().unwrap().len(), 9);
}

#[test]
fn a_barrier_that_is_not_reached_shows_its_line() {
    if without_compiler() {
        return;
    }
    let kernel =
        "extern \"C\" __global__ void k(int* y, int n) {\n    if (threadIdx.x >= n) return;\n    __syncthreads();\n
        y[threadIdx.x] = 1;\n}\n";
    let (_folder, file) = folder(kernel, "grid = 1\nblock = 32\n[args]\ny = \"i32[32]\"\nn = 20\n");
    let Done { code, stdout, .. } = check(&[&file]);
    assert_eq!(code, Some(1));
    assert!(stdout.starts_with("barrier: k: ") && stdout.contains("\n>    3 |     __syncthreads();\n"), "{stdout}");
    let [finding] = &findings(&[&file], 1)[..] else { panic!("{stdout}") };
    assert_eq!((&finding["what"], &finding["here"]), (&json!("barrier"), &Value::Null));
}

#[test]
fn a_good_kernel_described_by_options() {
    if without_compiler() {
        return;
    }
    let good = MIRROR.replace("// __syncthreads() belongs here.", "__syncthreads();");
    let (folder, file) = folder(&good, "");
    let launch = ["--grid", "2", "--block", "32", "--arg", "y=f32[64] empty", "--arg", "x=f32[64]", "--arg", "n=64"];
    let said = succeeds(&[&["kernels", "check", &file], &launch[..]].concat());
    assert_eq!(said, "1 kernel, 8 thread orders: nothing found\n");
    let said = succeeds(&[&["kernels", "check", &file, "--seeds", "1"], &launch[..]].concat());
    assert_eq!(said, "1 kernel, 1 thread order: nothing found\n");
    assert!(findings(&[&[&*file], &launch[..]].concat(), 0).is_empty());
    // With one beside it that is not good, and with one of the tree.
    let bad = folder.path().join("bad.cu").display().to_string();
    fs::write(&bad, MIRROR).unwrap();
    let Done { code, stderr, .. } = check(&[&[&*file, &bad, "relu"], &launch[..]].concat());
    assert_eq!((code, stderr.as_str()), (Some(1), "error: 1 finding in 1 kernel\n"));
    assert_eq!(succeeds(&[&["kernels", "check", &file, "relu"], &launch[..]].concat())[..9], *"3 kernels");
}

#[test]
fn what_cannot_be_checked_is_refused() {
    let fails = |args: &[&str], parts: &[&str]| fails(&[&["kernels", "check"], args].concat(), 2, parts);
    let (_folder, file) = folder(MIRROR, "");
    fails(&["matmull"], &["'matmull': did you mean matmul,", "`warptape kernels list`"]);
    fails(&["no/such.cu"], &["no kernel, file or folder is called 'no/such.cu'"]);
    fails(&["matmul", "--shape", "3,4"], &["matmul takes --shape m,n,k (three sizes), not 2"]);
    fails(&["matmul", "--shape", "3,0,4"], &["n is 0"]);
    fails(&["topk", "--shape", "3,4,5"], &["the 5 largest of 4 columns"]);
    fails(&["relu", "--grid", "4"], &["no file of your own is named"]);
    fails(&[&file, "--shape", "3", "--grid", "1"], &["--shape is for kernels of the tree"]);
    fails(&[&file, "--grid", "1"], &["no block is given"]);
    let Done { code, stderr, .. } = check(&[&file]);
    assert!(code == Some(2) && stderr.contains("mine.toml") && stderr.contains("[args]\ny = \"f32["), "{stderr}");
    assert_eq!(check(&["relu", "--seeds", "0"]).code, Some(2));
}

/// Checks `name` with the tree's `file` changed: `right` becomes `wrong`.
fn edited(name: &str, file: &str, right: &str, wrong: &str) -> (TempDir, Done) {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            match entry.path().is_dir() {
                true => copy(&entry.path(), &target),
                false => assert!(fs::copy(entry.path(), target).is_ok()),
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    copy(Path::new("kernels"), folder.path());
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(right), "{file} has changed: choose another text than {right:?}");
    fs::write(path, text.replace(right, wrong)).unwrap();
    let arguments = ["kernels", "check", name, "--seeds", "2"];
    let done = done(warptape().args(arguments).env("WARPTAPE_KERNELS", folder.path()));
    (folder, done)
}

#[test]
fn kernels_of_the_tree() {
    if without_compiler() {
        return;
    }
    let file = "relu/vectorized.cu";
    for name in ["relu", "relu_forward", file, &format!("kernels/{file}")] {
        let said = succeeds(&["kernels", "check", name, "--seeds", "2"]);
        assert_eq!(said, "2 kernels, 2 thread orders: nothing found\n", "{name}");
    }
    succeeds(&["kernels", "check", "relu", "--shape", "77"]);
    let positive = "v < 0.0f ? 0.0f : v";
    let (folder, Done { code, stdout, stderr }) = edited("relu", file, positive, "v");
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    assert!(stdout.starts_with("wrong result: relu 1") && stderr.contains("wrong results, but no finding"), "{stderr}");
    let path = folder.path().join(file).display().to_string();
    fails(
        &["kernels", "check", &path],
        2,
        &["differs from the relu/vectorized.cu that is built in", "WARPTAPE_KERNELS"],
    );
    let (_, Done { code, stdout, stderr }) =
        edited("relu", file, "store_partial<VEC>(y + i", "store_partial<VEC>(y + i + 1");
    assert!(code == Some(1) && stderr.starts_with("error: ") && stderr.contains(" findings in "), "{stderr}");
    assert!(
        stdout.contains("\nout of bounds: relu_forward (relu/vectorized.cu): y[") && !stdout.contains("wrong result"),
        "{stdout}"
    );
    let (_, Done { code, stdout, stderr }) = edited("relu", file, positive, "v +");
    assert!(code == Some(1) && stderr.contains("does not compile") && stderr.contains(file), "{stdout}{stderr}");
}

#[test]
fn the_list_names_every_workload() {
    let list = succeeds(&["kernels", "list"]);
    let rows: Vec<&str> = list.lines().collect();
    assert_eq!(rows.len(), 1 + warptape::op::workloads().len());
    assert_eq!(rows[0].split_whitespace().collect::<Vec<_>>(), ["workload", "--shape", "default", "kernels"]);
    // A rung is at work in its row.
    for ladder in warptape::op::ladders() {
        for (number, file) in ladder.numbers().zip(&ladder.files) {
            let name = format!("{}:{number} ", ladder.name);
            let row = rows.iter().find(|row| row.starts_with(&name)).unwrap();
            assert!(row.contains(&format!(" {file}: ")), "{row}");
        }
    }
    let matmul = rows.iter().find(|row| row.starts_with("matmul ")).unwrap();
    assert!(matmul.contains(" m,n,k ") && matmul.ends_with("matmul/8_warp_tile.cu: matmul_forward"), "{matmul}");
}

/// A rung that can do nothing of a problem is not checked, run or counted in the name of another.
#[test]
fn what_a_rung_cannot_do_is_told() {
    if without_compiler() {
        return;
    }
    let plain = ["--shape", "1,6,5,4,8,3,3,1"];
    let residue = "conv2d_backward_input:9 can do no problem of these sizes; give others by --shape";
    for command in ["check", "run", "profile", "show"] {
        fails(&[&["kernels", command, "conv2d_backward_input:9"], &plain[..]].concat(), 2, &[residue]);
    }
    let said = succeeds(&["kernels", "run", "conv2d_backward_input:9", "--device", "host"]);
    assert!(said.contains("conv2d/backward_input/9_by_residue.cu"), "{said}");
    fails(
        &["kernels", "run", "conv2d_forward:7", "--shape", "1,6,5,4,8,1,1,1"],
        2,
        &["conv2d_forward:7 can do no problem"],
    );
    // Of several, the others are looked at.
    let words = ["kernels", "run", "conv2d/winograd.cuh", "--device", "host", "--shape", "1,6,5,4,8,1,1,1"];
    fails(&words, 2, &["can do no problem of these sizes"]);
    let words = ["kernels", "run", "conv2d/forward", "--device", "host", "--shape", "1,6,5,4,8,1,1,1"];
    let several = done(warptape().args(words));
    assert_eq!(several.code, Some(0), "{}", several.stderr);
    assert!(
        several.stderr.contains("warning: conv2d_forward:7 can do no problem of these sizes: left out"),
        "{}",
        several.stderr
    );
}
