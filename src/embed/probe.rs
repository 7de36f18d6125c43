//! The linear probe: how well a logistic regression on a layer's output knows the classes.
//!
//! It is scikit-learn's `LogisticRegression` with its defaults: multinomial, weights (not biases) held small by half their squares,
//! C = 1, minimized by L-BFGS (Liu and Nocedal 1989), here until nothing moves.

use rayon::prelude::*;

use super::Points;
use crate::algebra::dot;
use crate::error::{Error, Result};

/// Steps that the Hessian is known from.
const MEMORY: usize = 12;
/// Where the largest element of the gradient, divided by the number of points, ends the search.
const STILL: f64 = 1e-6;
/// Most steps; hundreds are usual.
const STEPS: usize = 5000;
/// Points whose gradients are added by themselves, on one core.
const STRETCH: usize = 128;

/// A logistic regression.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The class that each row of weights speaks for.
    classes: Vec<usize>,
    /// `[classes, dimension + 1]`, the bias last.
    weights: Vec<f64>,
    dimension: usize,
    /// Whether it came to rest.
    pub converged: bool,
}

/// What is minimized.
struct Objective<'a> {
    points: &'a Points,
    /// Which row of weights is right for each point.
    rows: Vec<usize>,
    count: usize,
    penalty: f64,
    /// About the diagonal of the Hessian in a class's weights, the bias last: steps are measured by it.
    steepness: Vec<f64>,
}

impl Probe {
    /// Learns the classes `labels` of `points`.
    ///
    /// # Errors
    /// Points of fewer than two classes.
    pub fn fit(points: &Points, labels: &[usize]) -> Result<Self> {
        let mut classes = labels.to_vec();
        classes.sort_unstable();
        classes.dedup();
        if classes.len() < 2 {
            return Err(Error::usage("a linear probe takes pictures of two classes at least"));
        }
        let row = |label| classes.binary_search(label).expect("it is one of them");
        let (count, dimension) = (classes.len(), points.dimension());
        // Two classes are one row of weights there; as two rows of half the size they would be held half as small.
        let penalty = if count == 2 { 2.0 } else { 1.0 };
        // The bias is free, so points may lie around 0, where weights and bias do not pull at each other.
        let (mean, points) = (points.mean(), &points.centered());
        let share = 1.0 / count as f64;
        let mut steepness = vec![0.0; dimension];
        points.rows().for_each(|row| steepness.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * value));
        steepness.push(points.len() as f64);
        let curve = |sum: &mut f64| *sum = penalty + share * (1.0 - share) * *sum;
        steepness.iter_mut().for_each(curve);
        let rows = labels.iter().map(row).collect();
        let (mut weights, converged) = Objective { points, rows, count, penalty, steepness }.minimize();
        for row in weights.chunks_exact_mut(dimension + 1) {
            row[dimension] -= dot(&row[..dimension], &mean);
        }
        Ok(Self { classes, weights, dimension, converged })
    }

    /// The class of each of `points`.
    pub fn predict(&self, points: &Points) -> Vec<usize> {
        let of = |point: &[f64]| {
            let scores = logits(&self.weights, point);
            let best = (0..scores.len()).rev().max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
            self.classes[best.unwrap_or(0)]
        };
        points.rows().map(of).collect()
    }

    /// The weights of class `class`, its bias last, relative to the mean of all classes'; none if it was not learned.
    pub fn weights(&self, class: usize) -> Option<Vec<f64>> {
        let size = self.dimension + 1;
        let row = self.classes.binary_search(&class).ok()?;
        let mean = |at: usize| self.weights.iter().skip(at).step_by(size).sum::<f64>() / self.classes.len() as f64;
        Some((0..size).map(|at| self.weights[row * size + at] - mean(at)).collect())
    }
}

fn logits(weights: &[f64], point: &[f64]) -> Vec<f64> {
    weights.chunks_exact(point.len() + 1).map(|row| dot(&row[..point.len()], point) + row[point.len()]).collect()
}

/// Adds to `sum` its share of each of `points`, four at a time.
fn add_points(sum: &mut [f64], points: &[f64], shares: &[f64]) {
    let dimension = sum.len();
    for (points, shares) in points.chunks(4 * dimension).zip(shares.chunks(4)) {
        if let &[p, q, r, s] = shares {
            let (a, b) = points.split_at(2 * dimension);
            let ((a, b), (c, d)) = (a.split_at(dimension), b.split_at(dimension));
            for ((sum, (a, b)), (c, d)) in sum.iter_mut().zip(a.iter().zip(b)).zip(c.iter().zip(d)) {
                *sum += (p * a + q * b) + (r * c + s * d);
            }
        } else {
            for (point, share) in points.chunks_exact(dimension).zip(shares) {
                sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += share * value);
            }
        }
    }
}

impl Objective<'_> {
    /// The value and its gradient.
    fn at(&self, weights: &[f64]) -> (f64, Vec<f64>) {
        let (dimension, size) = (self.points.dimension(), weights.len());
        let part = |(number, points): (usize, &[f64])| {
            let (mut value, mut gradient) = (0.0, vec![0.0; size]);
            // By how much each class is thought too likely of each point.
            let mut errors = Vec::new();
            for (point, &right) in points.chunks_exact(dimension).zip(&self.rows[number * STRETCH..]) {
                let mut scores = logits(weights, point);
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                value += most - scores[right];
                scores.iter_mut().for_each(|score| *score = (*score - most).exp());
                let sum: f64 = scores.iter().sum();
                value += sum.ln();
                scores.iter_mut().for_each(|power| *power /= sum);
                scores[right] -= 1.0;
                errors.extend(scores);
            }
            for (class, row) in gradient.chunks_exact_mut(dimension + 1).enumerate() {
                let of_class: Vec<f64> = errors.iter().skip(class).step_by(self.count).copied().collect();
                add_points(&mut row[..dimension], points, &of_class);
                row[dimension] = of_class.iter().sum();
            }
            (value, gradient)
        };
        let parts: Vec<(f64, Vec<f64>)> =
            self.points.values.par_chunks(STRETCH * dimension).enumerate().map(part).collect();
        let (mut value, mut gradient) = (0.0, vec![0.0; size]);
        for (share, part) in parts {
            value += share;
            gradient.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        for (row, sum) in weights.chunks_exact(dimension + 1).zip(gradient.chunks_exact_mut(dimension + 1)) {
            value += self.penalty / 2.0 * dot(&row[..dimension], &row[..dimension]);
            sum.iter_mut().zip(&row[..dimension]).for_each(|(sum, weight)| *sum += self.penalty * weight);
        }
        (value, gradient)
    }

    /// Where it is least, and whether that was reached.
    fn minimize(&self) -> (Vec<f64>, bool) {
        let mut weights = vec![0.0; self.count * (self.points.dimension() + 1)];
        let (mut value, mut gradient) = self.at(&weights);
        let mut past: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
        let still = STILL * self.points.len() as f64;
        for _ in 0..STEPS {
            if gradient.iter().all(|slope| slope.abs() <= still) {
                return (weights, true);
            }
            let direction = self.downhill(&gradient, &past);
            let slope = dot(&direction, &gradient);
            let mut length = 1.0;
            // Half as far until it is as much lower as a tenth of a thousandth of the slope promises.
            let moved = loop {
                let there: Vec<f64> = weights.iter().zip(&direction).map(|(at, by)| at + length * by).collect();
                let found = self.at(&there);
                if found.0 <= value + 1e-4 * length * slope {
                    break Some((there, found));
                }
                length /= 2.0;
                if length < 1e-12 {
                    break None;
                }
            };
            // Not a step is lower in this precision: it is as low as it gets.
            let Some((there, (lower, steeper))) = moved else { return (weights, true) };
            let change: Vec<f64> = there.iter().zip(&weights).map(|(new, old)| new - old).collect();
            let bend: Vec<f64> = steeper.iter().zip(&gradient).map(|(new, old)| new - old).collect();
            if dot(&change, &bend) > 0.0 {
                past.push((change, bend));
                past.drain(..past.len().saturating_sub(MEMORY));
            }
            (weights, value, gradient) = (there, lower, steeper);
        }
        (weights, false)
    }

    /// The direction of a step: the negative `gradient` times the inverse of the Hessian that the `past` steps, each with what it did
    /// to the gradient, suggest.
    fn downhill(&self, gradient: &[f64], past: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
        let add = |to: &mut [f64], other: &[f64], share: f64| {
            to.iter_mut().zip(other).for_each(|(value, other)| *value += share * other);
        };
        let flattened = |of: &[f64]| -> Vec<f64> {
            of.iter().zip(self.steepness.iter().cycle()).map(|(value, steepness)| value / steepness).collect()
        };
        let mut direction: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
        let mut shares = Vec::new();
        for (change, bend) in past.iter().rev() {
            let share = dot(change, &direction) / dot(change, bend);
            add(&mut direction, bend, -share);
            shares.push(share);
        }
        direction = flattened(&direction);
        if let Some((change, bend)) = past.last() {
            let scale = dot(change, bend) / dot(bend, &flattened(bend));
            direction.iter_mut().for_each(|value| *value *= scale);
        }
        for ((change, bend), share) in past.iter().zip(shares.into_iter().rev()) {
            let other = dot(bend, &direction) / dot(change, bend);
            add(&mut direction, change, share - other);
        }
        direction
    }
}
