//! Which pictures: stratified parts of a data set and the order of an epoch.
//!
//! All choices come from ChaCha8 streams keyed by seed, purpose and class (or epoch), with an index drawn from whole
//! 32-bit words. Nothing here depends on platform, thread count or the state of another stream, so a split can be
//! repeated anywhere from its seed alone.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Images, Ratios};
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
    let [taken, ..] = stratify(&images.labels, Purpose::Fraction, seed, size);
    Ok(taken)
}

/// Stratified training and validation indices, each in ascending order.
///
/// Of each class the nearest whole number of `ratio` times its pictures goes to validation, but at least one goes to
/// each side where the class has two; a single picture is trained on. Ratio 0 leaves validation empty.
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
    let [chosen, _, rest] = stratify(&images.labels, Purpose::Validation, seed, size);
    Ok((rest, chosen))
}

/// Stratified training, validation and test indices, each in ascending order, of pictures with these `labels`.
///
/// Of each class the nearest whole numbers of its shares go to validation and test, but at least one picture goes to
/// each side with a share: to training first, then to test, then to validation. With one seed a smaller test share is a
/// subset of a larger one, and the test set does not depend on the validation share unless a class is too small.
pub fn three(labels: &[i32], ratios: Ratios, seed: u64) -> [Vec<u32>; 3] {
    let (val, test) = ratios.shares();
    let size = |count: usize| {
        let tested = portion(test, count).max(1).min(count - 1);
        let wanted = if val > 0.0 { portion(val, count).max(1) } else { 0 };
        [tested, wanted.min(count - 1 - tested)]
    };
    let [test, val, train] = stratify(labels, Purpose::Test, seed, size);
    [train, val, test]
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
}

/// The nearest whole number to `share * count`.
fn portion(share: f64, count: usize) -> usize {
    (share * count as f64).round() as usize
}

/// From each class that is present, two lots of the sizes that `sizes` makes of its count; and the rest.
fn stratify(labels: &[i32], purpose: Purpose, seed: u64, sizes: impl Fn(usize) -> [usize; 2]) -> [Vec<u32>; 3] {
    let mut classes = std::collections::BTreeMap::<i32, Vec<u32>>::new();
    for (index, &label) in labels.iter().enumerate() {
        classes.entry(label).or_default().push(index as u32);
    }
    let mut parts = [const { Vec::new() }; 3];
    for (label, mut members) in classes {
        // The whole class is shuffled, whatever is taken of it: that is what nests a small part in a larger one.
        permute(&mut members, &mut stream(seed, purpose, u64::from(label as u32)));
        let [first, second] = sizes(members.len());
        let (first, rest) = members.split_at(first);
        let (second, rest) = rest.split_at(second);
        parts.iter_mut().zip([first, second, rest]).for_each(|(part, members)| part.extend_from_slice(members));
    }
    parts.iter_mut().for_each(|part| part.sort_unstable());
    parts
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
fn permute(items: &mut [u32], rng: &mut ChaCha8Rng) {
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
