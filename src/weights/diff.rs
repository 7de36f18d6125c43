//! What two files of weights differ in.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::{Tensor, Weights, shown};
use crate::error::Result;

/// A tensor of both files whose numbers differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// The largest difference.
    pub absolute: f64,
    /// The largest difference, as a share of the larger of the two numbers.
    pub relative: f64,
    /// How many numbers differ, and of how many.
    pub numbers: [usize; 2],
}

/// What two files differ in.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Diff {
    /// Names that only the first has.
    pub first_only: Vec<String>,
    /// Names that only the second has.
    pub second_only: Vec<String>,
    /// Tensors of other shapes: name, and the shape in each.
    pub shapes: Vec<(String, [Vec<usize>; 2])>,
    /// Tensors of other types: name, and the type in each. Their numbers are compared all the same.
    pub kinds: Vec<(String, [String; 2])>,
    /// Tensors whose numbers differ, in the first file's order.
    pub changes: Vec<Change>,
    /// Tensors of equal numbers.
    pub equal: usize,
}

impl Diff {
    /// Compares two files, number by number; numbers that are not finite are equal to their like.
    ///
    /// # Errors
    /// Types that are not read; files that cannot be read any more.
    pub fn of(first: &Weights, second: &Weights) -> Result<Self> {
        let others: HashMap<&str, &Tensor> = second.tensors().iter().map(|tensor| (&*tensor.name, tensor)).collect();
        let names: HashSet<&str> = first.tensors().iter().map(|tensor| &*tensor.name).collect();
        let new = second.tensors().iter().filter(|tensor| !names.contains(&*tensor.name));
        let mut diff = Self { second_only: new.map(|tensor| shown(&tensor.name)).collect(), ..Self::default() };
        for tensor in first.tensors() {
            let name = shown(&tensor.name);
            let Some(&other) = others.get(&*tensor.name) else {
                diff.first_only.push(name);
                continue;
            };
            if tensor.kind != other.kind {
                diff.kinds.push((name.clone(), [tensor.kind.clone(), other.kind.clone()]));
            }
            if tensor.shape != other.shape {
                diff.shapes.push((name, [tensor.shape.clone(), other.shape.clone()]));
                continue;
            }
            match change(first, tensor, second, other)? {
                Some(change) => diff.changes.push(Change { name, ..change }),
                None => diff.equal += 1,
            }
        }
        Ok(diff)
    }

    /// Whether the files hold the same numbers under the same names.
    pub fn is_empty(&self) -> bool {
        let Self { first_only, second_only, shapes, changes, .. } = self;
        first_only.is_empty() && second_only.is_empty() && shapes.is_empty() && changes.is_empty()
    }
}

/// How two tensors of one shape differ; none if they do not.
fn change(first: &Weights, tensor: &Tensor, second: &Weights, other: &Tensor) -> Result<Option<Change>> {
    let (mut ours, mut theirs) = (first.values(tensor)?, second.values(other)?);
    let mut change = Change { name: String::new(), absolute: 0.0, relative: 0.0, numbers: [0, tensor.elements()] };
    // Chunks are as long in both, since the shapes are the same.
    while let (Some(ours), Some(theirs)) = (ours.next()?, theirs.next()?) {
        for (a, b) in ours.into_iter().zip(theirs) {
            if a == b || a.is_nan() && b.is_nan() {
                continue;
            }
            change.numbers[0] += 1;
            let difference = (a - b).abs();
            let difference = if difference.is_nan() { f64::INFINITY } else { difference };
            change.absolute = change.absolute.max(difference);
            let share = if difference.is_infinite() { difference } else { difference / a.abs().max(b.abs()) };
            change.relative = change.relative.max(share);
        }
    }
    Ok((change.numbers[0] > 0).then_some(change))
}
