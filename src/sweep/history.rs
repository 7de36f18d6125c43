//! The objective trial by trial, and the best so far, as a chart.

use super::plan::Plan;
use super::rules::Objective;
use super::trial::{State, Trial};
use crate::draw::axis::Axis;
use crate::draw::chart::{self, Abscissa, Panel, Series};
use crate::draw::pen;
use crate::error::Result;

const FINISHED: [u8; 3] = [0, 114, 178];
const PRUNED: [u8; 3] = [176, 180, 188];
const BEST: [u8; 3] = [230, 145, 0];

/// The chart as the bytes of a PNG file.
///
/// # Errors
/// None that a caller can cause.
pub fn png(title: &str, plan: &Plan, trials: &[Trial]) -> Result<Vec<u8>> {
    let objective = plan.rules.objective;
    let value = |trial: &Trial| {
        let value = trial.value(objective)?;
        Some(if objective == Objective::Accuracy { 100.0 * value } else { value })
    };
    let dots = |name: &str, state: State, color| {
        let of = trials.iter().zip(1..).filter(|(trial, _)| trial.state == state);
        let points: Vec<(f64, f64)> =
            of.filter_map(|(trial, number)| Some((f64::from(number), value(trial)?))).collect();
        let value = points.len().to_string();
        // A gap behind each: points alone, and no line through them.
        let points = points.into_iter().flat_map(|(x, y)| [(x, y), (x, f64::NAN)]).collect();
        Series { name: name.into(), value, color, points }
    };
    let mut best: Option<f64> = None;
    let mut so_far = Vec::new();
    for (trial, number) in trials.iter().zip(1..) {
        if trial.state == State::Finished
            && let Some(value) = value(trial)
        {
            best = Some(best.map_or(value, |best| objective.better(best, value)));
        }
        so_far.extend(best.map(|best| (f64::from(number), best)));
    }
    let name = if objective == Objective::Accuracy { "Validation accuracy (%)" } else { "Validation loss" };
    let shown: Vec<f64> = trials.iter().filter_map(value).collect();
    let axis = match objective {
        Objective::Accuracy => Axis::around(&shown, 0.0, 100.0),
        Objective::Loss => Axis::positive(&shown),
    };
    let mut series = vec![Series { name: "best so far".into(), value: String::new(), color: BEST, points: so_far }];
    series.push(dots("finished", State::Finished, FINISHED));
    series.push(dots("pruned", State::Pruned, PRUNED));
    let x = Abscissa { name: "trial", axis: Axis::whole(1, trials.len().max(1) as u32) };
    let panel = Panel { heading: name.into(), note: String::new(), axis, series };
    pen::png(&chart::bitmap(title, &x, &[panel])?)
}
