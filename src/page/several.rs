//! Several runs beside each other: accuracy, loss, and the settings in which they differ.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::chart::{Chart, Points, Series};
use super::curves::{moves, shares};
use super::head::length;
use super::settings::written;
use super::{Run, cell, number, percent, table};
use crate::draw::axis::{Axis, short};
use crate::train::logs::metrics::Row;

/// Styles that a page has for lines.
const STYLES: usize = 8;

pub(super) fn draw(runs: &[Run]) -> Markup {
    let table = epochs(runs);
    html! {
        p { (says(runs)) }
        (results(runs))
        div class="charts" {
            (chart(runs, "all-accuracy", "Accuracy of the runs", |row| row.top1, &percent).draw(&table))
            (chart(runs, "all-loss", "Loss of the runs", |row| row.loss, &short).draw(&table))
        }
        h3 { "Settings that differ" }
        (differences(runs))
        p class="hint" { "All that follows is about the first run, " (runs[0].name) "." }
    }
}

/// The row of the best epoch.
fn best(run: &Run) -> Option<&Row> {
    run.judged()
        .into_iter()
        .filter(|row| row.top1.is_finite())
        .reduce(|best, row| if row.top1 > best.top1 { row } else { best })
}

fn says(runs: &[Run]) -> String {
    let known: Vec<(&Run, &Row)> = runs.iter().filter_map(|run| Some((run, best(run)?))).collect();
    let first = known.iter().copied().reduce(|first, one| if one.1.top1 > first.1.top1 { one } else { first });
    match first {
        None => "No epoch of any of the runs was judged.".into(),
        Some((run, row)) => {
            let (top1, part) = (percent(row.top1), row.split.name());
            format!(
                "The best of {} runs is {} with {top1} {part} accuracy in epoch {}.",
                runs.len(),
                run.name,
                row.epoch
            )
        }
    }
}

fn results(runs: &[Run]) -> Markup {
    let body = html! { tbody { @for run in runs {
        @let (best, last) = (best(run), run.judged().last().copied());
        @let seconds: f64 = run.rows.iter().map(|row| row.seconds).filter(|seconds| seconds.is_finite()).sum();
        tr {
            th scope="row" { (run.name) }
            td { (run.setting("model").unwrap_or_default().lines().next().unwrap_or_default()) }
            td { (best.map_or("–", |row| row.split.name())) }
            (cell(best.map_or(f64::NAN, |row| row.top1), &percent(best.map_or(f64::NAN, |row| row.top1))))
            (cell(best.map_or(f64::NAN, |row| row.epoch.into()), &best.map_or("–".into(), |row| row.epoch.to_string())))
            (cell(last.map_or(f64::NAN, |row| row.top1), &percent(last.map_or(f64::NAN, |row| row.top1))))
            (cell(last.map_or(f64::NAN, |row| row.loss), &number(last.map_or(f64::NAN, |row| row.loss), 4)))
            (cell(seconds, &length(seconds)))
        }
    } } };
    let head = ["Run", "Network", "Part", ">Best accuracy", ">In epoch", ">Last accuracy", ">Last loss", ">Time"];
    table("The runs", &head, &body, true)
}

fn chart(runs: &[Run], id: &str, heading: &str, value: fn(&Row) -> f64, show: &dyn Fn(f64) -> String) -> Chart {
    let of =
        |run: &Run| -> Vec<(f64, f64)> { run.judged().into_iter().map(|row| (row.epoch.into(), value(row))).collect() };
    let lines: Vec<(usize, &Run, Points)> = runs.iter().enumerate().map(|(at, run)| (at, run, of(run))).collect();
    let values: Vec<f64> = lines.iter().flat_map(|(_, _, points)| points.iter().map(|point| point.1)).collect();
    let says: Vec<String> =
        lines.iter().map(|(at, _, points)| moves(&format!("Run {}", at + 1), points, "epoch", show)).collect();
    let epochs: Vec<u32> = runs.iter().flat_map(|run| run.judged()).map(|row| row.epoch).collect();
    let (first, last) = (epochs.iter().min().copied().unwrap_or(0), epochs.iter().max().copied().unwrap_or(1));
    let series = |(at, _, points): (usize, &Run, Points)| {
        let end = points.iter().rev().find(|point| point.1.is_finite()).map_or(String::new(), |point| show(point.1));
        Series::through(format!("run {} {end}", at + 1), at % STYLES, &points)
    };
    Chart {
        id: format!("chart-{id}"),
        heading: heading.into(),
        says: says.join(" "),
        across: ("epoch".into(), Axis::whole(first, last)),
        up: if id.ends_with("loss") { Axis::positive(&values) } else { shares(&values) },
        series: lines.into_iter().map(series).collect(),
    }
}

fn epochs(runs: &[Run]) -> Markup {
    let body = html! { tbody { @for (at, run) in runs.iter().enumerate() { @for row in run.judged() { tr {
        td { "run " (at + 1) ", " (run.name) }
        (cell(row.epoch.into(), &row.epoch.to_string()))
        td { (row.split.name()) }
        (cell(row.loss, &number(row.loss, 4)))
        (cell(row.top1, &percent(row.top1)))
    } } } } };
    table("Each epoch of the runs", &["Run", ">Epoch", "Part", ">Loss", ">Top-1"], &body, false)
}

fn differences(runs: &[Run]) -> Markup {
    let keys: BTreeSet<&String> =
        runs.iter().flat_map(|run| run.info.config.as_object().into_iter().flatten().map(|(key, _)| key)).collect();
    let value = |run: &Run, key: &str| run.info.config.get(key).map_or("–".to_owned(), written);
    let differ: Vec<&String> =
        keys.into_iter().filter(|key| runs.iter().any(|run| value(run, key) != value(&runs[0], key))).collect();
    if differ.is_empty() {
        return html! { p { "None: the runs have the same settings." } };
    }
    let names: Vec<&str> = std::iter::once("Setting").chain(runs.iter().map(|run| &*run.name)).collect();
    let body = html! { tbody { @for key in differ { tr {
        th scope="row" { code { (key) } }
        @for run in runs { td { (value(run, key)) } }
    } } } };
    table("Settings that differ", &names, &body, false)
}
