//! Heat maps of a few pictures: a frame for each epoch and method, between which the page's script moves.

use std::fmt::Write;

use maud::{Markup, html};

use super::chart::{Chart, Points, Series};
use super::curves::moves;
use super::{Sprite, cell, number, percent, table};
use crate::draw::axis::Axis;

/// Heat maps of pictures by several methods at several epochs.
pub struct Heat {
    /// The pictures.
    pub pictures: Vec<Pictured>,
    /// What they look like, in one row.
    pub base: Sprite,
    /// The layer that is looked at, with its shape.
    pub layer: String,
    /// The epochs, ascending.
    pub epochs: Vec<u32>,
    /// Which of them is shown first.
    pub shown: usize,
    /// The maps of each method.
    pub methods: Vec<Maps>,
    /// What there is to say of methods that are left out, in sentences.
    pub notes: Vec<String>,
}

/// A picture that maps are drawn on.
pub struct Pictured {
    /// Its file, or how it can be named.
    pub name: String,
    /// Its class, if that is known.
    pub truth: Option<String>,
    /// The class whose logit is explained.
    pub target: String,
}

/// The maps of one method.
pub struct Maps {
    /// The method, as it is named on the command line.
    pub method: String,
    /// One for each epoch.
    pub frames: Vec<Frame>,
}

/// The maps of one method at one epoch.
pub struct Frame {
    /// The maps as colours, in one row.
    pub colors: Sprite,
    /// What there is to say of each picture.
    pub looked: Vec<Looked>,
}

/// What a network says of a picture, and how its map is.
pub struct Looked {
    /// What it takes it for.
    pub predicted: String,
    /// How probable that is to it, 0 to 1.
    pub probability: f64,
    /// Whether that is right, if it is known.
    pub right: Option<bool>,
    /// Why nothing is to be seen on the map, if so.
    pub blank: Option<String>,
    /// How far the map moved since the epoch before: 0 same places, 1 unrelated; none where either is blank.
    pub drift: Option<f64>,
}

impl Heat {
    /// Rules of the style sheet that hold pictures and maps.
    pub(super) fn rules(&self) -> String {
        let mut rules = format!(".p,.m{{{}}}.p{{background-image:url({})}}", self.base.shape(), self.base.address);
        for (number, maps) in self.methods.iter().enumerate() {
            for (at, frame) in maps.frames.iter().enumerate() {
                let _ = write!(rules, "#{} .m{{background-image:url({})}}", id(number, at), frame.colors.address);
            }
        }
        rules
    }

    /// The mean drift of a method's maps from each epoch to the next.
    fn drifts(&self, maps: &Maps) -> Points {
        let mean = |frame: &Frame| {
            let known: Vec<f64> = frame.looked.iter().filter_map(|looked| looked.drift).collect();
            known.iter().sum::<f64>() / known.len() as f64
        };
        self.epochs.iter().zip(&maps.frames).skip(1).map(|(&epoch, frame)| (epoch.into(), mean(frame))).collect()
    }
}

fn id(method: usize, epoch: usize) -> String {
    format!("maps-{method}-{epoch}")
}

/// Where picture `at` lies among those in one row.
fn place(heat: &Heat, at: usize) -> String {
    format!("background-position:{}", heat.base.place(at))
}

pub(super) fn draw(heat: &Heat) -> Markup {
    let Heat { pictures, layer, epochs, shown, methods, notes, .. } = heat;
    let count = pictures.len();
    html! {
        p {
            "Which parts of a picture speak for a class, at layer " code { (layer) } ": the class that the network takes it for "
            "at epoch "  (epochs[*shown]) ". Red is most, blue is least; 1 is the largest value of each map."
        }
        @for note in notes { p class="empty" { (note) } }
        div class="controls" id="look" hidden {
            fieldset {
                legend { "Method" }
                @for (number, maps) in methods.iter().enumerate() { label {
                    input type="radio" name="method" value=(number) checked[number == 0];
                    " " (maps.method)
                } }
            }
            label class="range" for="epoch" { "Epoch" }
            input type="range" id="epoch" min="0" max=(epochs.len() - 1) step="1" value=(shown);
            label { input type="checkbox" id="bare"; " pictures alone" }
            output id="looked" for="epoch" aria-live="polite" {}
        }
        div class="frames" tabindex="0" role="region" aria-label="Heat maps" style={ "--n:" (count) } {
            ul class="row" aria-label="The pictures" { @for (at, picture) in pictures.iter().enumerate() { li {
                span class="p" role="img" aria-label=(picture.name) style=(place(heat, at)) {}
                span class="what" {
                    @if let Some(truth) = &picture.truth { b { (truth) } br; }
                    span class="file" { (picture.name) }
                }
            } } }
            @for (number, maps) in methods.iter().enumerate() { @for (at, frame) in maps.frames.iter().enumerate() {
                (show(heat, number, at, maps, frame))
            } }
            p class="key" aria-hidden="true" { "0" span {} "1" }
        }
        @if epochs.len() > 1 { (drift(heat)) }
    }
}

fn show(heat: &Heat, number: usize, at: usize, maps: &Maps, frame: &Frame) -> Markup {
    let epoch = heat.epochs[at];
    let right = frame.looked.iter().filter(|looked| looked.right == Some(true)).count();
    let known = frame.looked.iter().filter(|looked| looked.right.is_some()).count();
    let last = heat.epochs[heat.epochs.len() - 1];
    html! {
        figure class={ "frame" (if number == 0 && at == heat.shown { " on" } else { "" }) } id=(id(number, at)) {
            figcaption {
                (maps.method) ", epoch " (epoch) " of " (last)
                @if known > 0 { ": " (right) " of " (known) " right" }
            }
            ul class="row" { @for (place_of, looked) in frame.looked.iter().enumerate() { li {
                @let picture = &heat.pictures[place_of];
                @let says = format!("What speaks for {} in {}", picture.target, picture.name);
                span class="p" role="img" aria-label=(says) style=(place(heat, place_of)) {
                    @if looked.blank.is_none() { span class="m" style=(place(heat, place_of)) {} }
                }
                span class="what" {
                    @let class = match looked.right { Some(true) => "good", Some(false) => "bad", None => "" };
                    span class=(class) {
                        @match looked.right { Some(true) => "✓ ", Some(false) => "✗ ", None => "" }
                        (looked.predicted)
                    }
                    " " (percent(looked.probability))
                    @if let Some(why) = &looked.blank { br; span class="empty" { "blank: " (why) } }
                }
            } } }
        }
    }
}

/// How far maps moved from epoch to epoch.
fn drift(heat: &Heat) -> Markup {
    let lines: Vec<(&Maps, Points)> = heat.methods.iter().map(|maps| (maps, heat.drifts(maps))).collect();
    let values: Vec<f64> = lines.iter().flat_map(|(_, points)| points.iter().map(|point| point.1)).collect();
    if !values.iter().any(|value| value.is_finite()) {
        let why = "How far maps move from epoch to epoch is not known: those of all epochs but one are blank.";
        return html! { p class="empty" { (why) } };
    }
    let show = |value: f64| number(value, 2);
    let says: Vec<String> = lines
        .iter()
        .map(|(maps, points)| moves(&format!("The drift of {}", maps.method), points, "epoch", &show))
        .collect();
    let series = |(style, (maps, points)): (usize, &(&Maps, Points))| {
        let end = points.iter().rev().find(|point| point.1.is_finite()).map_or(String::new(), |point| show(point.1));
        Series::through(format!("{} {end}", maps.method), style, points)
    };
    let chart = Chart {
        id: "chart-drift".into(),
        heading: "How far it moved since the epoch before".into(),
        says: says.join(" ") + " 0: maps lie at the same places; 1: they have nothing to do with each other.",
        across: ("epoch".into(), Axis::whole(heat.epochs[1], heat.epochs[heat.epochs.len() - 1])),
        up: Axis::around(&[&values[..], &[0.0]].concat(), 0.0, 2.0),
        series: lines.iter().enumerate().map(|(at, line)| series((at, line))).collect(),
    };
    let body = html! { tbody { @for (maps, points) in &lines { @for (epoch, value) in points { tr {
        td { (maps.method) } (cell(*epoch, &epoch.to_string())) (cell(*value, &number(*value, 3)))
    } } } } };
    let numbers = table("Mean drift of the pictures' maps", &["Method", ">Epoch", ">Drift"], &body, false);
    html! { div class="charts" { (chart.draw(&numbers)) } }
}
