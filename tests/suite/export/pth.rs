//! PyTorch's own files: ours beside what torch.save made of the same tensors (tests/golden/pth.py), and the archive by a reader of the
//! test's own.

use std::io::{Cursor, Read};

use flate2::read::GzDecoder;
use safetensors::Dtype;
use warptape::export::pth;
use warptape::nn::{Layer, models};
use warptape::train::state_dict::{Entry, entries};

use crate::op::generated::{self, Seeds};
use crate::support::{device, skips_networks};

/// A file of an archive: name, where its bytes begin, and they.
struct Stored {
    name: String,
    start: usize,
    bytes: Vec<u8>,
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> usize {
    bytes[at..at + N].iter().rev().fold(0, |value, &byte| value << 8 | usize::from(byte))
}

/// The files of a zip archive, by its directory; each must be stored, with the sizes in front of it and the checksum that are right.
fn unzip(archive: &[u8]) -> Vec<Stored> {
    let end = archive.windows(4).rposition(|window| window == b"PK\x05\x06").expect("an end of the directory");
    let (count, mut at) = (number::<2>(archive, end + 10), number::<4>(archive, end + 16));
    let mut files = Vec::new();
    for _ in 0..count {
        assert_eq!(&archive[at..at + 4], b"PK\x01\x02");
        let name = number::<2>(archive, at + 28);
        let next = at + 46 + name + number::<2>(archive, at + 30) + number::<2>(archive, at + 32);
        let local = number::<4>(archive, at + 42);
        assert_eq!(&archive[local..local + 4], b"PK\x03\x04");
        let start = local + 30 + number::<2>(archive, local + 26) + number::<2>(archive, local + 28);
        let size = number::<4>(archive, at + 24);
        assert_eq!((number::<2>(archive, at + 10), number::<4>(archive, at + 20)), (0, size), "stored");
        let bytes = archive[start..start + size].to_vec();
        let sum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes);
        assert_eq!(number::<4>(archive, at + 16), sum as usize);
        files.push(Stored {
            name: String::from_utf8(archive[at + 46..at + 46 + name].to_vec()).unwrap(),
            start,
            bytes,
        });
        at = next;
    }
    files
}

fn written(entries: &[Entry]) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    pth::write(entries, &mut file).unwrap();
    file.into_inner()
}

/// What the golden's script fills tensors with.
fn filled(number: usize, name: &str, shape: &[usize]) -> Entry {
    let values = (0..shape.iter().product()).map(|i: usize| (number + i % 1000) as f32 / 8.0);
    (name.into(), Dtype::F32, shape.to_vec(), values.flat_map(f32::to_le_bytes).collect())
}

#[test]
fn files_are_those_of_torch_save() {
    let mut theirs = Vec::new();
    let golden = std::fs::read("tests/golden/state_dict.pth.gz").expect("run the suite from the root of the checkout");
    GzDecoder::new(golden.as_slice()).read_to_end(&mut theirs).unwrap();

    let single: [(&str, &[usize]); 6] = [
        ("conv.weight", &[3, 2, 5, 5]),
        ("conv.bias", &[3]),
        ("wide", &[70000]),
        ("cube", &[2, 300, 1]),
        ("one", &[1, 1]),
        ("none", &[0, 4]),
    ];
    let mut shapes: Vec<(String, &[usize])> = single.map(|(name, shape)| (name.to_owned(), shape)).into();
    for layer in 0..14 {
        shapes.push((format!("layers.{layer}.weight"), &[2, 3]));
        shapes.push((format!("layers.{layer}.running_mean"), &[2]));
    }
    let mut entries: Vec<Entry> =
        shapes.iter().enumerate().map(|(number, (name, shape))| filled(number, name, shape)).collect();
    let counter = (1000 * entries.len() as i64).to_le_bytes().to_vec();
    entries.push(("bn.num_batches_tracked".into(), Dtype::I64, vec![], counter));

    // PyTorch also notes its own version of the alignment, and numbers its files.
    let notes = ["archive/.format_version", "archive/.storage_alignment", "archive/.data/serialization_id"];
    let mut theirs = unzip(&theirs);
    theirs.retain(|file| !notes.contains(&file.name.as_str()));
    let ours = unzip(&written(&entries));
    let names = |files: &[Stored]| files.iter().map(|file| file.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let apart = ours.bytes.iter().zip(&theirs.bytes).position(|(a, b)| a != b);
        assert!(ours.bytes == theirs.bytes, "{} differs at {apart:?}", ours.name);
        assert_eq!(ours.start % 64, 0, "{}", ours.name);
    }
}

#[test]
fn networks_are_written_in_pytorchs_order() {
    if skips_networks() {
        return;
    }
    let device = device();
    let network = models::build("little-conv", 3, [16, 16], &device, 0).unwrap();
    generated::fill(&network, &Seeds::new());
    let entries = entries(&network, "").unwrap();
    let files = unzip(&written(&entries));
    // The pickle, the byte order, a file a tensor, the version.
    assert_eq!(files.len(), entries.len() + 3);
    let mut number = 0;
    network.visit("", &mut |name, _| {
        let found = files.iter().find(|file| file.name == format!("archive/data/{number}")).unwrap();
        assert_eq!((&entries[number].0, &entries[number].3), (&name, &found.bytes));
        number += 1;
    });
    assert_eq!(number, entries.len());
    // The same network, the same file.
    assert!(written(&entries) == written(&entries));
}

#[test]
fn few_tensors_and_odd_ones() {
    let pickle = |entries: &[Entry]| unzip(&written(entries)).swap_remove(0).bytes;
    assert_eq!(pickle(&[]), b"\x80\x02ccollections\nOrderedDict\nq\0)Rq\x01.");
    let one = pickle(&[filled(0, "a", &[2])]);
    assert!(one.ends_with(b"Rq\x0ds.") && one[29..].starts_with(b")Rq\x01X\x01\0\0\0aq\x02"), "{one:?}");
    let half = [("a".to_owned(), Dtype::F16, vec![1], vec![0; 2])];
    let error = pth::write(&half, &mut Cursor::new(Vec::new())).unwrap_err();
    assert_eq!(error.to_string(), "elements of type F16");
}
