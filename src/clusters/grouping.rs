//! Points put together by Ward's method, into as many groups as their silhouette is best with.
//!
//! The tree is kodama's; it is cut here. The silhouette is Rousseeuw's (1987): how much nearer a point is to its own group than to the
//! next, 1 at best.

use kodama::{Dendrogram, Method, linkage};
use rayon::prelude::*;

use crate::embed::Points;
use crate::embed::neighbors::distance;

/// The most groups.
const MOST: usize = 8;
/// Fewer points than this are one group.
const FEWEST: usize = 8;
/// With a mean silhouette below this, points are one group: "no substantial structure" to Kaufman and Rousseeuw (1990).
const STRUCTURE: f64 = 0.25;

/// Which group each point is in, from 0, the largest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// Of each point.
    pub of: Vec<usize>,
    /// Their number.
    pub count: usize,
    /// The mean silhouette, if there are several groups.
    pub silhouette: Option<f64>,
}

/// Groups `points` by their distances.
pub fn grouped(points: &Points) -> Grouping {
    let count = points.len();
    let together = Grouping { of: vec![0; count], count: count.min(1), silhouette: None };
    if count < FEWEST {
        return together;
    }
    let distances = Distances::of(points);
    let tree = linkage(&mut distances.condensed.clone(), count, Method::Ward);
    let mut best: Option<(f64, Vec<usize>)> = None;
    for groups in 2..=MOST {
        let of = cut(&tree, groups);
        let silhouette = distances.silhouette(&of, groups);
        if silhouette >= STRUCTURE && best.as_ref().is_none_or(|(most, _)| silhouette > *most) {
            best = Some((silhouette, of));
        }
    }
    best.map_or(together, |(silhouette, of)| {
        let count = 1 + of.iter().copied().max().unwrap_or(0);
        Grouping { of, count, silhouette: Some(silhouette) }
    })
}

/// The groups that are left when the tree's merges stop at `groups`, the largest first, of equals that of the first point.
fn cut(tree: &Dendrogram<f64>, groups: usize) -> Vec<usize> {
    let count = tree.observations();
    // Step i makes node count + i of two others.
    let mut above: Vec<usize> = (0..2 * count - 1).collect();
    for (at, step) in tree.steps()[..count - groups].iter().enumerate() {
        above[step.cluster1] = count + at;
        above[step.cluster2] = count + at;
    }
    let top = |mut node: usize| {
        while above[node] != node {
            node = above[node];
        }
        node
    };
    let tops: Vec<usize> = (0..count).map(top).collect();
    let mut sizes: Vec<(usize, usize)> = Vec::new();
    for &top in &tops {
        match sizes.iter_mut().find(|(known, _)| *known == top) {
            Some((_, size)) => *size += 1,
            None => sizes.push((top, 1)),
        }
    }
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let group = |top: &usize| sizes.iter().position(|(known, _)| known == top).expect("each was counted");
    tops.iter().map(group).collect()
}

/// The distances of all pairs: of the first point to all behind it, then of the second, and so on.
struct Distances {
    count: usize,
    condensed: Vec<f64>,
}

impl Distances {
    fn of(points: &Points) -> Self {
        let count = points.len();
        let row = |at: usize| (at + 1..count).map(move |other| distance(points.row(at), points.row(other)));
        let rows: Vec<Vec<f64>> = (0..count).into_par_iter().map(|at| row(at).collect()).collect();
        Self { count, condensed: rows.concat() }
    }

    fn between(&self, a: usize, b: usize) -> f64 {
        let (a, b) = (a.min(b), a.max(b));
        if a == b { 0.0 } else { self.condensed[a * (2 * self.count - a - 1) / 2 + b - a - 1] }
    }

    /// The mean silhouette of the points in these groups; a point alone in its group counts 0, and so do points that are all one.
    fn silhouette(&self, of: &[usize], groups: usize) -> f64 {
        let mut sizes = vec![0usize; groups];
        of.iter().for_each(|&group| sizes[group] += 1);
        let one = |at: usize| {
            let mut sums = vec![0.0; groups];
            (0..self.count).for_each(|other| sums[of[other]] += self.between(at, other));
            if sizes[of[at]] == 1 {
                return 0.0;
            }
            let own = sums[of[at]] / (sizes[of[at]] - 1) as f64;
            let others = (0..groups).filter(|&group| group != of[at]);
            let next = others.map(|group| sums[group] / sizes[group] as f64).fold(f64::INFINITY, f64::min);
            let largest = own.max(next);
            if largest > 0.0 { (next - own) / largest } else { 0.0 }
        };
        let each: Vec<f64> = (0..self.count).into_par_iter().map(one).collect();
        each.iter().sum::<f64>() / self.count as f64
    }
}
