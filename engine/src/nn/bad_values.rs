//! Where numbers that are not finite come from.

use super::{Layer, Pass, parameters};
use crate::tensor::Tensor;

/// Names the first place where `model` has, or in a pass like `pass` computes from `x`, a number that is not finite.
pub fn first_bad_layer(model: &dyn Layer, x: &Tensor, pass: &mut Pass) -> String {
    let fine = || "every layer's output is finite; the loss itself overflows".into();
    first_bad_values(model, x, pass).unwrap_or_else(fine)
}

/// [`first_bad_layer`], or none if parameters and outputs all are finite.
pub fn first_bad_values(model: &dyn Layer, x: &Tensor, pass: &mut Pass) -> Option<String> {
    let finite = |t: &Tensor| t.floats().is_ok_and(|values| values.iter().all(|v| v.is_finite()));
    if let Some((name, _)) = parameters(model).into_iter().find(|(_, tensor)| !finite(tensor)) {
        return Some(format!("the first bad values are in parameter {name}"));
    }
    pass.tape.mark_layers();
    let output = model.forward(pass, x);
    let bad_layer = pass.tape.marks().iter().find(|(_, tensor)| !finite(tensor));
    match (bad_layer, output) {
        (Some((name, _)), _) => Some(format!("the first bad values leave layer {name}")),
        (None, Err(error)) => Some(error.to_string()),
        (None, Ok(_)) => None,
    }
}
