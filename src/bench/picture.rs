//! A ladder as a picture: on the left its rungs on the most telling problem, on the right all of its problems under the
//! roof that the measured ceilings make.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::kernels::limits::Ceilings;
use super::kernels::{Contender, Outcome, Row};
use super::tables::kernels::{is_rung, most_telling};
use crate::draw::axis::{Axis, short};
use crate::draw::pen::{self, AXIS, Drawn, FAINT, GRID, INK, Pen, ramp};
use crate::error::Result;

const BARS: f64 = 470.0;
const ROOF: f64 = 470.0;
const TITLE: f64 = 52.0;
/// Height of a bar with its gap, and the least height of the panels.
const BAR: f64 = 26.0;
const LEAST: f64 = 330.0;
/// Rungs go from pale to dark blue, as a ladder is climbed; libraries are orange.
const RUNGS: [[u8; 3]; 3] = [[158, 202, 225], [66, 146, 198], [8, 48, 107]];
const OTHERS: [RGBColor; 3] = [RGBColor(213, 94, 0), RGBColor(230, 159, 0), RGBColor(148, 103, 60)];

/// SVG text for the rows of one ladder.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn svg(ladder: &str, card: &str, rows: &[&Row], ceilings: &Ceilings) -> Result<String> {
    pen::svg(extent(rows), |pen| Plot { ladder, card, rows, ceilings }.draw(pen))
}

/// The same as the bytes of a PNG file.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn png(ladder: &str, card: &str, rows: &[&Row], ceilings: &Ceilings) -> Result<Vec<u8>> {
    pen::png(&pen::bitmap(extent(rows), |pen| Plot { ladder, card, rows, ceilings }.draw(pen))?)
}

fn extent(rows: &[&Row]) -> (f64, f64) {
    let contenders = rows.first().map_or(0, |row| row.contenders.len());
    (BARS + ROOF, TITLE + (BAR * contenders as f64 + 90.0).max(LEAST))
}

struct Plot<'a> {
    ladder: &'a str,
    card: &'a str,
    rows: &'a [&'a Row],
    ceilings: &'a Ceilings,
}

/// Whether the ladder computes, so that operations are its measure; else bytes are.
fn computes(row: &Row, ceilings: &Ceilings) -> bool {
    row.flops / ceilings.flops >= row.bytes / ceilings.bytes
}

/// GFLOP/s and GB/s.
fn rates(contender: &Contender) -> Option<(f64, f64)> {
    match contender.outcome {
        Outcome::Measured { gflops, gigabytes_per_second, .. } => Some((gflops, gigabytes_per_second)),
        Outcome::Missing { .. } => None,
    }
}

fn colors(row: &Row) -> Vec<RGBColor> {
    let rungs = row.contenders.iter().filter(|one| is_rung(one)).count();
    let color = |index: usize| {
        if index >= rungs {
            return OTHERS[(index - rungs) % OTHERS.len()];
        }
        let [r, g, b] = ramp(&RUNGS, (index + 1) as f64 / rungs as f64);
        RGBColor(r, g, b)
    };
    (0..row.contenders.len()).map(color).collect()
}

impl Plot<'_> {
    fn draw<B: DrawingBackend>(&self, pen: &Pen<B>) -> Drawn<B> {
        let title = pen.fit(&format!("{} on {}", self.ladder, self.card), 16.0, BARS + ROOF - 40.0);
        pen.text((20.0, 30.0), 16.0, INK, HPos::Left, &title)?;
        let Some(row) = most_telling(self.rows.iter().copied()) else { return Ok(()) };
        let bottom = extent(self.rows).1 - TITLE - 52.0;
        self.bars(&pen.moved(0.0, TITLE), row)?;
        self.roof(&pen.moved(BARS, TITLE), &colors(row), bottom)
    }

    /// A bar for each contender on one problem.
    fn bars<B: DrawingBackend>(&self, pen: &Pen<B>, row: &Row) -> Drawn<B> {
        let computes = computes(row, self.ceilings);
        let (unit, ceiling) = if computes { ("GFLOP/s", self.ceilings.flops) } else { ("GB/s", self.ceilings.bytes) };
        pen.text((20.0, 14.0), 11.5, INK, HPos::Left, &pen.fit(&row.problem, 11.5, BARS - 60.0))?;
        let (left, right) = (150.0, BARS - 70.0);
        let value = |one: &Contender| rates(one).map(|(flops, bytes)| if computes { flops } else { bytes });
        let most = row.contenders.iter().filter_map(value).fold(ceiling / 1e9, f64::max);
        let top = 30.0;
        let bottom = top + BAR * row.contenders.len() as f64;
        let at = |value: f64| left + value / most * (right - left);
        pen.line(&[(at(ceiling / 1e9), top), (at(ceiling / 1e9), bottom)], 1.5, AXIS)?;
        let told = format!("ceiling {} {unit}", short(ceiling / 1e9));
        pen.text((at(ceiling / 1e9), bottom + 14.0), 11.0, FAINT, HPos::Right, &told)?;
        for (index, (one, color)) in row.contenders.iter().zip(colors(row)).enumerate() {
            let y = top + BAR * index as f64;
            pen.text((left - 8.0, y + 16.0), 11.5, INK, HPos::Right, &pen.fit(&one.name, 11.5, left - 24.0))?;
            match (value(one), &one.outcome) {
                (Some(value), _) => {
                    pen.rectangle((left, y + 4.0), (at(value).max(left + 1.0), y + BAR - 4.0), color)?;
                    pen.text((at(value) + 6.0, y + 16.0), 11.0, INK, HPos::Left, &short(value))?;
                }
                (None, Outcome::Missing { not_measured, .. }) => {
                    let text = pen.fit(&format!("not measured: {not_measured}"), 11.0, BARS - left - 20.0);
                    pen.text((left, y + 16.0), 11.0, FAINT, HPos::Left, &text)?;
                }
                (None, Outcome::Measured { .. }) => {}
            }
        }
        Ok(())
    }

    /// Every problem of every contender, under the roof; without operations, under the ceiling of the memory.
    fn roof<B: DrawingBackend>(&self, pen: &Pen<B>, colors: &[RGBColor], bottom: f64) -> Drawn<B> {
        let (left, right, top) = (62.0, ROOF - 26.0, 30.0);
        let Ceilings { flops, bytes } = *self.ceilings;
        let computes = self.rows.iter().any(|row| row.flops > 0.0);
        // What stands below the axis and above the panel, and where the roof has its corner.
        let (below, above, ridge, peak) = if computes {
            ("arithmetic intensity (FLOP/byte)", "GFLOP/s", flops / bytes, flops / 1e9)
        } else {
            ("inputs and result (MB)", "GB/s", 1.0, bytes / 1e9)
        };
        let points: Vec<(f64, f64, RGBColor)> =
            self.rows.iter().flat_map(|row| points(row, colors, computes)).collect();
        let least = |values: &mut dyn Iterator<Item = f64>, first: f64| values.fold(first, f64::min);
        let most = |values: &mut dyn Iterator<Item = f64>, first: f64| values.fold(first, f64::max);
        let xs = || points.iter().map(|point| point.0);
        let x = Axis::log(least(&mut xs(), ridge / 4.0) / 1.5, most(&mut xs(), ridge * 4.0) * 1.5);
        let ys = || points.iter().map(|point| point.1);
        let y = Axis::log(least(&mut ys(), peak / 20.0) / 1.5, most(&mut ys(), peak) * 1.6);
        let place = |(abscissa, rate): (f64, f64)| {
            let height = y.position(rate).max(0.0);
            (left + x.position(abscissa) * (right - left), bottom - height * (bottom - top))
        };
        for (value, label) in &y.ticks {
            let y = place((x.low(), *value)).1;
            pen.line(&[(left, y), (right, y)], 1.0, GRID)?;
            pen.text((left - 8.0, y + 4.0), 11.0, FAINT, HPos::Right, label)?;
        }
        for (value, label) in &x.ticks {
            let x = place((*value, peak)).0;
            pen.line(&[(x, top), (x, bottom)], 1.0, GRID)?;
            pen.text((x, bottom + 17.0), 11.0, FAINT, HPos::Center, label)?;
        }
        pen.line(&[(left, top), (left, bottom), (right, bottom)], 1.0, AXIS)?;
        pen.text(((left + right) / 2.0, bottom + 38.0), 11.5, INK, HPos::Center, below)?;
        pen.text((left, 14.0), 11.5, INK, HPos::Left, &format!("all problems, {above}, under the measured ceilings"))?;
        let lowest = x.low().max(y.low() * 1e9 / bytes);
        let start = if computes { (lowest, lowest * bytes / 1e9) } else { (x.low(), peak) };
        let roof = [start, (ridge, peak)].map(place);
        pen.line(&[roof[0], roof[1], (right, roof[1].1)], 2.0, AXIS)?;
        for (abscissa, rate, color) in points {
            pen.disc(place((abscissa, rate)), 4.0, WHITE)?;
            pen.disc(place((abscissa, rate)), 3.2, color)?;
        }
        Ok(())
    }
}

/// Intensity, GFLOP/s and color of what was measured on a problem; or megabytes, GB/s and color.
fn points(row: &Row, colors: &[RGBColor], computes: bool) -> Vec<(f64, f64, RGBColor)> {
    let measured = row.contenders.iter().zip(colors).filter_map(|(one, color)| Some((rates(one)?, *color)));
    let place = |((flops, bytes), color): ((f64, f64), RGBColor)| {
        if computes { (row.flops / row.bytes, flops, color) } else { (row.bytes / 1e6, bytes, color) }
    };
    measured.map(place).filter(|(abscissa, rate, _)| *abscissa > 0.0 && *rate > 0.0).collect()
}
