//! Parameter randomisation (Adebayo et al. 2018, Sanity Checks for Saliency Maps, section 3.1): the network's layers are made
//! random, one after the other, from the last to the first. A map that stays the same says nothing of what the network has
//! learned.
//!
//! This is the cascade that Quantus calls `MPRT` with `layer_order="top_down"`. A layer gets the numbers of an untrained network
//! of another seed, normalization the running statistics that these begin with. What is frozen from the start (`State::Fixed`),
//! such as filters that whiten, is not learned and stays.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::nn::{Layer, State};
use crate::tensor::Tensor;

/// How alike maps are to those before, after some layers were made random.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// The first layer that is random; all behind it are, too.
    pub layer: String,
    /// Layers that are random, of all that have something to learn.
    pub random: usize,
    /// Spearman's rank correlation, the mean of all pictures; a map that has gone blank has 0.
    pub spearman: f64,
    /// Structural similarity, likewise; a blank map is zero everywhere.
    pub ssim: f64,
    /// Maps that have gone blank.
    pub blank: usize,
}

/// A copy of a trained network on its way to a random one.
pub struct Cascade<'a> {
    copy: &'a dyn Layer,
    fresh: HashMap<String, Vec<f32>>,
    /// Layers that become random together.
    rungs: Vec<Vec<String>>,
}

impl<'a> Cascade<'a> {
    /// Makes `copy` what `trained` is, on its way to `fresh`; all three are of one design. Layers go in at most `most` (2 or
    /// more) steps: the last alone, neighbors together where they are many.
    ///
    /// # Errors
    /// Those of the device.
    pub fn new(trained: &dyn Layer, copy: &'a dyn Layer, fresh: &dyn Layer, most: usize) -> Result<Self> {
        let mut layers: Vec<String> = Vec::new();
        let mut learned = |name: String, state: State| {
            let layer = name.rsplit_once('.').map_or(&*name, |(layer, _)| layer);
            if matches!(state, State::Parameter(..) | State::Statistic(_))
                && layers.last().is_none_or(|last| last != layer)
            {
                layers.push(layer.to_owned());
            }
        };
        trained.visit("", &mut learned);
        layers.reverse();
        let (last, before) = layers.split_at(layers.len().min(1));
        let steps = before.len().min(most - 1);
        let of = |step: usize| before[step * before.len() / steps..(step + 1) * before.len() / steps].to_vec();
        let rungs = std::iter::once(last.to_vec()).filter(|last| !last.is_empty()).chain((0..steps).map(of)).collect();
        write(copy, &read(trained)?, |_| true)?;
        Ok(Self { copy, fresh: read(fresh)?, rungs })
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.rungs.len()
    }

    /// Whether there is nothing to learn in the network.
    pub fn is_empty(&self) -> bool {
        self.rungs.is_empty()
    }

    /// Makes the layers of `step` random; returns the first of them, and how many are random now.
    ///
    /// # Errors
    /// Those of the device.
    ///
    /// # Panics
    /// If there is no such step.
    pub fn go(&self, step: usize) -> Result<(&str, usize)> {
        let layers = &self.rungs[step];
        write(self.copy, &self.fresh, |layer| layers.iter().any(|one| one == layer))?;
        let random = self.rungs[..=step].iter().map(Vec::len).sum();
        Ok((layers.last().expect("a step has a layer"), random))
    }
}

/// What a network has learned, by name: parameters and running statistics.
fn read(model: &dyn Layer) -> Result<HashMap<String, Vec<f32>>> {
    let mut found = HashMap::new();
    let mut failed = Ok(());
    each(model, &mut |name, tensor| match tensor.to_vec::<f32>() {
        Ok(values) => drop(found.insert(name, values)),
        Err(error) => failed = Err(error),
    });
    failed.map(|()| found)
}

/// Writes `values` into the layers that are `wanted`.
fn write(model: &dyn Layer, values: &HashMap<String, Vec<f32>>, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let mut failed = Ok(());
    each(model, &mut |name, tensor| {
        if wanted(name.rsplit_once('.').map_or(&*name, |(layer, _)| layer))
            && let Some(values) = values.get(&name)
            && let Err(error) = tensor.write(values)
        {
            failed = Err(error);
        }
    });
    failed
}

fn each(model: &dyn Layer, what: &mut dyn FnMut(String, &Tensor)) {
    model.visit("", &mut |name, state| match state {
        State::Parameter(tensor, _) | State::Statistic(tensor) => what(name, tensor),
        State::Fixed(..) | State::Counter(_) => {}
    });
}
