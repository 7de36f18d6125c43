//! Which pictures: stratified parts of a data set and the order of an epoch.
//!
//! All choices come from ChaCha8 streams keyed by seed, purpose and class (or epoch), with an index drawn from whole
//! 32-bit words. Nothing here depends on platform, thread count or the state of another stream, so a split can be
//! repeated anywhere from its seed alone.

use std::collections::{BTreeMap, HashMap};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Images, Ratios, origin::Digest};
use crate::error::{Error, Result};

/// The indices of a stratified part of `images`, in ascending order.
///
/// Of each class the nearest whole number of `fraction` times its pictures is taken, and at least one. With one seed a
/// smaller fraction is a subset of a larger one.
///
/// # Errors
/// A fraction that is not above 0 and at most 1.
pub fn fraction(images: &Images, fraction: f64, seed: u64) -> Result<Vec<u32>> {
    if !(fraction > 0.0 && fraction <= 1.0) {
        return Err(Error::usage(format!("fraction {fraction} of the data: expected above 0 and at most 1")));
    }
    let size = |count| [portion(fraction, count).max(1), 0];
    let alone: Vec<u32> = (0..images.len() as u32).collect();
    let [taken, ..] = stratify(&images.labels, &alone, Purpose::Fraction, seed, size);
    Ok(taken)
}

/// Stratified training and validation indices, each in ascending order.
///
/// Of each class the nearest whole number of `ratio` times its pictures goes to validation, but at least one goes to
/// each side where the class has two; a single picture is trained on. Ratio 0 leaves validation empty. Equal pictures count as one
/// and are on one side.
///
/// # Errors
/// A ratio that is not at least 0 and below 1.
pub fn validation(images: &Images, ratio: f64, seed: u64) -> Result<(Vec<u32>, Vec<u32>)> {
    if !(0.0..1.0).contains(&ratio) {
        return Err(Error::usage(format!("validation ratio {ratio}: expected at least 0 and below 1")));
    }
    if ratio == 0.0 {
        return Ok(((0..images.len() as u32).collect(), Vec::new()));
    }
    let size = |count: usize| [portion(ratio, count).max(1).min(count - 1), 0];
    let [chosen, _, rest] = stratify(&images.labels, &first_equals(images), Purpose::Validation, seed, size);
    Ok((rest, chosen))
}

/// Stratified training, validation and test indices, each in ascending order.
///
/// Of each class the nearest whole numbers of its shares go to validation and test, but at least one picture goes to
/// each side with a share: to training first, then to test, then to validation. With one seed a smaller test share is a
/// subset of a larger one, and the test set does not depend on the validation share unless a class is too small. Equal pictures
/// count as one and are on one side.
pub fn three(images: &Images, ratios: Ratios, seed: u64) -> [Vec<u32>; 3] {
    let (val, test) = ratios.shares();
    let size = |count: usize| {
        let tested = portion(test, count).max(1).min(count - 1);
        let wanted = if val > 0.0 { portion(val, count).max(1) } else { 0 };
        [tested, wanted.min(count - 1 - tested)]
    };
    let [test, val, train] = stratify(&images.labels, &first_equals(images), Purpose::Test, seed, size);
    [train, val, test]
}

/// The indices of at most `most` pictures of each class, and those of the rest, each in ascending order. With one seed fewer are a
/// subset of more.
pub fn limit(images: &Images, most: usize, seed: u64) -> [Vec<u32>; 2] {
    let alone: Vec<u32> = (0..images.len() as u32).collect();
    let [taken, _, rest] = stratify(&images.labels, &alone, Purpose::Limit, seed, |count| [count.min(most), 0]);
    [taken, rest]
}

/// The order of an epoch in which each class of `labels` comes up equally often, to one: as many pictures as there are, each
/// equally often within its class, to one.
pub fn balanced(labels: &[i32], seed: u64, epoch: u64) -> Vec<u32> {
    let mut rng = stream(seed, Purpose::Balance, epoch);
    let mut classes = BTreeMap::<i32, Vec<u32>>::new();
    (0..).zip(labels).for_each(|(index, &label)| classes.entry(label).or_default().push(index));
    let mut classes: Vec<Vec<u32>> = classes.into_values().collect();
    // The classes that get one more are others in every epoch.
    permute(&mut classes, &mut rng);
    let (mut order, count) = (Vec::with_capacity(labels.len()), classes.len());
    for (number, members) in classes.iter_mut().enumerate() {
        let mut wanted = labels.len() / count + usize::from(number < labels.len() % count);
        while wanted > 0 {
            permute(members, &mut rng);
            let taken = wanted.min(members.len());
            order.extend_from_slice(&members[..taken]);
            wanted -= taken;
        }
    }
    permute(&mut order, &mut rng);
    order
}

/// The order of `n` pictures in one epoch: a permutation of `0..n`.
pub fn shuffle(n: usize, seed: u64, epoch: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n as u32).collect();
    permute(&mut order, &mut stream(seed, Purpose::Shuffle, epoch));
    order
}

/// What a stream is for; part of its key, so that the same seed serves all of them.
#[derive(Clone, Copy)]
enum Purpose {
    Fraction = 1,
    Validation = 2,
    Shuffle = 3,
    Test = 4,
    Limit = 5,
    Balance = 6,
}

/// The nearest whole number to `share * count`.
fn portion(share: f64, count: usize) -> usize {
    (share * count as f64).round() as usize
}

/// For each picture the first one that it equals: mostly itself. Pictures without origins count as different.
fn first_equals(images: &Images) -> Vec<u32> {
    let mut first = HashMap::<Digest, u32>::new();
    let known = (0..).zip(&images.origins).map(|(index, origin)| *first.entry(origin.digest).or_insert(index));
    let known: Vec<u32> = known.collect();
    let unknown = known.len() as u32..images.len() as u32;
    known.into_iter().chain(unknown).collect()
}

/// From each class that is present, two lots of the sizes that `sizes` makes of its count; and the rest. A picture goes where
/// its `first` goes, and is not counted if that is another one.
fn stratify(
    labels: &[i32],
    first: &[u32],
    purpose: Purpose,
    seed: u64,
    sizes: impl Fn(usize) -> [usize; 2],
) -> [Vec<u32>; 3] {
    let mut classes = BTreeMap::<i32, Vec<u32>>::new();
    for (index, &label) in labels.iter().enumerate().filter(|(index, _)| first[*index] == *index as u32) {
        classes.entry(label).or_default().push(index as u32);
    }
    let mut part = vec![2; labels.len()];
    for (label, mut members) in classes {
        // The whole class is shuffled, whatever is taken of it: that is what nests a small part in a larger one.
        permute(&mut members, &mut stream(seed, purpose, u64::from(label as u32)));
        let [one, other] = sizes(members.len());
        members[..one].iter().for_each(|&index| part[index as usize] = 0);
        members[one..one + other].iter().for_each(|&index| part[index as usize] = 1);
    }
    let of = |index: u32| part[first[index as usize] as usize];
    [0, 1, 2].map(|wanted| (0..labels.len() as u32).filter(|&index| of(index) == wanted).collect())
}

/// The random stream of one purpose and one class or epoch. The key is laid out here rather than by `seed_from_u64`,
/// whose expansion is the library's to change.
fn stream(seed: u64, purpose: Purpose, number: u64) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&number.to_le_bytes());
    key[16] = purpose as u8;
    ChaCha8Rng::from_seed(key)
}

/// Fisher–Yates: every order equally likely.
fn permute<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        let other = below(last as u32 + 1, rng);
        items.swap(last, other as usize);
    }
}

/// A number below `bound`, without bias: the high half of word × bound, words from the uneven end drawn again.
fn below(bound: u32, rng: &mut ChaCha8Rng) -> u32 {
    loop {
        let product = u64::from(rng.next_u32()) * u64::from(bound);
        if product as u32 >= bound.wrapping_neg() % bound {
            return (product >> 32) as u32;
        }
    }
}
