//! Mutated files of each format: an error or tensors, never a panic, never long. A few thousand in the usual run; with
//! `WARPTAPE_FUZZ_SECONDS` each reader gets so many seconds.

use std::fs;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use warptape::weights::{Weights, fitting};

use super::{bytes, golden};

/// Mutants of the usual run.
const FEW: usize = 1500;

/// Some bytes of `whole` changed, dropped, repeated, or taken from elsewhere; numbers are often at their limits.
fn mutant(whole: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..random.random_range(1..6) {
        if bytes.is_empty() {
            break;
        }
        // Structure stands at the ends and around the middle; elements are the rest.
        let place = random.random_range(0..bytes.len());
        let at = match random.random_range(0..3) {
            0 => place % bytes.len().min(600),
            1 => bytes.len() - 1 - place % bytes.len().min(600),
            _ => place,
        };
        let length = random.random_range(1..9).min(bytes.len() - at);
        match random.random_range(0..7) {
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes[at..at + length].fill([0, 0x7f, 0x80, 0xff][random.random_range(0..4)]),
            2 => drop(bytes.drain(at..at + length)),
            3 => bytes.truncate(at),
            4 => bytes.splice(at..at, whole[at.min(whole.len() - 1)..].iter().copied().take(length)).for_each(drop),
            5 => {
                let from = random.random_range(0..bytes.len() - length + 1);
                bytes.copy_within(from..from + length, at);
            }
            _ => bytes[at] = random.random(),
        }
    }
    bytes
}

/// Opens mutants of the golden files `names` and reads what is in them.
fn fuzz(names: &[&str]) {
    let seconds = std::env::var("WARPTAPE_FUZZ_SECONDS").ok().map(|text| text.parse().expect("a number of seconds"));
    let (folder, work) = (golden(), TempDir::new().unwrap());
    let wholes: Vec<Vec<u8>> = names.iter().map(|name| bytes(folder.path(), name)).collect();
    let path = work.path().join("mutant");
    let (began, mut random) = (Instant::now(), ChaCha8Rng::seed_from_u64(seconds.unwrap_or(0)));
    let (mut count, mut read, mut slowest) = (0, 0, Duration::ZERO);
    while seconds.map_or(count < FEW, |seconds: u64| began.elapsed() < Duration::from_secs(seconds)) {
        let mutant = mutant(&wholes[count % wholes.len()], &mut random);
        // Where it stays if the reader does not come back.
        fs::write(&path, &mutant).unwrap();
        let began = Instant::now();
        match Weights::open(&path) {
            Ok(weights) => {
                read += 1;
                weights.tensors().iter().for_each(|tensor| drop(weights.floats(tensor)));
                // Networks are built for this, which takes longer than all else.
                if read % 50 == 0 {
                    drop(fitting(&weights));
                }
            }
            Err(error) => {
                let text = error.to_string();
                assert!(!text.contains(char::is_control) && text.len() < 3000, "{text:?}");
            }
        }
        slowest = slowest.max(began.elapsed());
        count += 1;
    }
    println!("{names:?}: {count} mutants, {read} read, the slowest in {slowest:?}");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    assert!(read > 0 && read < count, "{read} of {count}: mutants are too mild or too wild");
}

#[test]
fn safetensors() {
    fuzz(&["tensors.safetensors", "net.safetensors"]);
}

#[test]
fn zip() {
    fuzz(&["tensors.pth", "net.pth", "tensors.big.pth", "training.pth", "protocol4.pth"]);
}

#[test]
fn legacy() {
    fuzz(&["tensors.legacy.pth", "net.legacy.pth", "training.legacy.pth", "protocol5.legacy.pth"]);
}
