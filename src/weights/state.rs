//! Where in a pickle the tensors are: a state dict, or one inside a checkpoint of a training.

use std::collections::HashMap;

use super::{Tensor, few};
use crate::pickle::torch::Tensor as Pickled;
use crate::pickle::{Item, Pickle};

/// What trainings call the state dict in their checkpoints; the first of them counts.
const WRAPPERS: [&str; 5] = ["state_dict", "model_state_dict", "model", "net", "network"];
/// What wrappers of networks put before every name: data parallelism, and compilation.
const PREFIXES: [&str; 2] = ["module.", "_orig_mod."];
/// What the names of an optimizer's tensors begin with in our checkpoints.
pub(super) const OPTIMIZER: &str = "optimizer.";

/// Pickled tensors by name.
pub(super) type Named = Vec<(String, Pickled)>;

/// The tensors of the state dict in `pickle`, by name, and notes on where it was and what stood beside.
///
/// # Errors
/// A pickle without a state dict; tensors that make no sense.
pub(super) fn tensors(pickle: &Pickle) -> Result<(Named, Vec<String>), String> {
    let (mut at, mut notes) = (pickle.root(), Vec::new());
    // A wrapper in a wrapper is known, a third is not.
    for _ in 0..2 {
        let wrapped = WRAPPERS.iter().find_map(|&name| {
            let item = pickle.entry(at, name)?;
            pickle.entries(item).is_some().then_some((name, item))
        });
        let Some((wrapper, inner)) = wrapped else { break };
        notes.push(inside(wrapper, pickle, at));
        at = inner;
    }
    let Some(entries) = pickle.entries(at) else {
        return Err("holds no dictionary of tensors: save model.state_dict()".into());
    };
    let (mut found, mut places, mut others) = (Vec::new(), HashMap::new(), 0);
    for (name, item) in entries {
        let Some(tensor) = pickle.tensor(item) else {
            others += 1;
            continue;
        };
        let tensor = tensor.map_err(|what| format!("tensor '{name}': {what}"))?;
        let place = *places.entry(name.clone().into_owned()).or_insert(found.len());
        // Of equal names the last counts, as it does in Python.
        if place < found.len() {
            found[place] = (name.into_owned(), tensor);
        } else {
            found.push((name.into_owned(), tensor));
        }
        few(found.len())?;
    }
    if found.is_empty() {
        return Err(format!("holds no tensors by name{}: save model.state_dict()", beside(pickle, at)));
    }
    if others > 0 {
        notes.push(format!("{others} of its entries are no tensors and are left out"));
    }
    Ok((found, notes))
}

/// A note that the state dict is under `wrapper` of `at`, beside others.
fn inside(wrapper: &str, pickle: &Pickle, at: Item) -> String {
    let names = pickle.entries(at).into_iter().flatten().map(|(name, _)| name).filter(|name| name != wrapper);
    let (mut first, mut more) = (Vec::new(), 0);
    for name in names {
        if first.len() < 5 { first.push(format!("'{name}'")) } else { more += 1 }
    }
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    match &first[..] {
        [] => format!("the tensors are those of its '{wrapper}'"),
        few => format!("the tensors are those of its '{wrapper}'; {}{more} left out", few.join(", ")),
    }
}

/// What is there instead of tensors, in words.
fn beside(pickle: &Pickle, at: Item) -> String {
    let names: Vec<String> =
        pickle.entries(at).into_iter().flatten().take(5).map(|(name, _)| format!("'{name}'")).collect();
    if names.is_empty() { String::new() } else { format!(" but {}", names.join(", ")) }
}

/// Takes from the names what wrappers of networks put before all of them.
pub(super) fn plain_names(tensors: &mut [Tensor], notes: &mut Vec<String>) {
    while let Some(prefix) = PREFIXES.iter().find(|&&prefix| {
        !tensors.is_empty() && tensors.iter().all(|tensor| tensor.name.starts_with(prefix) && tensor.name != *prefix)
    }) {
        tensors.iter_mut().for_each(|tensor| drop(tensor.name.drain(..prefix.len())));
        notes.push(format!("all names begin with '{prefix}', which is left out"));
    }
}
