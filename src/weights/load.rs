//! Weights of a file, put into a network.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use super::{Tensor, Weights, fit};
use crate::error::{Error, Result};
use crate::nn::{Layer, Layout, State};

/// What of a file is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// All but the last linear layer's tensors, whatever the file has of them: that layer stays as it began.
    pub ignore_head: bool,
}

/// Puts the tensors of `weights` into `model`, which may be any network: those under its own names, as PyTorch's strict loading.
/// What is of another type becomes float32. A counter that the file lacks, as those before PyTorch 0.4.1, begins at 0.
/// Returns what should be said of it, in sentences for people.
///
/// # Errors
/// A file that does not fit, in which case the network is as it was: see [`Weights`] for what it may be. Numbers that are
/// not finite; a file that cannot be read any more; what the device says.
pub fn load_into(model: &dyn Layer, weights: &Weights, options: Options) -> Result<Vec<String>> {
    let head = if options.ignore_head { Some(needed_head(model)?) } else { None };
    fit::check(weights, model, head.as_deref())?;
    let tensors: HashMap<&str, &Tensor> = weights.tensors().iter().map(|tensor| (&*tensor.name, tensor)).collect();
    let (mut result, mut converted, mut rounded, mut loaded) = (Ok(()), Vec::new(), 0, 0);
    model.visit("", &mut |name, state| {
        if result.is_err() || head.as_ref().is_some_and(|head| name.starts_with(head)) {
            return;
        }
        let Some(&tensor) = tensors.get(&*name) else {
            if let State::Counter(count) = state {
                count.store(0, Ordering::Relaxed);
            }
            return;
        };
        loaded += 1;
        result = put(weights, tensor, state).map(|was_rounded| {
            rounded += usize::from(was_rounded);
            let of_type = |(kind, _): &&mut (String, usize)| *kind == tensor.kind;
            match converted.iter_mut().find(of_type) {
                Some((_, count)) => *count += 1,
                None => converted.push((tensor.kind.clone(), 1)),
            }
        });
    });
    result?;
    let mut notes = weights.notes.clone();
    for (kind, count) in converted.iter().filter(|(kind, _)| !["float32", "int64"].contains(&&**kind)) {
        notes.push(format!("{count} tensors of {kind} become float32"));
    }
    if rounded > 0 {
        notes.push(format!("{rounded} tensors hold numbers that float32 rounds"));
    }
    if let Some(head) = head {
        notes.push(format!("{} is left out and starts anew", head.trim_end_matches('.')));
    }
    notes.insert(0, format!("{loaded} tensors of {}", weights.path().display()));
    Ok(notes)
}

fn needed_head(model: &dyn Layer) -> Result<String> {
    fit::head(model).ok_or_else(|| Error::usage("the network has no linear layer that could be left out"))
}

/// Puts one tensor into its place; whether numbers were rounded.
fn put(weights: &Weights, tensor: &Tensor, state: State) -> Result<bool> {
    let (to, layout) = match state {
        State::Parameter(to, layout) | State::Fixed(to, layout) => (to, layout),
        State::Statistic(to) => (to, Layout::Same),
        State::Counter(count) => {
            let (value, _) = weights.floats(tensor)?;
            count.store(value.first().copied().unwrap_or(0.0) as i64, Ordering::Relaxed);
            return Ok(false);
        }
    };
    let (values, rounded) = weights.floats(tensor)?;
    let odd = values.iter().filter(|value| !value.is_finite()).count();
    if odd > 0 {
        let name = super::shown(&tensor.name);
        let what = format!(
            "{name} has {odd} numbers that are not finite, of which nothing can be learned: take other weights"
        );
        return Err(Error::file(weights.path(), what));
    }
    to.write(&layout.inward(&values, to))?;
    Ok(rounded)
}
