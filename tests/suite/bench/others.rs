//! Who stands beside our kernels in `bench`: libraries' algorithms, PyTorch's process; and benches that go on.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;

use serde_json::Value;
use warptape::bench::kernels::trial::fastest;
use warptape::bench::vendor::Run;
use warptape::bench::vendor::library::places_of;
use warptape::check::tolerance;
use warptape::device::cuda::locate::CUBLAS;
use warptape::device::dry::Dry;
use warptape::{DType, Device, Tensor};

use crate::command::{device, done, succeeds, warptape};
use crate::device::nvrtc::{places, touch};

/// Ways that note their number when they run.
fn ways(count: usize, ran: &Rc<RefCell<Vec<usize>>>) -> Vec<Run> {
    let device = Device::new(Box::new(Dry::new(warptape::device::Target::Cuda)));
    let way = |number: usize| -> Run {
        let (device, ran) = (device.clone(), ran.clone());
        Box::new(move || {
            ran.borrow_mut().push(number);
            Tensor::zeros(&device, [1], DType::F32)
        })
    };
    (0..count).map(way).collect()
}

/// The number of the way that was chosen, what was tried for exactness and what was timed. `exact` and `seconds` by number.
fn choice(
    count: usize,
    exact: impl Fn(usize) -> bool,
    seconds: impl Fn(usize, usize) -> Result<f64, String>,
) -> Result<(usize, Vec<usize>, Vec<usize>), String> {
    let ran = Rc::new(RefCell::new(Vec::new()));
    let number = |run: &Run| {
        run().unwrap();
        ran.borrow_mut().pop().unwrap()
    };
    let (tried, timed) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let chosen = fastest(
        ways(count, &ran),
        |run| {
            tried.borrow_mut().push(number(run));
            let last = *tried.borrow().last().unwrap();
            if exact(last) { Ok(()) } else { Err(format!("way {last} is off")) }
        },
        |run| {
            timed.borrow_mut().push(number(run));
            seconds(*timed.borrow().last().unwrap(), timed.borrow().len())
        },
    )?;
    Ok((number(&chosen), tried.take(), timed.take()))
}

/// What the library holds for the fastest need not be: three are timed, in turns, and the median counts.
#[test]
fn of_a_librarys_algorithms_the_fastest_by_our_clock_is_kept() {
    let times = |way: usize, _: usize| Ok([3.0, 2.0, 5.0, 1.0][way]);
    assert_eq!(choice(4, |_| true, times), Ok((1, vec![0, 1, 2], vec![0, 1, 2, 0, 1, 2, 0, 1, 2])));
    // One slow run of three counts for nothing.
    let slow_once = |way: usize, turn: usize| Ok(if turn == 2 { 100.0 } else { [3.0, 2.0, 5.0][way] });
    assert_eq!(choice(3, |_| true, slow_once).unwrap().0, 1);
    // One alone is not timed.
    assert_eq!(choice(1, |_| true, times), Ok((0, vec![0], vec![])));
}

#[test]
fn an_algorithm_that_is_less_exact_is_passed_over() {
    let times = |way: usize, _: usize| Ok(way as f64);
    let (chosen, tried, timed) = choice(6, |way| way % 2 == 1, times).unwrap();
    assert_eq!((chosen, tried, timed.len()), (1, vec![0, 1, 2, 3, 4, 5], 9));
    assert_eq!(choice(2, |_| false, times).unwrap_err(), "none of its 2 ways will do: way 0 is off");
    assert_eq!(choice(0, |_| true, times).unwrap_err(), "it has no way to do this");
    // One that fails while it is timed is out.
    let fails = |way: usize, _: usize| if way == 0 { Err("status 8".into()) } else { Ok(way as f64) };
    assert_eq!(choice(3, |_| true, fails).unwrap().0, 1);
}

#[test]
fn the_libraries_that_pytorch_has_loaded_come_first() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    let toolkit = touch(root.join("usr/local/cuda/lib64/libcublas.so.13"));
    let theirs = root.join("python/nvidia/cu13/lib/libcublas.so.13");
    let found = places_of(&CUBLAS, Some(&theirs), &places(root, &[]));
    assert_eq!(found[..2], [theirs.clone(), toolkit.clone()]);
    assert_eq!(places_of(&CUBLAS, None, &places(root, &[]))[0], toolkit);
    // What the user names wins.
    let named = root.join("mine/libcublas.so");
    assert_eq!(places_of(&CUBLAS, Some(&theirs), &places(root, &[("WARPTAPE_CUBLAS", named.clone())])), [named]);
}

/// Plays kernels.py: says what it was started with, and solves whatever it is asked, in a second.
fn python(folder: &Path) -> String {
    let path = folder.join("python");
    let text = r#"#!/bin/sh
[ "$1" = --version ] && exit 0
echo "{\"versions\": {\"tf32\": \"$NVIDIA_TF32_OVERRIDE\", \"emulation\": \"${CUBLAS_EMULATE_SINGLE_PRECISION-unset}\"}}"
while read -r line; do echo "$line" >>"$0.asked"; echo '{"seconds": 1}'; done
"#;
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// Whatever the user's environment says, no library computes in TF32; and PyTorch is held to what our rungs are.
#[test]
fn others_are_told_to_compute_in_f32_and_held_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let (program, device) = (python(folder.path()), device());
    let mut bench = warptape();
    bench.args(["bench", "kernels", "matmul_forward", "--problem", "NN m33 n20 k49", "--runs", "1", "--json"]);
    bench.args(["--device", &device, "--pytorch", &program]);
    bench.envs([("NVIDIA_TF32_OVERRIDE", "1"), ("CUBLAS_EMULATE_SINGLE_PRECISION", "1")]);
    let said = done(&mut bench);
    let results: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|e| panic!("{e}: {}", said.stderr));
    assert_eq!((&results["versions"]["tf32"], &results["versions"]["emulation"]), (&"0".into(), &"unset".into()));
    let asked = fs::read_to_string(format!("{program}.asked")).unwrap();
    let first: Value = serde_json::from_str(asked.lines().next().unwrap()).unwrap();
    assert_eq!(first["allowed"].as_f64().unwrap(), tolerance(49, 1.0), "a product is allowed a plain sum's rounding");
}

/// A bench that was stopped keeps what it has measured, of the same commit.
#[test]
fn a_bench_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out, device) = (folder.path().join("t.json"), folder.path().display().to_string(), device());
    let train = |commit: &str, batch: &str| -> Value {
        let mut bench = warptape();
        bench.args(["bench", "train", "--models", "little-conv", "--batch", batch, "--runs", "1", "--seconds", "0"]);
        bench.args(["--device", &device, "--continue", "--out"]).arg(&file).env("WARPTAPE_COMMIT", commit);
        let said = done(&mut bench);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        serde_json::from_slice(&fs::read(&file).unwrap()).unwrap()
    };
    let first = train("one", "2");
    let both = train("one", "3");
    assert_eq!((both["rows"].as_array().unwrap().len(), &both["rows"][0]), (2, &first["rows"][0]));
    let other = train("two", "2");
    assert_eq!(other["rows"].as_array().unwrap().len(), 1);
    assert_ne!(other["rows"][0], first["rows"][0], "times of another commit were kept");

    let kernels = |problem: &str| -> Value {
        let bench = ["bench", "kernels", "matmul_forward", "--runs", "1", "--continue", "--json", "--device", &device];
        serde_json::from_str(&succeeds(&[&bench[..], &["--out", &out, "--problem", problem]].concat())).unwrap()
    };
    let first = kernels("NN m8 n8 k8");
    let both = kernels("NN m9 n9 k9");
    assert_eq!((both["rows"].as_array().unwrap().len(), &both["rows"][0]), (2, &first["rows"][0]));
    assert_eq!(kernels("NN m8 n8 k8")["rows"], both["rows"]);
}
