//! What a network says of each picture, one by one.

use crate::error::{Error, Result};
use crate::nn::Layer;
use crate::op::cast::cast;
use crate::op::metrics::Metrics;
use crate::op::topk::topk;
use crate::tape::Tape;
use crate::tensor::DType;
use crate::train::evaluate::evaluate_each;
use crate::train::images::Resident;

/// What a network says of one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The picture's class.
    pub truth: usize,
    /// The class with the largest logit.
    pub predicted: usize,
    /// Its probability, 0 to 1.
    pub probability: f64,
    /// The probability of the picture's class.
    pub of_truth: f64,
    /// How many classes have a larger probability than that, or one as large and a lower number; plus one: 1 is right.
    pub rank: usize,
}

impl Prediction {
    /// Whether it is right.
    pub fn is_right(&self) -> bool {
        self.truth == self.predicted
    }

    /// Of `logits` of a picture of class `truth`, of which `predicted` has the largest.
    fn of(logits: &[f32], truth: usize, predicted: usize) -> Self {
        // Softmax in f64: probabilities of neighbours in a table differ in more digits than f32 has.
        let most = f64::from(logits[predicted]);
        let weight = |class: usize| (f64::from(logits[class]) - most).exp();
        let sum: f64 = (0..logits.len()).map(weight).sum();
        let before = |class: &usize| {
            let (own, other) = (logits[truth], logits[*class]);
            *class == predicted || other > own || other == own && *class < truth
        };
        let rank = if truth == predicted { 1 } else { 1 + (0..logits.len()).filter(before).count() };
        Self { truth, predicted, probability: weight(predicted) / sum, of_truth: weight(truth) / sum, rank }
    }
}

/// Runs images `indices` through `model` once. Returns loss and accuracy, and what it says of each.
///
/// # Errors
/// Those of [`evaluate_each`]; a label that is no class.
pub fn predictions(
    model: &dyn Layer,
    images: &Resident,
    indices: &[u32],
    mean: [f32; 3],
    std: [f32; 3],
) -> Result<(Metrics, Vec<Prediction>)> {
    let labels = images.labels()?;
    let mut found = Vec::with_capacity(indices.len());
    let sums = evaluate_each(model, images, indices, mean, std, &mut |logits| {
        let classes = logits.shape().dims()[1];
        let best = topk(logits, 1)?.1.to_vec::<i32>()?;
        let logits = cast(&mut Tape::new(), logits, DType::F32)?.to_vec::<f32>()?;
        for (logits, best) in logits.chunks(classes).zip(best) {
            let image = indices[found.len()] as usize;
            let [truth, best] = [labels[image], best].map(|class| usize::try_from(class).unwrap_or(usize::MAX));
            if truth >= classes || best >= classes {
                let what = format!("image {image} has label {} of {classes} classes", labels[image]);
                return Err(Error::shape("predictions", what));
            }
            found.push(Prediction::of(logits, truth, best));
        }
        Ok(())
    })?;
    Ok((sums, found))
}

/// Positions of those that are wrong, the worst first: where the picture's class is the least probable.
pub fn wrong(predictions: &[Prediction]) -> Vec<usize> {
    let mut wrong: Vec<usize> = (0..predictions.len()).filter(|&at| !predictions[at].is_right()).collect();
    wrong.sort_by(|&a, &b| predictions[a].of_truth.total_cmp(&predictions[b].of_truth));
    wrong
}

/// The table as CSV, a row for each picture in the order of the part: `number,file,true,predicted,right,probability,
/// probability_of_true,rank_of_true`. `files` may be fewer: pictures that are no files have none.
///
/// # Errors
/// None that names can cause: they are quoted where they have to be.
pub fn csv(predictions: &[Prediction], files: &[String], classes: &[String]) -> Result<Vec<u8>> {
    let failed = |e: &dyn std::error::Error| Error::file("predictions.csv", e);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = ["number", "file", "true", "predicted", "right", "probability", "probability_of_true", "rank_of_true"];
    writer.write_record(header).map_err(|e| failed(&e))?;
    for (number, one) in predictions.iter().enumerate() {
        let file = files.get(number).map_or("", String::as_str);
        let [right, rank] = [usize::from(one.is_right()), one.rank].map(|count| count.to_string());
        let [most, own] = [one.probability, one.of_truth].map(|share| format!("{share:.6e}"));
        let (truth, predicted) = (&*classes[one.truth], &*classes[one.predicted]);
        let row = [&number.to_string(), file, truth, predicted, &right, &most, &own, &rank];
        writer.write_record(row).map_err(|e| failed(&e))?;
    }
    writer.into_inner().map_err(|e| failed(e.error()))
}
