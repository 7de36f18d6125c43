//! The layers that a map can be made of: their names, their shapes, and which one is taken if nobody chooses.

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::nn::{Layer, Pass};
use crate::tape::Tape;
use crate::tensor::{Shape, Tensor};

/// Names and output shapes of all layers of `model`, in the order in which they run, with input `x`; and the name of the
/// default one.
///
/// # Errors
/// Those of the forward pass, and of [`default`].
pub fn list(model: &dyn Layer, x: &Tensor) -> Result<(Vec<(String, Shape)>, String)> {
    let mut tape = Tape::new();
    tape.mark_layers();
    model.forward(&mut Pass::inference(&mut tape), x)?;
    let chosen = default(model, tape.marks())?.0;
    Ok((tape.marks().iter().map(|(name, output)| (name.clone(), output.shape().clone())).collect(), chosen))
}

/// Each value once, under the first of its names: a container's output is its last member's, and dropout does nothing in
/// inference.
pub fn distinct(marks: &[(String, Tensor)]) -> Vec<(&str, &Tensor)> {
    let mut seen = HashSet::new();
    marks.iter().filter(|(_, output)| seen.insert(output.id())).map(|(name, output)| (&**name, output)).collect()
}

/// What papers take: the last layer with parameters whose output still is an image of more than one pixel, together with
/// the activation function that follows at once. So for VGG the last ReLU before the last pooling, for ResNet the last
/// block (`layer4.1`).
///
/// # Errors
/// A model without such a layer.
pub fn default(model: &dyn Layer, marks: &[(String, Tensor)]) -> Result<(String, Tensor)> {
    last(model, marks, |output| pixels(output) > 1).ok_or_else(|| {
        Error::usage("no layer of this network has an image as its output: there is nothing to draw a map on")
    })
}

/// As [`default`], but the last whose output has `least` rows and columns at least; if there is none, [`default`]'s.
///
/// # Errors
/// Those of [`default`].
pub fn fine(model: &dyn Layer, marks: &[(String, Tensor)], least: usize) -> Result<(String, Tensor)> {
    let is_fine = |output: &Tensor| matches!(*output.shape().dims(), [_, h, w, _] if h >= least && w >= least);
    last(model, marks, is_fine).map_or_else(|| default(model, marks), Ok)
}

/// The last layer with parameters whose output is `wanted`, together with the activation function that follows at once.
fn last(model: &dyn Layer, marks: &[(String, Tensor)], wanted: impl Fn(&Tensor) -> bool) -> Option<(String, Tensor)> {
    let mut state = Vec::new();
    model.visit("", &mut |name, _| state.push(name));
    let has_state =
        |layer: &str| state.iter().any(|name| name.strip_prefix(layer).is_some_and(|rest| rest.starts_with('.')));
    let layers = distinct(marks);
    let mut last = layers.iter().rposition(|(name, output)| wanted(output) && has_state(name))?;
    while let Some((name, output)) = layers.get(last + 1)
        && output.shape() == layers[last].1.shape()
        && !has_state(name)
    {
        last += 1;
    }
    Some((layers[last].0.to_owned(), layers[last].1.clone()))
}

/// The layer called `name`, whose output is an image, and its output.
///
/// # Errors
/// An unknown name, with the nearest ones; a layer whose output has no height and width, or only one pixel.
pub fn find(marks: &[(String, Tensor)], name: &str) -> Result<(String, Tensor)> {
    let (name, output) = named(marks, name, |output| pixels(output) > 1)?;
    if pixels(&output) <= 1 {
        let what = format!("the output of layer '{name}' is {}: a map needs height and width", shape(output.shape()));
        return Err(Error::usage(format!("{what}; choose a layer further to the front, ‹list_layers› shows all")));
    }
    Ok((name, output))
}

/// The layer called `name` and its output, whatever that is.
///
/// # Errors
/// An unknown name, with the nearest ones of those that are `wanted`.
pub fn named(marks: &[(String, Tensor)], name: &str, wanted: impl Fn(&Tensor) -> bool) -> Result<(String, Tensor)> {
    if let Some((_, output)) = marks.iter().find(|(known, _)| known == name) {
        return Ok((name.to_owned(), output.clone()));
    }
    let shown = |(name, output): &(String, Tensor)| format!("{name} {}", shape(output.shape()));
    let mut near: Vec<&(String, Tensor)> = marks.iter().filter(|(_, output)| wanted(output)).collect();
    near.sort_by(|a, b| strsim::jaro_winkler(&b.0, name).total_cmp(&strsim::jaro_winkler(&a.0, name)));
    let near: Vec<String> = near.into_iter().take(4).map(shown).collect();
    let near = near.join(", ");
    Err(Error::usage(format!("no layer is called '{name}'; the nearest are {near}; ‹list_layers› shows all")))
}

/// Pixels of an image `[N, H, W, C]`; 0 for anything else.
fn pixels(output: &Tensor) -> usize {
    if let &[_, h, w, _] = output.shape().dims() { h * w } else { 0 }
}

/// A shape without the batch: `4x4x256`.
pub fn shape(shape: &Shape) -> String {
    shape.dims()[1..].iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}
