//! Trials as lines across parallel axes, one for each parameter and one for the objective, whose colour they have.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::domain::{Domain, plain};
use super::plan::Plan;
use super::rules::Objective;
use super::trial::{State, Trial, ranked};
use crate::draw::axis::Axis;
use crate::draw::face;
use crate::draw::pen::{self, AXIS, Drawn, FAINT, GRID, INK, Pen, ramp};
use crate::error::Result;

/// Height of the title's strip and of the axes, what is above and below them, and margins at both sides, in points.
const TITLE: f64 = 46.0;
const HIGH: f64 = 300.0;
const ABOVE: f64 = 48.0;
const BELOW: f64 = 24.0;
const MARGIN: f64 = 24.0;
const KEY: f64 = 96.0;
/// From axis to axis at least, and the most that the label of a category takes.
const APART: f64 = 116.0;
const LABEL: f64 = 120.0;
/// Size of labels.
const SMALL: f64 = 11.0;
/// From the worst objective to the best; and those that were ended early.
const COLORS: [[u8; 3]; 4] = [[246, 209, 69], [92, 184, 120], [42, 120, 142], [68, 18, 100]];
const ENDED: RGBColor = RGBColor(205, 208, 214);
/// How much of the room of a category its trials are spread over.
const SPREAD: f64 = 0.6;

/// The lines as SVG text; `shares` say how much each parameter matters, if that is known.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn svg(title: &str, plan: &Plan, trials: &[Trial], shares: Option<&[f64]>) -> Result<String> {
    let plot = Plot::new(title, plan, trials, shares);
    pen::svg(plot.extent(), |pen| plot.draw(pen))
}

/// The same as the bytes of a PNG file.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn png(title: &str, plan: &Plan, trials: &[Trial], shares: Option<&[f64]>) -> Result<Vec<u8>> {
    let plot = Plot::new(title, plan, trials, shares);
    pen::png(&pen::bitmap(plot.extent(), |pen| plot.draw(pen))?)
}

struct Plot<'a> {
    title: &'a str,
    objective: Objective,
    columns: Vec<Column>,
    /// Places of the trials that have an objective, the best last, with their shares of the way from the worst to the best.
    shown: Vec<(usize, f64)>,
    trials: &'a [Trial],
}

/// One axis.
struct Column {
    name: String,
    note: String,
    /// Where each trial crosses it: 0 at the bottom, 1 at the top.
    places: Vec<f64>,
    /// Places with their labels.
    labels: Vec<(f64, String)>,
    /// From the axis to the left, where the labels are.
    room: f64,
}

impl<'a> Plot<'a> {
    fn new(title: &'a str, plan: &Plan, trials: &'a [Trial], shares: Option<&[f64]>) -> Self {
        let objective = plan.rules.objective;
        let mut shown = ranked(trials, objective);
        shown.retain(|&place| trials[place].value(objective).is_some());
        shown.reverse();
        let values: Vec<f64> = trials.iter().map(|trial| trial.value(objective).unwrap_or(f64::NAN)).collect();
        let cost = |place: usize| trials[place].cost(objective);
        let finished = || shown.iter().copied().filter(|&place| trials[place].state == State::Finished).map(cost);
        let [least, most] = [f64::min, f64::max].map(|of| finished().reduce(of).unwrap_or(0.0));
        let share = |cost: f64| if most > least { (most - cost) / (most - least) } else { 1.0 };
        let shown = shown.iter().map(|&place| (place, share(cost(place)))).collect();
        let mut columns: Vec<Column> = Vec::new();
        for (at, parameter) in plan.parameters.iter().enumerate() {
            let note = shares.map_or(String::new(), |shares| format!("importance {:.0} %", 100.0 * shares[at]));
            columns.push(Column::of(&parameter.name, note, &parameter.domain, trials, at, objective));
        }
        columns.push(Column::of_objective(objective, &values));
        Self { title, objective, columns, shown, trials }
    }

    fn extent(&self) -> (f64, f64) {
        let columns: f64 = self.columns.iter().map(|column| column.room).sum();
        (MARGIN + columns + KEY, TITLE + ABOVE + HIGH + BELOW)
    }

    fn draw<B: DrawingBackend>(&self, pen: &Pen<B>) -> Drawn<B> {
        let (width, _) = self.extent();
        pen.text((20.0, 30.0), 16.0, INK, HPos::Left, &pen.fit(self.title, 16.0, width - 40.0))?;
        let mut at = MARGIN;
        let across: Vec<f64> = self
            .columns
            .iter()
            .map(|column| {
                at += column.room;
                at
            })
            .collect();
        let (top, bottom) = (TITLE + ABOVE, TITLE + ABOVE + HIGH);
        let height = |share: f64| bottom - share * (bottom - top);
        for ended in [true, false] {
            for &(place, share) in &self.shown {
                if (self.trials[place].state == State::Pruned) != ended {
                    continue;
                }
                let points: Vec<_> =
                    self.columns.iter().zip(&across).map(|(column, &x)| (x, height(column.places[place]))).collect();
                let [r, g, b] = ramp(&COLORS, share);
                let (width, color) = if ended { (1.0, ENDED) } else { (1.6, RGBColor(r, g, b)) };
                pen.line(&points, width, color)?;
            }
        }
        for (column, &x) in self.columns.iter().zip(&across) {
            pen.line(&[(x, top), (x, bottom)], 1.2, AXIS)?;
            for (share, label) in &column.labels {
                let y = height(*share);
                let text = pen.fit(label, SMALL, LABEL);
                // Lines behind a label would make it hard to read.
                let left = x - 7.0 - pen.width(&text, SMALL);
                pen.rectangle((left - 1.5, y - 6.5), (x - 5.5, y + 6.5), WHITE)?;
                pen.line(&[(x - 4.0, y), (x, y)], 1.2, AXIS)?;
                pen.text((x - 7.0, y + 4.0), SMALL, INK, HPos::Right, &text)?;
            }
            let name = pen.fit(&column.name, 12.5, column.room - 8.0);
            pen.text((x + 4.0, top - 28.0), 12.5, INK, HPos::Right, &name)?;
            pen.text((x + 4.0, top - 13.0), 10.0, FAINT, HPos::Right, &pen.fit(&column.note, 10.0, column.room - 8.0))?;
        }
        self.key(&pen.moved(width - KEY + 22.0, 0.0), (top, bottom))
    }

    /// What colours mean.
    fn key<B: DrawingBackend>(&self, pen: &Pen<B>, (top, bottom): (f64, f64)) -> Drawn<B> {
        const STRIPES: usize = 60;
        let finished = |best: bool| {
            let mut of = self.shown.iter().filter(|(place, _)| self.trials[*place].state == State::Finished);
            let end = if best { of.next_back() } else { of.next() };
            end.and_then(|(place, _)| self.trials[*place].value(self.objective))
        };
        let (low, high) = (bottom - 40.0, top + 20.0);
        for stripe in 0..STRIPES {
            let of = |stripe: usize| low - (low - high) * stripe as f64 / STRIPES as f64;
            let [r, g, b] = ramp(&COLORS, (stripe as f64 + 0.5) / STRIPES as f64);
            pen.rectangle((0.0, of(stripe + 1)), (12.0, of(stripe)), RGBColor(r, g, b))?;
        }
        for (y, best, word) in [(high, true, "best"), (low, false, "worst")] {
            let value = finished(best).map_or(String::new(), |value| self.objective.shown(value));
            pen.text((18.0, y + 4.0), SMALL, INK, HPos::Left, word)?;
            pen.text((18.0, y + if best { 17.0 } else { -9.0 }), SMALL, FAINT, HPos::Left, &value)?;
        }
        if self.shown.iter().any(|(place, _)| self.trials[*place].state == State::Pruned) {
            pen.line(&[(0.0, bottom - 8.0), (14.0, bottom - 8.0)], 2.0, ENDED)?;
            pen.text((18.0, bottom - 4.0), SMALL, INK, HPos::Left, "pruned")?;
        }
        pen.line(&[(-10.0, top), (-10.0, bottom)], 0.5, GRID)
    }
}

impl Column {
    fn of(name: &str, note: String, domain: &Domain, trials: &[Trial], at: usize, objective: Objective) -> Self {
        let number = |trial: &Trial| trial.values[at].as_f64().unwrap_or(f64::NAN);
        match domain {
            Domain::Range(range) => {
                let axis = if range.log {
                    Axis::log(range.from, range.to)
                } else {
                    Axis::around(&[range.from, range.to], range.from, range.to)
                };
                let places = trials.iter().map(|trial| axis.position(number(trial))).collect();
                Self::new(name, note, places, &axis)
            }
            Domain::Choice(values) => {
                let each = 1.0 / values.len() as f64;
                let middle = |category: usize| (category as f64 + 0.5) * each;
                let category = |trial: &Trial| values.iter().position(|value| *value == trial.values[at]).unwrap_or(0);
                // Trials of one category lie beside each other, the best at the top.
                let mut places = vec![0.0; trials.len()];
                for one in 0..values.len() {
                    let mut of = ranked(trials, objective);
                    of.retain(|&place| category(&trials[place]) == one);
                    for (above, &place) in of.iter().enumerate() {
                        places[place] = middle(one) + SPREAD * each * (0.5 - (above as f64 + 0.5) / of.len() as f64);
                    }
                }
                let labels = values.iter().enumerate().map(|(at, value)| (middle(at), plain(value))).collect();
                Self::with(name.into(), note, places, labels)
            }
        }
    }

    fn of_objective(objective: Objective, values: &[f64]) -> Self {
        let percent: Vec<f64> = values.iter().map(|value| 100.0 * value).collect();
        let (values, axis, name) = match objective {
            Objective::Accuracy => (&percent[..], Axis::around(&percent, 0.0, 100.0), "accuracy (%)"),
            Objective::Loss => (values, Axis::positive(values), "loss"),
        };
        let places = values.iter().map(|&value| axis.position(value)).collect();
        Self::new(name, "validation".into(), places, &axis)
    }

    fn new(name: &str, note: String, places: Vec<f64>, axis: &Axis) -> Self {
        let labels = axis.ticks.iter().map(|(value, label)| (axis.position(*value), label.clone())).collect();
        Self::with(name.into(), note, places, labels)
    }

    fn with(name: String, note: String, places: Vec<f64>, labels: Vec<(f64, String)>) -> Self {
        let widest = labels.iter().map(|(_, label)| SMALL * face::width(label)).fold(0.0, f64::max).min(LABEL);
        let room = APART.max(widest + 40.0);
        Self { name, note, places, labels, room }
    }
}
