//! Why nothing is to be seen on a map.

use std::fmt;

use super::cam::look::seed;
use super::cam::method::How;
use super::{Cam, Method, Request, layers};
use crate::error::Result;
use crate::nn::bad_values::first_bad_values;
use crate::nn::{Layer, Pass};
use crate::tape::Tape;
use crate::tensor::Tensor;

/// The cause of a blank map, with the figures that prove it. `{}` is one line with what to do about it, [`cause`] a few
/// words.
///
/// [`cause`]: Diagnosis::cause
#[derive(Clone, Debug, PartialEq)]
pub enum Diagnosis {
    /// Somewhere there are NaN or infinite values: where they begin.
    NotFinite(String),
    /// No path leads from the layer to the logits.
    Disconnected,
    /// All activations of the layer are zero in this picture.
    DeadLayer,
    /// The gradient of the logit is exactly zero all over the layer.
    ZeroGradient {
        /// The layer behind whose output there still is a gradient, but none before it.
        lost_in: String,
        /// Share of the outputs of that layer that are zero: 1 if a ReLU is dead.
        zero_outputs: f64,
    },
    /// The method counts positive gradients alone, and there is none; the one nearest to zero.
    NoPositiveGradient(f32),
    /// Grad-CAM++ adds 1e-6 to the square of the gradient, whose largest value, this one, disappears beside it.
    Underflow(f32),
    /// Negative all over before ReLU: the lowest value.
    Negative(f32),
    /// The channels with a gradient are zero in this picture, the others have no gradient.
    NoOverlap,
    /// Without any channel of the layer the logit is what it is with it.
    NoEffect,
    /// Ablation-CAM divides by the logit, which is zero.
    ZeroScore,
    /// Nothing of what is explained arrives at the pixels.
    NoRelevance,
    /// The same value everywhere, so that nothing is left when the minimum is subtracted.
    Constant(f32),
    /// The largest value, too small beside the 1e-7 that is added before it is divided by.
    Tiny(f32),
}

impl Diagnosis {
    /// The cause in a few words, for a caption.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::NotFinite(_) => "NaN or infinite values",
            Self::Disconnected => "layer not connected",
            Self::DeadLayer => "dead layer",
            Self::ZeroGradient { .. } => "gradient is zero",
            Self::NoPositiveGradient(_) => "no positive gradient",
            Self::Underflow(_) => "gradient too small for ++",
            Self::Negative(_) => "negative before ReLU",
            Self::NoOverlap => "no overlap with gradient",
            Self::NoEffect => "no channel counts",
            Self::ZeroScore => "logit is zero",
            Self::NoRelevance => "nothing arrives at the pixels",
            Self::Constant(_) => "same value everywhere",
            Self::Tiny(_) => "values too small",
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite(place) => write!(f, "NaN or infinite values: {place}; take an earlier checkpoint"),
            Self::Disconnected => f.write_str("no path leads from the layer to the logits; choose another layer"),
            Self::DeadLayer => f.write_str(
                "every activation of the layer is zero in this picture: it is dead; choose an earlier layer or checkpoint",
            ),
            Self::ZeroGradient { lost_in, zero_outputs } => {
                let dead = if *zero_outputs == 1.0 { ": a dead ReLU or what feeds it" } else { "" };
                let share = 100.0 * zero_outputs;
                write!(f, "the gradient of the logit is exactly zero at the layer: it is lost in {lost_in}, ")?;
                write!(f, "{share:.0} % of whose outputs are zero{dead}; choose a later layer or an earlier checkpoint")
            }
            Self::NoPositiveGradient(nearest) => write!(
                f,
                "the method counts positive gradients alone and the layer has none (the nearest is {nearest:.3e}); use \
                 ‹method=gradcam signed› or another target"
            ),
            Self::Underflow(largest) => write!(
                f,
                "the largest gradient at the layer is {largest:.3e}, whose square disappears beside the 1e-6 in Grad-CAM++'s \
                 denominator; use ‹method=gradcam›"
            ),
            Self::Negative(lowest) => write!(
                f,
                "the map is negative all over before ReLU, down to {lowest:.3e}: what it looks at speaks against this class; \
                 use ‹signed› or another target"
            ),
            Self::NoOverlap => f.write_str(
                "the channels that the logit depends on are zero in this picture, and the others have no gradient; choose a \
                 later layer or another target",
            ),
            Self::NoEffect => f.write_str(
                "the logit stays what it is whichever channel of the layer is taken away; choose a later layer or another target",
            ),
            Self::ZeroScore => f.write_str(
                "what is explained is exactly zero, and Ablation-CAM divides by it; use another target, ‹method=gradcam›, or a \
                 checkpoint that has learned",
            ),
            Self::NoRelevance => f.write_str(
                "nothing arrives at the pixels: they are all zero, what is explained is, or layers behind them are dead in this \
                 picture; use ‹method=gradcam›, another target or another picture",
            ),
            Self::Constant(value) => write!(
                f,
                "the map is {value:.3e} everywhere, and nothing is left when its minimum is subtracted; choose an earlier layer"
            ),
            Self::Tiny(largest) => write!(
                f,
                "the largest value of the map is {largest:.3e}, and scaling adds 1e-7 before it divides by it; use ‹signed› or \
                 the raw map"
            ),
        }
    }
}

/// What a diagnosis is made from.
pub(super) struct Evidence<'a> {
    pub model: &'a dyn Layer,
    /// The batch, and the image in question.
    pub x: &'a Tensor,
    pub image: usize,
    pub request: &'a Request,
    /// The layer's output for the batch.
    pub activations: &'a Tensor,
}

impl Evidence<'_> {
    /// Looks for the cause of the blank map `cam`; `gradient` is that of the logits at the layer, none if no path leads
    /// there.
    pub fn diagnose(&self, cam: &Cam, gradient: Option<&Tensor>) -> Result<Diagnosis> {
        let method = self.request.method;
        let rule = method.rule();
        let by_gradient = matches!(rule.how, How::Gradient(_));
        let activations = self.of_image(self.activations)?;
        let gradient = gradient.map(|gradient| self.of_image(gradient)).transpose()?;
        let finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
        if method == Method::AblationCam && cam.score() == 0.0 {
            return Ok(Diagnosis::ZeroScore);
        }
        if !finite(&cam.raw) || !finite(&activations) || !gradient.as_deref().is_none_or(finite) {
            let found = first_bad_values(self.model, &self.alone()?, &mut Pass::inference(&mut Tape::new()));
            let backward = || match by_gradient {
                true => "the forward pass is finite, the gradient or its powers overflow".into(),
                false if method.of_pixels() => "the forward pass is finite, what goes backward overflows".into(),
                false => "the forward pass is finite, the weights of the channels overflow".into(),
            };
            return Ok(Diagnosis::NotFinite(found.unwrap_or_else(backward)));
        }
        if by_gradient && gradient.is_none() {
            return Ok(Diagnosis::Disconnected);
        }
        if zero(&activations) && !method.of_pixels() {
            return Ok(Diagnosis::DeadLayer);
        }
        let largest = |values: &[f32]| values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (highest, lowest) = (largest(&cam.raw), cam.raw.iter().copied().fold(f32::INFINITY, f32::min));
        if let Some(gradient) = gradient {
            if zero(&gradient) {
                return self.lost(cam);
            }
            let steepest = largest(&gradient);
            if rule.positive_alone && steepest <= 0.0 {
                return Ok(Diagnosis::NoPositiveGradient(steepest));
            }
            // Below this the denominator is the 1e-6 alone, to a part in a million.
            if method == Method::GradCamPlusPlus && steepest < 7e-7 {
                return Ok(Diagnosis::Underflow(steepest));
            }
        }
        let component = self.request.eigen_smooth || matches!(rule.how, How::Component);
        Ok(match (highest, lowest) {
            // A component is zero where every channel is even.
            (0.0, 0.0) if component => Diagnosis::Constant(0.0),
            (0.0, 0.0) if method == Method::AblationCam => Diagnosis::NoEffect,
            (0.0, 0.0) if method.of_pixels() => Diagnosis::NoRelevance,
            (0.0, 0.0) => Diagnosis::NoOverlap,
            (highest, lowest) if highest <= 0.0 => Diagnosis::Negative(lowest),
            (highest, lowest) if highest - lowest <= highest * 1e-6 => Diagnosis::Constant(highest),
            (highest, _) => Diagnosis::Tiny(highest),
        })
    }

    /// Follows the gradient back from the logits to where it ends.
    fn lost(&self, cam: &Cam) -> Result<Diagnosis> {
        let x = self.alone()?;
        let mut tape = Tape::new();
        tape.watch(&x);
        tape.mark_layers();
        let logits = self.model.forward(&mut Pass::inference(&mut tape), &x)?;
        let marks = tape.marks().to_vec();
        marks.iter().for_each(|(_, output)| tape.keep(output));
        let gradients = tape.backward_from(&logits, seed(&x, &[cam.chosen()], cam.logits.len())?)?;
        // The logits' own gradient is not zero, so the walk ends at the last layer at the latest.
        let mut after = ("the last layer", &logits);
        for (name, output) in layers::distinct(&marks).into_iter().rev() {
            match gradients.get(output) {
                Some(gradient) if !zero(&gradient.to_vec::<f32>()?) => after = (name, output),
                _ => break,
            }
        }
        let outputs = after.1.to_vec::<f32>()?;
        let zeros = outputs.iter().filter(|&&v| v == 0.0).count();
        Ok(Diagnosis::ZeroGradient { lost_in: after.0.into(), zero_outputs: zeros as f64 / outputs.len() as f64 })
    }

    /// The image in question as a batch of its own.
    fn alone(&self) -> Result<Tensor> {
        let mut shape = self.x.shape().dims().to_vec();
        shape[0] = 1;
        Tensor::from_slice(self.x.device(), shape, &self.of_image(self.x)?)
    }

    fn of_image(&self, batch: &Tensor) -> Result<Vec<f32>> {
        let each = batch.elements() / batch.dim(0);
        Ok(batch.to_vec::<f32>()?[self.image * each..][..each].to_vec())
    }
}

fn zero(values: &[f32]) -> bool {
    values.iter().all(|&v| v == 0.0)
}
