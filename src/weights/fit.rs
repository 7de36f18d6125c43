//! Whether a file's tensors are a network's: by name, shape and type, all differences at once.

use std::collections::HashMap;

use super::{Tensor, Weights};
use crate::device::dry::Dry;
use crate::device::{Device, Target};
use crate::error::{Error, Result};
use crate::nn::models::{self, MODELS};
use crate::nn::{Layer, State};

/// Differences of a kind that an error names before it counts the rest.
const NAMED: usize = 3;
/// Sides of images that networks are built for to see whose tensors a file has: most shapes do not depend on it.
const INPUTS: [usize; 2] = [224, 32];

/// What a network asks of a file: name, shape as PyTorch has it, and whether it is a counter, which old files lack.
struct Wanted {
    name: String,
    shape: Vec<usize>,
    counter: bool,
}

fn wanted(model: &dyn Layer) -> Vec<Wanted> {
    let mut all = Vec::new();
    model.visit("", &mut |name, state| {
        let (shape, counter) = match state {
            State::Parameter(tensor, layout) | State::Fixed(tensor, layout) => (layout.shape(tensor), false),
            State::Statistic(tensor) => (tensor.shape().dims().to_vec(), false),
            State::Counter(_) => (Vec::new(), true),
        };
        all.push(Wanted { name, shape, counter });
    });
    all
}

/// What the names of a network's last linear layer begin with, `fc.` or `classifier.6.`; none in a network without one.
pub fn head(model: &dyn Layer) -> Option<String> {
    let last = wanted(model).into_iter().rfind(|wanted| wanted.shape.len() == 2)?;
    last.name.strip_suffix("weight").map(str::to_owned)
}

/// How many outputs the network `spec` has in a file.
///
/// # Errors
/// Those of [`models::build`]; a file without the network's last linear layer.
pub fn outputs(weights: &Weights, spec: &str, input: [usize; 2]) -> Result<usize> {
    let device = Device::new(Box::new(Dry::new(Target::Host { lanes: 16 })));
    let head = head(&models::build(spec, 1, input, &device, 0)?).unwrap_or_default();
    let last = weights.tensors().iter().find(|tensor| tensor.name == format!("{head}weight"));
    last.and_then(|weight| weight.shape.first().copied()).ok_or_else(|| {
        let what =
            format!("has no {head}weight, the last layer of ‹model={}›, to add another behind", models::name(spec));
        Error::file(weights.path(), super::shown(&what))
    })
}

/// Refuses a file whose tensors are not those of `model`; but for those whose names begin with `without`.
///
/// # Errors
/// One that lists what is missing, unexpected, and of another shape or type: the first of each, and how many more there are.
pub(super) fn check(weights: &Weights, model: &dyn Layer, without: Option<&str>) -> Result<()> {
    let left_out = |name: &str| without.is_some_and(|prefix| name.starts_with(prefix));
    let all = wanted(model);
    let theirs: HashMap<&str, &Tensor> = weights.tensors().iter().map(|tensor| (&*tensor.name, tensor)).collect();
    let ours: HashMap<&str, &Wanted> = all.iter().map(|wanted| (&*wanted.name, wanted)).collect();
    let (mut missing, mut unlike, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    for Wanted { name, shape, counter } in all.iter().filter(|wanted| !left_out(&wanted.name)) {
        match theirs.get(&**name) {
            None if *counter => {}
            None => missing.push(format!("{name} {shape:?}")),
            Some(tensor) if tensor.shape != *shape && !(*counter && tensor.elements() == 1) => {
                unlike.push(format!("{name} is {:?}, the network's is {shape:?}", tensor.shape));
            }
            Some(tensor) if tensor.element.is_none_or(|element| element.is_float() == *counter) => {
                let expected = if *counter { "whole numbers" } else { "fractions" };
                kinds.push(format!("{name} is {}, expected {expected}", tensor.kind));
            }
            Some(_) => {}
        }
    }
    let names = weights.tensors().iter().map(|tensor| &*tensor.name).filter(|name| !left_out(name));
    let unexpected: Vec<String> = names.filter(|name| !ours.contains_key(name)).map(super::shown).collect();
    let parts = [
        ("missing", &missing),
        ("unexpected", &unexpected),
        ("of another shape", &unlike),
        ("of another type", &kinds),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(what, list)| {
            let more = if list.len() > NAMED { format!(" and {} more", list.len() - NAMED) } else { String::new() };
            format!("{what}: {}{more}", list[..list.len().min(NAMED)].join(", "))
        })
        .collect();
    if parts.is_empty() {
        return Ok(());
    }
    let own = head(model).filter(|_| without.is_none());
    let only_head = own.is_some_and(|own| {
        let of_head = |list: &[String]| list.iter().all(|text| text.starts_with(&own));
        [&missing, &unexpected, &unlike, &kinds].into_iter().all(|list| of_head(list))
    });
    let fix = match fitting(weights).first() {
        _ if only_head => "; all of them in the last layer: give it a new one with ‹head=replace›".to_owned(),
        Some((spec, classes)) => format!("; it is of ‹model={spec}› with {classes} classes"),
        None => String::new(),
    };
    Err(Error::file(weights.path(), super::shown(&format!("does not fit the network; {}{fix}", parts.join("; ")))))
}

/// The networks, with options, whose tensors a file has, and for how many classes it has them.
pub fn fitting(weights: &Weights) -> Vec<(String, usize)> {
    let theirs: HashMap<&str, &Tensor> = weights.tensors().iter().map(|tensor| (&*tensor.name, tensor)).collect();
    let device = Device::new(Box::new(Dry::new(Target::Host { lanes: 16 })));
    let fits_at = |spec: &str, side: usize| {
        let model = models::build(spec, 1, [side; 2], &device, 0).ok()?;
        let (head, all) = (head(&model)?, wanted(&model));
        let classes = theirs.get(&*format!("{head}weight"))?.shape.first().copied()?;
        let fits = |wanted: &Wanted| match theirs.get(&*wanted.name) {
            None => wanted.counter,
            Some(tensor) if wanted.name.starts_with(&head) => {
                tensor.shape.first() == Some(&classes) && tensor.shape[1..] == wanted.shape[1..]
            }
            Some(tensor) => wanted.counter || tensor.shape == wanted.shape,
        };
        let found = all.iter().filter(|wanted| theirs.contains_key(&*wanted.name)).count();
        (found == theirs.len() && all.iter().all(fits)).then(|| (spec.to_owned(), classes))
    };
    let fits = |spec: String| INPUTS.iter().find_map(|&side| fits_at(&spec, side));
    // Of a network below an added head, its own outputs.
    let below =
        theirs.get("head.weight").and_then(|head| head.shape.get(1)).map(|outputs| format!("outputs={outputs}"));
    // A network's own last layer may be called so, too.
    let with = |spec: String| {
        let above = below.iter().map(|outputs| models::with_option(&spec, outputs));
        above.chain([spec.clone()]).collect::<Vec<_>>()
    };
    MODELS.iter().flat_map(|model| variants(model.name, model.options)).flat_map(with).filter_map(fits).collect()
}

/// A network under each value of its first option, `stem=cifar|imagenet`: the one that decides which tensors it has.
fn variants(name: &str, options: &str) -> Vec<String> {
    let first = options.split(", ").next().and_then(|option| option.split_once('='));
    let Some((option, values)) = first.filter(|(_, values)| values.contains('|')) else { return vec![name.into()] };
    let with = |(place, value): (usize, &str)| {
        if place == 0 { name.to_owned() } else { format!("{name}:{option}={value}") }
    };
    values.split('|').enumerate().map(with).collect()
}
