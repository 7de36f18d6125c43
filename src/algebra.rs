//! Sums of products in an order that does not depend on the number of cores, and the largest eigenvalues of a symmetric operator with
//! their vectors, by Lanczos's method with full reorthogonalization.
//!
//! The latter is written here because mostly a few are wanted, of matrices that need not be formed: a library's dense solver computes
//! all of them, which takes seconds where this takes a fraction of one, and asks for a dozen packages.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// An eigenvalue has converged when its residual is this share of the largest.
const TOLERANCE: f64 = 1e-12;
/// What remains of a vector that lies in the space already spanned, as a share of the largest eigenvalue.
const NOTHING: f64 = 1e-13;
/// Steps before the first look at what has converged; the next comes after a quarter more.
const FIRST_LOOK: usize = 16;
/// QR steps for one eigenvalue; three is usual.
const PATIENCE: usize = 60;

/// The scalar product. Several sums run side by side, always the same ones.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    over(a, b, |x, y| x * y)
}

/// The sum of `term` over pairs of elements.
pub fn over(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0; 4];
    let (left, right) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(&x, &y)| term(x, y)).sum();
    for (a, b) in left.zip(right) {
        sums[0] += term(a[0], b[0]);
        sums[1] += term(a[1], b[1]);
        sums[2] += term(a[2], b[2]);
        sums[3] += term(a[3], b[3]);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// The `count` largest eigenvalues, descending, and their vectors of length 1, of the symmetric operator `apply` on vectors of
/// `size`; all of them if there are fewer. The start is random and always the same.
///
/// Of eigenvalues that are equal to the last digit in a larger space one may be found only once.
pub fn largest(size: usize, count: usize, apply: impl Fn(&[f64]) -> Vec<f64>) -> Vec<(f64, Vec<f64>)> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut start = |basis: &[Vec<f64>]| {
        let mut vector: Vec<f64> =
            (0..size).map(|_| f64::from(random.next_u32()) / f64::from(u32::MAX) - 0.5).collect();
        orthogonalize(&mut vector, basis);
        normalize(&mut vector);
        vector
    };
    let count = count.min(size);
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    let mut next = start(&basis);
    let (mut scale, mut ends, mut look) = (0.0f64, 0, FIRST_LOOK);
    loop {
        let mut image = apply(&next);
        let own = dot(&image, &next);
        scale = scale.max(own.abs());
        diagonal.push(own);
        basis.push(next);
        orthogonalize(&mut image, &basis);
        let rest = normalize(&mut image);
        let (steps, ended) = (basis.len(), rest <= NOTHING * scale);
        // Where the space is closed, copies of its eigenvalues may lie outside.
        ends += usize::from(ended);
        if steps == size || (steps >= count && ((ended && ends > count) || steps >= look)) {
            look = steps + steps / 4;
            let (values, vectors) = tridiagonal(diagonal.clone(), beside.clone());
            let mut order: Vec<usize> = (0..steps).collect();
            order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
            order.truncate(count);
            let converged = |&at: &usize| (rest * vectors[at][steps - 1]).abs() <= TOLERANCE * scale;
            if steps == size || (order.iter().all(converged) && (!ended || ends > count)) {
                let combined = |at: usize| {
                    let mut vector = vec![0.0; size];
                    basis.iter().zip(&vectors[at]).for_each(|(one, &share)| add(&mut vector, one, share));
                    normalize(&mut vector);
                    (values[at], vector)
                };
                return order.into_iter().map(combined).collect();
            }
        }
        beside.push(if ended { 0.0 } else { rest });
        next = if ended { start(&basis) } else { image };
    }
}

/// Adds `share` of `other` to `to`.
fn add(to: &mut [f64], other: &[f64], share: f64) {
    to.iter_mut().zip(other).for_each(|(value, other)| *value += share * other);
}

/// Takes away what lies in the space of the orthonormal `basis`; twice, as once leaves too much.
fn orthogonalize(vector: &mut [f64], basis: &[Vec<f64>]) {
    for one in basis.iter().chain(basis) {
        let share = dot(vector, one);
        add(vector, one, -share);
    }
}

/// Brings `vector` to length 1 and returns what it had.
fn normalize(vector: &mut [f64]) -> f64 {
    let length = dot(vector, vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    length
}

/// Eigenvalues and eigenvectors of a symmetric tridiagonal matrix by QR steps with Wilkinson's shift (Golub and Van Loan, Matrix
/// Computations, 8.3).
fn tridiagonal(mut diagonal: Vec<f64>, mut beside: Vec<f64>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let size = diagonal.len();
    let mut vectors: Vec<Vec<f64>> =
        (0..size).map(|row| (0..size).map(|column| f64::from(u8::from(row == column))).collect()).collect();
    let (mut last, mut patience) = (size - 1, PATIENCE);
    while last > 0 {
        let negligible = |at: usize, d: &[f64]| beside[at].abs() <= f64::EPSILON * (d[at].abs() + d[at + 1].abs());
        if negligible(last - 1, &diagonal) || patience == 0 {
            (last, patience) = (last - 1, PATIENCE);
            continue;
        }
        patience -= 1;
        let first = (0..last - 1).rev().find(|&at| negligible(at, &diagonal)).map_or(0, |at| at + 1);
        let (half, edge) = ((diagonal[last - 1] - diagonal[last]) / 2.0, beside[last - 1]);
        let shift = diagonal[last] - edge * edge / (half + half.hypot(edge).copysign(half));
        let (mut x, mut bulge) = (diagonal[first] - shift, beside[first]);
        for at in first..last {
            // A rotation of rows and columns `at` and the next that takes `bulge` away, and moves it on.
            let length = x.hypot(bulge);
            let (cos, sin) = if length > 0.0 { (x / length, bulge / length) } else { (1.0, 0.0) };
            if at > first {
                beside[at - 1] = length;
            }
            let (a, b, c) = (diagonal[at], beside[at], diagonal[at + 1]);
            diagonal[at] = cos * cos * a + 2.0 * cos * sin * b + sin * sin * c;
            diagonal[at + 1] = sin * sin * a - 2.0 * cos * sin * b + cos * cos * c;
            beside[at] = cos * sin * (c - a) + (cos * cos - sin * sin) * b;
            if at + 1 < last {
                (x, bulge) = (beside[at], sin * beside[at + 1]);
                beside[at + 1] *= cos;
            }
            let (before, after) = vectors.split_at_mut(at + 1);
            for (one, other) in before[at].iter_mut().zip(&mut after[0]) {
                (*one, *other) = (cos * *one + sin * *other, cos * *other - sin * *one);
            }
        }
    }
    (diagonal, vectors)
}
