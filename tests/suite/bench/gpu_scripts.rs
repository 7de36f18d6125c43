//! The scripts for a machine with a GPU, with NVIDIA's tools played by small programs that print what those would.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::warptape;
use crate::support::on_fast_host;

/// Plays compute-sanitizer, called as `compute-sanitizer --tool TOOL … FILE.cu …`.
const SANITIZER: &str = r#"#!/bin/sh
for word in "$@"; do case "$word" in *.cu) file=$(basename "$word" .cu) ;; esac; done
echo "========= COMPUTE-SANITIZER"
case "$2 $file" in
"racecheck reverse_without_barrier")
    echo "========= Error: Race reported between Write access at reverse(float *, const float *)+0xd0"
    echo "=========     and Read access at reverse(float *, const float *)+0x110 [252 hazards]"
    echo "========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)" ;;
"memcheck scale_without_guard" | "memcheck grid_stride_loop")
    for thread in 28 29; do
        echo "========= Invalid __global__ write of size 4 bytes"
        echo "=========     at scale(float *, float)+0x90"
        echo "=========     by thread ($thread,0,0) in block (3,0,0)"
        echo "=========     Address 0x7f8a00000190 is out of bounds"
    done
    echo "========= Program hit CUDA_ERROR_LAUNCH_FAILED (error 719) due to \"unspecified launch failure\""
    echo "========= ERROR SUMMARY: 3 errors" ;;
"initcheck half_a_warp_by_its_mask")
    echo "========= Host API uninitialized memory access"
    echo "========= ERROR SUMMARY: 1 error" ;;
"initcheck accumulate_into_empty_output")
    echo "========= Uninitialized __global__ memory read of size 4 bytes"
    echo "=========     at axpy(float *, const float *, float)+0x70"
    echo "========= ERROR SUMMARY: 1 error" ;;
"synccheck barrier_in_a_branch")
    echo "========= Barrier error detected. Divergent thread(s) in block"
    echo "========= ERROR SUMMARY: 1 error" ;;
"synccheck barrier_left_by_break") exit 1 ;;
racecheck*) echo "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)" ;;
*) echo "========= ERROR SUMMARY: 0 errors" ;;
esac
"#;

/// Plays ncu: a table for two kernels of relu and for one access pattern, an error for anything else.
const NCU: &str = r#"#!/bin/sh
head='"ID","Process ID","Process Name","Host Name","Kernel Name","Context","Stream","Block Size","Grid Size","Device","CC"'
head="$head"',"l1tex__t_requests_pipe_lsu_mem_global_op_ld.sum","l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum"'
head="$head"',"l1tex__t_requests_pipe_lsu_mem_global_op_st.sum","l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum"'
units='"","","","","","","","","","","","","sector","","sector"'
row() {
    echo '"'$1'","77","warptape","127.0.0.1","'$2'","1","13","(64, 1, 1)","(1, 1, 1)","0","9.0","'$3'","'$4'","'$5'","'$6'"'
}
echo '==PROF== Connected to process 77 (warptape)'
case "$*" in
*copy_strided*)
    echo 'ran: copy_strided, "x" and "y"'
    printf '%s\n' "$head" "$units"
    row 0 'copy_strided(float *, const float *, int, int)' 2 28 2 8 ;;
*" run relu "*)
    printf '%s\n' "$head" "$units"
    row 0 relu_forward 785 6,000 785 12,503
    row 1 relu_forward 0 6,503 0 0
    row 2 relu_backward n/a 25,006 785 12,503 ;;
*) echo '==ERROR== ERR_NVGPUCTRPERM - no permission to read counters'; exit 1 ;;
esac
"#;

/// Folders with the binaries and with `tools`; nothing, said aloud, where the scripts have nothing to run in.
pub fn machine(tools: &[(&str, &str)]) -> Option<TempDir> {
    let there = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if let Some(program) = ["bash", "python3"].into_iter().find(|program| !there(program)) {
        println!("skipped: no {program}");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let (bin, path) = (folder.path().join("bin"), folder.path().join("path"));
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&path).unwrap();
    symlink(fs::canonicalize(warptape().get_program()).unwrap(), bin.join("warptape")).unwrap();
    let programs = tools.iter().map(|(name, text)| (path.join(name), *text));
    for (file, text) in programs.chain([(bin.join("suite"), "#!/bin/sh\n")]) {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    Some(folder)
}

/// Runs gpu_check.sh; returns its exit code and its report. Called again, it finds what it left.
pub fn check(folder: &Path, stages: &str, budget: &str) -> (Option<i32>, Value) {
    let path = format!("{}:{}", folder.join("path").display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.arg("scripts/gpu_check.sh").args(["--stages", stages, "--budget", budget]);
    command.args([folder.join("bin"), folder.join("out")]).env("PATH", path);
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let report = fs::read_to_string(folder.join("out/gpu_check.json")).unwrap_or_else(|e| panic!("{e}: {said}"));
    println!("{said}");
    (output.status.code(), serde_json::from_str(&report).unwrap())
}

#[test]
fn the_corpus_under_compute_sanitizer() {
    if !on_fast_host("scripts depend on no device") {
        return;
    }
    let Some(folder) = machine(&[("compute-sanitizer", SANITIZER)]) else { return };
    let (code, report) = check(folder.path(), "corpus", "600");
    assert_eq!(
        (code, &report["stages"][0]["stage"], &report["stages"][0]["outcome"]),
        (Some(0), &json!("corpus"), &json!("ok"))
    );
    let rows = report["corpus"]["kernels"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|row| row["kernel"] == name).unwrap();
    let verdict = |name: &str| row(name)["verdict"].as_str().unwrap().to_owned();
    for name in
        ["reverse_without_barrier", "scale_without_guard", "accumulate_into_empty_output", "barrier_in_a_branch"]
    {
        assert_eq!(verdict(&format!("broken/{name}.cu")), "agree");
    }
    // What hides no mistake and is said to: by a tool, or by a copy of a buffer that is written in part.
    assert_eq!(verdict("fine/grid_stride_loop.cu"), "only they");
    assert_eq!(verdict("fine/half_a_warp_by_its_mask.cu"), "agree");
    assert_eq!(verdict("broken/block_index_forgotten.cu"), "only we");
    assert_eq!(verdict("broken/barrier_left_by_break.cu"), "not known");
    let scale = row("broken/scale_without_guard.cu");
    assert!(scale["warptape"].as_str().unwrap().starts_with("out of bounds on "), "{scale}");
    let found = ["memcheck", "racecheck", "synccheck", "initcheck"].map(|tool| scale[tool].clone());
    assert_eq!(found, [json!(["Invalid __global__ write of size 4 bytes"]), json!([]), json!([]), json!([])]);
    assert_eq!(row("broken/barrier_left_by_break.cu")["synccheck"], Value::Null);

    let files = |half: &str| {
        let names = fs::read_dir(format!("tests/corpus/{half}")).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|path| path.extension().is_some_and(|extension| extension == "cu")).count()
    };
    let (broken, fine) = (files("broken"), files("fine"));
    assert_eq!(rows.len(), broken + fine);
    let note = format!(
        "{} kernels: {} agree, {} only we, 1 only they, 1 not known",
        broken + fine,
        4 + fine - 1,
        broken - 4 - 1
    );
    let said = report["stages"][0]["note"].as_str().unwrap();
    assert!(said.starts_with(&note) && said.ends_with(" of those that only we see are beyond the tool"), "{said}");
    let beyond = |name: &str| row(&format!("broken/{name}.cu"))["beyond_the_tool"].as_bool().unwrap();
    // Races in global memory, shared memory that nothing wrote; of shared and of global memory the other.
    assert!(beyond("block_index_forgotten") && beyond("bins_never_cleared") && beyond("column_of_a_shared_matrix"));
    assert!(!beyond("reverse_without_barrier") && !beyond("accumulate_into_empty_output"));
    assert!(report["corpus"]["limits"]["racecheck"].as_str().unwrap().contains("shared memory alone"));
}

/// Kernels that hang cost no more than the time that there is.
#[test]
fn the_deadline_holds_for_the_corpus() {
    if !on_fast_host("scripts depend on no device") {
        return;
    }
    let Some(folder) = machine(&[("compute-sanitizer", "#!/bin/sh\nexec sleep 3600\n")]) else { return };
    let (code, report) = check(folder.path(), "corpus,profiles", "6");
    assert_eq!((code, &report["stages"][0]["outcome"]), (Some(3), &json!("stopped")));
    let note = report["stages"][0]["note"].as_str().unwrap();
    assert!(note.contains(" 0 agree, 0 only we, 0 only they, "), "{note}");
    assert_eq!(
        (&report["stages"][1]["stage"], &report["stages"][1]["outcome"]),
        (&json!("profiles"), &json!("skipped"))
    );
}

#[test]
fn profiles_beside_those_of_ncu() {
    if !on_fast_host("scripts depend on no device") {
        return;
    }
    let Some(folder) = machine(&[("ncu", NCU)]) else { return };
    let (code, report) = check(folder.path(), "profiles", "600");
    let note = report["stages"][0]["note"].as_str().unwrap();
    assert!(code == Some(0) && note.contains("profiles.json") && note.contains("gpu_pack.sh"), "{note}");

    let bin = folder.path().join("bin");
    let made = Command::new("python3").arg("scripts/gpu_prepare.py").arg(&bin).arg("profiles").output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (code, report) = check(folder.path(), "profiles", "600");
    assert_eq!((code, &report["stages"][0]["outcome"]), (Some(1), &json!("failed")));
    let rows = report["profiler"].as_array().unwrap();
    let row = |kernel: &str, figure: &str| {
        let found = rows.iter().find(|row| row["kernel"] == kernel && row["figure"] == figure);
        let row = found.unwrap_or_else(|| panic!("no {figure} of {kernel}: {report:#}"));
        [&row["warptape"], &row["ncu"], &row["ratio"]].map(Value::clone)
    };
    assert_eq!(row("copy_strided", "global_loads requests"), [json!(2), json!(2), json!(1.0)]);
    assert_eq!(row("copy_strided", "global_loads sectors"), [json!(26), json!(28), json!(0.9286)]);
    assert_eq!(row("copy_strided", "global_stores sectors"), [json!(8), json!(8), json!(1.0)]);
    // 100003 floats are 12500 sectors and three loads of one more. All launches together; numbers with commas; a figure
    // that ncu does not give.
    assert_eq!(row("relu_forward", "global_loads sectors"), [json!(12503), json!(12503), json!(1.0)]);
    assert_eq!(row("relu_backward", "global_loads sectors"), [json!(25006), json!(25006), json!(1.0)]);
    assert_eq!(row("relu_backward", "global_loads requests")[1..], [Value::Null, Value::Null]);
    let note = report["stages"][0]["note"].as_str().unwrap();
    assert!(
        note.contains("; no figures for 9 of 11: divergent: no table from ncu: ==ERROR== ERR_NVGPUCTRPERM"),
        "{note}"
    );
}

/// The benches leave what they measured where the report is, under the commit that the binaries were packed at.
#[test]
fn benches_leave_their_results() {
    if !on_fast_host("scripts depend on no device") {
        return;
    }
    let Some(folder) = machine(&[]) else { return };
    let bin = folder.path().join("bin");
    fs::rename(bin.join("warptape"), bin.join("real")).unwrap();
    // Plays a command that has a GPU, and asks for little of it.
    let text = r#"#!/bin/sh
real=$(dirname "$0")/real
# Nor need it be fast.
export WARPTAPE_CXXFLAGS=-O0
words=$(echo "$*" | sed 's/--device cuda/--device host/; s/conv2d_[a-z_]*//g; s/matmul_forward//')
case "$1 $2" in
"bench train") exec "$real" $words --models little-conv --batch 2 --runs 1 ;;
"bench kernels") exec "$real" $words --models little-conv --batch 2 --runs 1 matmul_forward ;;
esac
exec "$real" $words
"#;
    fs::write(bin.join("warptape"), text).unwrap();
    fs::set_permissions(bin.join("warptape"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(bin.join("commit"), "0123456789ab-dirty\n").unwrap();
    let (code, report) = check(folder.path(), "bench-train,bench-kernels", "600");
    assert_eq!((code, &report["stages"][0]["note"]), (Some(0), &json!("train: exit 0")));
    assert_eq!(report["stages"][1]["note"], "kernels: exit 0; kernels: exit 0");
    for file in ["train-gpu.json", "kernels-host.json"] {
        let results: Value = serde_json::from_slice(&fs::read(folder.path().join("out").join(file)).unwrap()).unwrap();
        assert_eq!(results["commit"], "0123456789ab-dirty");
        assert!(!results["rows"].as_array().unwrap().is_empty());
    }
    assert!(folder.path().join("out/kernels-host-matmul_forward.svg").is_file());
}
