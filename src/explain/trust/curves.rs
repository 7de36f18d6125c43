//! Insertion and deletion: how fast the probability of the class rises as the pixels that a map puts first are shown, and falls
//! as they are taken away (Petsiuk, Das and Saenko 2018, RISE, section 4.2).
//!
//! Their script changes as many pixels in each step as a row has; here `steps` steps are as equal as whole pixels can be. What
//! hides a picture before insertion is its blur, what deletion leaves is the mean colour, as there. Quantus' `PixelFlipping` is
//! deletion with another baseline (black) that counts channels, not pixels; its curve begins behind the first step, and its area
//! is not divided by the number of steps.

use serde::{Deserialize, Serialize};

use super::pictures::Pictures;
use super::ranked::Ranked;
use crate::error::Result;

/// The side of the blur's kernel in pixels, and the Gaussian's deviation: RISE's.
const BLUR: (usize, f64) = (11, 5.0);

/// The probability of the class, step by step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The area below it by the trapezoidal rule, where all steps together are 1 wide.
    pub auc: f64,
    /// From no pixel changed to all, one more than there are steps.
    pub scores: Vec<f64>,
}

impl Curve {
    fn new(scores: Vec<f64>) -> Self {
        let ends = (scores[0] + scores[scores.len() - 1]) / 2.0;
        Self { auc: (scores.iter().sum::<f64>() - ends) / (scores.len() - 1) as f64, scores }
    }

    /// The mean of several, which are of equal length; none of none.
    pub fn mean(curves: &[Curve]) -> Option<Self> {
        let first = curves.first()?;
        let at = |step: usize| curves.iter().map(|curve| curve.scores[step]).sum::<f64>() / curves.len() as f64;
        Some(Self::new((0..first.scores.len()).map(at).collect()))
    }
}

/// What is done to a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Game {
    /// Its pixels come out of its blur.
    Insertion,
    /// They become the mean colour.
    Deletion,
}

/// The curve of each of `maps` in `steps` (1 or more).
///
/// # Errors
/// Those of [`Pictures::ask`].
pub fn curves(pictures: &Pictures, maps: &[Ranked], game: Game, steps: usize) -> Result<Vec<Curve>> {
    let hidden: Vec<Vec<f32>> = match game {
        Game::Insertion => pictures.values.iter().map(|values| blurred(values, pictures.size)).collect(),
        Game::Deletion => Vec::new(),
    };
    let zero = vec![0.0; 3 * pictures.pixels()];
    let make = |number: usize| {
        let (one, step) = (&maps[number / (steps + 1)], number % (steps + 1));
        let own = &pictures.values[one.picture];
        let (from, to) = match game {
            Game::Insertion => (&hidden[one.picture], own),
            Game::Deletion => (own, &zero),
        };
        let mut changed = from.clone();
        for &pixel in &one.order[..(step * pictures.pixels()).div_ceil(steps)] {
            changed[3 * pixel..][..3].copy_from_slice(&to[3 * pixel..][..3]);
        }
        (one.picture, changed)
    };
    let scores = pictures.ask(maps.len() * (steps + 1), &make)?;
    Ok(scores.chunks(steps + 1).map(|scores| Curve::new(scores.to_vec())).collect())
}

/// `values [H, W, 3]` under the blur of RISE's scripts; beyond the border is the mean colour.
pub fn blurred(values: &[f32], [height, width]: [usize; 2]) -> Vec<f32> {
    let kernel = kernel();
    let half = kernel.len() / 2;
    // One axis after the other: the kernel is a product.
    let along = |from: &[f64], stride: usize, length: usize| -> Vec<f64> {
        let sum = |at: usize| {
            let own = at / stride % length;
            let reach = own.saturating_sub(half)..(own + half + 1).min(length);
            reach.map(|other| kernel[half + other - own] * from[at + other * stride - own * stride]).sum()
        };
        (0..from.len()).map(sum).collect()
    };
    let values: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
    let across = along(&values, 3, width);
    along(&across, 3 * width, height).into_iter().map(|value| value as f32).collect()
}

/// A Gaussian that is folded back at the kernel's ends, as `scipy.ndimage.gaussian_filter` makes it of a single one.
fn kernel() -> Vec<f64> {
    let (side, deviation) = BLUR;
    let reach = (4.0 * deviation + 0.5) as i64;
    let weight = |x: i64| libm::exp(-0.5 * (x as f64 / deviation).powi(2));
    let all: f64 = (-reach..=reach).map(weight).sum();
    let side_i = side as i64;
    let folded = |at: i64| {
        let at = at.rem_euclid(2 * side_i);
        if at < side_i { at } else { 2 * side_i - 1 - at }
    };
    let of = |at: i64| (-reach..=reach).filter(|&x| folded(at + x) == side_i / 2).map(weight).sum::<f64>() / all;
    (0..side_i).map(of).collect()
}
