//! Which parameters decide whether a trial is among the best: PED-ANOVA (Watanabe, Bansal and Hutter, 2023), as Optuna 5 has it.
//!
//! A parameter's values are counted on a grid, once in the best tenth of the trials and once in all. Both counts are smoothed to
//! densities p and q, and the parameter matters by their Pearson divergence Σ q (p / q − 1)²: where good trials lie elsewhere than
//! trials do at all. That is an analysis of variance of the best tenth, and needs no model of the objective. Shares add up to 1.
//! Parameters are looked at one by one: what two do together alone is not seen.

use super::domain::{Domain, Range};

/// Share of trials that are the best.
const BEST: f64 = 0.1;
/// The most cells of a grid.
const CELLS: usize = 50;
/// What the prior weighs, in trials.
const PRIOR: f64 = 1.0;

/// How many of so many trials are the best; those that are as good as the last of them are, too.
pub fn best_of(trials: usize) -> usize {
    (BEST * trials as f64).ceil() as usize
}

/// The shares, of 1, that `domains` have, from the `costs` of trials and their `places`: for each trial a coordinate in each domain
/// (a category's number, or the number itself). None where they cannot tell: fewer than two trials, or all alike.
pub fn importance(domains: &[&Domain], places: &[Vec<f64>], costs: &[f64]) -> Option<Vec<f64>> {
    if costs.len() < 2 {
        return None;
    }
    let mut sorted = costs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let most = sorted[best_of(costs.len()) - 1];
    let divergences: Vec<f64> = (0..domains.len())
        .map(|at| {
            let of = |best: bool| {
                let trials = places.iter().zip(costs).filter(|(_, cost)| !best || **cost <= most);
                density(domains[at], trials.map(|(places, _)| places[at]))
            };
            let (best, all) = (of(true), of(false));
            best.iter().zip(&all).map(|(p, q)| (p + 1e-12, q + 1e-12)).map(|(p, q)| q * (p / q - 1.0).powi(2)).sum()
        })
        .collect();
    let sum: f64 = divergences.iter().sum();
    (sum > 0.0).then(|| divergences.iter().map(|one| one / sum).collect())
}

/// The smoothed density of `values` on the domain's grid.
fn density(domain: &Domain, values: impl Iterator<Item = f64>) -> Vec<f64> {
    match domain {
        Domain::Choice(of) => {
            let mut counts = vec![0.0; of.len()];
            values.for_each(|place| counts[place as usize] += 1.0);
            of_categories(&counts)
        }
        Domain::Range(range) => {
            let (cells, [low, high]) = grid(range);
            let mut counts = vec![0.0; cells];
            let step = (high - low) / (cells - 1) as f64;
            for value in values {
                let value = if range.log { value.ln() } else { value };
                // What lies in the middle between two cells is in the lower one.
                let cell = ((value - low) / step - 0.5).ceil().clamp(0.0, (cells - 1) as f64);
                counts[cell as usize] += 1.0;
            }
            of_numbers(&counts)
        }
    }
}

/// How many cells a range has, and where the first and the last lie.
fn grid(range: &Range) -> (usize, [f64; 2]) {
    let scale = |number: f64| if range.log { number.ln() } else { number };
    let cells = match (range.steps, range.integer) {
        (Some(steps), _) => steps,
        (None, true) if range.log => (range.to - range.from + 1.0).log2().ceil() as usize + 1,
        (None, true) => (range.to - range.from) as usize + 1,
        (None, false) => CELLS,
    };
    (cells.min(CELLS), [scale(range.from), scale(range.to)])
}

/// One kernel for each category that occurs, which gives the others a little, and one for all alike.
fn of_categories(counts: &[f64]) -> Vec<f64> {
    let kernels = counts.iter().filter(|count| **count > 0.0).count() as f64 + 1.0;
    let (all, of) = (counts.iter().sum::<f64>() + PRIOR, counts.len() as f64);
    let little = PRIOR / kernels;
    let sum = 1.0 + little * of;
    // A kernel has `little` everywhere, and 1 more at its own place.
    let everywhere = (all - PRIOR) / all * little / sum + PRIOR / all / of;
    counts.iter().map(|count| everywhere + count / all / sum).collect()
}

/// A normal kernel over each cell that occurs, as wide as Scott's rule says, cut off at the ends, and a wide one over all.
fn of_numbers(counts: &[f64]) -> Vec<f64> {
    let cells = counts.len();
    let seen: Vec<(f64, f64)> =
        (0..cells).filter(|&cell| counts[cell] > 0.0).map(|cell| (cell as f64, counts[cell])).collect();
    let all: f64 = counts.iter().sum();
    let mean = seen.iter().map(|(cell, count)| cell * count).sum::<f64>() / all;
    let squares: f64 = seen.iter().map(|(cell, count)| (cell - mean).powi(2) * count).sum();
    let deviation = (squares / (all - 1.0).max(1.0)).sqrt();
    let mut so_far = 0.0;
    let below: Vec<f64> = seen
        .iter()
        .map(|(_, count)| {
            so_far += count;
            so_far
        })
        .collect();
    let quarter = below.partition_point(|sum| *sum < (all / 4.0).floor());
    let three = below.partition_point(|sum| *sum <= (all * 3.0 / 4.0).floor()).min(seen.len() - 1);
    let spread = (seen[three].0 - seen[quarter].0) / 1.34;
    // 90 % of a kernel lie in its own cell at least.
    let width = (1.059 * spread.min(deviation) * all.powf(-0.2)).max(0.5 / 1.64);
    let middle = (cells - 1) as f64 / 2.0;
    let kernels = seen.iter().map(|&(cell, count)| (cell, width, count)).chain([(middle, cells as f64, PRIOR)]);
    let mut density = vec![0.0; cells];
    for (center, width, weight) in kernels {
        let mass = |from: f64, to: f64| mass((from - center) / width, (to - center) / width);
        let whole = mass(-0.5, cells as f64 - 0.5);
        for (cell, density) in density.iter_mut().enumerate() {
            *density += weight / (all + PRIOR) * mass(cell as f64 - 0.5, cell as f64 + 0.5) / whole;
        }
    }
    density
}

/// What a normal distribution of deviation 1 has between `from` and `to`.
fn mass(from: f64, to: f64) -> f64 {
    // In the lower tail, where small numbers keep their digits.
    let (from, to) = if from > 0.0 { (-to, -from) } else { (from, to) };
    below(to) - below(from)
}

/// What it has below `x`.
fn below(x: f64) -> f64 {
    libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2) / 2.0
}
