//! ROAD, remove and debias (Rong et al. 2022): what it does to the probability of the class to remove the pixels that a map puts
//! first, and those that it puts last. Removed pixels are not blackened, which would show the network the mask's shape, but made
//! up from their neighbors.
//!
//! Percentiles, weights, noise and the combined figure are pytorch-grad-cam's. Where values are equal, which its percentile
//! removes together (all of them, where a fifth of a map is zero), the order here is that of [`Ranked`], so that each percentile
//! removes its share.

use super::pictures::Pictures;
use super::ranked::{Draw, Ranked, normal, random};
use crate::error::Result;

/// The percentiles that are kept, in percent.
pub const PERCENTILES: [usize; 4] = [20, 40, 60, 80];
/// The deviation of the noise that is added to what is made up, in deviations of the pictures.
const NOISE: f64 = 0.01;
/// Neighbors side by side and across a corner weigh so much.
const WEIGHTS: (f64, f64) = (1.0 / 6.0, 1.0 / 12.0);
/// The residual at which a solution is one, as a share of the right side's norm.
const TOLERANCE: f64 = 1e-7;

/// Of one picture: by how much the probability changes where the pixels most and least relevant are removed, for each of the
/// percentiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Road {
    /// Without those that the map puts first.
    pub most: Vec<f64>,
    /// Without those that it puts last.
    pub least: Vec<f64>,
}

impl Road {
    /// Half the difference of both means: above 0 where removing the first hurts more, 0 on average for any order that knows
    /// nothing.
    pub fn combined(&self) -> f64 {
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
        (mean(&self.least) - mean(&self.most)) / 2.0
    }
}

/// Of each of `maps`; `noise` is what is added to made up pixels of each picture, `H · W · 3` numbers.
///
/// # Errors
/// Those of [`Pictures::ask`].
pub fn road(pictures: &Pictures, maps: &[Ranked], noise: &[Vec<f32>]) -> Result<Vec<Road>> {
    const VARIANTS: usize = 2 * PERCENTILES.len();
    let make = |number: usize| {
        let (one, variant) = (&maps[number / VARIANTS], number % VARIANTS);
        let (pixels, percentile) = (pictures.pixels(), PERCENTILES[variant % PERCENTILES.len()]);
        // numpy's percentile lies between two values; what is below it is kept. One pixel at least, or there were nothing to make
        // up others from.
        let kept = ((pixels - 1) * percentile).div_ceil(100).max(1);
        let mut removed = vec![false; pixels];
        let gone = if variant < PERCENTILES.len() { &one.order[..pixels - kept] } else { &one.order[kept..] };
        gone.iter().for_each(|&pixel| removed[pixel] = true);
        (one.picture, imputed(&pictures.values[one.picture], &removed, &noise[one.picture], pictures.size))
    };
    let scores = pictures.ask(maps.len() * VARIANTS, &make)?;
    let change = |(scores, one): (&[f64], &Ranked)| {
        let changes: Vec<f64> = scores.iter().map(|score| score - pictures.probabilities[one.picture]).collect();
        let (most, least) = changes.split_at(PERCENTILES.len());
        Road { most: most.to_vec(), least: least.to_vec() }
    };
    Ok(scores.chunks(VARIANTS).zip(maps).map(change).collect())
}

/// Noise for [`road`], drawn from `seed`, for each of `count` pictures of `pixels` pixels.
pub fn noise(count: usize, pixels: usize, seed: u64) -> Vec<Vec<f32>> {
    let of = |picture: usize| {
        let mut random = random(seed, picture, Draw::Imputed);
        (0..3 * pixels).map(|_| (NOISE * normal(&mut random)) as f32).collect()
    };
    (0..count).map(of).collect()
}

/// `values [H, W, 3]`, in which each pixel that is `removed` is the weighted mean of its neighbors, of which some are removed as
/// well, plus its noise. Weights of neighbors beyond the border are left out. At least one pixel is not removed.
pub fn imputed(values: &[f32], removed: &[bool], noise: &[f32], [height, width]: [usize; 2]) -> Vec<f32> {
    let mut filled = values.to_vec();
    let system = System::new(removed, [height, width]);
    for channel in 0..3 {
        let solution = system.solve(&|pixel| f64::from(values[3 * pixel + channel]));
        for (&(pixel, _), value) in system.unknown.iter().zip(solution) {
            filled[3 * pixel + channel] = value as f32 + noise[3 * pixel + channel];
        }
    }
    filled
}

/// The equations of the removed pixels: a symmetric positive definite matrix, a Laplacian whose edge are the known pixels.
/// Vectors lie on a grid with a border of zeros, so that no neighbor needs a question.
struct System {
    row: usize,
    cells: usize,
    /// The removed pixels, and their cells.
    unknown: Vec<(usize, usize)>,
    /// For each, the sum of its neighbors' weights.
    diagonal: Vec<f64>,
    /// The cells of known pixels, and these.
    known: Vec<(usize, usize)>,
}

impl System {
    fn new(removed: &[bool], [height, width]: [usize; 2]) -> Self {
        let row = width + 2;
        let cell = |pixel: usize| (pixel / width + 1) * row + pixel % width + 1;
        let of = |gone: bool| (0..removed.len()).filter(move |&pixel| removed[pixel] == gone);
        let cells = (height + 2) * row;
        let mut inside = vec![0.0; cells];
        (0..removed.len()).for_each(|pixel| inside[cell(pixel)] = 1.0);
        let unknown: Vec<(usize, usize)> = of(true).map(|pixel| (pixel, cell(pixel))).collect();
        let known = of(false).map(|pixel| (cell(pixel), pixel)).collect();
        let diagonal = unknown.iter().map(|&(_, cell)| around(&inside, cell, row)).collect();
        Self { row, cells, unknown, diagonal, known }
    }

    /// The values of the removed pixels, given those of the others, by conjugate gradients with the diagonal as preconditioner.
    fn solve(&self, value: &dyn Fn(usize) -> f64) -> Vec<f64> {
        let mut given = vec![0.0; self.cells];
        self.known.iter().for_each(|&(cell, pixel)| given[cell] = value(pixel));
        let mean = given.iter().sum::<f64>() / self.known.len() as f64;
        // About the mean, zero is a good start.
        self.known.iter().for_each(|&(cell, _)| given[cell] -= mean);
        let mut rest: Vec<f64> = self.unknown.iter().map(|&(_, cell)| around(&given, cell, self.row)).collect();
        let size = |rest: &[f64]| rest.iter().map(|value| value * value).sum::<f64>();
        let enough = TOLERANCE * TOLERANCE * size(&rest);
        let (mut solution, mut way) = (vec![0.0; rest.len()], vec![0.0; self.cells]);
        let (mut image, mut before) = (vec![0.0; rest.len()], f64::INFINITY);
        // As many steps as unknowns end it without rounding; the residual ends it long before.
        for _ in 0..rest.len() {
            if size(&rest) <= enough {
                break;
            }
            let now: f64 = rest.iter().zip(&self.diagonal).map(|(value, diagonal)| value * value / diagonal).sum();
            for ((&(_, cell), value), diagonal) in self.unknown.iter().zip(&rest).zip(&self.diagonal) {
                way[cell] = value / diagonal + now / before * way[cell];
            }
            let mut along = 0.0;
            for ((&(_, cell), image), diagonal) in self.unknown.iter().zip(&mut image).zip(&self.diagonal) {
                *image = diagonal * way[cell] - around(&way, cell, self.row);
                along += *image * way[cell];
            }
            let step = now / along;
            for (at, &(_, cell)) in self.unknown.iter().enumerate() {
                solution[at] += step * way[cell];
                rest[at] -= step * image[at];
            }
            before = now;
        }
        solution.iter_mut().for_each(|value| *value += mean);
        solution
    }
}

/// The weighted sum of a cell's eight neighbors.
fn around(grid: &[f64], cell: usize, row: usize) -> f64 {
    let [above, own, below] = [cell - row, cell, cell + row].map(|middle| &grid[middle - 1..middle + 2]);
    let (beside, corner) = WEIGHTS;
    beside * (above[1] + own[0] + own[2] + below[1]) + corner * (above[0] + above[2] + below[0] + below[2])
}
