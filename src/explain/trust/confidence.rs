//! Average drop and increase in confidence (Chattopadhyay et al. 2018, Grad-CAM++, section 4.1): is the class still seen in the
//! picture times its map, which keeps what is hot?
//!
//! As in pytorch-grad-cam's `CamMultImageConfidenceChange` the normalized picture is multiplied, so that what is cold becomes the
//! mean colour. Its `DropInConfidence` is the plain difference; the paper's, here, is a share of the probability before.

use super::pictures::Pictures;
use super::ranked::Ranked;
use crate::error::Result;

/// By how much the probability of the class changes for each of `maps` where its picture is multiplied by it.
///
/// # Errors
/// Those of [`Pictures::ask`].
pub fn changes(pictures: &Pictures, maps: &[Ranked]) -> Result<Vec<f64>> {
    let make = |number: usize| {
        let one = &maps[number];
        let times = |(at, value): (usize, &f32)| value * one.map[at / 3];
        (one.picture, pictures.values[one.picture].iter().enumerate().map(times).collect())
    };
    let scores = pictures.ask(maps.len(), &make)?;
    Ok(scores.iter().zip(maps).map(|(score, one)| score - pictures.probabilities[one.picture]).collect())
}

/// The average drop, a share of the probability before, 0 to 1; and the share of pictures whose probability increases. Of one map
/// or more.
pub fn drop_and_increase(pictures: &Pictures, maps: &[Ranked], changes: &[f64]) -> (f64, f64) {
    let drop = |(change, one): (&f64, &Ranked)| (-change).max(0.0) / pictures.probabilities[one.picture];
    let count = changes.len() as f64;
    let increased = changes.iter().filter(|&&change| change > 0.0).count();
    (changes.iter().zip(maps).map(drop).sum::<f64>() / count, increased as f64 / count)
}
