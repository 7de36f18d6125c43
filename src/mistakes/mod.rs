//! Pictures worth a look: those whose class may be wrong, those that are hard, and those that are nearly the same as others, in
//! another part of the data or of another class.

pub mod alike;
mod compared;
pub mod scores;
pub mod sheet;
pub mod table;

use serde::Serialize;

pub use compared::Compared;

use crate::device::Device;
use crate::embed::features::Features;
use crate::embed::neighbors::{Neighbor, within};
use crate::embed::pictures::Pictures;
use crate::error::{Error, Result};
use crate::nn::Layer;
use crate::op::cast::cast;
use crate::tape::Tape;
use crate::tensor::DType;
use crate::train::checkpoint::Meta;
use crate::train::evaluate::evaluate_each;
use crate::train::images::Resident;

/// What the distances to a picture's three nearest count for how unique it is.
const WEIGHTS: [f64; 3] = [0.6, 0.3, 0.1];

/// What is worth a look, for programs, sheets and reports.
#[derive(Clone, Debug, Serialize)]
pub struct Mistakes {
    /// The layer by whose output pictures are near each other.
    pub layer: String,
    /// All pictures of the part, the most mistaken first.
    pub pictures: Vec<Doubt>,
    /// How many have a class that the network doubts.
    pub doubted: usize,
    /// Near-duplicates of other classes or in other parts: other classes first, then the most alike.
    pub pairs: Vec<Pair>,
    /// Further pairs of one class in one part.
    pub harmless: usize,
    /// How many pictures were looked at for pairs.
    pub compared: usize,
}

/// A picture of the part.
#[derive(Clone, Debug, Serialize)]
pub struct Doubt {
    /// Its number in the part.
    pub number: u32,
    /// Its file, or which picture of the data set it is.
    pub file: String,
    /// The class that it is said to be of.
    pub class: usize,
    /// The class that the network takes it for.
    pub predicted: usize,
    /// With this probability.
    pub probability: f64,
    /// The probability of its class.
    pub of_class: f64,
    /// How likely its class is wrong, 0 to 1; see [`scores`].
    pub mistakenness: f64,
    /// How much the network wavers, 0 to 1.
    pub hardness: f64,
    /// How far its three nearest of the part are, the nearest weighed most, as a share of the largest, as FiftyOne Brain has it; none of
    /// fewer than four pictures, or equal ones.
    pub uniqueness: Option<f64>,
    /// Whether the network doubts its class; see [`scores`].
    pub doubted: bool,
    /// Its place among the pictures that were looked at.
    #[serde(skip)]
    pub at: usize,
}

/// A picture and another that is nearly the same.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    /// The one.
    pub first: Twin,
    /// The other.
    pub second: Twin,
    /// How much their pixels correlate, 1 at most.
    pub alike: f64,
}

/// One of a pair.
#[derive(Clone, Debug, Serialize)]
pub struct Twin {
    /// Its file, or which picture of the data set it is.
    pub file: String,
    /// What the run did with it: `train`, `held-back`, `val`, `test`; or `data` for a picture of other data than the run's.
    pub part: String,
    /// Its class, if that is known.
    pub class: Option<usize>,
    /// In which of the compared sets, and where there.
    #[serde(skip)]
    pub at: (usize, usize),
}

impl Pair {
    /// Whether both have a class, and another one.
    pub fn differ(&self) -> bool {
        self.first.class.zip(self.second.class).is_some_and(|(one, other)| one != other)
    }
}

impl Mistakes {
    /// Of `pictures`, which `model` judges, and of the pairs among `compared`. Pictures are near each other by `layer`'s output, or
    /// what the last layer gets.
    ///
    /// # Errors
    /// Pictures whose classes are not known; those of [`Features::of`].
    pub fn of(
        model: &dyn Layer,
        device: &Device,
        meta: &Meta,
        pictures: &Pictures,
        compared: &Compared,
        layer: Option<&str>,
    ) -> Result<Self> {
        let Some(labels) = &pictures.labels else {
            return Err(Error::usage(
                "these pictures have no folders of classes: nobody knows which class may be wrong",
            ));
        };
        let classes = meta.classes.len();
        let features = Features::of(model, device, &pictures.images, meta, layer)?;
        let scores = scores::scores(&probabilities(model, device, pictures, meta)?, labels, classes);
        let weighted = |near: &Vec<Neighbor>| {
            let sum = || near.iter().zip(WEIGHTS).map(|(one, weight)| weight * one.distance).sum::<f64>();
            (near.len() == WEIGHTS.len()).then(sum)
        };
        let far: Vec<Option<f64>> = within(&features.points, WEIGHTS.len()).iter().map(weighted).collect();
        let farthest = far.iter().flatten().copied().fold(0.0, f64::max);
        let doubt = |(at, score): (usize, &scores::Score)| Doubt {
            number: pictures.numbers[at],
            file: pictures.files[at].clone(),
            class: labels[at],
            predicted: score.predicted,
            probability: score.probability,
            of_class: score.of_class,
            mistakenness: score.mistakenness,
            hardness: score.hardness,
            uniqueness: far[at].filter(|_| farthest > 0.0).map(|far| far / farthest),
            doubted: score.doubted,
            at,
        };
        let mut doubts: Vec<Doubt> = scores.iter().enumerate().map(doubt).collect();
        doubts.sort_by(|a, b| b.mistakenness.total_cmp(&a.mistakenness).then(a.at.cmp(&b.at)));
        let (pairs, harmless) = compared.pairs(model, device, meta, Some(&features.layer))?;
        Ok(Self {
            layer: features.layer,
            doubted: doubts.iter().filter(|doubt| doubt.doubted).count(),
            pictures: doubts,
            pairs,
            harmless,
            compared: compared.len(),
        })
    }

    /// The pictures that the network wavers most about, the hardest first, as places in [`Mistakes::pictures`].
    pub fn hardest(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.pictures.len()).collect();
        order.sort_by(|&a, &b| self.pictures[b].hardness.total_cmp(&self.pictures[a].hardness).then(a.cmp(&b)));
        order
    }
}

/// The probabilities of all classes, a row for each picture, as `eval` judges them.
fn probabilities(model: &dyn Layer, device: &Device, pictures: &Pictures, meta: &Meta) -> Result<Vec<f64>> {
    meta.config.precision.check(device)?;
    let images = Resident::new(device, &pictures.images)?.giving(meta.config.precision.dtype()).viewed(meta.config.tta);
    let mut all = Vec::new();
    evaluate_each(model, &images, &images.all(), meta.mean, meta.std, &mut |logits| {
        let classes = logits.shape().last();
        for row in cast(&mut Tape::new(), logits, DType::F32)?.to_vec::<f32>()?.chunks_exact(classes) {
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weights: Vec<f64> = row.iter().map(|logit| (f64::from(*logit) - f64::from(most)).exp()).collect();
            let sum: f64 = weights.iter().sum();
            if !sum.is_finite() {
                return Err(Error::usage("the network's logits are not finite: choose another epoch"));
            }
            all.extend(weights.iter().map(|weight| weight / sum));
        }
        Ok(())
    })?;
    Ok(all)
}
