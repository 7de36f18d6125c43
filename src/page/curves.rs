//! Loss, accuracy and learning rate, between epochs and within them.

use maud::{Markup, html};

use super::chart::{Chart, Points, Series};
use super::{Run, cell, number, percent, table};
use crate::draw::axis::{Axis, short};
use crate::train::logs::metrics::{Row, Split};
use crate::train::logs::steps::Step;

/// Splits in the order of the page's first three styles.
const SPLITS: [Split; 3] = [Split::Train, Split::Val, Split::Test];
/// The style of what is no split.
const RATE: usize = 3;

pub(super) fn draw(run: &Run) -> Markup {
    let (numbers, within) = (epochs(&run.rows), steps(&run.steps));
    let loss = between(run, "loss", "Loss", |row| row.loss, &short);
    let accuracy = between(run, "accuracy", "Accuracy", |row| row.top1, &percent);
    html! {
        div class="charts" {
            @if !run.rows.is_empty() {
                (loss.draw(&numbers))
                (accuracy.draw(&numbers))
            }
            @if run.steps.is_empty() {
                p class="empty" { "The run has no steps.csv, so nothing is known of what went on within its epochs." }
            } @else {
                (rate(&run.steps).draw(&within))
                (running(&run.steps, "running-loss", "Loss within epochs", |step| step.loss, &short).draw(&within))
                (running(&run.steps, "running-top1", "Accuracy within epochs", |step| step.top1, &percent).draw(&within))
            }
        }
        @if run.rows.iter().any(|row| !row.loss.is_finite()) {
            p { "Lines have gaps where the loss was not finite." }
        }
    }
}

/// A chart over epochs with a line for each split that there is.
fn between(run: &Run, id: &str, heading: &str, value: fn(&Row) -> f64, show: &dyn Fn(f64) -> String) -> Chart {
    let of = |split: Split| -> Vec<(f64, f64)> {
        run.rows.iter().filter(|row| row.split == split).map(|row| (row.epoch.into(), value(row))).collect()
    };
    let lines: Vec<(usize, Split, Points)> = (0..)
        .zip(SPLITS)
        .map(|(at, split)| (at, split, of(split)))
        .filter(|(_, _, points)| !points.is_empty())
        .collect();
    let values: Vec<f64> = lines.iter().flat_map(|(_, _, points)| points.iter().map(|point| point.1)).collect();
    let what = heading.to_lowercase();
    let mut says: Vec<String> = lines
        .iter()
        .rev()
        .map(|(_, split, points)| moves(&format!("{} {what}", words(*split)), points, "epoch", show))
        .collect();
    let judged: Vec<(f64, f64)> = run.judged().into_iter().map(|row| (row.epoch.into(), value(row))).collect();
    let better = |a: &f64, b: &f64| if id == "loss" { a < b } else { a > b };
    let best = judged.iter().filter(|point| point.1.is_finite()).fold(None::<(f64, f64)>, |best, point| match best {
        Some(best) if !better(&point.1, &best.1) => Some(best),
        _ => Some(*point),
    });
    if let Some((epoch, value)) = best.filter(|_| judged.len() > 1) {
        says.push(format!("The best {what} is {} in epoch {epoch}.", show(value)));
    }
    let first = run.rows.iter().map(|row| row.epoch).min().unwrap_or(0);
    let last = run.rows.iter().map(|row| row.epoch).max().unwrap_or(1);
    let up = if id == "loss" { Axis::positive(&values) } else { shares(&values) };
    let series = |(style, split, points): (usize, Split, Points)| {
        let end = points.iter().rev().find(|point| point.1.is_finite()).map_or(String::new(), |point| show(point.1));
        Series::through(format!("{} {end}", split.name()), style, &points)
    };
    Chart {
        id: format!("chart-{id}"),
        heading: heading.into(),
        says: says.join(" "),
        across: ("epoch".into(), Axis::whole(first, last)),
        up,
        series: lines.into_iter().map(series).collect(),
    }
}

/// An axis of shares, labelled in per cent.
pub(super) fn shares(values: &[f64]) -> Axis {
    let mut axis = Axis::around(values, 0.0, 1.0);
    let digits = if axis.ticks.windows(2).any(|pair| pair[1].0 - pair[0].0 < 0.0099) { 1 } else { 0 };
    axis.ticks.iter_mut().for_each(|(value, label)| *label = format!("{:.digits$}\u{a0}%", 100.0 * *value));
    axis
}

/// `Test accuracy rises from 52.5 % to 75.8 %.`
pub(super) fn moves(name: &str, points: &[(f64, f64)], unit: &str, show: &dyn Fn(f64) -> String) -> String {
    let finite: Vec<&(f64, f64)> = points.iter().filter(|point| point.1.is_finite()).collect();
    match finite[..] {
        [] => format!("{name} is never finite."),
        [one] => format!("{name} is {} at {unit} {}.", show(one.1), one.0),
        [first, .., last] => {
            let (from, to) = (show(first.1), show(last.1));
            let goes = match last.1.total_cmp(&first.1) {
                _ if from == to => return format!("{name} begins and ends at {to}."),
                std::cmp::Ordering::Less => "falls",
                _ => "rises",
            };
            format!("{name} {goes} from {from} to {to}.")
        }
    }
}

fn words(split: Split) -> &'static str {
    match split {
        Split::Train => "Training",
        Split::Val => "Validation",
        Split::Test => "Test",
    }
}

fn across(rows: &[Step]) -> (String, Axis) {
    let last = rows.last().map_or(1, |row| row.step);
    ("step".into(), Axis::whole(0, u32::try_from(last).unwrap_or(u32::MAX)))
}

fn rate(rows: &[Step]) -> Chart {
    let points: Vec<(f64, f64)> = rows.iter().map(|row| (row.step as f64, row.lr)).collect();
    let values: Vec<f64> = points.iter().map(|point| point.1).chain([0.0]).collect();
    let highest = points.iter().copied().fold((0.0, 0.0), |best, point| if point.1 > best.1 { point } else { best });
    let says = match (points.first(), points.last()) {
        (Some(first), Some(last)) if highest.1 > first.1.max(last.1) => format!(
            "The learning rate rises from {} to {} at step {} and ends at {}.",
            short(first.1),
            short(highest.1),
            highest.0,
            short(last.1)
        ),
        _ => moves("The learning rate", &points, "step", &short),
    };
    let label = points.last().map_or(String::new(), |point| short(point.1));
    Chart {
        id: "chart-rate".into(),
        heading: "Learning rate".into(),
        says,
        across: across(rows),
        up: Axis::around(&values, 0.0, f64::INFINITY),
        series: vec![Series::through(label, RATE, &points)],
    }
}

/// Running averages: a line of as many pieces as there are epochs.
fn running(rows: &[Step], id: &str, heading: &str, value: fn(&Step) -> f64, show: &dyn Fn(f64) -> String) -> Chart {
    let epochs: Vec<Vec<(f64, f64)>> = rows
        .chunk_by(|a, b| a.epoch == b.epoch)
        .map(|rows| rows.iter().map(|row| (row.step as f64, value(row))).filter(|point| point.1.is_finite()).collect())
        .filter(|piece: &Vec<_>| !piece.is_empty())
        .collect();
    let values: Vec<f64> = epochs.iter().flatten().map(|point| point.1).collect();
    let within = |which: &str, piece: Option<&Vec<(f64, f64)>>| {
        piece.map(|piece| moves(&format!("The running average in the {which} epoch"), piece, "step", show))
    };
    let says = [within("first", epochs.first()), within("last", epochs.last().filter(|_| epochs.len() > 1))];
    let label = epochs.last().and_then(|piece| piece.last()).map_or(String::new(), |point| show(point.1));
    Chart {
        id: format!("chart-{id}"),
        heading: heading.into(),
        says: says.into_iter().flatten().collect::<Vec<_>>().join(" ") + " A piece of the line is an epoch.",
        across: across(rows),
        up: if id.ends_with("loss") { Axis::positive(&values) } else { shares(&values) },
        series: vec![Series { label: format!("train {label}"), style: 0, pieces: epochs }],
    }
}

/// `metrics.csv` for people.
fn epochs(rows: &[Row]) -> Markup {
    let body = html! { tbody { @for row in rows { tr {
        (cell(row.epoch.into(), &row.epoch.to_string()))
        td { (row.split.name()) }
        (cell(row.loss, &number(row.loss, 4)))
        (cell(row.top1, &percent(row.top1)))
        (cell(row.top5, &percent(row.top5)))
        (cell(row.lr, &short(row.lr)))
        (cell(row.seconds, &number(row.seconds, 1)))
        (cell(row.images_per_second, &number(row.images_per_second, 0)))
    } } } };
    let head = [">Epoch", "Part", ">Loss", ">Top-1", ">Top-5", ">Learning rate", ">Seconds", ">Images/s"];
    table("Each epoch", &head, &body, false)
}

/// The first and the last row of each epoch in `steps.csv`.
fn steps(rows: &[Step]) -> Markup {
    let body = html! { tbody { @for rows in rows.chunk_by(|a, b| a.epoch == b.epoch) {
        @for row in rows.first().into_iter().chain(rows.last().filter(|_| rows.len() > 1)) { tr {
            (cell(row.epoch.into(), &row.epoch.to_string()))
            (cell(row.step as f64, &row.step.to_string()))
            (cell(row.loss, &number(row.loss, 4)))
            (cell(row.top1, &percent(row.top1)))
            (cell(row.lr, &short(row.lr)))
        } }
    } } };
    table(
        "Running averages at the first and the last step of each epoch",
        &[">Epoch", ">Step", ">Loss", ">Top-1", ">Learning rate"],
        &body,
        false,
    )
}
