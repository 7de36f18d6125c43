//! What the nearest points say: classes guessed from them, and whether a picture of points is to be trusted.

use rayon::prelude::*;

use super::Points;
use super::neighbors::{Neighbor, distance};

/// The class of each point by a vote of its `neighbors`, whose classes are `labels`; of classes with equal votes the first. As
/// scikit-learn's `KNeighborsClassifier` votes.
pub fn vote(neighbors: &[Vec<Neighbor>], labels: &[usize], classes: usize) -> Vec<usize> {
    let of = |near: &Vec<Neighbor>| {
        let mut votes = vec![0; classes];
        near.iter().for_each(|one| votes[labels[one.index]] += 1);
        (0..classes).rev().max_by_key(|&class| votes[class]).unwrap_or(0)
    };
    neighbors.iter().map(of).collect()
}

/// The share of `guesses` that are `labels`.
pub fn accuracy(guesses: &[usize], labels: &[usize]) -> f64 {
    let right = guesses.iter().zip(labels).filter(|(guess, label)| guess == label).count();
    right as f64 / labels.len().max(1) as f64
}

/// The coefficient of determination of values guessed as the mean of the neighbors': `1 − Σ|y − ȳ near|² / Σ|y − ȳ|²`, where
/// `values` has one point of any dimension for each. 1 where neighbors are equal, about 0 where they tell nothing; none where all
/// values are the same.
pub fn regression(neighbors: &[Vec<Neighbor>], values: &Points) -> Option<f64> {
    let (mean, size) = (values.mean(), values.dimension());
    let (mut unexplained, mut all) = (0.0, 0.0);
    for (own, near) in values.rows().zip(neighbors) {
        let mut guess = vec![0.0; size];
        for one in near {
            guess.iter_mut().zip(values.row(one.index)).for_each(|(sum, value)| *sum += value / near.len() as f64);
        }
        unexplained += distance(own, &guess).powi(2);
        all += distance(own, &mean).powi(2);
    }
    (all > 0.0).then(|| 1.0 - unexplained / all)
}

/// Trustworthiness (Venna and Kaski 2001): 1 less what points that are among the `count` nearest in `shown`, and are not in `points`,
/// are too far there, by rank. As scikit-learn's `trustworthiness` counts. None where `count` is not below half the points.
pub fn trustworthiness(points: &Points, shown: &[Vec<Neighbor>], count: usize) -> Option<f64> {
    let size = points.len();
    if 2 * count >= size || count == 0 {
        return None;
    }
    let of = |index: usize| -> usize {
        let far: Vec<f64> = points.rows().map(|row| distance(points.row(index), row)).collect();
        let rank = |other: usize| {
            let nearer = |(at, &d): (usize, &f64)| {
                at != index && at != other && (d < far[other] || (d == far[other] && at < other))
            };
            1 + far.iter().enumerate().filter(|&(at, d)| nearer((at, d))).count()
        };
        shown[index].iter().take(count).map(|one| rank(one.index).saturating_sub(count)).sum()
    };
    let excess: usize = (0..size).into_par_iter().map(of).sum();
    let (n, k) = (size as f64, count as f64);
    Some(1.0 - excess as f64 * 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0)))
}
