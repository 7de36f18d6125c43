//! Training in bf16 and f16: beside PyTorch's autocast, what is saved, what is refused, and steps that overflow.

use std::path::Path;

use warptape::device::Target;
use warptape::device::dry::Dry;
use warptape::nn::{Layer, Pass, State, models::MODELS, parameters};
use warptape::op::cast::cast;
use warptape::op::cross_entropy::cross_entropy;
use warptape::optim::{Optimizer, OptimizerConfig};
use warptape::train::checkpoint::Checkpoint;
use warptape::train::precision::{Precision, Scaling};
use warptape::train::summary::Summary;
use warptape::{DType, Device, Environment, Tape, Tensor};

use super::parity::Golden;
use crate::command::{device, fails, shared, succeeds};
use crate::support::devices;

/// |a − b| of |b|, in Euclid's norm.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}

/// What bf16 takes from PyTorch's results is the measure: ours may be half as far again from float64's, and must be nearer to
/// PyTorch's than that. (Where two numbers round to one, a maximum or a ReLU goes another way than in float64, so gradients in
/// bf16 are off by more than its rounding.)
fn agrees(what: &str, ours: &[f64], autocast: &Golden, exact: &Golden, name: &str) {
    let (theirs, exact) = (autocast.floats(name), exact.floats(name));
    let cost = distance(&theirs, &exact);
    assert!(cost < 0.25, "{what}: bf16 is another network ({cost:e})");
    // Of a tensor that bf16 hardly touches (a variance) the rounding of f32 is left.
    let room = 1.5 * cost + 1e-6;
    let (off, apart) = (distance(ours, &exact), distance(ours, &theirs));
    assert!(
        off <= room && apart <= room,
        "{what}: {off:e} from float64, {apart:e} from PyTorch, which is {cost:e} off"
    );
}

fn wide(tensor: &Tensor) -> Vec<f64> {
    tensor.floats().unwrap().into_iter().map(f64::from).collect()
}

#[test]
fn bf16_is_as_near_to_float64_as_pytorchs_autocast() {
    let (exact, autocast) = (Golden::named("little_conv"), Golden::named("autocast"));
    for (label, device) in devices() {
        let model = exact.model(&device);
        let (x, labels) = exact.batch(&device);
        let x = cast(&mut Tape::new(), &x, DType::BF16).unwrap();
        let mut tape = Tape::new();
        parameters(&model).iter().for_each(|(_, tensor)| tape.watch(tensor));
        let logits = model.forward(&mut Pass::training(&mut tape, 0, 0), &x).unwrap();
        assert_eq!(logits.dtype(), DType::BF16);
        let loss = cross_entropy(&mut tape, &logits, &labels, 0.0).unwrap();
        let check = |name: &str, ours: &[f64]| agrees(&format!("{label}: {name}"), ours, &autocast, &exact, name);
        check("logits", &wide(&logits));
        check("loss", &wide(&loss));
        let gradients = tape.backward(&loss).unwrap();
        model.visit("", &mut |name, state| match state {
            State::Parameter(tensor, layout) => {
                let gradient = gradients.get(tensor).unwrap();
                assert_eq!(gradient.dtype(), DType::F32, "{name}");
                let (_, values) = layout.outward(&gradient).unwrap();
                check(&format!("grad.{name}"), &values.into_iter().map(f64::from).collect::<Vec<_>>());
            }
            State::Statistic(tensor) => check(&format!("after.{name}"), &wide(tensor)),
            State::Fixed(..) | State::Counter(_) => {}
        });
        let logits = model.forward(&mut Pass::inference(&mut Tape::new()), &x).unwrap();
        check("logits_eval", &wide(&logits));
        device.check_guards().unwrap();
    }
}

#[test]
fn ten_losses_in_bf16_are_as_near_as_pytorchs() {
    let (exact, autocast) = (Golden::named("little_conv"), Golden::named("autocast"));
    let sgd = OptimizerConfig::Sgd { momentum: 0.9, dampening: 0.0, nesterov: true, weight_decay: 5e-4 };
    for (label, device) in devices() {
        let model = exact.model(&device);
        let (x, labels) = exact.batch(&device);
        let x = cast(&mut Tape::new(), &x, DType::BF16).unwrap();
        let tensors: Vec<Tensor> = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
        let mut optimizer = Optimizer::new(&sgd, tensors.clone()).unwrap();
        let step = |step| {
            let mut tape = Tape::new();
            tensors.iter().for_each(|tensor| tape.watch(tensor));
            let logits = model.forward(&mut Pass::training(&mut tape, 0, step), &x).unwrap();
            let loss = cross_entropy(&mut tape, &logits, &labels, 0.0).unwrap();
            optimizer.step(&tape.backward(&loss).unwrap(), 0.05).unwrap();
            f64::from(loss.item().unwrap())
        };
        let ours: Vec<f64> = (0..10).map(step).collect();
        agrees(&label, &ours, &autocast, &exact, "sgd.losses");
    }
}

#[test]
fn activations_take_half_the_memory() {
    for model in MODELS {
        let of = |precision| Summary::new(model.name, 10, [64, 64], 4, precision, Target::Cuda).unwrap();
        let [single, bf16, f16] = [Precision::F32, Precision::Bf16, Precision::F16].map(of);
        for narrow in [bf16, f16] {
            assert_eq!(2 * narrow.activations(), single.activations(), "{}", model.name);
        }
    }
    // Where they are most of what a step needs, the peak shows it, too.
    let of = |precision| Summary::new("resnet18", 10, [32, 32], 128, precision, Target::Cuda).unwrap();
    let [single, bf16] = [Precision::F32, Precision::Bf16].map(of);
    let [narrow, wide] = [bf16.training_peak, single.training_peak].map(|peak| peak.unwrap() as f64);
    assert!(narrow < 0.7 * wide, "{narrow} of {wide}");
}

#[test]
fn a_gpu_without_bf16_is_refused_in_one_line() {
    let device = |arch: &str| {
        let info = Device::new(Box::new(Dry::new(Target::Cuda))).info().clone();
        let info = warptape::device::Info { arch: arch.into(), description: "Tesla T4".into(), ..info };
        Device::new(Box::new(Dry::as_if(info, Environment::default())))
    };
    let said = Precision::Bf16.check(&device("sm_75")).unwrap_err().to_string();
    assert_eq!(said, "‹precision=bf16›: Tesla T4 (sm_75) has no bf16; use f16 or f32");
    Precision::F16.check(&device("sm_75")).unwrap();
    ["sm_80", "sm_90a", "sm_100"].iter().for_each(|arch| Precision::Bf16.check(&device(arch)).unwrap());
}

/// A training on the shared data.
fn words(out: &Path, epochs: &str, more: &[&str]) -> Vec<String> {
    let (device, out) = (device(), out.to_str().unwrap());
    let words = ["train", "--data", &shared().data, "--device", &device, "--epochs", epochs, "--out", out];
    words.iter().chain(["--schedule", "constant"].iter()).chain(more).map(ToString::to_string).collect()
}

fn last(run: &Path) -> Checkpoint {
    Checkpoint::load(&run.join("checkpoints/last.safetensors")).unwrap()
}

#[test]
fn a_run_keeps_its_precision_and_says_what_it_saves() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let path = run.to_str().unwrap();
    let said = succeeds(&words(&run, "1", &["--batch-size", "8", "--precision", "BFloat16"]));
    assert!(said.contains(" in bf16 on "), "{said}");
    let report = std::fs::read_to_string(run.join("report.txt")).unwrap();
    assert!(report.contains("note: bf16: the activations of a training step take "), "{report}");
    assert_eq!(last(&run).meta.progress.scaling, None);
    let evaluated = succeeds(&["eval", path, "--device", &device()]);
    assert!(report.contains(evaluated.lines().nth(1).unwrap()), "{evaluated}\n{report}");
    fails(&["train", "--resume", path, "--precision", "f32"], 2, &["--precision cannot be changed by --resume"]);
    fails(&words(&run, "1", &["--precision", "f8"]), 2, &["use f32, bf16 or f16"]);
}

#[test]
fn steps_that_overflow_f16_are_skipped_counted_and_repeated_alike() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, again] = ["whole", "again"].map(|name| folder.path().join(name));
    // A loss of two pictures, 2^16 times as large: gradients pass 65504 at first.
    let more = ["--precision", "f16", "--batch-size", "2", "--lr", "0.01"];
    let said = succeeds(&words(&whole, "2", &more));
    let progress = last(&whole).meta.progress;
    let Scaling { factor, skipped, .. } = progress.scaling.clone().unwrap();
    assert!(
        skipped > 0 && said.contains(&format!("note: {skipped} of {} steps were skipped", progress.step)),
        "{said}"
    );
    assert_eq!(factor, 65536.0 / 2f32.powi(skipped as i32), "too few steps for the factor to grow");
    assert_eq!(progress.optimizer_steps, [progress.step - skipped]);

    succeeds(&words(&again, "1", &more));
    succeeds(&["train", "--resume", again.to_str().unwrap(), "--epochs", "2"]);
    assert_eq!(last(&again).meta.progress, progress);
    let weights = |run: &Path| std::fs::read(run.join("checkpoints/epoch-0002.safetensors")).unwrap();
    assert!(weights(&again) == weights(&whole), "a resumed run in f16 is another one");
}
