//! What a checkpoint says of pictures, and its worst mistakes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::{Sprite, percent};
use crate::train::report::Report;
use crate::train::report::predictions::wrong;

/// Mistakes that are shown.
const SHOWN: usize = 24;
/// Pictures behind a cell of the confusion matrix that are shown.
pub(super) const SHOWN_IN_CELL: usize = 12;

/// A report with its pictures.
pub struct Judged {
    /// What it says.
    pub report: Report,
    /// What their owner should know of the pictures, in sentences.
    pub notes: Vec<String>,
    /// Pictures in small.
    pub thumbnails: Sprite,
    /// Which of those each picture is, by its number in the part.
    pub places: BTreeMap<usize, usize>,
}

impl Judged {
    /// The numbers of the pictures that a page shows in small, besides those that it has on a map.
    pub fn shown(report: &Report) -> BTreeSet<usize> {
        let mut cells: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for (at, one) in report.predictions.iter().enumerate() {
            cells.entry((one.truth, one.predicted)).or_default().push(at);
        }
        let worst = wrong(&report.predictions).into_iter().take(SHOWN);
        cells.values().flat_map(|images| surest(report, images)).chain(worst).collect()
    }

    /// Those of the pictures of a cell that are shown.
    pub(super) fn of_cell(&self, images: &[usize]) -> Vec<usize> {
        surest(&self.report, images)
    }

    /// What picture `at` is called: its file, or its number in the part.
    pub(super) fn name(&self, at: usize) -> String {
        let file = self.report.files.get(at).filter(|file| !file.is_empty());
        file.map_or_else(|| format!("{}:{at}", self.report.part), Clone::clone)
    }
}

/// Those of `images` whose prediction is the most probable.
fn surest(report: &Report, images: &[usize]) -> Vec<usize> {
    let mut images = images.to_vec();
    images.sort_by_key(|&at| Reverse(report.predictions[at].probability.to_bits()));
    images.truncate(SHOWN_IN_CELL);
    images
}

/// Picture `at` in small, which says what it is and what it is taken for.
pub(super) fn picture(judged: &Judged, at: usize) -> Markup {
    let report = &judged.report;
    let one = &report.predictions[at];
    let (truth, taken) = (&report.classes[one.truth], &report.classes[one.predicted]);
    let says = if one.is_right() { format!("{truth}, right") } else { format!("{truth}, taken for {taken}") };
    match judged.places.get(&at) {
        Some(&place) => {
            let place = judged.thumbnails.place(place);
            let hint = format!("{} {taken}", percent(one.probability));
            html! { span class="t" role="img" style={ "background-position:" (place) } aria-label=(says) title=(hint) {} }
        }
        None => html! { span { (says) } },
    }
}

pub(super) fn draw(judged: &Judged) -> Markup {
    let report = &judged.report;
    let worst = wrong(&report.predictions);
    let shown = &worst[..worst.len().min(SHOWN)];
    html! {
        p {
            (worst.len()) " of " (report.predictions.len()) " are wrong. "
            @if shown.len() < worst.len() { "The " (shown.len()) " worst: " } @else { "All of them: " }
            "their class is the least probable first."
        }
        ol class="cards" { @for &at in shown {
            @let one = &report.predictions[at];
            li {
                (picture(judged, at))
                div {
                    p { b { (report.classes[one.truth]) } }
                    p { span class="bad" { "✗ " (report.classes[one.predicted]) } " " (percent(one.probability)) }
                    p class="file" { (judged.name(at)) }
                }
            }
        } }
    }
}
