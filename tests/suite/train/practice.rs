//! Trainings as they are practised: gradients of several batches, clipped; averages of the weights; an end before the last epoch.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use tempfile::TempDir;
use warptape::data::{Dataset, Loading};
use warptape::nn::{models, parameters};
use warptape::train::checkpoint::Checkpoint;
use warptape::train::config::Config;
use warptape::train::learning::Learning;
use warptape::train::precision::Precision;
use warptape::{Device, Tape};

use super::resume::in_parts;
use crate::command::{checkpoints, device, fails, metrics, quick, same_runs, shared, skips_stopping, succeeds};
use crate::data::folder::paint;

fn last(run: &Path) -> Checkpoint {
    Checkpoint::load(&run.join("checkpoints/last.safetensors")).unwrap()
}

/// The f32 tensors of a checkpoint of `run`, by name.
fn tensors(run: &Path, file: &str) -> BTreeMap<String, Vec<f32>> {
    let bytes = std::fs::read(run.join("checkpoints").join(file)).unwrap();
    let all = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |data: &[u8]| data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    all.iter().map(|(name, tensor)| (name.to_owned(), floats(tensor.data()))).collect()
}

/// A run with `rest`, and what it said.
fn trained(rest: &[&str]) -> (TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let words = [rest, &["--augment", "none", "--out", run.to_str().unwrap()]].concat();
    let said = succeeds(&quick(&words));
    (folder, run, said)
}

/// With everything that a step can have, in f32 and in f16, whose gradients are divided before they are clipped.
#[test]
fn a_run_with_all_of_it_stopped_at_any_step_goes_on_as_if_it_had_not() {
    if skips_stopping() {
        return;
    }
    let (shared, folder) = (shared(), tempfile::tempdir().unwrap());
    let (device, data) = (Device::open(&device()).unwrap(), Dataset::open(&shared.data, &Loading::default()).unwrap());
    for precision in [Precision::F32, Precision::F16] {
        let config = Config {
            precision,
            epochs: 3,
            batch_size: 4,
            accumulate: 3,
            clip_norm: Some(0.5),
            ema: Some(0.75),
            patience: Some(3),
            no_decay: "norm,bias".parse().unwrap(),
            optim: "adamw".into(),
            betas: Some("0.8,0.75".parse().unwrap()),
            eps: Some(1e-6),
            amsgrad: true,
            weight_decay: 0.125,
            decay_factors: "fc=0.5,features=2".parse().unwrap(),
            schedule: "restarts:1:2".into(),
            ..last(&shared.run).meta.config
        };
        let runs = [vec![(9, 0)], vec![(1, 1), (2, 2), (9, 0)]].map(|stops| {
            let path = folder.path().join(format!("{precision}-{}", stops.len()));
            in_parts(&config, &data, &device, &path, &stops);
            path
        });
        same_runs(&runs[1], &runs[0]);
        let kept = tensors(&runs[0], "last.safetensors");
        assert!(kept["optimizer.max_exp_avg_sq.fc.weight"].iter().any(|&largest| largest > 0.0));
        // Three steps of twelve pictures, of 40, in each epoch.
        let progress = last(&runs[0]).meta.progress;
        let skipped = progress.scaling.map_or(0, |scaling| scaling.skipped);
        assert_eq!((progress.step, progress.averaged + skipped), (9, 9));
    }
}

/// MyNet has no normalization: three batches of four are one of twelve, but for the order of additions.
#[test]
fn batches_whose_gradients_are_averaged_are_one_larger_batch() {
    let more = ["--model", "mynet", "--epochs", "2", "--optim", "sgd", "--lr", "0.05", "--momentum", "0.5"];
    let of = |batches: &[&str]| trained(&[&more[..], batches].concat());
    let (_one, whole, _) = of(&["--batch-size", "12"]);
    let (_two, parts, _) = of(&["--batch-size", "4", "--accumulate", "3"]);
    let (whole, parts) = (tensors(&whole, "last.safetensors"), tensors(&parts, "last.safetensors"));
    assert_eq!(whole.keys().collect::<Vec<_>>(), parts.keys().collect::<Vec<_>>());
    for (name, expected) in &whole {
        let most = expected.iter().fold(0.0, |most: f32, v| most.max(v.abs()));
        let off = expected.iter().zip(&parts[name]).fold(0.0, |most: f32, (a, b)| most.max((a - b).abs()));
        assert!(off <= 2e-5 * most, "{name}: {off:e} of {most}");
    }
}

#[test]
fn averages_stand_where_weights_do_and_change_no_training() {
    // One step an epoch, so that every step's weights are in a file.
    let one_step = ["--epochs", "4", "--batch-size", "50", "--schedule", "constant"];
    let (_plain, plain, _) = trained(&one_step);
    let (_averaged, averaged, _) = trained(&[&one_step[..], &["--ema", "0.75"]].concat());
    let mut expected: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    for epoch in 1..=4 {
        let file = format!("epoch-{epoch:04}.safetensors");
        let (weights, averages) = (tensors(&plain, &file), tensors(&averaged, &file));
        let parameters: Vec<&String> = averages
            .keys()
            .filter_map(|name| name.strip_prefix("optimizer.trained."))
            .map(|n| weights.get_key_value(n).unwrap().0)
            .collect();
        assert!(parameters.len() > 10);
        for (name, values) in weights.iter().filter(|(name, _)| !name.ends_with("num_batches_tracked")) {
            if !parameters.contains(&name) {
                // Running statistics, and what the optimizer keeps.
                assert_eq!(averages[name], *values, "{name}");
                continue;
            }
            assert_eq!(averages[&format!("optimizer.trained.{name}")], *values, "{name}");
            let mean = expected.entry(name.clone()).or_insert_with(|| values.clone());
            mean.iter_mut().zip(values).for_each(|(a, w)| *a = 0.25f32.mul_add(w - *a, *a));
            let off = mean.iter().zip(&averages[name]).fold(0.0, |most: f32, (a, b)| most.max((a - b).abs()));
            assert!(off <= 1e-6, "{name}: {off:e}");
        }
    }
    // The accuracies are those of the averages, which `eval` finds again.
    assert_ne!(metrics(&plain), metrics(&averaged));
    let report = std::fs::read_to_string(averaged.join("report.json")).unwrap();
    succeeds(&["eval", averaged.to_str().unwrap(), "--device", &device()]);
    assert_eq!(std::fs::read_to_string(averaged.join("report.json")).unwrap(), report);
}

#[test]
fn training_ends_where_nothing_got_better() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    for number in 0..60u8 {
        let (class, colour) = [("dark", 0), ("light", 200)][usize::from(number % 2)];
        paint(&pictures.join(class).join(format!("{number}.png")), 16, 16, [colour, number, colour]);
    }
    let (data, run) = (pictures.to_str().unwrap(), folder.path().join("run"));
    let run = run.to_str().unwrap();
    let words = ["train", data, "--device", &device(), "--epochs", "60", "--batch-size", "16", "--image-size", "16"];
    let said = succeeds(&[&words[..], &["--schedule", "constant", "--patience", "2", "--out", run]].concat());
    let progress = last(Path::new(run)).meta.progress;
    let (best, epoch) = progress.best.unwrap();
    assert_eq!((best, progress.epoch), (1.0, epoch + 2), "{said}");
    let line = format!("no better validation accuracy than that of epoch {epoch} for 2 epochs: training ends");
    assert!(said.contains(&line) && said.contains(&format!("best on the validation set: epoch {epoch}")), "{said}");
    let epochs = metrics(Path::new(run)).lines().skip(1).filter(|line| line.contains(",val,")).count() as u32;
    assert_eq!(epochs, epoch + 2);
    // Again, nothing to do; with more patience it goes on.
    let files = checkpoints(Path::new(run));
    assert!(succeeds(&["train", "--resume", run]).contains(&line));
    assert!(files == checkpoints(Path::new(run)));
    succeeds(&["train", "--resume", run, "--patience", "3"]);
    assert_eq!(last(Path::new(run)).meta.progress.epoch, epoch + 3);
}

/// Without a gradient, weight decay alone moves what has some.
#[test]
fn what_has_no_decay_stays() {
    let device = Device::open(&device()).unwrap();
    for (no_decay, factors, still, half) in [
        ("", "", &[][..], &[][..]),
        ("norm", "", &["features.1.weight", "features.1.bias"], &[]),
        ("bias,fc", "", &["features.1.bias", "fc.weight", "fc.bias"], &[]),
        ("", "features=0.5,features.1=0", &["features.1.weight", "features.1.bias"], &["features.0.weight"]),
        ("bias", "fc=0.5", &["features.1.bias", "fc.bias"], &["fc.weight"]),
    ] {
        let (optim, weight_decay) = ("sgd".into(), 0.5);
        let (no_decay, decay_factors) = (no_decay.parse().unwrap(), factors.parse().unwrap());
        let config = Config { no_decay, decay_factors, optim, weight_decay, ..Config::default() };
        let model = models::build("little-conv", 3, [16, 16], &device, 0).unwrap();
        let all = parameters(&model);
        let mut tape = Tape::new();
        for (_, tensor) in &all {
            tensor.write(&vec![1.0f32; tensor.elements()]).unwrap();
            tape.watch(tensor);
        }
        let inputs: Vec<_> = all.iter().map(|(_, tensor)| tensor).collect();
        let zeros: Vec<_> =
            inputs.iter().map(|w| warptape::Tensor::zeros(&device, w.shape(), w.dtype()).unwrap()).collect();
        let (loss, of) = (warptape::Tensor::zeros(&device, [1], warptape::DType::F32).unwrap(), all.clone());
        tape.record("none", &inputs, &loss, move |_, gradients| {
            of.iter().zip(zeros).try_for_each(|((_, w), zero)| gradients.add(w, zero))
        });
        let mut optimizer = Learning::new(&config, &model).unwrap().optimizer(&config).unwrap();
        optimizer.step(&tape.backward(&loss).unwrap(), 0.5).unwrap();
        let left = |name: &str| all.iter().find(|(of, _)| of == name).unwrap().1.to_vec::<f32>().unwrap()[0];
        for name in ["features.0.weight", "features.1.weight", "features.1.bias", "fc.weight", "fc.bias"] {
            let expected = if still.contains(&name) { 1.0 } else { 0.75 + 0.125 * f32::from(half.contains(&name)) };
            assert_eq!(left(name), expected, "--no-decay {} --decay-factors {factors}: {name}", config.no_decay);
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_in_one_line() {
    for (words, parts) in [
        (&["--accumulate", "0"][..], &["--accumulate 0", "above 0"][..]),
        (
            &["--batch-size", "8", "--accumulate", "9"],
            &["--batch-size 8 --accumulate 9, 72 in a step", "there are 50 images"],
        ),
        (&["--clip-norm", "0"], &["--clip-norm 0", "above 0"]),
        (&["--ema", "1"], &["--ema 1", "below 1"]),
        (&["--patience", "0", "--validation", "0.2"], &["--patience 0", "above 0"]),
        (&["--patience", "3"], &["--patience 3 needs validation pictures", "--validation 0.1"]),
        (&["--no-decay", "norms"], &["--no-decay norms", "no layer with parameters"]),
        (&["--decay-factors", "fcc=0"], &["--decay-factors fcc=0", "no layer with parameters", "nearest is fc"]),
        (&["--decay-factors", "fc=-1"], &["--decay-factors fc=-1", "at least 0"]),
        (
            &["--schedule", "cosine:warmup=90", "--epochs", "1"],
            &["the warm-up of 90 steps is no shorter than the training"],
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("run");
        fails(&quick(&[words, &["--out", out.to_str().unwrap()]].concat()), 2, parts);
        assert!(!out.exists());
    }
}
