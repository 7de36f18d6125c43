//! CAM (Zhou et al. 2016): the linear layer behind global average pooling weighs the channels of what is pooled.

use super::look::Look;
use crate::error::{Error, Result};
use crate::explain::layers;
use crate::nn::{Layer, Operation, State};
use crate::tensor::Tensor;

/// The weights `[N, C]` of the channels: those of each image's class in the linear layer.
pub(super) fn weights(look: &Look) -> Result<Tensor> {
    let (name, pooled, linear) = head(look.model, look.marks)?;
    if pooled.id() != look.activations.id() {
        let what =
            format!("CAM's weights are of what is pooled, the output of layer '{name}', not of '{}'", look.layer);
        return Err(Error::usage(format!("{what}; name that one or none, or use gradcam")));
    }
    let mut all = Vec::new();
    linear.visit("", &mut |name, state| {
        if let State::Parameter(tensor, _) | State::Fixed(tensor, _) = state
            && name == "weight"
        {
            all.push(tensor.to_vec::<f32>());
        }
    });
    let all = all.swap_remove(0)?;
    let channels = pooled.dim(3);
    let row = |class: usize| &all[class * channels..][..channels];
    let mut weights = Vec::new();
    for chosen in look.chosen {
        match chosen.minus {
            None => weights.extend_from_slice(row(chosen.class)),
            Some(minus) => weights.extend(row(chosen.class).iter().zip(row(minus)).map(|(a, b)| a - b)),
        }
    }
    Tensor::from_slice(look.x.device(), [look.chosen.len(), channels], &weights)
}

/// The layer whose output is pooled, and that output.
///
/// # Errors
/// A network that does not end so; a single pixel.
pub(super) fn pooled(model: &dyn Layer, marks: &[(String, Tensor)]) -> Result<(String, Tensor)> {
    let (name, ..) = head(model, marks)?;
    layers::find(marks, &name)
}

/// The layer whose output is pooled, that output, and the linear layer behind it.
fn head<'a>(model: &'a dyn Layer, marks: &[(String, Tensor)]) -> Result<(String, Tensor, &'a dyn Layer)> {
    let chain = model.as_sequential().map(|model| model.chain());
    let links = chain.as_ref().map_or(&[][..], |chain| chain.links());
    let nothing = |layer: &dyn Layer| matches!(layer.operation(), Operation::Dropout | Operation::Flatten);
    let mut working = links.iter().enumerate().rev().filter(|(_, (_, layer))| !nothing(*layer));
    if let Some((_, (_, linear))) = working.next()
        && matches!(linear.operation(), Operation::Linear)
        && let Some((at, (_, pooling))) = working.next()
        && matches!(pooling.operation(), Operation::GlobalAvgPool | Operation::AdaptiveAvgPool(1))
        && let Some((name, _)) = at.checked_sub(1).map(|before| &links[before])
        && let Some((_, output)) = marks.iter().find(|(known, _)| known == name)
    {
        return Ok((name.clone(), output.clone(), *linear));
    }
    let last: Vec<String> = links.iter().rev().take(3).rev().map(|(_, layer)| layer.describe()).collect();
    let ends = if last.is_empty() { String::new() } else { format!(", and this one ends in {}", last.join(" → ")) };
    let what = format!("CAM is of networks that end in global average pooling and one linear layer{ends}");
    Err(Error::usage(format!("{what}; use gradcam, which is the same there and works elsewhere, too")))
}
