//! Pictures as points on a plane: near means alike to the network.

use maud::{Markup, html};

use super::chart::tenths;
use super::mistakes::Judged;
use super::{cell, grouped, number, table};

/// The plane's size and the room around points, in its own units.
const SIZE: (f64, f64) = (640.0, 460.0);
const MARGIN: f64 = 14.0;
/// Marks of classes, each drawn around (0, 0): with the colours, no two of the first 10 classes are alike for anybody.
const MARKS: [&str; 5] = [
    "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0-4 0Z",
    "M-3.6-3.6H3.6V3.6H-3.6Z",
    "M0-4.6L4.4 3.4H-4.4Z",
    "M0-5L5 0L0 5L-5 0Z",
    "M-4.4-3.4H4.4L0 4.6Z",
];
/// Colours of marks.
const COLORS: usize = 6;

/// Pictures on a plane.
pub struct Plane {
    /// Where each lies, across and up.
    pub places: Vec<[f64; 2]>,
    /// The number of each in the part.
    pub numbers: Vec<usize>,
    /// Its class, if that is known.
    pub truth: Option<Vec<usize>>,
    /// What the network takes it for.
    pub predicted: Vec<usize>,
    /// How many pictures the part has.
    pub of: usize,
    /// The classes' names.
    pub classes: Vec<String>,
    /// The layer.
    pub layer: String,
    /// What brought them onto the plane, in words.
    pub method: String,
    /// Whether they lie together by class or by colour, in words.
    pub grouping: String,
}

pub(super) fn draw(plane: &Plane, judged: Option<&Judged>) -> Markup {
    let labels = plane.truth.as_ref().unwrap_or(&plane.predicted);
    let mut counts = vec![0; plane.classes.len()];
    labels.iter().for_each(|&class| counts[class] += 1);
    let says = says(plane);
    let name =
        |at: usize| judged.map_or_else(|| plane.numbers[at].to_string(), |judged| judged.name(plane.numbers[at]));
    let what = |at: usize| {
        let (class, taken) = (&plane.classes[labels[at]], &plane.classes[plane.predicted[at]]);
        if labels[at] == plane.predicted[at] { class.clone() } else { format!("{class}, taken for {taken}") }
    };
    let places = places(&plane.places);
    let body = html! { tbody { @for at in 0..places.len() { tr {
        td { (name(at)) }
        td { (plane.classes[labels[at]]) }
        td { (plane.classes[plane.predicted[at]]) }
        (cell(plane.places[at][0], &number(plane.places[at][0], 2)))
        (cell(plane.places[at][1], &number(plane.places[at][1], 2)))
    } } } };
    // A class after the other: so arrow keys walk through them.
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|&at| (labels[at], at));
    html! {
        p { (says) }
        div class="plane" {
            div id="points" role="group" aria-label="Points of the map; arrow keys go from one to the next" {
                svg viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" aria-labelledby="plane-title plane-desc" {
                    title id="plane-title" { "Map of pictures by " (plane.method) }
                    desc id="plane-desc" { (says) }
                    defs { @for (at, mark) in MARKS.iter().enumerate() { path id={ "mark" (at) } d=(mark) {} } }
                    @for &at in &order {
                        @let class = labels[at];
                        @let wrong = if plane.predicted[at] == class { "" } else { " miss" };
                        @let place = judged.and_then(|judged| Some((&judged.thumbnails, judged.places.get(&plane.numbers[at])?)));
                        @let place = place.map(|(sprite, &place)| sprite.place(place));
                        @let (x, y) = (tenths(places[at].0), tenths(places[at].1));
                        use href={ "#mark" (class % MARKS.len()) } class={ "k" (class % COLORS) (wrong) } x=(x) y=(y)
                            data-k=(class) data-t=[place] {
                            title { (name(at)) ": " (what(at)) }
                        }
                    }
                }
            }
            div class="tip" id="tip" hidden { span class="t" {} span class="text" {} }
            p class="hint" id="told" aria-live="polite" {}
            ul class="legend" { @for (class, name) in plane.classes.iter().enumerate() { @if counts[class] > 0 { li {
                svg viewBox="-6 -6 12 12" aria-hidden="true" {
                    path class={ "k" (class % COLORS) } d=(MARKS[class % MARKS.len()]) {}
                }
                span data-class=(class) { (name) } " " (counts[class])
            } } } }
        }
        details {
            summary { "Numbers of this map" }
            (table("Places of the pictures", &["Picture", "Class", "Taken for", ">Across", ">Up"], &body, true))
        }
    }
}

fn says(plane: &Plane) -> String {
    let shown = plane.numbers.len();
    let all = if shown == plane.of {
        grouped(shown as u64)
    } else {
        format!("{} of {}", grouped(shown as u64), grouped(plane.of as u64))
    };
    let rings = if plane.truth.is_some() { " Rings mark those that the network is wrong about." } else { "" };
    format!(
        "{all} pictures as layer {} has them, brought onto a plane ({}); near means alike to the network. To this layer they lie \
         together {}.{rings}",
        plane.layer, plane.method, plane.grouping
    )
}

/// Points of the drawing; one unit is as long across as up.
fn places(points: &[[f64; 2]]) -> Vec<(f64, f64)> {
    let bound = |axis: usize, pick: fn(f64, f64) -> f64| points.iter().map(|at| at[axis]).reduce(pick).unwrap_or(0.0);
    let (left, right, low, high) = (bound(0, f64::min), bound(0, f64::max), bound(1, f64::min), bound(1, f64::max));
    let (across, up) = ((right - left).max(f64::MIN_POSITIVE), (high - low).max(f64::MIN_POSITIVE));
    let (width, height) = (SIZE.0 - 2.0 * MARGIN, SIZE.1 - 2.0 * MARGIN);
    let scale = (width / across).min(height / up).min(1e9);
    let (x, y) = (MARGIN + (width - across * scale) / 2.0, MARGIN + (height - up * scale) / 2.0);
    points.iter().map(|at| (x + (at[0] - left) * scale, y + (high - at[1]) * scale)).collect()
}
