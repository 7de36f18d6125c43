//! Principal components: the directions in which points vary most.

use rayon::prelude::*;

use super::Points;
use crate::algebra::{dot, largest};
use crate::error::{Error, Result};

/// Rows whose products are added by themselves, on one core.
const STRETCH: usize = 256;

/// The components of some points, as scikit-learn's `PCA` has them.
#[derive(Clone, Debug)]
pub struct Pca {
    /// Of each component, with the sample's n − 1; descending.
    pub variance: Vec<f64>,
    /// The same as shares of the whole variance.
    pub ratio: Vec<f64>,
    /// The directions, of length 1; the largest element of each, by magnitude, is positive.
    pub components: Vec<Vec<f64>>,
    /// Where the points lie along them.
    pub projected: Points,
}

/// The first `count` components of `points`, or as many as there are.
///
/// # Errors
/// Fewer than two points, or points that are all equal.
pub fn pca(points: &Points, count: usize) -> Result<Pca> {
    if points.len() < 2 {
        return Err(Error::usage(format!("a principal component takes two pictures at least, not {}", points.len())));
    }
    points.check_different()?;
    let centered = points.centered();
    let (size, degrees) = (points.dimension(), (points.len() - 1) as f64);
    let total = centered.rows().map(|row| dot(row, row)).sum::<f64>() / degrees;
    let covariance = |vector: &[f64]| {
        let stretch = |rows: &[f64]| {
            let mut sum = vec![0.0; size];
            for row in rows.chunks_exact(size) {
                let share = dot(row, vector) / degrees;
                sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += share * value);
            }
            sum
        };
        let parts: Vec<Vec<f64>> = centered.values.par_chunks(STRETCH * size).map(stretch).collect();
        let add = |mut sum: Vec<f64>, part: Vec<f64>| {
            sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
            sum
        };
        parts.into_iter().fold(vec![0.0; size], add)
    };
    let mut found = largest(size, count.min(points.len()), covariance);
    for (value, direction) in &mut found {
        *value = value.max(0.0);
        let magnitude = |at: &usize| (direction[*at].abs(), std::cmp::Reverse(*at));
        let largest = (0..size).max_by(|a, b| magnitude(a).partial_cmp(&magnitude(b)).expect("finite")).unwrap_or(0);
        if direction[largest] < 0.0 {
            direction.iter_mut().for_each(|value| *value = -*value);
        }
    }
    let (variance, components): (Vec<f64>, Vec<Vec<f64>>) = found.into_iter().unzip();
    let along = centered.rows().flat_map(|row| components.iter().map(|one| dot(row, one))).collect();
    let ratio = variance.iter().map(|value| (value / total).min(1.0)).collect();
    Ok(Pca { ratio, projected: Points::new(components.len(), along), variance, components })
}
