//! Stability: how far maps move under noise that nobody sees (Yeh et al. 2019, On the (In)fidelity and Sensitivity of
//! Explanations): the norm of the change as a share of the map's norm, as Quantus' `AvgSensitivity` and `MaxSensitivity` have it.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::ranked::{Draw, Ranked, random, uniform};
use super::{Map, Pictures};
use crate::error::Result;
use crate::tensor::Tensor;

/// The most that is added to a value or taken away, in deviations of the training pictures: Quantus' 0.2.
pub const RADIUS: f64 = 0.2;

/// How far maps move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// The mean of all samples and pictures.
    pub mean: f64,
    /// The worst sample of each picture, the mean of all pictures.
    pub max: f64,
}

/// Pictures with noise, `[N, H, W, 3]`.
///
/// # Errors
/// Those of the device.
pub fn disturbed(pictures: &Pictures, noise: &[Vec<f32>]) -> Result<Tensor> {
    let sum =
        |(values, noise): (&Vec<f32>, &Vec<f32>)| values.iter().zip(noise).map(|(a, b)| a + b).collect::<Vec<f32>>();
    let values: Vec<f32> = pictures.values.iter().zip(noise).flat_map(sum).collect();
    Tensor::from_slice(pictures.x.device(), pictures.x.shape().clone(), &values)
}

/// `samples` times noise for each picture, evenly drawn from −[`RADIUS`] to [`RADIUS`].
pub fn noise(pictures: &Pictures, samples: usize, seed: u64) -> Vec<Vec<Vec<f32>>> {
    let mut streams: Vec<ChaCha8Rng> = (0..pictures.len()).map(|picture| random(seed, picture, Draw::Noise)).collect();
    let number = |random: &mut ChaCha8Rng| ((2.0 * uniform(random) - 1.0) * RADIUS) as f32;
    let mut sample =
        || streams.iter_mut().map(|random| (0..3 * pictures.pixels()).map(|_| number(random)).collect()).collect();
    (0..samples).map(|_| sample()).collect()
}

/// How far `maps` are from those of each sample, which has one for every picture. A map that has gone blank is zero everywhere.
/// None without maps.
pub fn stability(maps: &[Ranked], samples: &[Vec<Map>]) -> Option<Stability> {
    let of = |one: &Ranked| {
        let norm = one.map.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        let moved = |sample: &Vec<Map>| match &sample[one.picture] {
            Ok(map) => {
                let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
                one.map.iter().zip(map).map(square).sum::<f64>().sqrt() / norm
            }
            Err(_) => 1.0,
        };
        samples.iter().map(moved).collect::<Vec<f64>>()
    };
    let all: Vec<Vec<f64>> = maps.iter().map(of).collect();
    let (count, of_each) = (all.len() as f64, samples.len() as f64);
    let mean = all.iter().flatten().sum::<f64>() / (count * of_each);
    let max = all.iter().map(|each| each.iter().copied().fold(0.0, f64::max)).sum::<f64>() / count;
    (!all.is_empty() && !samples.is_empty()).then_some(Stability { mean, max })
}
