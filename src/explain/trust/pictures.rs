//! Pictures, the class that the network takes each for, and how sure it is of that class when something is done to them.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::nn::{Layer, Pass};
use crate::tape::Tape;
use crate::tensor::Tensor;

/// Pixels in a pass of changed pictures.
const PASS: usize = 1 << 18;
/// Changed pictures in a pass, at least and at most.
const BATCH: (usize, usize) = (8, 256);

/// The pictures that maps are judged on.
pub struct Pictures<'a> {
    model: &'a dyn Layer,
    /// All of them, `[N, H, W, 3]`, normalized.
    pub x: Tensor,
    /// Height and width.
    pub size: [usize; 2],
    /// Each picture's `H · W · 3` numbers. 0 is the mean colour of the training pictures.
    pub values: Vec<Vec<f32>>,
    /// What the network takes each for: the class whose map is judged.
    pub classes: Vec<usize>,
    /// The probability that it gives this class.
    pub probabilities: Vec<f64>,
}

impl<'a> Pictures<'a> {
    /// `x [N, H, W, 3]` as `model` sees it.
    ///
    /// # Errors
    /// No pictures; a network of one class; logits that are not finite.
    pub fn of(model: &'a dyn Layer, x: &Tensor) -> Result<Self> {
        let &[count, height, width, 3] = x.shape().dims() else {
            return Err(Error::shape("trust", format!("want images [N, H, W, 3], not {}", x.shape())));
        };
        if count == 0 {
            return Err(Error::usage("there are no pictures to judge maps on"));
        }
        let values = x.to_vec::<f32>()?.chunks(height * width * 3).map(<[f32]>::to_vec).collect();
        let (classes, probabilities) = (vec![0; count], Vec::new());
        let mut pictures = Self { model, x: x.clone(), size: [height, width], values, classes, probabilities };
        let own = |at: usize| (at, pictures.values[at].clone());
        let logits = pictures.logits(count, &own)?;
        if logits[0].1.len() < 2 {
            let what = "the network knows one class alone, whose probability is 1 whatever it sees";
            return Err(Error::usage(format!("{what}: there is nothing to judge maps by")));
        }
        pictures.classes = logits.iter().map(|(_, logits)| top(logits)).collect();
        pictures.probabilities = logits.iter().map(|(at, logits)| probability(logits, pictures.classes[*at])).collect();
        Ok(pictures)
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none, which [`Pictures::of`] refuses.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Pixels of a picture.
    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// The probability of its own class for each of `count` changed pictures. `make` says of which picture the one with a number
    /// is, and its values; many are made at once, on all cores, and computed in one pass.
    ///
    /// # Errors
    /// Logits that are not finite; those of the device.
    pub fn ask(&self, count: usize, make: &(dyn Fn(usize) -> (usize, Vec<f32>) + Sync)) -> Result<Vec<f64>> {
        let logits = self.logits(count, make)?;
        Ok(logits.iter().map(|(picture, logits)| probability(logits, self.classes[*picture])).collect())
    }

    fn logits(
        &self,
        count: usize,
        make: &(dyn Fn(usize) -> (usize, Vec<f32>) + Sync),
    ) -> Result<Vec<(usize, Vec<f32>)>> {
        let batch = (PASS / self.pixels()).clamp(BATCH.0, BATCH.1);
        let mut all = Vec::with_capacity(count);
        for first in (0..count).step_by(batch) {
            let changed: Vec<(usize, Vec<f32>)> = (first..count.min(first + batch)).into_par_iter().map(make).collect();
            let values: Vec<f32> = changed.iter().flat_map(|(_, values)| values).copied().collect();
            let x = Tensor::from_slice(self.x.device(), [changed.len(), self.size[0], self.size[1], 3], &values)?;
            let logits = self.model.forward(&mut Pass::inference(&mut Tape::new()), &x)?;
            let logits = logits.to_vec::<f32>()?;
            if logits.iter().any(|logit| !logit.is_finite()) {
                return Err(Error::usage("the network's logits are not finite; take an earlier checkpoint"));
            }
            let rows = logits.chunks(logits.len() / changed.len()).map(<[f32]>::to_vec);
            all.extend(changed.iter().map(|(picture, _)| *picture).zip(rows));
        }
        Ok(all)
    }
}

/// The class with the largest logit, the first of equals.
fn top(logits: &[f32]) -> usize {
    (0..logits.len()).rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0)
}

/// The probability of `class`, by softmax.
fn probability(logits: &[f32], class: usize) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let power = |logit: &f32| f64::from(logit - largest).exp();
    power(&logits[class]) / logits.iter().map(power).sum::<f64>()
}
