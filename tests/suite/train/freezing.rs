//! Frozen layers, layers that learn later, and rates of their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use tempfile::TempDir;
use warptape::Device;
use warptape::data::{Dataset, Loading};
use warptape::train::config::Config;
use warptape::train::layers::{Names, PerLayer};

use super::resume::in_parts;
use crate::command::{
    checkpoints, device, done, fails, quick, same_runs, shared, skips_stopping, steps, succeeds, warptape,
};

/// The tensors of a checkpoint of `run`, by name.
pub fn tensors(run: &Path, file: &str) -> BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(run.join("checkpoints").join(file)).unwrap();
    let all = SafeTensors::deserialize(&bytes).unwrap();
    all.iter().map(|(name, tensor)| (name.to_owned(), tensor.data().to_vec())).collect()
}

/// A run with `rest`, and what it said.
fn trained(rest: &[&str]) -> (TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let words = [rest, &["--augment", "none", "--out", run.to_str().unwrap()]].concat();
    let said = succeeds(&quick(&words));
    (folder, run, said)
}

/// Which tensors of `run` moved, those of the optimizer aside.
fn moved(run: &Path, file: &str) -> Vec<String> {
    let (before, after) = (tensors(run, "epoch-0000.safetensors"), tensors(run, file));
    let own = before.into_iter().filter(|(name, _)| !name.starts_with("optimizer."));
    own.filter(|(name, bytes)| after[name] != *bytes).map(|(name, _)| name).collect()
}

#[test]
fn what_is_frozen_stays_bit_for_bit() {
    let freeze = ["--epochs", "2", "--freeze", "features.0,features.1,features.4,features.5,features.8"];
    let (_folder, run, said) = trained(&freeze);
    assert!(said.contains("of 391"), "{said}");
    assert!(said.contains("frozen layers normalize by their running statistics, which stand still"), "{said}");
    let batchnorm = |at: u32| {
        ["bias", "num_batches_tracked", "running_mean", "running_var", "weight"].map(|of| format!("features.{at}.{of}"))
    };
    let last: Vec<String> =
        ["fc.bias".into(), "fc.weight".into(), "features.12.weight".into()].into_iter().chain(batchnorm(13)).collect();
    let learned: Vec<String> = last.iter().cloned().chain(batchnorm(9)).collect();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(moved(&run, "last.safetensors"), sorted(learned));
    let of_optimizer = |run: &Path| {
        let all = tensors(run, "last.safetensors").into_keys();
        all.filter_map(|name| name.strip_prefix("optimizer.exp_avg.").map(str::to_owned)).collect::<Vec<_>>()
    };
    // Nothing is remembered of what is frozen.
    let kept =
        ["fc.bias", "fc.weight", "features.12.weight", "features.13.bias", "features.13.weight", "features.9.bias"];
    assert_eq!(of_optimizer(&run)[..6], kept);

    let (_folder, run, said) = trained(&[&freeze[..], &["--frozen-statistics", "moving"]].concat());
    assert!(said.contains("and move the running ones"), "{said}");
    let names = moved(&run, "last.safetensors");
    assert!(names.contains(&"features.1.running_mean".to_owned()) && !names.contains(&"features.1.weight".to_owned()));

    let (_folder, run, _) = trained(&["--epochs", "1", "--train-only", "features.12,features.13,fc"]);
    assert_eq!(moved(&run, "last.safetensors"), sorted(last));
}

/// With batch normalization of which one's statistics move, a validation part, and f16, too.
#[test]
fn kept_features_give_the_bits_of_computed_ones() {
    for rest in [
        vec!["--train-only", "fc", "--validation", "0.2"],
        vec!["--freeze", "features.0,features.1,features.4", "--schedule", "plateau"],
        vec!["--train-only", "fc,features.12", "--precision", "f16"],
    ] {
        let rest = [&["--epochs", "2"], &rest[..]].concat();
        let (_one, kept, said) = trained(&rest);
        assert!(said.contains("what the frozen layers up to "), "{said}");
        let (_other, computed, said) = trained(&[&rest[..], &["--cache-frozen", "false"]].concat());
        assert!(!said.contains("what the frozen layers"), "{said}");
        assert!(checkpoints(&kept) == checkpoints(&computed), "{rest:?}: checkpoints differ");
        assert_eq!(steps(&kept), steps(&computed));
    }
    // Pictures that change are computed every time.
    let (_folder, _, said) = trained(&["--epochs", "1", "--train-only", "fc"]);
    assert!(said.contains("what the frozen layers up to avgpool"), "{said}");
    let said =
        succeeds(&quick(&["--epochs", "1", "--train-only", "fc", "--out", _folder.path().join("b").to_str().unwrap()]));
    assert!(!said.contains("what the frozen layers"), "{said}");
}

/// Stopped before, in and after the epochs that unfreeze something; groups of the optimizer differ in age.
#[test]
fn gradual_unfreezing_goes_on_as_if_it_had_not_been_stopped() {
    if skips_stopping() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (device, data) =
        (Device::open(&device()).unwrap(), Dataset::open(&shared().data, &Loading::default()).unwrap());
    let config = Config {
        data: shared().data.clone(),
        epochs: 4,
        batch_size: 8,
        augment: "none".into(),
        train_only: "fc".parse().unwrap(),
        unfreeze: "features.12=2,features.13=2,features.8=4".parse().unwrap(),
        lr_factors: "features=0.5".parse().unwrap(),
        ..Config::default()
    };
    let run = |name: &str, stops: &[(u32, usize)]| {
        let path = folder.path().join(name);
        let progress = in_parts(&config, &data, &device, &path, stops).pop().unwrap();
        (path, progress)
    };
    let (whole, progress) = run("whole", &[(9, 0)]);
    let steps = progress.step / 4;
    assert_eq!(progress.optimizer_steps, [steps, 3 * steps, 4 * steps]);
    let (stopped, _) = run("stopped", &[(1, 2), (2, 2), (3, 3), (4, 1), (9, 0)]);
    same_runs(&whole, &stopped);
    assert_eq!(moved(&whole, "epoch-0001.safetensors"), ["fc.bias", "fc.weight"]);
    assert!(!moved(&whole, "epoch-0003.safetensors").contains(&"features.8.weight".to_owned()));
    assert!(moved(&whole, "epoch-0004.safetensors").contains(&"features.8.weight".to_owned()));
}

/// Without momentum a first step is the gradient times the rate, so updates are as factors are.
#[test]
fn layers_move_at_rates_of_their_own() {
    let step = |rest: &[&str]| {
        let one =
            ["--epochs", "1", "--batch-size", "40", "--optim", "sgd", "--momentum", "0", "--schedule", "constant"];
        let (_folder, run, said) = trained(&[&one[..], rest].concat());
        let read = |file: &str| {
            let all = tensors(&run, file);
            move |name: &str| -> Vec<f32> { bytemuck::pod_collect_to_vec(&all[name]) }
        };
        let (before, after) = (read("epoch-0000.safetensors"), read("last.safetensors"));
        let of = |name: &str| -> f64 {
            before(name).iter().zip(after(name)).map(|(a, b)| f64::from(b - a).powi(2)).sum::<f64>().sqrt()
        };
        let names = ["features.0.weight", "features.8.weight", "features.13.bias", "fc.weight"];
        (names.map(of), said)
    };
    let (plain, said) = step(&[]);
    assert!(!said.contains("rates"), "{said}");
    for (rest, factors) in [
        (["--lr-factors", "features=0.5,features.8=0.25,fc=2"], [0.5, 0.25, 0.5, 2.0]),
        (["--layer-decay", "0.5"], [0.0625, 0.25, 0.5, 1.0]),
        // A layer's own factor counts, then that of normalization, then that of biases.
        (["--lr-factors", "bias=3,norm=2,fc=4"], [1.0, 1.0, 2.0, 4.0]),
        (["--lr-factors", "norm=2,bias=3,features.13=0.5"], [1.0, 1.0, 0.5, 1.0]),
        (["--lr-factors", "bias=3"], [1.0, 1.0, 3.0, 1.0]),
    ] {
        let (moved, said) = step(&rest);
        assert!(said.contains("times that of the schedule"), "{said}");
        for ((moved, plain), factor) in moved.iter().zip(plain).zip(factors) {
            assert!((moved / plain / factor - 1.0).abs() < 1e-3, "{rest:?}: {moved} of {plain}, not {factor}");
        }
    }
}

#[test]
fn what_no_training_can_freeze_is_refused() {
    let refused = |rest: &[&str], parts: &[&str]| fails(&quick(rest), 2, parts);
    refused(&["--freeze", "layer1"], &["--freeze layer1: 'layer1' is no layer", "there are features, fc"]);
    refused(&["--unfreeze", "features.2=2"], &["'features.2' is no layer with parameters"]);
    for (option, value, odd, nearest) in [
        ("--freeze", "featurs", "featurs", "features"),
        ("--train-only", "fc,feature.12", "feature.12", "features.12"),
        ("--unfreeze", "fcc=2", "fcc", "fc"),
        ("--lr-factors", "fc=2,features13=0.5", "features13", "features.13"),
    ] {
        let what =
            format!("{option} {value}: '{odd}' is no layer with parameters; the nearest is {nearest}; there are");
        refused(&[option, value], &[&what]);
    }
    refused(&["--freeze-after", "norm=1"], &["'norm' is no layer with parameters"]);
    refused(&["--freeze-after", "fc=0"], &["--freeze-after fc=0: epochs count from 1"]);
    refused(&["--unfreeze", "fc=0"], &["--unfreeze fc=0: epochs count from 1"]);
    for how in ["fixed", "moving"] {
        let said = format!("--frozen-statistics {how}: nothing is frozen: name layers with --freeze");
        refused(&["--frozen-statistics", how], &[&said]);
    }
    refused(&["--freeze", "fc", "--train-only", "fc"], &["--freeze and --train-only", "one of them"]);
    refused(&["--freeze", "features,fc"], &["everything is frozen in the first epoch"]);
    refused(&["--train-only", "fc", "--unfreeze", "fc=2"], &["everything is frozen in the first epoch"]);
    refused(
        &["--epochs", "2", "--freeze-after", "features=1,fc=1"],
        &["everything is frozen in epoch 2: leave a layer"],
    );
    refused(&["--lr-factors", "features=1,fc=0"], &["--lr-factors fc=0: must be a finite number above 0"]);
    refused(&["--layer-decay", "0"], &["--layer-decay 0"]);
    refused(&["--frozen-statistics", "maybe"], &["use fixed or moving"]);
    refused(&["--unfreeze", "fc"], &["'fc': write a layer and a number"]);
    refused(&["--freeze", "fc,,features"], &["nothing between two commas"]);
}

#[test]
fn settings_that_change_nothing_are_told() {
    let warned = |rest: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("run").display().to_string();
        let more = ["--epochs", "1", "--batch-size", "40", "--augment", "none", "--out", &out];
        let told = done(warptape().args(quick(&[rest, &more].concat())));
        assert_eq!(told.code, Some(0), "{}", told.stderr);
        told.stderr.lines().map(String::from).collect::<Vec<_>>()
    };
    let norms = "features.1,features.5,features.9,features.13,fc";
    for (rest, told) in [
        (
            &["--freeze", "features", "--lr-factors", "features.0=0.1,fc=2"][..],
            &["warning: --lr-factors features.0=0.1 changes nothing: features.0 is frozen for good"][..],
        ),
        (
            &["--train-only", "fc", "--unfreeze", "features.12=5", "--lr-factors", "features=0.5"],
            &["warning: --unfreeze features.12=5 changes nothing: the training ends with epoch 1"],
        ),
        (
            &["--freeze", "features.0", "--unfreeze", "fc=1"],
            &["warning: --unfreeze fc=1 changes nothing: nothing else freezes fc"],
        ),
        (
            &["--freeze-after", "fc=1"],
            &["warning: --freeze-after fc=1 changes nothing: the training ends with epoch 1"],
        ),
        (&["--lr-factors", "norm=2"], &[]),
        (
            &["--train-only", norms, "--frozen-statistics", "moving"],
            &["warning: --frozen-statistics moving changes nothing: no layer with running statistics is frozen"],
        ),
        (&["--freeze", "features", "--unfreeze", "features.12=1", "--frozen-statistics", "moving"], &[]),
    ] {
        assert_eq!(warned(rest), told, "{rest:?}");
    }
}

#[test]
fn kinds_of_parameters_have_decays_of_their_own() {
    let [norms, factors, none] = [["--no-decay", "norm"], ["--decay-factors", "norm=0"], ["--lr-factors", "fc=1"]]
        .map(|rest| trained(&[&["--epochs", "1", "--weight-decay", "0.1"][..], &rest].concat()));
    let last = |(_, run, _): &(TempDir, PathBuf, String)| tensors(run, "last.safetensors");
    assert!(last(&norms) == last(&factors));
    assert!(last(&norms)["features.1.weight"] != last(&none)["features.1.weight"]);
}

/// What stops to learn keeps its bits from then on; the steps of others go on.
#[test]
fn layers_learn_up_to_an_epoch() {
    let (_folder, run, said) = trained(&["--epochs", "3", "--freeze-after", "features.12=2,features.13=1"]);
    assert!(said.contains("learns 391") && said.contains(", from epoch 2 on ") && said.contains(", from epoch 3 on "));
    let [one, two, three] = [1, 2, 3].map(|epoch| tensors(&run, &format!("epoch-000{epoch}.safetensors")));
    let same = |name: &str| [one[name] == two[name], two[name] == three[name]];
    assert_eq!([same("features.13.bias"), same("features.12.weight")], [[true, true], [false, true]]);
    assert_eq!([same("features.9.bias"), same("fc.weight")], [[false; 2]; 2]);
    // Its statistics stand still, too.
    assert_eq!([same("features.13.running_mean"), same("features.9.running_mean")], [[true, true], [false, false]]);
}

#[test]
fn rates_are_told_however_small_they_are() {
    let (_folder, _, said) = trained(&["--epochs", "1", "--layer-decay", "1e-30"]);
    assert!(said.contains("rates are 1.00e-120 to 1.000 times that of the schedule"), "{said}");
}

#[test]
fn names_are_read_as_they_are_written() {
    for text in ["", "fc", "layer1,layer2.0.conv1"] {
        assert_eq!(text.parse::<Names>().unwrap().to_string(), text);
    }
    for text in ["", "layer4=2,layer3=5"] {
        assert_eq!(text.parse::<PerLayer<u32>>().unwrap().to_string(), text);
    }
    let rates: PerLayer<f64> = " layer1 = 0.1, layer1.0=2 ,fc=1e1".parse().unwrap();
    assert_eq!(
        [rates.of("layer1.1.conv1.weight"), rates.of("layer1.0.bn1.bias"), rates.of("fc.bias")],
        [0.1, 2.0, 10.0].map(Some)
    );
    assert_eq!(rates.of("layer10.weight"), None);
    assert!("a=1,a=2".parse::<PerLayer<u32>>().is_err() && "a,a".parse::<Names>().is_err());
    assert!("layer4=2.5".parse::<PerLayer<u32>>().is_err());
}
