//! The stages of gpu_check.sh: what each leaves, what stops the rest, and how a check goes on that was stopped.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::bench::gpu_scripts::{check, machine};
use crate::support::on_fast_host;

fn program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn stage(folder: &Path, name: &str) -> Value {
    let file = folder.join(format!("out/stage-{name}.json"));
    serde_json::from_slice(&fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))).unwrap()
}

const CARD: &str = "#!/bin/sh\necho 'NVIDIA H200, 580.1, 143771 MiB, 9.0, 1980 MHz, 700.00 W'\n";

/// Plays a `warptape` whose doctor says what `$0.doctor` says, and exits as that says; its GPU is the host device.
const WARPTAPE: &str = r#"#!/bin/sh
case "$1" in
doctor) cat "$0.doctor"; grep -q '^error' "$0.doctor" && exit 1; exit 0 ;;
esac
real=$(dirname "$0")/real
for word; do
    shift
    [ "$word" = cuda ] && word=host
    set -- "$@" "$word"
done
exec "$real" "$@"
"#;

/// Plays the suite: `good`, `hang`, `crash` (which takes the process with it), `flaky` (which fails beside others), `bad`,
/// and `idle`, which touches no device. Whatever runs is noted.
const SUITE: &str = r#"#!/bin/sh
[ "$1" = --list ] && { for name in good bad flaky crash hang late idle; do echo "m::$name: test"; done; exit 0; }
count=0
for word in "$@"; do case "$word" in m::*) count=$((count + 1)) ;; esac; done
for word in "$@"; do
    case "$word" in
    m::*) echo "$word" >>"$0.ran"; printf 'test %s ... ' "$word" ;;
    *) continue ;;
    esac
    case "$word" in
    m::bad) echo FAILED ;;
    m::flaky) [ $count -gt 1 ] && echo FAILED || echo ok ;;
    m::crash) echo; exit 134 ;;
    m::hang) [ -e "$0.well" ] || exec sleep 600; echo ok ;;
    *) echo ok ;;
    esac
done
echo
echo "test result: done"
"#;

#[test]
fn a_machine_without_a_driver_fails_its_look_and_nothing_else_is_tried() {
    if !on_fast_host("scripts depend on no device") {
        return;
    }
    let Some(folder) = machine(&[("nvidia-smi", CARD)]) else { return };
    let bin = folder.path().join("bin");
    fs::rename(bin.join("warptape"), bin.join("real")).unwrap();
    program(&bin.join("warptape"), WARPTAPE);
    let doctor = bin.join("warptape.doctor");
    fs::write(&doctor, "--  NVIDIA driver  no NVIDIA driver found\nok  NVRTC  13.3, x\nerror: NVIDIA driver: none\n")
        .unwrap();
    let (code, report) = check(folder.path(), "look,kernel", "60");
    assert_eq!((code, report["stages"].as_array().unwrap().len()), (Some(1), 1));
    assert_eq!(report["stages"][0]["note"], "warptape doctor: error: NVIDIA driver: none");

    // Once that is mended the same check goes on; the look is had anew, and one kernel runs in launches of several sizes.
    fs::write(&doctor, "ok  NVIDIA driver  580\nok  NVRTC  13.3, x\n").unwrap();
    let (code, report) = check(folder.path(), "look,kernel", "120");
    assert_eq!((code, &report["card"], &report["versions"]["nvrtc"]), (Some(0), &json!("NVIDIA H200"), &json!("13.3")));
    assert_eq!(report["stages"][1]["note"], "5 launches");
    assert_eq!(
        (&stage(folder.path(), "kernel")["outcome"], &stage(folder.path(), "look")["driver"]),
        (&json!("ok"), &json!("580.1"))
    );
}

/// Tests that hang, crash or fail beside others cost the others nothing, and no test runs again that has its outcome.
#[test]
fn tests_go_on_where_they_stopped() {
    if !on_fast_host("scripts depend on no device") {
        return;
    }
    let Some(folder) = machine(&[]) else { return };
    let bin = folder.path().join("bin");
    program(&bin.join("suite"), SUITE);
    let names = ["good", "bad", "flaky", "crash", "hang", "late"].map(|name| format!("m::{name}"));
    fs::write(bin.join("device_tests.json"), json!(names).to_string()).unwrap();
    let ran = || -> Vec<String> {
        let text = fs::read_to_string(bin.join("suite.ran")).unwrap_or_default();
        _ = fs::remove_file(bin.join("suite.ran"));
        text.lines().map(str::to_owned).collect()
    };
    let outcome = |data: &Value, name: &str| data["tests"][format!("m::{name}")].clone();

    // Hardly any time: the one that hangs takes what there is, and the rest is not reached.
    let (code, report) = check(folder.path(), "tests", "12");
    let first = stage(folder.path(), "tests");
    assert_eq!((code, &report["stages"][0]["outcome"]), (Some(3), &json!("stopped")));
    assert_eq!((outcome(&first, "good"), outcome(&first, "crash")), (json!("ok"), Value::Null));
    let first_ran = ran();
    assert!(!first_ran.contains(&"m::idle".into()) && first_ran.contains(&"m::hang".into()), "{first_ran:?}");

    fs::write(bin.join("suite.well"), "").unwrap();
    let (code, report) = check(folder.path(), "tests", "60");
    let (second, second_ran) = (stage(folder.path(), "tests"), ran());
    assert!(!second_ran.contains(&"m::good".into()) && second_ran.contains(&"m::hang".into()), "{second_ran:?}");
    assert_eq!((code, &report["stages"][0]["outcome"]), (Some(1), &json!("failed")));
    assert_eq!(second["passed"], json!(["m::good", "m::flaky", "m::hang", "m::late"]));
    assert_eq!(second["failed"], json!(["m::bad", "m::crash"]));
    assert_eq!(second["passed_only_alone"], json!(["m::flaky"]));

    // What is over is not run again; other binaries are another check.
    let (code, report) = check(folder.path(), "tests", "60");
    assert_eq!((code, ran().len(), &report["stages"][0]["outcome"]), (Some(1), 0, &json!("failed")));
    program(&bin.join("suite"), &format!("{SUITE}# another\n"));
    check(folder.path(), "tests", "60");
    assert!(ran().contains(&"m::good".into()));
}

/// The machine code that was made elsewhere is found where the suite and the benches look for it.
#[test]
fn a_prepared_cache_travels() {
    if !on_fast_host("scripts depend on no device") || crate::device::nvrtc::nvrtc().is_none() {
        return;
    }
    let Some(folder) = machine(&[]) else { return };
    let bin = folder.path().join("bin");
    fs::create_dir(bin.join("cache")).unwrap();
    fs::write(bin.join("cache/one.cubin"), "prepared").unwrap();
    fs::rename(bin.join("warptape"), bin.join("real")).unwrap();
    let text =
        "#!/bin/sh\ncp -r \"$WARPTAPE_CACHE\" \"$0.cache\"; echo \"$*\" >\"$0.args\"\nstat -c %a \"$WARPTAPE_CACHE\"\n";
    program(&bin.join("warptape"), text);
    let (code, report) = check(folder.path(), "compile", "60");
    assert_eq!((code, &report["stages"][0]["note"]), (Some(0), &json!("sm_90a: 700")));
    assert_eq!(fs::read_to_string(bin.join("warptape.args")).unwrap(), "kernels compile --all --arch sm_90a\n");
    assert_eq!(fs::read_to_string(bin.join("warptape.cache/one.cubin")).unwrap(), "prepared");
}

/// Packing leaves the list of tests that fail where neither a GPU nor a C++ compiler is: those that touch the device.
#[test]
fn the_tests_that_touch_the_device_are_known_beforehand() {
    if !on_fast_host("scripts depend on no device") {
        return;
    }
    let Some(folder) = machine(&[]) else { return };
    let bin = folder.path().join("bin");
    let text = r#"#!/bin/sh
echo "test m::parses ... ok"
[ "$WARPTAPE_TEST_DEVICE" = cuda ] && [ -z "$CUDA_VISIBLE_DEVICES" ] && echo "test m::launches ... FAILED"
printf 'test m::profiles ... skipped: no C++ compiler\nok\n\ntest result: FAILED.\n'
exit 101
"#;
    program(&bin.join("suite"), text);
    let done = Command::new("python3").arg("scripts/gpu_prepare.py").arg(&bin).arg("tests").output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let list: Value = serde_json::from_slice(&fs::read(bin.join("device_tests.json")).unwrap()).unwrap();
    assert_eq!(list, json!(["m::launches"]));
}
