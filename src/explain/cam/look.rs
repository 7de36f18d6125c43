//! One pass of a batch through a network, and what is seen at its layers.

use super::method::How;
use super::{Request, Target};
use crate::error::{Error, Result};
use crate::explain::layers;
use crate::nn::{Layer, Pass};
use crate::op::index_select::index_select;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// The classes that a map is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::explain) struct Chosen {
    pub class: usize,
    /// The class whose logit is taken away.
    pub minus: Option<usize>,
}

impl Chosen {
    /// What is explained: a logit, or the difference of two.
    pub fn score(self, logits: &[f32]) -> f32 {
        logits[self.class] - self.minus.map_or(0.0, |class| logits[class])
    }
}

/// Which layer is looked at if nobody names one: name and output `[N, H, W, C]`.
pub(in crate::explain) type Default = fn(&dyn Layer, &[(String, Tensor)]) -> Result<(String, Tensor)>;

/// A batch as the network sees it.
pub(in crate::explain) struct Seen {
    /// Height and width of the input.
    pub size: [usize; 2],
    pub classes: usize,
    /// `[N, K]`, row by row.
    pub logits: Vec<f32>,
    /// What is explained of each image.
    pub chosen: Vec<Chosen>,
    /// The output of every layer.
    pub marks: Vec<(String, Tensor)>,
    /// The layers that are looked at.
    pub layers: Vec<Seeing>,
}

/// A layer that is looked at.
pub(in crate::explain) struct Seeing {
    pub name: String,
    /// `[N, H, W, C]`.
    pub activations: Tensor,
    /// Of what is explained, there; none if no path leads from the layer to the logits, or nobody asks for it.
    pub gradient: Option<Tensor>,
}

/// What a method sees at one layer.
pub(in crate::explain) struct Look<'a> {
    pub model: &'a dyn Layer,
    pub x: &'a Tensor,
    pub classes: usize,
    pub logits: &'a [f32],
    pub chosen: &'a [Chosen],
    pub marks: &'a [(String, Tensor)],
    pub layer: &'a str,
    pub activations: &'a Tensor,
    pub batch_size: usize,
}

impl Look<'_> {
    /// Image number `image` of `batch [N, …]`, `count` times.
    pub fn image(&self, batch: &Tensor, image: usize, count: usize) -> Result<Tensor> {
        let index = Tensor::from_slice(batch.device(), [count], &vec![image as i32; count])?;
        index_select(batch, &index, 0, count)
    }

    /// So many channels in batches: the first of each, and how many.
    pub fn batches(&self, channels: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let size = self.batch_size.max(1);
        (0..channels).step_by(size).map(move |first| (first, size.min(channels - first)))
    }
}

/// Runs `model` on `x` in inference mode.
///
/// # Errors
/// Those of [`super::cam`].
pub(in crate::explain) fn see(model: &dyn Layer, x: &Tensor, request: &Request) -> Result<Seen> {
    let rule = request.method.rule();
    let by_gradient = matches!(rule.how, How::Gradient(_));
    let mut tape = Tape::new();
    if by_gradient {
        tape.watch(x);
    }
    tape.mark_layers();
    let logits = model.forward(&mut Pass::inference(&mut tape), x)?;
    let (values, chosen) = choose("cam", x, &logits, &request.targets)?;
    let (size, classes) = ([x.dim(1), x.dim(2)], logits.dim(1));
    let marks = tape.marks().to_vec();
    let layers = match &request.target_layers[..] {
        [] => vec![(rule.default)(model, &marks)?],
        names => names.iter().map(|name| layers::find(&marks, name)).collect::<Result<_>>()?,
    };
    let gradients = if by_gradient {
        layers.iter().for_each(|(_, output)| tape.keep(output));
        Some(tape.backward_from(&logits, seed(x, &chosen, classes)?)?)
    } else {
        None
    };
    let layers = layers.into_iter().map(|(name, activations)| {
        let gradient = gradients.as_ref().and_then(|gradients| gradients.get(&activations));
        Seeing { name, activations, gradient }
    });
    Ok(Seen { size, classes, logits: values, chosen, layers: layers.collect(), marks })
}

/// The values of `logits` and what is explained of each image, none of `targets` being the top classes. Errors are those of `op`.
///
/// # Errors
/// An `x` that is no batch of images, or `logits` that are not theirs; a number of targets other than N; a class that there is
/// not.
pub(in crate::explain) fn choose(
    op: &'static str,
    x: &Tensor,
    logits: &Tensor,
    targets: &[Target],
) -> Result<(Vec<f32>, Vec<Chosen>)> {
    let (&[images, _, _, _], &[rows, classes]) = (x.shape().dims(), logits.shape().dims()) else {
        let what = format!("want images [N, H, W, C] and logits [N, K], not {} and {}", x.shape(), logits.shape());
        return Err(Error::shape(op, what));
    };
    if rows != images || !(targets.is_empty() || targets.len() == images) {
        let what = format!("{} targets and {rows} rows of logits for {images} images", targets.len());
        return Err(Error::shape(op, what));
    }
    let values = logits.to_vec::<f32>()?;
    let target = |image: usize| targets.get(image).copied().unwrap_or(Target::Top);
    let of_image = |(image, row): (usize, &[f32])| target(image).chosen(row);
    let chosen = values.chunks(classes).enumerate().map(of_image).collect::<Result<_>>()?;
    Ok((values, chosen))
}

/// The gradient of what is explained of each image with respect to all logits.
pub(in crate::explain) fn seed(x: &Tensor, chosen: &[Chosen], classes: usize) -> Result<Tensor> {
    let mut seed = vec![0.0f32; chosen.len() * classes];
    for (row, chosen) in seed.chunks_mut(classes).zip(chosen) {
        row[chosen.class] = 1.0;
        chosen.minus.into_iter().for_each(|class| row[class] = -1.0);
    }
    Tensor::from_slice(x.device(), [chosen.len(), classes], &seed)
}

impl Target {
    /// The classes that this means for an image with these logits.
    pub(in crate::explain) fn chosen(self, logits: &[f32]) -> Result<Chosen> {
        let known = |class: usize| match class < logits.len() {
            true => Ok(class),
            false => {
                let what = format!("there is no class {class}: the model has classes 0 to {}", logits.len() - 1);
                Err(Error::usage(what))
            }
        };
        match self {
            Self::Top => Ok(Chosen { class: top(logits), minus: None }),
            Self::Class(class) => Ok(Chosen { class: known(class)?, minus: None }),
            Self::Difference(class, minus) if class == minus => {
                Err(Error::usage(format!("class {class} minus itself is zero: name two classes")))
            }
            Self::Difference(class, minus) => Ok(Chosen { class: known(class)?, minus: Some(known(minus)?) }),
        }
    }
}

/// The class with the largest logit, of several the first.
pub(in crate::explain) fn top(logits: &[f32]) -> usize {
    (0..logits.len()).rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0)
}
