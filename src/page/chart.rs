//! Line charts as SVG that say in words what they show.

use std::fmt::Write;

use maud::{Markup, html};

use crate::draw::axis::Axis;

/// The drawing's size, and what is left around the plane for labels, in its own units.
const SIZE: (f64, f64) = (400.0, 236.0);
const LEFT: f64 = 46.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 36.0;
/// The width of a label's letter, and the least and the most room that labels get.
const LETTER: f64 = 7.6;
const ROOM: (f64, f64) = (50.0, 170.0);
/// The least distance of labels at lines' ends.
const LINE: f64 = 14.0;
/// Lines of more points have no dots.
const DOTS: usize = 40;

/// A chart under a heading, over the table of its numbers.
pub struct Chart {
    /// A word that no other chart of the page has.
    pub id: String,
    /// What is drawn.
    pub heading: String,
    /// What it shows, in sentences with numbers.
    pub says: String,
    /// What goes across, and its axis.
    pub across: (String, Axis),
    /// What goes up.
    pub up: Axis,
    /// The lines.
    pub series: Vec<Series>,
}

/// Places of a line.
pub type Points = Vec<(f64, f64)>;

/// A line.
pub struct Series {
    /// Its label, at its end: a name and the last value.
    pub label: String,
    /// Which of the page's colours and dashes it has.
    pub style: usize,
    /// Points of it; a line ends where the next piece begins.
    pub pieces: Vec<Points>,
}

impl Series {
    /// A line through those of `points` that are finite; it has gaps where others were.
    pub fn through(label: String, style: usize, points: &[(f64, f64)]) -> Self {
        let pieces = points.split(|point| !point.1.is_finite()).filter(|piece| !piece.is_empty());
        Self { label, style, pieces: pieces.map(<[_]>::to_vec).collect() }
    }
}

impl Chart {
    /// The chart as a figure; `table` has its numbers.
    pub fn draw(&self, table: &Markup) -> Markup {
        let (width, height) = SIZE;
        let longest = self.series.iter().map(|series| series.label.chars().count()).max().unwrap_or(0);
        let room = (14.0 + LETTER * longest as f64).clamp(ROOM.0, ROOM.1);
        let (right, bottom) = (width - room, height - BOTTOM);
        let x = |value: f64| LEFT + (right - LEFT) * self.across.1.position(value);
        let y = |value: f64| bottom - (bottom - TOP) * self.up.position(value);
        let (title, desc) = (format!("{}-title", self.id), format!("{}-desc", self.id));
        let drawn = self.series.iter().filter(|series| !series.pieces.is_empty());
        let ends: Vec<f64> =
            drawn.clone().map(|s| s.pieces.last().map_or(bottom, |piece| y(piece[piece.len() - 1].1))).collect();
        let places = apart(&ends, TOP + 4.0, bottom);
        html! {
            figure class="chart" {
                figcaption { h3 { (self.heading) } p { (self.says) } }
                @let several = self.series.len() > 1;
                svg class=[several.then_some("many")] viewBox={ "0 0 " (width) " " (height) } role="img"
                    aria-labelledby={ (title) " " (desc) } {
                    title id=(title) { (self.heading) }
                    desc id=(desc) { (self.says) }
                    @for (value, label) in &self.up.ticks {
                        line class="grid" x1=(LEFT) x2=(tenths(right)) y1=(tenths(y(*value))) y2=(tenths(y(*value))) {}
                        text class="tick" x=(LEFT - 6.0) y=(tenths(y(*value) + 4.0)) text-anchor="end" { (label) }
                    }
                    @for (value, label) in &self.across.1.ticks {
                        text class="tick" x=(tenths(x(*value))) y=(bottom + 16.0) text-anchor="middle" { (label) }
                    }
                    line class="base" x1=(LEFT) x2=(tenths(right)) y1=(bottom) y2=(bottom) {}
                    text class="tick" x=(tenths((LEFT + right) / 2.0)) y=(height - 4.0) text-anchor="middle" { (self.across.0) }
                    @for (series, place) in drawn.zip(&places) {
                        g class={ "line s" (series.style) } {
                            @for piece in &series.pieces {
                                path d=(path(piece.iter().map(|&(a, b)| (x(a), y(b))))) {}
                            }
                            @let count: usize = series.pieces.iter().map(Vec::len).sum();
                            @if count <= DOTS {
                                @for &(a, b) in series.pieces.iter().flatten() {
                                    circle cx=(tenths(x(a))) cy=(tenths(y(b))) r="2.4" {}
                                }
                            }
                            text x=(tenths(right + 8.0)) y=(tenths(place + 4.0)) { (series.label) }
                        }
                    }
                }
                details { summary { "Numbers of this chart" } (table) }
            }
        }
    }
}

/// A path through `points`.
fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (at, (x, y)) in points.enumerate() {
        let _ = write!(path, "{}{} {}", if at == 0 { 'M' } else { 'L' }, tenths(x), tenths(y));
    }
    path
}

/// A coordinate with a decimal at most.
pub fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Heights near `wanted`, no two of which are closer than a line, from `top` to `bottom` if there is room.
fn apart(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    let mut places = wanted.to_vec();
    let mut last = top - LINE;
    for &at in &order {
        places[at] = places[at].max(last + LINE);
        last = places[at];
    }
    let mut next = bottom + LINE;
    for &at in order.iter().rev() {
        places[at] = places[at].min(next - LINE);
        next = places[at];
    }
    places
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn labels_keep_a_line_between_them_and_their_order() {
        let places = apart(&[50.0, 52.0, 51.0, 200.0], 14.0, 200.0);
        assert!(places[0] < places[2] && places[2] < places[1], "{places:?}");
        assert!(places[2] - places[0] >= 14.0 && places[1] - places[2] >= 14.0 && places[3] <= 200.0, "{places:?}");
        assert_eq!(apart(&[199.0, 199.5], 14.0, 200.0), [186.0, 200.0]);
    }
}
