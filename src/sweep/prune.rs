//! Which trials end before they have done all epochs.
//!
//! Costs are objectives where less is better. A trial's curve has one for each of its epochs, the first at place 0. Decisions are
//! those of Optuna 5's `MedianPruner` and `HyperbandPruner`, but for which bracket a trial is in.

/// By how much epochs grow from rung to rung, and of how many trials one goes on.
const ETA: usize = 3;

/// What became of another trial.
#[derive(Clone, Copy, Debug)]
pub struct Other<'a> {
    /// Its number, from 0.
    pub number: usize,
    /// Its costs by epoch.
    pub curve: &'a [f64],
    /// Whether it did all its epochs.
    pub finished: bool,
}

/// The median stopping rule of Golovin et al. (2017): whether the best of `curve` so far is worse than the median of what the
/// finished ones of `others` had after as many epochs. Nothing is ended within `warmup` epochs, nor before `least` are finished.
pub fn median(curve: &[f64], others: &[Other], warmup: u32, least: usize) -> bool {
    let finished = others.iter().filter(|other| other.finished);
    if curve.is_empty() || curve.len() < warmup as usize || finished.clone().count() < least.max(1) {
        return false;
    }
    let mut there: Vec<f64> = finished.filter_map(|other| other.curve.get(curve.len() - 1).copied()).collect();
    there.sort_by(f64::total_cmp);
    let best = curve.iter().copied().fold(f64::INFINITY, f64::min);
    let middle = there.len() / 2;
    match there.len() {
        0 => false,
        count if count % 2 == 1 => best > there[middle],
        _ => best > there[middle - 1] + (there[middle] - there[middle - 1]) / 2.0,
    }
}

/// Hyperband (Li et al., 2018): several brackets, of which the first ends many trials early and the last none, so that what
/// begins slowly has a chance. In a bracket trials are halved asynchronously (Li et al., 2020): one that comes to a rung goes on if
/// it is among the best third of those that came there so far.
#[derive(Clone, Debug)]
pub struct Hyperband {
    least: usize,
    /// How many trials of each round the brackets get.
    shares: Vec<usize>,
}

impl Hyperband {
    /// For trials of `most` epochs, of which each does `least` (1 or more).
    pub fn new(least: u32, most: u32) -> Self {
        let brackets = (0..).take_while(|&power| least as usize * ETA.pow(power) <= most as usize).count().max(1);
        let share = |bracket: usize| (brackets * ETA.pow((brackets - 1 - bracket) as u32)).div_ceil(brackets - bracket);
        Self { least: least as usize, shares: (0..brackets).map(share).collect() }
    }

    /// The brackets' shares of the trials.
    pub fn shares(&self) -> &[usize] {
        &self.shares
    }

    /// The bracket of trial `number`: brackets take turns, the i-th of each round of `shares` trials being spread evenly in it.
    pub fn bracket(&self, number: usize) -> usize {
        let round: usize = self.shares.iter().sum();
        let place = number % round;
        // Whose trials so far are the furthest behind its share, the smallest bracket first where two are.
        let mut given = vec![0; self.shares.len()];
        let mut bracket = 0;
        for turn in 0..=place {
            let behind = |of: usize| (self.shares[of] * (turn + 1)) as i64 - (given[of] * round) as i64;
            bracket = (0..self.shares.len()).max_by_key(|&of| (behind(of), std::cmp::Reverse(of))).unwrap_or(0);
            given[bracket] += 1;
        }
        bracket
    }

    /// Whether trial `number` ends after the epochs of `curve`; `others` are those before it.
    pub fn ends(&self, number: usize, curve: &[f64], others: &[Other]) -> bool {
        let bracket = self.bracket(number);
        let rung = |rung: u32| self.least.saturating_mul(ETA.saturating_pow(bracket as u32 + rung));
        let at_rung = (0..).map(rung).take_while(|&epochs| epochs <= curve.len()).any(|epochs| epochs == curve.len());
        let Some(&own) = curve.last().filter(|_| at_rung) else { return false };
        let came = others.iter().filter(|other| self.bracket(other.number) == bracket);
        let mut costs: Vec<f64> = came.filter_map(|other| other.curve.get(curve.len() - 1).copied()).collect();
        costs.push(own);
        costs.sort_by(f64::total_cmp);
        own > costs[(costs.len() / ETA).saturating_sub(1)]
    }
}
