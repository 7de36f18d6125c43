//! UMAP (McInnes, Healy and Melville 2018): a fuzzy graph of neighbors, laid out on a plane by attraction along its edges and
//! repulsion of pairs that are drawn.
//!
//! Steps, defaults and constants are umap-learn's, with exact neighbors. Written here because the library at hand (umap-rs) draws
//! from a generator without a seed, on all cores at once: no two of its layouts are the same.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::neighbors::{Neighbor, within};
use super::pca::pca;
use super::{Points, curve};
use crate::algebra::largest;
use crate::error::{Error, Result};

/// Pairs that are pushed apart for one that is pulled together.
const PUSHED: f64 = 5.0;
/// No coordinate moves further in one step, but for the rate.
const FURTHEST: f64 = 4.0;
/// The sides of the start, and the standard deviation of what is added so that no two points coincide.
const SIDE: f64 = 10.0;
const NOISE: f64 = 1e-4;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Neighbors of each point, itself among them.
    pub neighbors: usize,
    /// How close places may come.
    pub min_dist: f64,
    /// Of the pairs that are drawn.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { neighbors: 15, min_dist: 0.1, seed: 0 }
    }
}

/// A directed edge with its membership, 0 to 1: `from`, `to`, weight. Both directions are there.
pub type Edge = (usize, usize, f64);

/// Lays `points` out on a plane.
///
/// # Errors
/// Neighbors fewer than 2 or not below the number of points; a distance that is not from 0 to 3; points that are all equal.
pub fn umap(points: &Points, options: Options) -> Result<Points> {
    points.check_different()?;
    let Options { neighbors, min_dist, seed } = options;
    let count = points.len();
    if neighbors < 2 || neighbors >= count {
        let what = format!("{neighbors} neighbors of {count} pictures");
        return Err(Error::usage(format!("{what}: choose ‹neighbors› from 2 up and below their number")));
    }
    if !(0.0..3.0).contains(&min_dist) {
        return Err(Error::usage(format!("‹min_dist={min_dist}›: choose from 0 up and below 3")));
    }
    let epochs = if count <= 10_000 { 500 } else { 200 };
    let mut edges = graph(points, neighbors);
    let most = edges.iter().map(|edge| edge.2).fold(0.0, f64::max);
    // What would not be drawn once.
    edges.retain(|edge| edge.2 >= most / epochs as f64);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut places = start(points, &edges, &mut random)?;
    let shape = curve::fitted(min_dist);
    optimize(&mut places, &edges, epochs, shape, &mut random);
    Ok(Points::new(2, places.concat()))
}

/// The fuzzy graph: how surely two points are neighbors to one of them or the other, where a point's nearest neighbor is one surely
/// and all together count as log₂ of their number. Ascending by both ends.
pub fn graph(points: &Points, neighbors: usize) -> Vec<Edge> {
    let near = within(points, neighbors - 1);
    let all: f64 = near.iter().flatten().map(|one| one.distance).sum();
    let mean = all / (points.len() * neighbors) as f64;
    let mut directed: Vec<Edge> = Vec::new();
    for (at, near) in near.iter().enumerate() {
        let (nearest, width) = width(near, neighbors, mean);
        let member = |one: &Neighbor| match one.distance - nearest {
            excess if excess <= 0.0 || width == 0.0 => 1.0,
            excess => (-excess / width).exp(),
        };
        directed.extend(near.iter().map(|one| (at, one.index, member(one))));
    }
    let both = directed.iter().flat_map(|&(from, to, weight)| [(from, to, weight), (to, from, weight)]);
    let mut edges: Vec<Edge> = both.collect();
    edges.sort_by_key(|&(from, to, _)| (from, to));
    // a + b − ab of the two directions.
    edges.dedup_by(|next, first| {
        let same = (next.0, next.1) == (first.0, first.1);
        if same {
            first.2 = first.2 + next.2 - first.2 * next.2;
        }
        same
    });
    edges.retain(|edge| edge.2 > 0.0);
    edges
}

/// How far the nearest neighbor is that is not in the same place, and the width at which all count as wanted.
fn width(near: &[Neighbor], neighbors: usize, mean: f64) -> (f64, f64) {
    let nearest = near.iter().map(|one| one.distance).find(|&distance| distance > 0.0).unwrap_or(0.0);
    let wanted = (neighbors as f64).log2();
    let (mut low, mut high, mut width) = (0.0, f64::INFINITY, 1.0f64);
    for _ in 0..64 {
        let sum: f64 = near.iter().map(|one| (-(one.distance - nearest).max(0.0) / width).exp()).sum();
        if (sum - wanted).abs() < 1e-5 {
            break;
        }
        if sum > wanted {
            high = width;
            width = (low + high) / 2.0;
        } else {
            low = width;
            width = if high.is_finite() { (low + high) / 2.0 } else { 2.0 * width };
        }
    }
    let own = near.iter().map(|one| one.distance).sum::<f64>() / neighbors as f64;
    (nearest, width.max(1e-3 * if nearest > 0.0 { own } else { mean }))
}

/// Where the layout begins: along the second and third eigenvector of the graph's normalized Laplacian, or, where it falls apart, along
/// the principal components.
fn start(points: &Points, edges: &[Edge], random: &mut ChaCha8Rng) -> Result<Vec<[f64; 2]>> {
    let count = points.len();
    let mut places: Vec<[f64; 2]> = if connected(count, edges) {
        let mut degrees = vec![0.0f64; count];
        edges.iter().for_each(|&(from, _, weight)| degrees[from] += weight);
        let product = |vector: &[f64]| {
            let mut image = vec![0.0; count];
            for &(from, to, weight) in edges {
                image[from] += weight * vector[to] / (degrees[from] * degrees[to]).sqrt();
            }
            // From −1 … 1 to 0 … 2, so that the largest are the largest by magnitude, too.
            image.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
            image
        };
        let found = largest(count, 3, product);
        (0..count).map(|at| [found[1].1[at], found.get(2).map_or(0.0, |third| third.1[at])]).collect()
    } else {
        let flat = |row: &[f64]| [row[0], row.get(1).copied().unwrap_or(0.0)];
        pca(points, 2)?.projected.rows().map(flat).collect()
    };
    let largest = places.iter().flatten().fold(0.0f64, |most, value| most.max(value.abs()));
    places.iter_mut().flatten().for_each(|value| *value = *value * SIDE / largest + NOISE * normal(random));
    for axis in 0..2 {
        let bound = |pick: fn(f64, f64) -> f64| places.iter().map(|place| place[axis]).reduce(pick).unwrap_or(0.0);
        let (low, high) = (bound(f64::min), bound(f64::max));
        places.iter_mut().for_each(|place| place[axis] = SIDE * (place[axis] - low) / (high - low));
    }
    Ok(places)
}

/// Whether every point is reached from the first.
fn connected(count: usize, edges: &[Edge]) -> bool {
    let first = |at: usize| edges.partition_point(|edge| edge.0 < at);
    let (mut seen, mut open) = (vec![false; count], vec![0]);
    seen[0] = true;
    while let Some(at) = open.pop() {
        for &(_, to, _) in &edges[first(at)..first(at + 1)] {
            if !std::mem::replace(&mut seen[to], true) {
                open.push(to);
            }
        }
    }
    seen.into_iter().all(|seen| seen)
}

/// A number between 0 and 1, never 0.
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (f64::from(random.next_u32()) + 0.5) / 4_294_967_296.0
}

/// A number of the standard normal distribution.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (radius, turn) = (uniform(random), uniform(random));
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * turn).cos()
}

/// Moves `places`, one edge after the other, each as often as its weight asks; nearness falls with the distance by `1 / (1 + a d^2b)`.
fn optimize(places: &mut [[f64; 2]], edges: &[Edge], epochs: usize, (a, b): (f64, f64), random: &mut ChaCha8Rng) {
    let most = edges.iter().map(|edge| edge.2).fold(0.0, f64::max);
    let every: Vec<f64> = edges.iter().map(|edge| most / edge.2).collect();
    let (mut next, mut next_push) = (every.clone(), every.iter().map(|every| every / PUSHED).collect::<Vec<f64>>());
    for epoch in 0..epochs {
        let now = epoch as f64;
        // The first two epochs have the same rate there.
        let rate = 1.0 - (now - 1.0).max(0.0) / epochs as f64;
        for (at, &(from, to, _)) in edges.iter().enumerate() {
            if next[at] > now {
                continue;
            }
            let (way, square) = between(places[from], places[to]);
            if square > 0.0 {
                let pull = -2.0 * a * b * square.powf(b - 1.0) / (1.0 + a * square.powf(b));
                for axis in 0..2 {
                    let by = rate * (pull * way[axis]).clamp(-FURTHEST, FURTHEST);
                    places[from][axis] += by;
                    places[to][axis] -= by;
                }
            }
            next[at] += every[at];
            let pushes = ((now - next_push[at]) / (every[at] / PUSHED)) as usize;
            for _ in 0..pushes {
                let other = ((u64::from(random.next_u32()) * places.len() as u64) >> 32) as usize;
                let (way, square) = between(places[from], places[other]);
                if square > 0.0 {
                    let push = 2.0 * b / ((0.001 + square) * (1.0 + a * square.powf(b)));
                    (0..2).for_each(|axis| places[from][axis] += rate * (push * way[axis]).clamp(-FURTHEST, FURTHEST));
                }
            }
            next_push[at] += pushes as f64 * every[at] / PUSHED;
        }
    }
}

/// The way from `b` to `a`, and the square of its length.
fn between(a: [f64; 2], b: [f64; 2]) -> ([f64; 2], f64) {
    let way = [a[0] - b[0], a[1] - b[1]];
    (way, way[0] * way[0] + way[1] * way[1])
}
