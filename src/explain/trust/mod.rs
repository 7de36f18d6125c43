//! Can a map be believed? Each method is judged on a trained network and some pictures, by what the network says of changed
//! pictures, by what becomes of maps when its layers are made random, and by what noise does to them. No method is right in
//! general, and the measures disagree (Tomsett et al. 2020), so all are told; [`verdict`] chooses by a rule that is written down.

mod confidence;
pub mod curves;
mod explainer;
mod judge;
pub mod picture;
mod pictures;
pub mod randomisation;
mod ranked;
pub mod report;
pub mod road;
pub mod similarity;
pub mod stability;
pub mod verdict;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nn::Sequential;
use crate::tensor::Tensor;
pub use confidence::{changes, drop_and_increase};
use curves::Curve;
pub use explainer::{Explainer, Map, Maps};
use judge::Judged;
pub use pictures::Pictures;
use randomisation::{Cascade, Rung};
pub use ranked::Ranked;
use stability::Stability;
use verdict::Verdict;

/// A trained network, and two more of its design: one that becomes its copy and is spoiled, one as it is before training.
pub struct Networks<'a> {
    /// What is judged; it is not changed.
    pub trained: &'a Sequential,
    /// What is made random, layer by layer.
    pub copy: &'a Sequential,
    /// Where the random numbers come from: drawn from another seed than the trained one.
    pub fresh: &'a Sequential,
}

/// How thoroughly is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Steps of insertion and deletion.
    pub steps: usize,
    /// How often noise is drawn.
    pub samples: usize,
    /// Steps of randomisation, at most.
    pub rungs: usize,
    /// Of everything that is drawn.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { steps: 16, samples: 4, rungs: 10, seed: 0 }
    }
}

/// What is known of each method: `trust.json`. No number in it is NaN or infinite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// How it was measured.
    pub options: Options,
    /// The classes' indices that the pictures are taken for, which maps explain.
    pub classes: Vec<usize>,
    /// The network's probability of each.
    pub probabilities: Vec<f64>,
    /// Methods and, behind them, controls.
    pub rows: Vec<Row>,
    /// Which to use.
    pub verdict: Verdict,
}

/// One method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What people call it.
    pub method: String,
    /// Whether it does not look at the network, and stands there to compare with.
    pub control: bool,
    /// Pictures whose map is blank; they count in no figure.
    pub blank: usize,
    /// Why there are no figures.
    pub failed: Option<String>,
    /// What was measured.
    pub figures: Option<Figures>,
}

/// What was measured of one method, on average over the pictures that it has a map of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The probability as pixels are put in, the hottest first: a large area is good.
    pub insertion: Curve,
    /// The probability as pixels are taken away, the hottest first: a small area is good.
    pub deletion: Curve,
    /// Removal of the hottest against that of the coldest.
    pub road: RoadFigures,
    /// Average drop of the picture times its map, as a share: small is good.
    pub average_drop: f64,
    /// Share of the pictures whose probability increases there: large is good.
    pub increase: f64,
    /// Maps of the network with ever more layers made random.
    pub randomisation: Vec<Rung>,
    /// The mean of their rank correlations with its own maps, which Quantus calls the average correlation: little is good; from
    /// [`verdict::THRESHOLD`] on maps show the picture, not what was learned. None of a network with nothing to learn.
    pub likeness: Option<f64>,
    /// How far noise moves maps: little is good.
    pub stability: Stability,
}

/// ROAD, on average; see [`road`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoadFigures {
    /// The change of the probability without the pixels most relevant, for each of [`road::PERCENTILES`], which are kept.
    pub most: Vec<f64>,
    /// Without the least relevant.
    pub least: Vec<f64>,
    /// Half the difference of their means: large is good, 0 is chance.
    pub combined: f64,
    /// Its standard error over the pictures; none of one picture.
    pub error: Option<f64>,
    /// The combined figure of each picture; none where its map is blank.
    pub each: Vec<Option<f64>>,
}

impl Row {
    /// ROAD's combined figure; the lowest there can be without figures.
    fn road(&self) -> f64 {
        self.figures.as_ref().map_or(-1.0, |figures| figures.road.combined)
    }

    /// How alike its maps stay as the network becomes random; see [`Figures::likeness`].
    pub fn likeness(&self) -> Option<f64> {
        self.figures.as_ref()?.likeness
    }
}

/// Judges `explainers` on the pictures `x [N, H, W, 3]`, each for the class that the network takes a picture for.
///
/// A method that fails, or has no map of any picture, is a row that says so.
///
/// # Errors
/// No pictures; a network of one class; logits that are not finite; options that are 0 (rungs below 2); those of the device.
pub fn trust(networks: &Networks, x: &Tensor, explainers: &[Explainer], options: &Options) -> Result<Trust> {
    let Options { steps, samples, rungs, seed } = *options;
    if steps == 0 || samples == 0 || rungs < 2 {
        return Err(Error::usage("steps and samples are 1 at least, and rungs 2"));
    }
    let pictures = Pictures::of(networks.trained, x)?;
    let mut judged: Vec<Judged> =
        explainers.iter().map(|explainer| Judged::of(explainer, networks.trained, &pictures, seed)).collect();
    for noise in stability::noise(&pictures, samples, seed) {
        let x = stability::disturbed(&pictures, &noise)?;
        judged.iter_mut().for_each(|one| one.disturb(networks.trained, &x, &pictures.classes));
    }
    let cascade = Cascade::new(networks.trained, networks.copy, networks.fresh, rungs)?;
    for step in 0..cascade.len() {
        let (layer, random) = cascade.go(step)?;
        judged.iter_mut().for_each(|one| one.randomise(networks.copy, &pictures, layer, random));
    }
    let noise = road::noise(pictures.len(), pictures.pixels(), seed);
    let rows = judged.into_iter().map(|one| one.row(&pictures, steps, &noise)).collect::<Result<Vec<Row>>>()?;
    let verdict = verdict::verdict(&rows);
    Ok(Trust { options: *options, classes: pictures.classes, probabilities: pictures.probabilities, rows, verdict })
}

/// The mean of `values` and its standard error, if there are two at least; none of none.
fn mean_and_error(values: &[f64]) -> Option<(f64, Option<f64>)> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let error = (values.len() > 1).then(|| (square / (count - 1.0) / count).sqrt());
    (!values.is_empty()).then_some((mean, error))
}
