//! The checkers themselves: a comparator that lets NaN through, or a check that wrong kernels pass, would make all other
//! tests worthless. So mistakes are planted into the kernels, and the check of `ops.rs` has to find each.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use warptape::check::{Case, Input, Values, compare, tolerance};
use warptape::device::host::Order;
use warptape::{DType, Environment, Tensor, op};

use crate::device::sanitizer::checked;
use crate::op::ladders::choice_of;
use crate::support::{child, environment, has_compiler, host, host_in, on_gpu, skips_long, tell};

#[test]
fn the_comparator_fails_what_is_not_close() {
    let pass = |got: f32, expected: f64, tolerance: f64| compare("x", &[got], &[expected], tolerance).is_ok();
    let (nan, infinity) = (f32::NAN, f32::INFINITY);
    for tolerance in [0.0, 1.0, 1e30] {
        assert!(!pass(nan, 0.0, tolerance) && !pass(nan, f64::INFINITY, tolerance));
        assert!(!pass(0.0, f64::NAN, tolerance) && !pass(infinity, f64::NAN, tolerance));
        assert!(!pass(infinity, 0.0, tolerance) && !pass(-infinity, 0.0, tolerance));
        assert!(!pass(infinity, f64::NEG_INFINITY, tolerance) && !pass(f32::MAX, f64::INFINITY, tolerance));
        assert!(pass(infinity, f64::INFINITY, tolerance) && pass(-infinity, f64::NEG_INFINITY, tolerance));
        assert!(pass(nan, f64::NAN, tolerance), "an op may promise NaN");
    }
    assert!(!pass(1.0, 1.0, f64::NAN), "a tolerance that is no number allows nothing");
    // To the last bit, and a bit beyond the tolerance.
    assert!(pass(1.0, 1.0, 0.0) && pass(0.0, -0.0, 0.0));
    assert!(!pass(1.0f32.next_up(), 1.0, 0.0) && !pass(1.0f32.next_down(), 1.0, 0.0));
    let ulp = f32::EPSILON as f64;
    assert!(pass(1.0 + 4.0 * f32::EPSILON, 1.0, 4.0 * ulp) && !pass(1.0 + 5.0 * f32::EPSILON, 1.0, 4.0 * ulp));
    // Each element counts, and so does their number.
    let error = compare("y", &[1.0, 2.0, nan], &[1.0, 2.0, 3.0], 0.1).unwrap_err();
    assert_eq!(error, "y: element 2 is NaN, expected 3e0 ± 1e-1");
    assert_eq!(compare("y", &[1.0], &[1.0, 2.0], 1e9).unwrap_err(), "y: 1 elements, expected 2");
    assert_eq!(compare("y", &[1.0, 2.0], &[], 1e9).unwrap_err(), "y: 2 elements, expected 0");
}

#[test]
fn tolerance_grows_with_the_root_of_the_terms_and_with_the_scale() {
    let one = tolerance(1, 1.0);
    assert_eq!(one, 8.0 * f32::EPSILON as f64);
    assert_eq!(tolerance(100, 1.0), 10.0 * one);
    assert_eq!(tolerance(1, 50.0), 50.0 * one);
    assert_eq!(tolerance(1, 1e-9), one, "and never vanishes");
    assert!(tolerance(4096, 1.0) < 1e-4, "thousands of terms still leave four digits");
}

/// Wrong by what no tolerance may forgive: cases whose forward pass is not what their reference says.
#[test]
fn a_case_that_is_wrong_fails() {
    let Some(device) = has_compiler().then(|| host(Order::Forward, false)) else { return };
    let verdict = |values, wrong: fn(f64) -> f64| {
        let inputs = vec![Input::new([9], values)];
        let case = Case::new(
            "relu",
            inputs,
            |tape, x| op::relu::relu(tape, &x[0]),
            move |x| x[0].iter().map(|v| wrong(v.max(0.0))).collect(),
        );
        case.verify(&device, &case.expectation(1, DType::F32))
    };
    verdict(Values::AwayFromZero, |y| y).unwrap();
    verdict(Values::AwayFromZero, |y| y * 1.00001).unwrap_err();
    verdict(Values::AwayFromZero, |y| y + 1e-5).unwrap_err();
    verdict(Values::AwayFromZero, |y| -y).unwrap_err();
    verdict(Values::AwayFromZero, |_| f64::NAN).unwrap_err();
    // Only the gradient tells these two apart: away from zero a large step has the same value, not the same slope.
    let case = Case::new(
        "shifted",
        vec![Input::new([9], Values::Range(1.0, 2.0))],
        |tape, x| op::relu::relu(tape, &x[0]),
        |x| x[0].iter().map(|v| v + (v * 1e4).sin() * 1e-6).collect(),
    );
    let error = case.verify(&device, &case.expectation(1, DType::F32)).unwrap_err();
    assert!(error.contains("gradient of input 0"), "{error}");
    // A gradient that nobody records is zero, and is not right if zero is not.
    let case = Case::new(
        "unrecorded",
        vec![Input::new([9], Values::AwayFromZero)],
        |_, x| {
            let y = Tensor::zeros(x[0].device(), x[0].shape(), DType::F32)?;
            y.copy_from(&x[0])?;
            Ok(y)
        },
        |x| x[0].clone(),
    );
    case.verify(&device, &case.expectation(1, DType::F32)).unwrap_err();
    case.forward_only().verify(&device, &Case::expectation(&copy_only(), 1, DType::F32)).unwrap();
}

fn copy_only() -> Case {
    Case::new("copy", vec![Input::new([9], Values::AwayFromZero)], |_, x| x[0].duplicate(), |x| x[0].clone())
        .forward_only()
}

/// Checks `op` (one case of it, if it is named) in orders in which missing barriers show, and tells what was found first.
fn verify(op: &str, only: &str, gpu_tiles: bool, environment: &Environment) -> String {
    let cases = (op::ALL.iter().find(|one| one.name == op).expect("an op of that name").cases)();
    let orders = [Order::Forward, Order::Reverse, Order::Random(7)];
    let devices = orders.map(|order| host_in(environment.clone(), order, gpu_tiles));
    let fault = |case: &Case| {
        let expected = case.expectation(1, DType::F32);
        devices.iter().find_map(|device| case.verify(device, &expected).err())
    };
    let found = cases.iter().filter(|case| only.is_empty() || case.name == only).find_map(fault);
    found.map_or("nothing found".into(), |what| format!("found: {what}"))
}

/// With a GPU's tiles, for kernels that may crash.
#[test]
#[ignore = "other tests run it in a process of its own"]
fn child_verifies() {
    tell(verify(&std::env::var("FAULT_OP").unwrap_or_default(), "", true, &Environment::of_process()));
}

/// The same in checked mode and forward order: tells the first finding.
#[test]
#[ignore = "other tests run it in a process of its own"]
fn child_looks_for_findings() {
    let name = std::env::var("FAULT_OP").unwrap_or_default();
    let cases = (op::ALL.iter().find(|op| op.name == name).expect("FAULT_OP names an op").cases)();
    let (device, findings) = checked(Order::Forward);
    for case in cases {
        // What it computes is of no interest here, only what is found.
        let _ = case.verify(&device, &case.expectation(1, DType::F32));
        if let Some(finding) = findings.list().first() {
            return tell(format!("found: {finding}"));
        }
    }
    tell("nothing found");
}

/// The kernel tree of this checkout.
fn kernels() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// A kernel tree of its own in which `file` reads as `text`.
fn tree_with(file: &str, text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    for path in files(&kernels()) {
        let copy = folder.path().join(path.strip_prefix(kernels()).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&path, copy).unwrap();
    }
    fs::write(folder.path().join(file), text).unwrap();
    folder
}

/// Runs `test` in a process of its own where `file` of the kernel tree reads as `text`, and ladders take that rung. What the
/// test told; an error if it failed or crashed.
fn with_kernel(file: &str, text: &str, test: &str, variables: &[(&str, &str)]) -> Result<String, String> {
    let (folder, rung) = (tree_with(file, text), choice_of(file));
    let mut all = vec![("WARPTAPE_KERNELS", folder.path().as_os_str()), ("WARPTAPE_KERNEL", rung.as_ref())];
    all.extend(variables.iter().map(|&(name, value)| (name, value.as_ref())));
    child(test, &all).outcome()
}

/// What the check finds in a case of an op when `file` reads as `text`; compiled quickly, for one run.
fn verdict(file: &str, text: &str, case: &str) -> String {
    let (folder, rung) = (tree_with(file, text), choice_of(file));
    let quick = environment().with("WARPTAPE_CXXFLAGS", "-O0");
    let there = quick.with("WARPTAPE_KERNELS", folder.path()).with("WARPTAPE_KERNEL", rung);
    verify(case.split(' ').next().unwrap(), case, false, &there)
}

/// Plants a mistake: `right` in the file, wherever it stands, becomes `wrong`. The check must find `symptom`.
fn finds(file: &str, right: &str, wrong: &str, case: &str, symptom: &str) {
    let text = fs::read_to_string(kernels().join(file)).unwrap();
    assert!(text.contains(right), "{file} has changed: choose another text than {right:?} to plant a mistake in");
    let found = verdict(file, &text.replace(right, wrong), case);
    assert!(found.starts_with("found: ") && found.contains(symptom), "{wrong:?} for {right:?}: {found}");
}

const RELU: &str = "relu/vectorized.cu";

#[test]
fn planted_mistakes_in_relu_are_found() {
    if on_gpu() {
        return;
    }
    let text = fs::read_to_string(kernels().join(RELU)).unwrap();
    assert_eq!(verdict(RELU, &text, "relu 17"), "nothing found");
    let finds = |right: &str, wrong: &str, symptom: &str| finds(RELU, right, wrong, "relu 17", symptom);
    let positive = "v < 0.0f ? 0.0f : v";
    finds("(x + i, valid", "(x + (i > 0 ? i - 1 : i), valid", "element ");
    finds(positive, "v < 0.0f ? 0.0f : 1.001f * v", "element ");
    finds(positive, "v < 0.0f ? 0.0f : v / 0.0f", "inf");
    finds(positive, "v < 0.0f ? 0.0f : __uint_as_float(0x7fc00000u)", "NaN");
    finds("store_partial<VEC>(y + i", "if (i > 0) store_partial<VEC>(y + i", "element 0 is NaN");
    finds("v <= 0.0f ? 0.0f : g", "v <= 0.0f ? 0.0f : -g", "gradient of input 0");
    finds("v <= 0.0f ? 0.0f : g", "g", "gradient of input 0");
    let store = "        vec<VEC> in = ";
    for (stray, at) in [("if (i + VEC >= n) y[n] = 0.0f;", "68"), ("if (i == 0) y[-1] = 0.0f;", "-4")] {
        let symptom = format!("wrote outside its buffer of 68 bytes, at byte offset {at}");
        finds(store, &format!("        {stray}\n{store}"), &symptom);
    }
}

#[test]
fn planted_mistakes_in_matmul_are_found() {
    if on_gpu() {
        return;
    }
    let (file, tile) = ("matmul/6_vectorized.cu", "prelude/tile.cuh");
    let case = "matmul NN 13x33x130 Uniform";
    let text = fs::read_to_string(kernels().join(file)).unwrap();
    assert_eq!(verdict(file, &text, case), "nothing found");
    // The last row is forgotten; rows run into each other; the last step of the inner dimension is left out.
    finds(tile, "row0 + i < rows ? row0", "row0 + i < rows - 1 ? row0", case, "NaN");
    finds(tile, "(size_t)r * columns + first", "(size_t)r * (columns - 1) + first", case, "element ");
    finds(file, "k0 < k;", "k0 + BK <= k;", case, "element ");
}

/// What runs the barriers of a kernel file: an op's cases, or a test.
fn user(file: &str) -> &'static str {
    let users = [
        ("batchnorm/", "batchnorm"),
        ("conv2d/", "conv2d"),
        ("prelude/conv.cuh", "conv2d"),
        ("matmul/", "matmul"),
        ("cross_entropy/", "cross_entropy"),
        ("reduce/", "reduce"),
        ("prelude/columns.cuh", "reduce"),
        ("prelude/reduce.cuh", "op::reduce::every_thread_gets_the_reduction_at_any_block_size"),
    ];
    let found = users.iter().find(|(start, _)| file.starts_with(start));
    found.unwrap_or_else(|| panic!("{file} has barriers: say here which op's cases, or which test, runs it")).1
}

/// Every file of the tree without one of its barriers: the file, the barrier's line, the text.
fn without_a_barrier() -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for path in files(&kernels()) {
        let file = path.strip_prefix(kernels()).unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (i, line) in lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with("__sync")) {
            let mut without = lines.clone();
            without[i] = "";
            all.push((file.to_owned(), format!("{file}:{}: {}", i + 1, line.trim()), without.join("\n")));
        }
    }
    assert!(all.len() > 10, "{all:?}");
    all
}

/// No barrier of any kernel can be deleted without a test that fails. (One that crashes is one that fails: tables of
/// addresses that nobody waited for lead anywhere.)
#[test]
fn every_deleted_barrier_is_found() {
    if on_gpu() || !cfg!(target_os = "linux") || skips_long() {
        return;
    }
    let mut missed = Vec::new();
    for (file, line, text) in without_a_barrier() {
        let user = user(&file);
        let outcome = if user.contains("::") {
            with_kernel(&file, &text, user, &[])
        } else {
            let variables = [("FAULT_OP", user), ("WARPTAPE_CXXFLAGS", "-O0")];
            with_kernel(&file, &text, "device::checker::child_verifies", &variables)
        };
        if outcome.is_ok_and(|told| !told.starts_with("found: ")) {
            missed.push(line);
        }
    }
    assert!(missed.is_empty(), "nobody would notice if these were not there:\n{}", missed.join("\n"));
}

/// Checked mode needs no luck with values and orders: each is a finding when threads run forward.
#[test]
fn every_deleted_barrier_is_a_finding() {
    if on_gpu() || !cfg!(target_os = "linux") || skips_long() {
        return;
    }
    let mut missed = Vec::new();
    for (file, line, text) in without_a_barrier() {
        let user = user(&file);
        let (test, variable) = match user.contains("::") {
            true => (user, ("WARPTAPE_TEST_DEVICE", "host:checked")),
            false => ("device::checker::child_looks_for_findings", ("FAULT_OP", user)),
        };
        let told = with_kernel(&file, &text, test, &[variable]).unwrap_or_else(|failure| failure);
        // By a race that names the kernel's file, or by a read of what the other thread has not yet written.
        if !["race: ", "uninitialized: "].iter().any(|what| told.contains(what)) {
            missed.push(format!("{line}: {told}"));
        }
    }
    assert!(missed.is_empty(), "without these nothing was found:\n{}", missed.join("\n"));
}
