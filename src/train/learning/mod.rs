//! What of a network a training learns: which parameters are frozen, from which epoch on, how fast the others move, and whose
//! statistics stand still.

mod told;

use std::collections::BTreeSet;

use super::config::Config;
use super::layers::{PerLayer, lies_in};
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

/// What options call scale and shift of normalization, in whatever layer.
const NORM: &str = "norm";
/// And what is added to a layer's outputs.
const BIAS: &str = "bias";

/// What becomes of one parameter.
struct Part {
    name: String,
    tensor: Tensor,
    /// Whether it is scale or shift of a normalization.
    norm: bool,
    /// The first epoch that learns it, from 1; none if it is frozen.
    from: Option<u32>,
    /// The last one, if it is frozen afterwards.
    until: Option<u32>,
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
    /// Names of no layer; options that contradict each other; an epoch that learns nothing.
    pub fn new(config: &Config, model: &Sequential) -> Result<Self> {
        let Config {
            freeze, train_only, unfreeze, freeze_after, lr_factors, layer_decay, no_decay, decay_factors, ..
        } = config;
        if !freeze.is_empty() && !train_only.is_empty() {
            return Err(Error::usage("‹freeze› and ‹train_only›: name what is frozen or what is not, one of them"));
        }
        let all = parameters(model);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let options = [
            ("freeze", freeze.layers(), freeze.to_string()),
            ("train_only", train_only.layers(), train_only.to_string()),
            ("unfreeze", unfreeze.layers(), unfreeze.to_string()),
            ("freeze_after", freeze_after.layers(), freeze_after.to_string()),
            ("lr_factors", lr_factors.layers(), lr_factors.to_string()),
            ("no_decay", no_decay.layers(), no_decay.to_string()),
            ("decay_factors", decay_factors.layers(), decay_factors.to_string()),
        ];
        for (option, layers, written) in options {
            let kind =
                |layer: &str| !option.contains("freeze") && option != "train_only" && [NORM, BIAS].contains(&layer);
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
        let part = |(i, (name, tensor)): (usize, &(String, Tensor))| {
            let from = unfreeze.of(name).or((!frozen(config, name)).then_some(1));
            let norm = statistics.iter().any(|(_, own)| own.contains(&i));
            let (name, tensor, until) = (name.clone(), tensor.clone(), freeze_after.of(name));
            let mut part = Part { name, tensor, norm, from, until, rate: 1.0, decay: 0.0 };
            let depth = depths.iter().find(|(link, _)| lies_in(&part.name, link)).map_or(0, |(_, depth)| *depth);
            part.rate = part.factor(lr_factors) * layer_decay.powi(depth);
            if !no_decay.0.iter().any(|word| part.is(word)) {
                part.decay = part.factor(decay_factors);
            }
            part
        };
        let parts: Vec<Part> = all.iter().enumerate().map(part).collect();
        let learning = Self { parts, statistics, what: config.frozen_statistics };
        let idle = |epoch: &u32| *epoch <= config.epochs && learning.learned(*epoch).next().is_none();
        match learning.stages(1).into_iter().find(idle) {
            None => Ok(learning),
            Some(epoch) => {
                let when = if epoch == 1 { "in the first epoch".into() } else { format!("in epoch {epoch}") };
                let what = format!("everything is frozen {when}: leave a layer to learn, such as the last");
                Err(Error::usage(what))
            }
        }
    }

    /// The epochs from `next` on that learn something else than the one before, with `next` itself.
    pub fn stages(&self, next: u32) -> BTreeSet<u32> {
        let ends = |part: &Part| [part.from, part.until.map(|until| until.saturating_add(1))];
        let later = self.parts.iter().flat_map(ends).flatten().filter(|&epoch| epoch > next);
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

impl Part {
    fn learns(&self, epoch: u32) -> bool {
        self.from.is_some_and(|from| from <= epoch) && self.until.is_none_or(|until| epoch <= until)
    }

    /// Whether a word of an option means it: a kind of parameter, or a layer that it lies in.
    fn is(&self, word: &str) -> bool {
        word == NORM && self.norm || word == BIAS && self.name.ends_with(".bias") || lies_in(&self.name, word)
    }

    /// Its factor: that of the innermost layer, else that of its kind, else 1.
    fn factor(&self, factors: &PerLayer<f64>) -> f64 {
        let of_kind =
            |kind: &str| factors.0.iter().find(|(word, _)| word == kind && self.is(kind)).map(|(_, one)| *one);
        factors.of(&self.name).or_else(|| of_kind(NORM)).or_else(|| of_kind(BIAS)).unwrap_or(1.0)
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
