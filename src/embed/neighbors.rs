//! The nearest points, by Euclidean distance, exactly.

use rayon::prelude::*;

use super::Points;
use crate::algebra::over;

/// A point and how far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// Its index.
    pub index: usize,
    /// Its distance.
    pub distance: f64,
}

/// The Euclidean distance of two points.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    over(a, b, |x, y| (x - y) * (x - y)).sqrt()
}

/// The `count` nearest of `among` to `point`, the nearest first; those equally far by index. `but` is left out.
pub fn nearest(point: &[f64], among: &Points, count: usize, but: Option<usize>) -> Vec<Neighbor> {
    let far = |(index, row): (usize, &[f64])| Neighbor { index, distance: distance(point, row) };
    let mut all: Vec<Neighbor> = among.rows().enumerate().map(far).filter(|one| Some(one.index) != but).collect();
    let order = |a: &Neighbor, b: &Neighbor| a.distance.total_cmp(&b.distance).then(a.index.cmp(&b.index));
    if count < all.len() {
        all.select_nth_unstable_by(count, order);
        all.truncate(count);
    }
    all.sort_unstable_by(order);
    all
}

/// The `count` nearest other points of each.
pub fn within(points: &Points, count: usize) -> Vec<Vec<Neighbor>> {
    let of = |index: usize| nearest(points.row(index), points, count, Some(index));
    (0..points.len()).into_par_iter().map(of).collect()
}

/// The `count` nearest of `among` to each of `points`.
pub fn between(points: &Points, among: &Points, count: usize) -> Vec<Vec<Neighbor>> {
    (0..points.len()).into_par_iter().map(|index| nearest(points.row(index), among, count, None)).collect()
}
