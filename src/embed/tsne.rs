//! t-SNE (van der Maaten 2014): places on a plane whose nearness is as likely as that of the points.
//!
//! Steps, defaults and constants are those of scikit-learn's `TSNE`: exact neighbors, start along the principal components, early
//! exaggeration, gains. Written here because the library at hand (bhtsne 0.7) takes other steps, which end at a divergence of 0.84
//! where scikit-learn's and these come to 0.74 on the emoji (over all pairs), gives other bits with other numbers of threads, and asks for Fourier transforms.

use rayon::prelude::*;

use super::Points;
use super::neighbors::{Neighbor, within};
use super::pca::pca;
use super::quadtree::Quadtree;
use crate::algebra::over;
use crate::error::{Error, Result};

/// Early exaggeration and the steps that it lasts; steps in all.
const EXAGGERATION: f64 = 12.0;
const EARLY: usize = 250;
const STEPS: usize = 1000;
/// The divergence is looked at so often; the search ends after so many steps without a lower one, early and later.
const LOOK: usize = 50;
const WITHOUT_PROGRESS: [usize; 2] = [250, 300];
/// Momentum early and later.
const MOMENTUM: [f64; 2] = [0.5, 0.8];
/// A gradient of this length is none.
const STILL: f64 = 1e-7;
/// The standard deviation of the start along the first component.
const START: f64 = 1e-4;
/// Probabilities count as this at least in the divergence.
const TINY: f64 = f32::MIN_POSITIVE as f64;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The effective number of neighbors.
    pub perplexity: f64,
    /// How coarse far squares may be: 0 is exact.
    pub angle: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { perplexity: 30.0, angle: 0.5 }
    }
}

/// Places, and how far they are from what was wanted.
#[derive(Clone, Debug)]
pub struct Tsne {
    /// Two numbers each.
    pub places: Points,
    /// The Kullback-Leibler divergence of their nearness from the points'.
    pub divergence: f64,
    /// Steps taken.
    pub steps: usize,
}

/// Probabilities of pairs of points, row by row: `(index, probability)`, ascending by index.
pub type Pairs = Vec<Vec<(usize, f64)>>;

/// Lays `points` out on a plane.
///
/// # Errors
/// A perplexity that is not positive or not below the number of points; points that are all equal.
pub fn tsne(points: &Points, options: Options) -> Result<Tsne> {
    points.check_different()?;
    let Options { perplexity, angle } = options;
    let count = points.len();
    if !(perplexity > 0.0 && perplexity < count as f64) {
        let what = format!("perplexity {perplexity} of {count} pictures");
        return Err(Error::usage(format!("{what}: it has to be above 0 and below their number; choose ‹perplexity›")));
    }
    let components = pca(points, 2)?;
    let scale = START / (components.variance[0] * (count - 1) as f64 / count as f64).sqrt();
    let start = |row: &[f64]| [row[0] * scale, row.get(1).map_or(0.0, |second| second * scale)];
    let mut places: Vec<[f64; 2]> = components.projected.rows().map(start).collect();
    let mut pairs = probabilities(points, perplexity);
    let rate = (count as f64 / EXAGGERATION / 4.0).max(50.0);

    let (mut step, mut last) = (0, f64::INFINITY);
    for (phase, end) in [EARLY, STEPS].into_iter().enumerate() {
        let factor = if phase == 0 { EXAGGERATION } else { 1.0 / EXAGGERATION };
        pairs.iter_mut().flatten().for_each(|(_, probability)| *probability *= factor);
        let mut moves = vec![[0.0; 2]; count];
        let mut gains = vec![[1.0f64; 2]; count];
        let (mut best, mut best_step) = (f64::INFINITY, step);
        while step < end {
            let gradient = gradient(&pairs, &places, angle);
            let length = gradient.iter().map(|[x, y]| x * x + y * y).sum::<f64>().sqrt();
            for (at, slope) in gradient.iter().enumerate() {
                for axis in 0..2 {
                    let (gain, by) = (&mut gains[at][axis], &mut moves[at][axis]);
                    *gain = if *by * slope[axis] < 0.0 { *gain + 0.2 } else { (*gain * 0.8).max(0.01) };
                    *by = MOMENTUM[phase] * *by - rate * *gain * slope[axis];
                    places[at][axis] += *by;
                }
            }
            step += 1;
            if step % LOOK == 0 || step == end {
                last = divergence(&pairs, &places, angle);
                if last < best {
                    (best, best_step) = (last, step);
                }
                if step - best_step > WITHOUT_PROGRESS[phase] || length <= STILL {
                    break;
                }
            }
        }
    }
    Ok(Tsne { places: Points::new(2, places.concat()), divergence: last, steps: step })
}

/// How likely each pair of points is to be neighbors: of each the nearest 3 perplexities and one more, by a normal distribution around
/// it as wide as the perplexity asks, in both directions, all together 1.
pub fn probabilities(points: &Points, perplexity: f64) -> Pairs {
    let count = ((3.0 * perplexity + 1.0) as usize).min(points.len() - 1);
    let near = within(points, count);
    let mut pairs: Pairs = vec![Vec::new(); points.len()];
    for (at, near) in near.iter().enumerate() {
        for (one, share) in near.iter().zip(conditional(near, perplexity.ln())) {
            pairs[at].push((one.index, share));
            pairs[one.index].push((at, share));
        }
    }
    for row in &mut pairs {
        row.sort_by_key(|(index, _)| *index);
        row.dedup_by(|next, first| {
            let same = next.0 == first.0;
            first.1 += if same { next.1 } else { 0.0 };
            same
        });
    }
    let sum: f64 = pairs.iter().flatten().map(|(_, share)| share).sum();
    pairs.iter_mut().flatten().for_each(|(_, share)| *share /= sum);
    pairs
}

/// The shares of neighbors by a normal distribution whose width is sought by halving until its entropy is `wanted`.
fn conditional(near: &[Neighbor], wanted: f64) -> Vec<f64> {
    let squares: Vec<f64> = near.iter().map(|one| one.distance * one.distance).collect();
    // The same whatever is added to all, and never all 0.
    let least = squares.first().copied().unwrap_or(0.0);
    let (mut low, mut high, mut precision) = (0.0, f64::INFINITY, 1.0);
    let mut shares = Vec::new();
    for _ in 0..100 {
        shares = squares.iter().map(|square| (-(square - least) * precision).exp()).collect::<Vec<f64>>();
        let sum: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
        let entropy = sum.ln() + precision * over(&squares, &shares, |square, share| (square - least) * share);
        if (entropy - wanted).abs() <= 1e-5 {
            break;
        }
        if entropy > wanted {
            low = precision;
            precision = if high.is_finite() { (precision + high) / 2.0 } else { precision * 2.0 };
        } else {
            high = precision;
            precision = (precision + low) / 2.0;
        }
    }
    shares
}

/// The gradient of the [`divergence`].
pub fn gradient(pairs: &Pairs, places: &[[f64; 2]], angle: f64) -> Vec<[f64; 2]> {
    let repulsion = Quadtree::new(places).repulsion(places, angle);
    let whole = whole(&repulsion);
    let of = |(at, row): (usize, &Vec<(usize, f64)>)| {
        let mut pull = [0.0; 2];
        for &(other, probability) in row {
            let (way, near) = nearness(places[at], places[other]);
            pull = [pull[0] + probability * near * way[0], pull[1] + probability * near * way[1]];
        }
        let push = repulsion[at].1;
        [4.0 * (pull[0] - push[0] / whole), 4.0 * (pull[1] - push[1] / whole)]
    };
    pairs.par_iter().enumerate().map(of).collect()
}

/// The Kullback-Leibler divergence of the nearness of the `places`, all together 1, from the probabilities of `pairs`.
pub fn divergence(pairs: &Pairs, places: &[[f64; 2]], angle: f64) -> f64 {
    let whole = whole(&Quadtree::new(places).repulsion(places, angle));
    let of = |(at, row): (usize, &Vec<(usize, f64)>)| -> f64 {
        let near = |other: usize| nearness(places[at], places[other]).1 / whole;
        row.iter().map(|&(other, share)| share * (share.max(TINY) / near(other).max(TINY)).ln()).sum()
    };
    pairs.iter().enumerate().map(of).sum()
}

/// The sum of all nearness.
fn whole(repulsion: &[(f64, [f64; 2])]) -> f64 {
    repulsion.iter().map(|(sum, _)| sum).sum::<f64>().max(f64::MIN_POSITIVE)
}

/// The way from `b` to `a`, and how near they are: `1 / (1 + d²)`.
fn nearness(a: [f64; 2], b: [f64; 2]) -> ([f64; 2], f64) {
    let way = [a[0] - b[0], a[1] - b[1]];
    (way, 1.0 / (1.0 + way[0] * way[0] + way[1] * way[1]))
}
