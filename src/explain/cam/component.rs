//! The first principal component of an image's (weighed) activations, as a map: Eigen-CAM, and what `eigen_smooth` takes in the
//! place of a sum over channels.

use crate::algebra::{dot, largest};

/// A component as small as this, beside the values, is rounding.
const NOTHING: f64 = 1e-12;

/// The projection of each pixel of `values [pixels, channels]` on the first principal component of all of them, centred channel by
/// channel. Its sign, which is nobody's, is the one that goes with the sum over channels. All zero where all pixels are the same,
/// all NaN if something is not finite.
pub(super) fn component(values: &[f32], channels: usize) -> Vec<f32> {
    let pixels = values.len() / channels;
    if values.iter().any(|value| !value.is_finite()) {
        return vec![f32::NAN; pixels];
    }
    let mut mean = vec![0.0; channels];
    let add = |to: &mut [f64], row: &[f64], share: f64| to.iter_mut().zip(row).for_each(|(to, v)| *to += share * v);
    let whole: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
    whole.chunks(channels).for_each(|row| add(&mut mean, row, 1.0 / pixels as f64));
    let centred: Vec<f64> = whole.chunks(channels).flat_map(|row| row.iter().zip(&mean).map(|(v, m)| v - m)).collect();
    // Of A Aᵀ, whose vectors are maps.
    let squared = |map: &[f64]| -> Vec<f64> {
        let mut direction = vec![0.0; channels];
        centred.chunks(channels).zip(map).for_each(|(row, &share)| add(&mut direction, row, share));
        centred.chunks(channels).map(|row| dot(row, &direction)).collect()
    };
    let (value, map) = largest(pixels, 1, squared).swap_remove(0);
    let length = value.max(0.0).sqrt();
    if length <= NOTHING * dot(&whole, &whole).sqrt() {
        return vec![0.0; pixels];
    }
    let sums: Vec<f64> = centred.chunks(channels).map(|row| row.iter().sum()).collect();
    let sign = if dot(&map, &sums) < 0.0 { -1.0 } else { 1.0 };
    map.iter().map(|v| (sign * length * v) as f32).collect()
}
