//! Event files: byte for byte what TensorBoard's own writer makes, and of real runs whole, checked and resumable.

use std::path::Path;

use warptape::train::logs::metrics::read;
use warptape::train::logs::tensorboard::{Events, What, record};

use crate::command::{EPOCHS, copy_of_run, shared, succeeds};

const GOLDEN: &[u8] = include_bytes!("../../golden/events.tfevents");

fn tagged(values: &[(&str, f32)]) -> What {
    What::Scalars(values.iter().map(|&(tag, value)| (tag.to_owned(), value)).collect())
}

#[test]
fn records_are_byte_for_byte_tensorboards() {
    let bytes: Vec<u8> = (0..2).flat_map(|_| 0..=255u8).collect();
    let events = [
        (0.25, 0, What::Version),
        (0.25, 1, What::Start),
        (1.5, 1, tagged(&[("loss/train", 2.25), ("top1/train", 0.0), ("lr", 3e-4)])),
        (2.5, 300, tagged(&[("größe", -1.5), ("memory/peak_bytes", 1e11)])),
        (3.5, 300, tagged(&[("nan", f32::NAN), ("inf", f32::INFINITY)])),
        (4.5, 300, What::Image("confusion".into(), [1378, 70000], bytes)),
    ];
    let mut rest = GOLDEN;
    for (seconds, step, what) in events {
        let record = record(1_700_000_000.0 + seconds, step, &what);
        assert!(rest.starts_with(&record), "{what:?}: {record:?}\n{:?}", &rest[..record.len().min(rest.len())]);
        rest = &rest[record.len()..];
    }
    assert!(rest.is_empty());
}

/// CRC-32C bit by bit, masked as TFRecord does.
fn masked(bytes: &[u8]) -> u32 {
    crc(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 })
    })
}

/// The payloads of a file's records; where a checksum is wrong or a record cut off, what is before and an error.
fn records(mut bytes: &[u8]) -> (Vec<Vec<u8>>, Result<(), String>) {
    let mut payloads = Vec::new();
    while !bytes.is_empty() {
        let word = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes(b.try_into().unwrap()));
        let (Some(length), Some(check)) = (word(0), word(8)) else { return (payloads, Err("cut off".into())) };
        if check != masked(&bytes[..8]) {
            return (payloads, Err("the length's checksum is wrong".into()));
        }
        let end = 12 + length as usize;
        let Some(check) = word(end) else { return (payloads, Err("cut off".into())) };
        if check != masked(&bytes[12..end]) {
            return (payloads, Err("the data's checksum is wrong".into()));
        }
        payloads.push(bytes[12..end].to_vec());
        bytes = &bytes[end + 4..];
    }
    (payloads, Ok(()))
}

/// The fields of a protobuf message: number and bytes (of a varint its value's).
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
        let value = bytes[..=end].iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f));
        *bytes = &bytes[end + 1..];
        value
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                fields.push((key >> 3, varint(&mut bytes).to_le_bytes().to_vec()));
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            5 => 4,
            kind => panic!("wire type {kind}"),
        };
        fields.push((key >> 3, bytes[..length].to_vec()));
        bytes = &bytes[length..];
    }
    fields
}

fn only(fields: &[(u64, Vec<u8>)], number: u64) -> Option<&[u8]> {
    fields.iter().find(|field| field.0 == number).map(|field| &field.1[..])
}

/// What a file says, a line each: step, then `start`, or tag and value (of an image its size).
fn told(path: &Path) -> Vec<(u64, String)> {
    let (payloads, end) = records(&std::fs::read(path).unwrap());
    end.unwrap();
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).unwrap();
    let mut lines = Vec::new();
    for payload in &payloads {
        let event = fields(payload);
        let seconds = f64::from_le_bytes(only(&event, 1).unwrap().try_into().unwrap());
        assert!(seconds > 1.7e9, "{seconds}");
        let step = only(&event, 2).map_or(0, number);
        if let Some(version) = only(&event, 3) {
            assert_eq!((version, lines.len()), (&b"brain.Event:2"[..], 0));
        }
        if let Some(session) = only(&event, 7) {
            assert_eq!(only(&fields(session), 1).map(number), Some(1));
            lines.push((step, "start".into()));
        }
        for (_, value) in only(&event, 5).map(fields).unwrap_or_default() {
            let value = fields(&value);
            let tag = String::from_utf8(only(&value, 1).unwrap().to_vec()).unwrap();
            let shown = match (only(&value, 2), only(&value, 4)) {
                (Some(float), None) => f32::from_le_bytes(float.try_into().unwrap()).to_string(),
                (None, Some(image)) => {
                    let image = fields(image);
                    let picture = image::load_from_memory(only(&image, 4).unwrap()).unwrap();
                    let size = [2, 1].map(|field| number(only(&image, field).unwrap()) as u32);
                    assert_eq!(size, [picture.width(), picture.height()]);
                    "picture".into()
                }
                other => panic!("{other:?}"),
            };
            lines.push((step, format!("{tag} {shown}")));
        }
    }
    lines
}

fn files(run: &Path) -> Vec<std::path::PathBuf> {
    let all = std::fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = all.filter(|path| path.to_string_lossy().contains("tfevents")).collect();
    files.sort();
    files
}

#[test]
fn a_run_tells_tensorboard_its_metrics_and_confusion() {
    assert_eq!(crc(b"123456789"), 0xe306_9283);
    let run = &shared().run;
    let [file] = &files(run)[..] else { panic!("one file expected in {}", run.display()) };
    let mut lines = told(file);
    assert_eq!(lines.remove(0), (1, "start".into()));
    assert_eq!(lines.pop(), Some((EPOCHS.into(), "confusion picture".into())));
    let rows = read(&run.join("metrics.csv")).unwrap();
    let mut expected = Vec::new();
    for epoch in rows.chunk_by(|a, b| a.epoch == b.epoch) {
        let mut add = |tag: &str, value: f64| expected.push((epoch[0].epoch.into(), format!("{tag} {}", value as f32)));
        for row in epoch {
            let name = row.split.name();
            add(&format!("loss/{name}"), row.loss);
            add(&format!("top1/{name}"), row.top1);
            add(&format!("top5/{name}"), row.top5);
        }
        add("lr", epoch[0].lr);
        add("images_per_second", epoch[0].images_per_second);
        add("memory/peak_bytes", epoch.iter().map(|row| row.peak_bytes).max().unwrap() as f64);
    }
    assert_eq!(lines, expected);
}

#[test]
fn a_resumed_run_begins_a_new_file_that_sorts_behind() {
    let (_folder, run) = copy_of_run();
    let before = files(&run);
    succeeds(&["train", "--resume", run.to_str().unwrap(), "--epochs", &(EPOCHS + 1).to_string()]);
    let after = files(&run);
    assert_eq!((after.len(), &after[..1]), (2, &before[..]));
    let (lines, next) = (told(&after[1]), u64::from(EPOCHS) + 1);
    assert_eq!(lines[0], (next, "start".into()));
    assert!(lines.len() > 10 && lines.iter().all(|line| line.0 == next), "{lines:?}");
}

#[test]
fn damage_does_not_pass_the_checksums_and_a_cut_leaves_whole_records() {
    let (all, end) = records(GOLDEN);
    assert_eq!((all.len(), end), (6, Ok(())));
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
    for epoch in 1..4 {
        let mut events = Events::new(folder.path(), epoch);
        assert_eq!(files(folder.path()).len(), epoch as usize - 1, "made when there is something to say");
        events.scalars(epoch, vec![("lr".into(), epoch as f32)]).unwrap();
    }
    let told: Vec<_> = files(folder.path()).iter().flat_map(|path| told(path)).collect();
    let expected = [1, 2, 3].map(|epoch| [(epoch, "start".to_owned()), (epoch, format!("lr {epoch}"))]).concat();
    assert_eq!(told, expected);
    let mut nowhere = Events::new(&folder.path().join("absent"), 1);
    crate::data::files::says(nowhere.scalars(1, vec![]), &["tfevents", "cannot be written"]);
}
