//! `bench kernels`: what it leaves, what it asks of networks, and kernels that must not be on record.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use warptape::bench::kernels::limits::Limits;
use warptape::bench::kernels::problems::{NETWORKS, Problem, of_networks, products};
use warptape::bench::kernels::{Outcome, Plan, Row, measure, wrong};
use warptape::bench::results::Results;
use warptape::bench::vendor::Vendor;
use warptape::device::Target;
use warptape::launch::ladder::{Job, SetUp, Summary};
use warptape::{DType, Device, Tensor, op};

use crate::command::{copy, device, done, fails, refused, succeeds, warptape};
use crate::support::{contents, has_compiler};

const SMALL: &str = "NN m33 n20 k49";

fn ladder(name: &str) -> Summary {
    op::ladders().into_iter().find(|ladder| ladder.name == name).unwrap()
}

#[test]
fn json_csv_and_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let (out, device) = (folder.path().join("new/out"), device());
    let bench = ["bench", "kernels", "matmul_forward", "--problem", SMALL, "--device", &device, "--runs", "3"];
    let out_text = out.display().to_string();
    let said = succeeds(&[&bench[..], &["--out", &out_text, "--json"]].concat());
    let results: Results<Row> = serde_json::from_str(&said).unwrap();
    assert_eq!(results.json(), said);
    let stem = format!("kernels-{}", results.slug());
    assert!(device != "host" || stem == "kernels-host");
    let files = ["-matmul_forward.png", "-matmul_forward.svg", ".csv", ".json"].map(|end| format!("{stem}{end}"));
    assert_eq!(contents(&out), files);
    assert_eq!(fs::read_to_string(out.join(&files[3])).unwrap(), said);

    let [row] = &results.rows[..] else { panic!("{said}") };
    assert_eq!((&*row.ladder, &*row.problem, row.flops), ("matmul_forward", SMALL, 2.0 * 33.0 * 20.0 * 49.0));
    assert_eq!(row.bytes, 4.0 * (33.0 * 49.0 + 49.0 * 20.0 + 33.0 * 20.0));
    let rungs = ladder("matmul_forward").files;
    assert!(row.contenders.len() >= rungs.len());
    for (contender, file) in row.contenders.iter().zip(rungs) {
        assert_eq!(format!("matmul/{}.cu", contender.name), file);
        let Outcome::Measured { milliseconds, gflops, gigabytes_per_second, of_ceiling, runs } = &contender.outcome
        else {
            panic!("{contender:?}")
        };
        let mut sorted = runs.clone();
        sorted.sort_by(f64::total_cmp);
        assert_eq!((runs.len(), *milliseconds), (3, sorted[1]));
        let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
        near(*gflops, row.flops / milliseconds / 1e6);
        near(*gigabytes_per_second, row.bytes / milliseconds / 1e6);
        assert!(*of_ceiling > 0.0 && of_ceiling.is_finite());
    }
    let mut lines = csv::Reader::from_path(out.join(&files[2])).unwrap();
    assert_eq!(&lines.headers().unwrap()[0], "ladder");
    assert_eq!(lines.records().count(), row.contenders.len());
    assert!(fs::read_to_string(out.join(&files[1])).unwrap().contains("6_vectorized"));
    image::open(out.join(&files[0])).unwrap();
    let text = succeeds(&bench);
    assert!(text.contains("6_vectorized") && text.contains("of ceiling"), "{text}");
}

/// A rung with `job` in place of the matrix product's, on a small problem.
fn outcome(set_up: SetUp) -> Outcome {
    let device = Device::open(&device()).unwrap();
    let all = ladder("matmul_forward");
    let (files, workloads) = (all.files[4..5].to_vec(), all.workloads[4..5].to_vec());
    let spoiled = Summary { set_up, files, workloads, ..all };
    let problem = Problem { ladder: spoiled.name.into(), text: SMALL.into(), networks: Vec::new() };
    let (vendor, mut limits) = (Vendor::open(&device, &BTreeMap::new()), Limits::new(&device).unwrap());
    let plan = Plan { runs: 4, seconds: 60.0 };
    measure(&device, &spoiled, &problem, plan, &mut limits, &vendor, None).unwrap().contenders[0].outcome.clone()
}

fn right(device: &Device, text: &str) -> warptape::Result<Job> {
    ladder("matmul_forward").job(device, text)
}

/// The same with the last element a little off.
fn off(product: &Tensor) -> warptape::Result<Tensor> {
    let mut elements = product.to_vec::<f32>()?;
    *elements.last_mut().unwrap() += 0.01;
    Tensor::from_slice(product.device(), product.shape(), &elements)
}

#[test]
fn wrong_results_and_impossible_ones_are_no_record() {
    assert!(matches!(outcome(|device, text, _| right(device, text)), Outcome::Measured { .. }));
    let before = outcome(|device, text, _| {
        let job = right(device, text)?;
        Ok(Job { run: Box::new(move || off(&(job.run)()?)), ..right(device, text)? })
    });
    let what = wrong(&before).unwrap_or_else(|| panic!("{before:?}"));
    assert!(what.starts_with("wrong: element 659 is ") && what.contains(" before timing, not "), "{what}");

    // Right at first, wrong from the fourth time on.
    let after = outcome(|device, text, _| {
        let (job, runs) = (right(device, text)?, AtomicUsize::new(0));
        let run = move || {
            let product = (job.run)()?;
            if runs.fetch_add(1, Ordering::Relaxed) % 5 < 3 { Ok(product) } else { off(&product) }
        };
        Ok(Job { run: Box::new(run), ..right(device, text)? })
    });
    let what = wrong(&after).unwrap_or_else(|| panic!("{after:?}"));
    assert!(what.contains(" after timing, not "), "{what}");

    let operations = outcome(|device, text, _| Ok(Job { flops: 1e18, ..right(device, text)? }));
    let what = wrong(&operations).unwrap_or_else(|| panic!("{operations:?}"));
    assert!(what.contains(" GFLOP/s are above the device's peak of "), "{what}");
    let bytes = outcome(|device, text, _| Ok(Job { bytes: 1e18, ..right(device, text)? }));
    let what = wrong(&bytes).unwrap_or_else(|| panic!("{bytes:?}"));
    assert!(what.contains(" GB/s are above the device's peak of "), "{what}");
}

/// A kernel that leaves out the last step along the inner dimension, and one that does not compile.
#[test]
fn a_wrong_kernel_fails_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let kernels = folder.path().join("kernels");
    copy(Path::new("kernels"), &kernels);
    let file = kernels.join("matmul/6_vectorized.cu");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("k0 < k; k0 += BK") && text.contains("tile.clear();"));
    fs::write(&file, text.replace("k0 < k; k0 += BK", "k0 < k - BK; k0 += BK")).unwrap();
    let device = device();
    let bench = ["bench", "kernels", "matmul_forward", "--problem", SMALL, "--device", &device, "--runs", "1"];
    let spoiled = || {
        let mut command = warptape();
        command.args(bench).env("WARPTAPE_KERNELS", &kernels);
        command
    };
    let said = done(&mut spoiled());
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stdout.contains("not measured: wrong: element 0 is "), "{}", said.stdout);
    refused(&mut spoiled(), 1, &["matmul_forward 6_vectorized on NN m33 n20 k49: wrong: element"]);

    fs::write(&file, text.replace("tile.clear();", "tile.clear()")).unwrap();
    refused(&mut spoiled(), 1, &["6_vectorized on NN m33 n20 k49: fails: matmul/6_vectorized.cu", "does not compile"]);
}

/// Half precision is measured, and held to what its rounding allows.
#[test]
fn rungs_are_measured_in_half_precision() {
    if !has_compiler() {
        return;
    }
    let device = device();
    for (name, element) in [("half", "f16"), ("bf16", "bf16")] {
        let bench =
            ["bench", "kernels", "matmul_forward", "--problem", SMALL, "--device", &device, "--runs", "1", "--json"];
        let said = succeeds(&[&bench[..], &["--element", name]].concat());
        let results: serde_json::Value = serde_json::from_str(&said).unwrap();
        let row = &results["rows"][0];
        assert_eq!(row["problem"], format!("{SMALL} {element}"));
        assert_eq!(row["bytes"], 2.0 * (33.0 * 49.0 + 49.0 * 20.0 + 33.0 * 20.0), "{row}");
        // On a GPU cuBLAS stands beside our rungs, which have numbers.
        let rung = |one: &&serde_json::Value| one["name"].as_str().unwrap().starts_with(|c: char| c.is_ascii_digit());
        let rungs: Vec<_> = row["contenders"].as_array().unwrap().iter().filter(rung).collect();
        assert!(rungs.len() >= 8 && rungs.iter().all(|one| one["milliseconds"].is_f64()), "{row}");
    }
}

#[test]
fn what_makes_no_sense() {
    if !has_compiler() {
        return;
    }
    let bench = ["bench", "kernels", "--device", "host"];
    for (more, parts) in [
        (&["conv3d"][..], &["there is no ladder 'conv3d'", "conv2d_forward"][..]),
        (&["--problem", SMALL], &["--problem is of one ladder"]),
        (&["matmul_forward", "--problem", "NN m1"], &["product 'NN m1'", "NN m128 n64 k256"]),
        (&["--models", "resnet19"], &["unknown model 'resnet19'"]),
        (&["--batch", "1"], &["--batch"]),
        (&["--runs", "0"], &["--runs 0"]),
        (&["matmul_forward", "--problem", SMALL, "--pytorch", "/nonexistent"], &["--pytorch /nonexistent"]),
    ] {
        fails(&[&bench[..], more].concat(), 2, parts);
    }
}

/// Problems are those of one training step, each once, with all networks that pose it.
#[test]
fn problems_are_those_of_the_networks() {
    let networks: Vec<(String, usize)> = NETWORKS.iter().map(|&name| (name.to_owned(), 8)).collect();
    for target in [Target::Cuda, Target::Host { lanes: 8 }] {
        let problems = of_networks(target, &op::ladders(), &networks, DType::F32).unwrap();
        let find = |ladder: &str, text: &str| {
            let found: Vec<&Problem> = problems.iter().filter(|one| one.ladder == ladder && one.text == text).collect();
            assert!(found.len() <= 1, "{text} stands there {} times", found.len());
            found.first().map(|one| one.networks.join(" ")).unwrap_or_default()
        };
        let conv = |sizes: &str| format!("n8 {sizes} pad1,1 dilation1,1");
        let stem = conv("h32 w32 c3 k64 r3 s3 stride1,1");
        assert_eq!(find("conv2d_forward", &stem), "vgg16_bn resnet18 resnet34");
        // Nobody asks for the gradient of the image.
        assert_eq!(find("conv2d_backward_input", &stem), "");
        assert_eq!(find("conv2d_backward_filter", &stem), "vgg16_bn resnet18 resnet34");
        assert_eq!(find("conv2d_backward_input", &conv("h32 w32 c64 k128 r3 s3 stride2,2")), "resnet18 resnet34");
        assert_eq!(find("conv2d_backward_filter", &conv("h7 w7 c256 k256 r3 s3 stride1,1")), "airbench94");
        let whitening = "n8 h32 w32 c3 k24 r2 s2 stride1,1 pad0,0 dilation1,1";
        assert_eq!(find("conv2d_forward", whitening), "airbench94");
        assert_eq!(find("conv2d_backward_filter", whitening), "");
        assert_eq!(find("matmul_forward", "NT m8 n10 k256"), "little-conv airbench94");
    }
    // In half precision a step poses the same problems, but for what stays f32.
    for element in [DType::F16, DType::BF16] {
        let posed = |element| of_networks(Target::Cuda, &op::ladders(), &networks, element).unwrap();
        let (whole, half) = (posed(DType::F32), posed(element));
        let typed =
            |ladder: &str| half.iter().filter(|one| one.ladder == ladder).all(|one| one.text.ends_with(element.name()));
        assert!(
            ["conv2d_forward", "conv2d_backward_input", "matmul_forward", "max_pool_forward"].into_iter().all(typed)
        );
        assert_eq!(half.len(), whole.len(), "{element}");
        let text = products(Target::Cuda, &op::ladders(), element).remove(0).text;
        assert_eq!(text, format!("NN m1024 n1024 k1024 {element}"));
    }
    let texts =
        |target| products(target, &op::ladders(), DType::F32).into_iter().map(|one| one.text).collect::<Vec<_>>();
    assert_eq!(texts(Target::Host { lanes: 8 }), ["NN m1024 n1024 k1024"]);
    assert_eq!(texts(Target::Cuda).last().unwrap(), "NN m8192 n8192 k8192");
}
