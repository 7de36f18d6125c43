//! What of a network a training learns: which parameters are frozen, from which epoch on, how fast the others move, and whose
//! statistics stand still.

use std::collections::BTreeSet;
use std::fmt;

use super::config::Config;
use super::layers::lies_in;
use crate::error::{Error, Result};
use crate::nn::{Layer, Operation, Sequential, State, parameters};
use crate::optim::{Group, Optimizer};
use crate::tensor::Tensor;

/// What becomes of the running statistics of batch normalization whose parameters are frozen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Statistics {
    /// It normalizes by them and leaves them alone: frozen layers compute what they computed before.
    #[default]
    Fixed,
    /// It normalizes by those of the batch, and they follow the data, as PyTorch's modules in `train()` do.
    Moving,
}

words!(Statistics, "statistics '{text}'", Fixed "fixed", Moving "moving");

/// What [`Config::no_decay`] calls scale and shift of normalization.
const NORM: &str = "norm";
/// And what is added to a layer's outputs.
const BIAS: &str = "bias";

/// What becomes of one parameter.
struct Part {
    name: String,
    tensor: Tensor,
    /// The first epoch that learns it, from 1; none if it is frozen.
    from: Option<u32>,
    /// What the schedule's rate is multiplied by.
    rate: f64,
    /// What the weight decay is multiplied by.
    decay: f64,
}

/// What becomes of each parameter of a network.
pub struct Learning {
    parts: Vec<Part>,
    /// Layers with running statistics, with the place of their parameters.
    statistics: Vec<(String, Vec<usize>)>,
    what: Statistics,
}

impl Learning {
    /// Of `model`, as `config` says.
    ///
    /// # Errors
    /// Names of no layer; options that contradict each other; nothing that learns in the first epoch.
    pub fn new(config: &Config, model: &Sequential) -> Result<Self> {
        let Config { freeze, train_only, unfreeze, lr_factors, layer_decay, no_decay, decay_factors, .. } = config;
        if !freeze.is_empty() && !train_only.is_empty() {
            return Err(Error::usage("‹freeze› and ‹train_only›: name what is frozen or what is not, one of them"));
        }
        let all = parameters(model);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let options = [
            ("freeze", freeze.layers(), freeze.to_string()),
            ("train_only", train_only.layers(), train_only.to_string()),
            ("unfreeze", unfreeze.layers(), unfreeze.to_string()),
            ("lr_factors", lr_factors.layers(), lr_factors.to_string()),
            ("no_decay", no_decay.layers(), no_decay.to_string()),
            ("decay_factors", decay_factors.layers(), decay_factors.to_string()),
        ];
        for (option, layers, written) in options {
            let kind = |layer: &str| option == "no_decay" && [NORM, BIAS].contains(&layer);
            let known = |layer: &str| kind(layer) || names.iter().any(|name| lies_in(name, layer));
            if let Some(odd) = layers.iter().find(|layer| !known(layer)) {
                let known: Vec<&str> =
                    model.children().iter().filter(|(_, l)| learns(*l)).map(|(name, _)| *name).collect();
                let (nearest, known) = (nearest(odd, &names), known.join(", "));
                let what = format!("'{odd}' is no layer with parameters; the nearest is {nearest}");
                return Err(Error::usage(format!(
                    "‹{option}={written}›: {what}; there are {known}, and layers inside"
                )));
            }
        }
        let mut statistics: Vec<(String, Vec<usize>)> = Vec::new();
        model.visit("", &mut |name, state| {
            let layer = name.rsplit_once('.').map_or("", |(layer, _)| layer);
            if matches!(state, State::Statistic(_)) && statistics.last().is_none_or(|(last, _)| last != layer) {
                let own = (0..names.len()).filter(|&i| lies_in(names[i], layer)).collect();
                statistics.push((layer.to_owned(), own));
            }
        });
        let depths = depths(model);
        let decays = |i: usize| {
            let is = |kind: &str| no_decay.0.iter().any(|word| word == kind);
            let norm = is(NORM) && statistics.iter().any(|(_, own)| own.contains(&i));
            !(norm || is(BIAS) && names[i].ends_with(".bias") || no_decay.have(names[i]))
        };
        let parts: Vec<Part> = all
            .iter()
            .enumerate()
            .map(|(i, (name, tensor))| {
                let from = unfreeze.of(name).or((!frozen(config, name)).then_some(1));
                let depth = depths.iter().find(|(link, _)| lies_in(name, link)).map_or(0, |(_, depth)| *depth);
                let rate = lr_factors.of(name).unwrap_or(1.0) * layer_decay.powi(depth);
                let decay = if decays(i) { decay_factors.of(name).unwrap_or(1.0) } else { 0.0 };
                Part { name: name.clone(), tensor: tensor.clone(), from, rate, decay }
            })
            .collect();
        if !parts.iter().any(|part| part.from == Some(1)) {
            return Err(Error::usage(
                "everything is frozen in the first epoch: leave a layer to learn, such as the last",
            ));
        }
        Ok(Self { parts, statistics, what: config.frozen_statistics })
    }

    /// The epochs from `next` on that learn something else than the one before, with `next` itself.
    pub fn stages(&self, next: u32) -> BTreeSet<u32> {
        let later = self.parts.iter().filter_map(|part| part.from).filter(|&from| from > next);
        later.chain([next]).collect()
    }

    /// What is learned in `epoch`.
    pub fn learned(&self, epoch: u32) -> impl Iterator<Item = &Tensor> {
        self.parts.iter().filter(move |part| part.learns(epoch)).map(|part| &part.tensor)
    }

    /// The layers with running statistics none of whose parameters is learned in `epoch`.
    fn unlearned(&self, epoch: u32) -> impl Iterator<Item = &str> {
        let learns = move |own: &[usize]| own.iter().any(|&i| self.parts[i].learns(epoch));
        self.statistics.iter().filter(move |(_, own)| !learns(own)).map(|(layer, _)| layer.as_str())
    }

    /// The layers whose statistics stand still in `epoch`.
    pub fn fixed(&self, epoch: u32) -> BTreeSet<String> {
        let still = self.unlearned(epoch).filter(|_| self.what == Statistics::Fixed);
        still.map(str::to_owned).collect()
    }

    /// Whether anything is frozen at first.
    pub fn freezes(&self) -> bool {
        self.parts.iter().any(|part| !part.learns(1))
    }

    /// What `config` asks for and this network's training does not change by, a sentence each.
    pub fn idle(&self, config: &Config) -> Vec<String> {
        let inside =
            |layer: &str| -> Vec<&Part> { self.parts.iter().filter(|part| lies_in(&part.name, layer)).collect() };
        let mut notes = Vec::new();
        if !config.no_decay.is_empty() && (config.weight_decay == 0.0 || self.parts.iter().all(|part| part.decay > 0.0))
        {
            let what = if config.weight_decay == 0.0 {
                "there is no ‹weight_decay›"
            } else {
                "the network has none of it"
            };
            notes.push(format!("‹no_decay={}› changes nothing: {what}", config.no_decay));
        }
        if !config.decay_factors.is_empty() && config.weight_decay == 0.0 {
            notes.push(format!("‹decay_factors={}› changes nothing: there is no ‹weight_decay›", config.decay_factors));
        }
        for (layer, factor) in &config.lr_factors.0 {
            if inside(layer).iter().all(|part| part.from.is_none()) {
                notes.push(format!("‹lr_factors={layer}={factor}› changes nothing: {layer} is frozen for good"));
            }
        }
        for (layer, epoch) in &config.unfreeze.0 {
            let option = format!("‹unfreeze={layer}={epoch}› changes nothing");
            if *epoch > config.epochs {
                notes.push(format!("{option}: the training ends with epoch {}", config.epochs));
            } else if *epoch == 1 && !inside(layer).iter().any(|part| frozen(config, &part.name)) {
                notes.push(format!("{option}: nothing else freezes {layer}"));
            }
        }
        let mut stages = self.stages(1).into_iter().filter(|epoch| *epoch <= config.epochs);
        if self.what == Statistics::Moving && stages.all(|epoch| self.unlearned(epoch).next().is_none()) {
            let what = "no layer with running statistics is frozen";
            notes.push(format!("‹frozen_statistics=moving› changes nothing: {what}"));
        }
        notes
    }

    /// How many of the first layers of the chain of `model` compute the same for a picture throughout `epoch`.
    pub fn frozen(&self, model: &Sequential, epoch: u32) -> usize {
        let fixed = self.fixed(epoch);
        let same = |name: &str, layer: &dyn Layer| {
            let inside = |of: &str| lies_in(of, name);
            !is_random(layer)
                && !self.parts.iter().any(|part| inside(&part.name) && part.learns(epoch))
                && self.statistics.iter().all(|(of, _)| !inside(of) || fixed.contains(of))
        };
        model.chain().links().iter().take_while(|(name, layer)| same(name, *layer)).count()
    }

    /// The optimizer of what is ever learned: a group for each rate, each epoch to begin in, and each weight decay.
    ///
    /// # Errors
    /// Those of [`Optimizer::of_groups`].
    pub fn optimizer(&self, config: &Config) -> Result<Optimizer> {
        let mut groups: Vec<((f64, u32, f64), Group)> = Vec::new();
        for &Part { ref tensor, from, rate, decay, .. } in &self.parts {
            let Some(from) = from else { continue };
            let key = (rate, from, decay);
            match groups.iter_mut().find(|(other, _)| *other == key) {
                Some((_, group)) => group.parameters.push(tensor.clone()),
                None => groups.push((key, Group { parameters: vec![tensor.clone()], rate, decay })),
            }
        }
        Optimizer::of_groups(&config.optimizer()?, groups.into_iter().map(|(_, group)| group).collect())
    }
}

/// What is frozen, in a line; nothing if all learns at one rate.
impl fmt::Display for Learning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |parts: &mut dyn Iterator<Item = &Part>| parts.map(|part| part.tensor.elements()).sum::<usize>();
        let all = count(&mut self.parts.iter());
        let now = count(&mut self.parts.iter().filter(|part| part.learns(1)));
        if now < all {
            write!(f, "learns {now} of {all} parameters")?;
            for epoch in self.stages(1).into_iter().skip(1) {
                write!(
                    f,
                    ", from epoch {epoch} on {}",
                    count(&mut self.parts.iter().filter(|part| part.learns(epoch)))
                )?;
            }
            if self.unlearned(1).next().is_some() {
                let how = match self.what {
                    Statistics::Fixed => "normalize by their running statistics, which stand still",
                    Statistics::Moving => "normalize by the batch's statistics, and move the running ones",
                };
                write!(f, "; frozen layers {how}")?;
            }
        }
        let rates = self.parts.iter().filter(|part| part.from.is_some()).map(|part| part.rate);
        let (least, most) =
            rates.fold((f64::INFINITY, 0.0f64), |(least, most), rate| (least.min(rate), most.max(rate)));
        if (least, most) != (1.0, 1.0) {
            let between = if now < all { "; " } else { "" };
            let [least, most] = [least, most].map(factor);
            write!(f, "{between}rates are {least} to {most} times that of the schedule")?;
        }
        Ok(())
    }
}

impl Part {
    fn learns(&self, epoch: u32) -> bool {
        self.from.is_some_and(|from| from <= epoch)
    }
}

/// Whether `config` freezes `parameter`, as long as nothing unfreezes it.
fn frozen(Config { freeze, train_only, .. }: &Config, parameter: &str) -> bool {
    if train_only.is_empty() { freeze.have(parameter) } else { !train_only.have(parameter) }
}

/// The layer around one of `parameters` whose name is the most like `name`.
fn nearest<'a>(name: &str, parameters: &[&'a str]) -> &'a str {
    let around = |parameter: &&'a str| {
        let parameter = *parameter;
        parameter.match_indices('.').map(move |(end, _)| &parameter[..end])
    };
    // Of those that are alike the first.
    let likeness = |layer: &&str| (strsim::jaro_winkler(layer, name) * 1e9) as u64;
    parameters.iter().rev().flat_map(around).max_by_key(likeness).unwrap_or_default()
}

/// A rate's factor in three digits, however small it is.
fn factor(value: f64) -> String {
    if (1e-3..1e6).contains(&value) { format!("{value:.3}") } else { format!("{value:.2e}") }
}

fn learns(layer: &dyn Layer) -> bool {
    !parameters(layer).is_empty()
}

fn is_random(layer: &dyn Layer) -> bool {
    matches!(layer.operation(), Operation::Dropout) || layer.children().iter().any(|(_, inner)| is_random(*inner))
}

/// How many layers with weights, or residual blocks, lie above each of those of the chain: 0 for the last. Normalization belongs to
/// what stands before it.
fn depths(model: &Sequential) -> Vec<(String, i32)> {
    let chain = model.chain();
    let weighs = |layer: &dyn Layer| parameters(layer).iter().any(|(_, tensor)| tensor.shape().rank() > 1);
    let mut above = chain.links().iter().filter(|(_, layer)| weighs(*layer)).count() as i32;
    let mut depths = Vec::new();
    for (name, layer) in chain.links() {
        above -= i32::from(weighs(*layer));
        depths.push((name.clone(), above));
    }
    depths
}
