//! Event files: byte for byte what TensorBoard's own writer makes, and of real runs whole, checked and resumable.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use warptape::Device;
use warptape::data::{Dataset, Loading};
use warptape::train::checkpoint::Checkpoint;
use warptape::train::logs::metrics::{Split, read};
use warptape::train::logs::tensorboard::{Events, What, record};
use warptape::train::logs::{steps, table};

use super::event_files::{crc, files, records, told};
use super::resume::in_parts;
use crate::command::{EPOCHS, copy_of_run, device, on_host, shared, succeeds};

const GOLDEN: &[u8] = include_bytes!("../../golden/events.tfevents");

fn tagged(values: &[(&str, f32)]) -> What {
    What::Scalars(values.iter().map(|&(tag, value)| (tag.to_owned(), value)).collect())
}

#[test]
fn records_are_byte_for_byte_tensorboards() {
    let bytes: Vec<u8> = (0..2).flat_map(|_| 0..=255u8).collect();
    // A list becomes a text, and what is not set is not said.
    let settings = json!({
        "optim": "adam", "lr": 3e-3, "nesterov": false, "seed": 0, "größe": "", "epochs": 15, "betas": [0.9, 0.999], "ema": null,
    });
    let events = [
        (0.25, 0, What::Version),
        (0.25, 1, What::Start),
        (1.5, 1, tagged(&[("loss/train", 2.25), ("top1/train", 0.0), ("lr", 3e-4)])),
        (2.5, 300, tagged(&[("größe", -1.5), ("memory/peak_bytes", 1e11)])),
        (3.5, 300, tagged(&[("nan", f32::NAN), ("inf", f32::INFINITY)])),
        (4.5, 300, What::Image("confusion".into(), [1378, 70000], bytes)),
        (5.5, 0, What::Settings(settings.as_object().unwrap().clone())),
        (6.5, 5_000_000_000, What::Done),
    ];
    let mut rest = GOLDEN;
    for (seconds, step, what) in events {
        let record = record(1_700_000_000.0 + seconds, step, &what);
        assert!(rest.starts_with(&record), "{what:?}: {record:?}\n{:?}", &rest[..record.len().min(rest.len())]);
        rest = &rest[record.len()..];
    }
    assert!(rest.is_empty());
}

/// What TensorBoard has of the files in `folder`: a start voids what was said of its step and later ones.
fn shown(folder: &Path) -> Vec<(u64, String)> {
    let mut lines: Vec<(u64, String)> = Vec::new();
    for (step, line) in files(folder).iter().flat_map(|path| told(path)) {
        match line.as_str() {
            "start" => lines.retain(|line| line.0 < step),
            _ => lines.push((step, line)),
        }
    }
    lines
}

/// The values of `tag` in `lines` by their steps, of which each may stand there once.
fn values(lines: &[(u64, String)], tag: &str) -> BTreeMap<u64, f32> {
    let mut found = BTreeMap::new();
    for (step, line) in lines {
        if let Some(value) = line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
            assert_eq!(found.insert(*step, value.parse().unwrap()), None, "{tag} of step {step} is said twice");
        }
    }
    found
}

/// Steps of an epoch of the shared run.
const STEPS: u64 = 5;

#[test]
fn a_run_tells_tensorboard_its_metrics_and_confusion() {
    assert_eq!(crc(b"123456789"), 0xe306_9283);
    let run = &shared().run;
    let rows = read(&run.join("metrics.csv")).unwrap();
    for split in [Split::Train, Split::Val, Split::Test] {
        let folder = run.join(split.name());
        let [file] = &files(&folder)[..] else { panic!("one file expected in {}", folder.display()) };
        let mut lines = told(file);
        assert_eq!(lines.remove(0), (1, "start".into()));
        let mut expected = Vec::new();
        for row in rows.iter().filter(|row| row.split == split) {
            let mut add = |tag: &str, value: f64| {
                expected.push((STEPS * u64::from(row.epoch), format!("{tag} {}", value as f32)));
            };
            add("loss", row.loss);
            add("top1", row.top1);
            add("top5", row.top5);
            if split == Split::Train {
                add("lr", row.lr);
                add("images_per_second", row.images_per_second);
                add("memory/peak_bytes", row.peak_bytes as f64);
            }
        }
        if split == Split::Test {
            expected.push((STEPS * u64::from(EPOCHS), "confusion picture".into()));
        }
        lines.retain(|line| !line.1.starts_with("step/"));
        assert_eq!(lines, expected);
    }
    // Settings first, in the run's own folder, and at the end what its report says.
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(run.join("report.json")).unwrap()).unwrap();
    let lines = told(&files(run)[0]);
    let end = STEPS * u64::from(EPOCHS);
    let of_report = ["loss", "top1", "top5"].map(|key| {
        let value = report[key].as_f64().unwrap() as f32;
        (end, format!("report/{key} {value}"))
    });
    let settings = Checkpoint::load(&run.join("checkpoints/last.safetensors")).unwrap().meta.config;
    let settings = serde_json::to_value(settings).unwrap().as_object().unwrap().len();
    let session = |step: u64, tag: &str, field: u64, settings: usize| {
        (step, format!("_hparams_/session_{tag}_info of session, field {field}, {settings} of field 1"))
    };
    let expected = [vec![(1, "start".into()), session(0, "start", 3, settings)], of_report.to_vec()].concat();
    assert_eq!(lines, [expected, vec![session(end, "end", 4, 1)]].concat());
}

#[test]
fn every_step_is_told_once_also_where_training_was_stopped_in_an_epoch() {
    let run = &shared().run;
    let lines = shown(&run.join("train"));
    let [losses, rates] = ["step/loss", "step/lr"].map(|tag| values(&lines, tag));
    let all: Vec<u64> = (1..=STEPS * u64::from(EPOCHS)).collect();
    for found in [&losses, &rates] {
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), all);
    }
    assert!(rates.values().all(|&rate| rate == 0.002));
    // The running means in steps.csv are of these.
    for row in table::read::<steps::Step>(&run.join("steps.csv")).unwrap() {
        let first = row.step - row.step_in_epoch as u64 + 1;
        let mean =
            losses.range(first..=row.step).map(|loss| f64::from(*loss.1)).sum::<f64>() / row.step_in_epoch as f64;
        assert!((mean / row.loss - 1.0).abs() < 1e-6, "step {}: {mean} and {}", row.step, row.loss);
    }
    if !on_host() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let stopped = folder.path().join("run");
    let (device, data) =
        (Device::open(&device()).unwrap(), Dataset::open(&shared().data, &Loading::default()).unwrap());
    let config = Checkpoint::load(&run.join("checkpoints/last.safetensors")).unwrap().meta.config;
    in_parts(&config, &data, &device, &stopped, &[(1, 1), (2, 2), (3, 5), (9, 0)]);
    let train = stopped.join("train");
    assert_eq!((files(&train).len(), values(&shown(&train), "step/loss")), (4, losses));
    // A process that was killed has told of steps that are done again.
    for (start, steps) in [(21, 21..24), (22, 22..23)] {
        let mut events = Events::new(&train, start);
        steps.for_each(|step| events.scalars(step, vec![("step/loss".into(), 1.0)]).unwrap());
    }
    assert_eq!(values(&shown(&train), "step/loss").into_keys().collect::<Vec<_>>(), (1..23).collect::<Vec<_>>());
}

#[test]
fn a_resumed_run_begins_a_new_file_that_sorts_behind() {
    let (_folder, run) = copy_of_run();
    let folder = run.join("train");
    let before = files(&folder);
    let whole = shown(&folder);
    succeeds(&["train", "--resume", run.to_str().unwrap(), "--epochs", &(EPOCHS + 1).to_string()]);
    let after = files(&folder);
    assert_eq!((after.len(), &after[..1]), (2, &before[..]));
    let (lines, next) = (told(&after[1]), STEPS * u64::from(EPOCHS) + 1);
    assert_eq!(lines[0], (next, "start".into()));
    assert!(lines.len() > 10 && lines.iter().all(|line| line.0 >= next), "{lines:?}");
    assert_eq!(shown(&folder)[..whole.len()], whole);
    assert_eq!(values(&shown(&folder), "step/loss").len() as u64, STEPS * u64::from(EPOCHS + 1));
}

#[test]
fn damage_does_not_pass_the_checksums_and_a_cut_leaves_whole_records() {
    let (all, end) = records(GOLDEN);
    assert_eq!((all.len(), end), (8, Ok(())));
    for at in 0..GOLDEN.len() {
        let mut damaged = GOLDEN.to_vec();
        damaged[at] ^= 0x10;
        assert!(records(&damaged).1.is_err(), "a flipped bit at {at}");
        if at > 0 {
            let (whole, _) = records(&GOLDEN[..at]);
            assert_eq!(whole, all[..whole.len()], "cut at {at}");
        }
    }
}

#[test]
fn sessions_of_one_second_have_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    for step in 1..4 {
        let mut events = Events::new(folder.path(), step);
        assert_eq!(files(folder.path()).len(), step as usize - 1, "made when there is something to say");
        events.scalars(step, vec![("lr".into(), step as f32)]).unwrap();
    }
    let told: Vec<_> = files(folder.path()).iter().flat_map(|path| told(path)).collect();
    let expected = [1, 2, 3].map(|step| [(step, "start".to_owned()), (step, format!("lr {step}"))]).concat();
    assert_eq!(told, expected);
    // A file stands where the folder should.
    let mut nowhere = Events::new(&files(folder.path())[0], 1);
    crate::data::files::says(nowhere.scalars(1, vec![]), &["tfevents", "cannot be written"]);
}
