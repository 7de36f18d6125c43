//! The confusion matrix, with the pictures behind each of its cells.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::mistakes::{Judged, SHOWN_IN_CELL, picture};
use super::percent;
use crate::train::report::confusion::Mistake;

/// Classes beyond which a table of all pairs cannot be read.
const MOST: usize = 40;
/// Pairs that are listed where there is no table.
const PAIRS: usize = 100;

pub(super) fn draw(judged: &Judged) -> Markup {
    let report = &judged.report;
    let classes = report.classes.len();
    // What is behind each cell: a picture each, in the order in which they are shown.
    let mut cells: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (at, one) in report.predictions.iter().enumerate() {
        cells.entry((one.truth, one.predicted)).or_default().push(at);
    }
    html! {
        p { (says(judged)) }
        @if classes <= MOST {
            (matrix(judged))
        } @else {
            p { "With " (classes) " classes a table of all pairs cannot be read: here are those that are confused most." }
            ol class="pairs" { @for mistake in report.mistakes.iter().take(PAIRS) { li {
                a href={ "#" (id(mistake.truth, mistake.predicted)) } {
                    (report.classes[mistake.truth]) " taken for " (report.classes[mistake.predicted])
                }
                ": " (mistake.images.len())
            } } }
        }
        div class="cells" {
            @for ((truth, predicted), images) in &cells {
                @let is_it = |mistake: &Mistake| (mistake.truth, mistake.predicted) == (*truth, *predicted);
                @if classes <= MOST || report.mistakes.iter().take(PAIRS).any(is_it) {
                    (panel(judged, *truth, *predicted, images))
                }
            }
        }
    }
}

fn id(truth: usize, predicted: usize) -> String {
    format!("cell-{truth}-{predicted}")
}

fn says(judged: &Judged) -> String {
    let report = &judged.report;
    match report.mistakes.first() {
        None => "Nothing is taken for anything else.".into(),
        Some(worst) => {
            let (truth, predicted) = (&report.classes[worst.truth], &report.classes[worst.predicted]);
            let of: u64 = report.confusion.row(worst.truth).iter().sum();
            let share = percent(worst.images.len() as f64 / of as f64);
            format!(
                "Most often '{truth}' is taken for '{predicted}': {} of {of} images ({share}). A number leads to its pictures.",
                worst.images.len()
            )
        }
    }
}

fn matrix(judged: &Judged) -> Markup {
    let report = &judged.report;
    let classes = &report.classes;
    html! {
        div class="box" tabindex="0" role="region" aria-label="Confusion matrix" {
            table class="matrix" {
                caption { "Rows: what the images are. Columns: what they are taken for. Shades: the share of the row." }
                thead { tr { td {} @for name in classes { th scope="col" { span { (name) } } } } }
                tbody { @for (truth, name) in classes.iter().enumerate() {
                    @let row = report.confusion.row(truth);
                    @let of = row.iter().sum::<u64>().max(1);
                    tr {
                        th scope="row" { (name) }
                        @for (predicted, &count) in row.iter().enumerate() {
                            @let share = count as f64 / of as f64;
                            @let (right, shade) = (truth == predicted, format!("--s:{:.0}%", 45.0 * share));
                            td class=(if right { "right" } else { "wrong" }) style=(shade) {
                                @if count == 0 { span class="none" { "0" } } @else {
                                    @let says = words(count, name, &classes[predicted], right);
                                    a href={ "#" (id(truth, predicted)) } aria-label=(says) { (count) }
                                }
                            }
                        }
                    }
                } }
            }
        }
    }
}

fn words(count: u64, truth: &str, predicted: &str, right: bool) -> String {
    if right { format!("{count} of {truth}, right") } else { format!("{count} of {truth} taken for {predicted}") }
}

/// The pictures of one cell, hidden until it is gone to.
fn panel(judged: &Judged, truth: usize, predicted: usize, images: &[usize]) -> Markup {
    let report = &judged.report;
    let (name, taken) = (&report.classes[truth], &report.classes[predicted]);
    let shown: Vec<usize> = judged.of_cell(images);
    html! {
        @let says = words(images.len() as u64, name, taken, truth == predicted);
        section class="panel" id=(id(truth, predicted)) tabindex="-1" aria-label=(says) {
            h3 { @if truth == predicted { (name) ", right" } @else { (name) " taken for " (taken) } ": " (images.len()) }
            ul class="thumbs" { @for at in &shown { li { (picture(judged, *at)) span class="file" { (judged.name(*at)) } } } }
            @if images.len() > shown.len() {
                p class="hint" { "The " (SHOWN_IN_CELL) " that it is surest of, of " (images.len()) "." }
            }
            p { a href="#confusion" { "Back to the matrix" } }
        }
    }
}
