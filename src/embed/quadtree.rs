//! The repulsion of points on a plane, in which a far square of points counts as one: Barnes and Hut's method.

use rayon::prelude::*;

/// Points that lie closer than this share of the whole are one place.
const FINEST: f64 = 1e-9;

/// A square and what lies in it.
struct Cell {
    /// The mean of its points.
    center: [f64; 2],
    count: f64,
    /// The square of its side.
    area: f64,
    /// The cell behind all that is in it: cells stand in the order of a walk through the tree.
    next: usize,
    leaf: bool,
}

/// Squares in squares, each quartered until one place is left.
pub(super) struct Quadtree {
    cells: Vec<Cell>,
    /// In which cell, a leaf, each place lies.
    home: Vec<usize>,
}

impl Quadtree {
    /// Of points `[x, y]`, one at least.
    pub(super) fn new(places: &[[f64; 2]]) -> Self {
        let bound =
            |axis: usize, pick: fn(f64, f64) -> f64| places.iter().map(|at| at[axis]).reduce(pick).unwrap_or(0.0);
        let (low, high) = ([0, 1].map(|axis| bound(axis, f64::min)), [0, 1].map(|axis| bound(axis, f64::max)));
        let side = (high[0] - low[0]).max(high[1] - low[1]);
        let mut order: Vec<usize> = (0..places.len()).collect();
        let mut tree = Self { cells: Vec::new(), home: vec![0; places.len()] };
        tree.grow(places, &mut order, low, side, FINEST * side);
        tree
    }

    fn grow(&mut self, places: &[[f64; 2]], within: &mut [usize], low: [f64; 2], side: f64, finest: f64) {
        let count = within.len() as f64;
        let center = [0, 1].map(|axis| within.iter().map(|&at| places[at][axis]).sum::<f64>() / count);
        let (here, leaf) = (self.cells.len(), within.len() == 1 || side <= finest);
        self.cells.push(Cell { center, count, area: side * side, next: 0, leaf });
        if leaf {
            within.iter().for_each(|&at| self.home[at] = here);
        } else {
            let half = side / 2.0;
            let middle = low.map(|low| low + half);
            let quarter = |at: &usize| [0, 1].map(|axis| places[*at][axis] >= middle[axis]);
            // A sort that keeps the order of equals: sums are the same whatever the machine.
            within.sort_by_key(quarter);
            let mut rest = within;
            while let Some(first) = rest.first().map(quarter) {
                let (own, others) = rest.split_at_mut(rest.partition_point(|at| quarter(at) == first));
                let low = [0, 1].map(|axis| if first[axis] { middle[axis] } else { low[axis] });
                self.grow(places, own, low, half, finest);
                rest = others;
            }
        }
        self.cells[here].next = self.cells.len();
    }

    /// For each place the sum over all others of `q = 1 / (1 + d²)`, and of `q²` times the way from there, where d is the distance.
    /// A square whose side is less than `angle` times its distance counts as its points in their mean.
    pub(super) fn repulsion(&self, places: &[[f64; 2]], angle: f64) -> Vec<(f64, [f64; 2])> {
        let at = |(place, home): (&[f64; 2], &usize)| self.repulsion_at(*place, *home, angle * angle);
        places.par_iter().zip(&self.home).map(at).collect()
    }

    fn repulsion_at(&self, place: [f64; 2], home: usize, angle: f64) -> (f64, [f64; 2]) {
        let (mut sum, mut force, mut at) = (0.0, [0.0; 2], 0);
        while let Some(cell) = self.cells.get(at) {
            let way = [place[0] - cell.center[0], place[1] - cell.center[1]];
            let far = way[0] * way[0] + way[1] * way[1];
            if !cell.leaf && cell.area >= angle * far {
                at += 1;
                continue;
            }
            let near = 1.0 / (1.0 + far);
            // In its own leaf lies the place itself.
            let count = if at == home { cell.count - 1.0 } else { cell.count };
            sum += count * near;
            let weight = count * near * near;
            force = [force[0] + weight * way[0], force[1] + weight * way[1]];
            at = cell.next;
        }
        (sum, force)
    }
}
