//! A first layer whose filters come from the pictures that are trained on: what they are, before the first step.

use super::images::Resident;
use crate::algebra::{dot, largest};
use crate::error::Result;
use crate::nn::Sequential;
use crate::op::augment::Channels;

/// Pictures whose patches are looked at, at most: as many as airbench takes.
const PICTURES: usize = 5000;
/// Pictures at a time.
const BATCH: usize = 250;

/// Gives the first layer of `model`, if it whitens, the filters that the patches of `images` ask for: of the pictures `chosen`, or of
/// so many evenly spread over them, as evaluation sees them, normalized by `channels`. The same on any number of cores.
///
/// # Errors
/// What the device says.
pub fn whiten(model: &Sequential, images: &Resident, chosen: &[u32], channels: &Channels) -> Result<()> {
    let chain = model.chain();
    let Some(layer) = chain.links().first().and_then(|(_, layer)| layer.as_whitening()) else { return Ok(()) };
    let [size, depth] = layer.patch();
    let count = chosen.len().min(PICTURES);
    let looked_at: Vec<u32> = (0..count).map(|at| chosen[at * chosen.len() / count]).collect();
    let order = images.order(&looked_at)?;
    let length = size * size * depth;
    // Of the symmetric sums of products the half from the diagonal on.
    let (mut sums, mut patch, mut patches) = (vec![0.0f64; length * length], vec![0.0f64; length], 0usize);
    for at in (0..count).step_by(BATCH) {
        let (views, _) = images.seen(&order, at, BATCH.min(count - at), channels)?;
        let (x, _) = &views[0];
        let (height, width) = (x.dim(1), x.dim(2));
        for picture in x.floats()?.chunks(height * width * depth) {
            for (y, x) in (0..=height - size).flat_map(|y| (0..=width - size).map(move |x| (y, x))) {
                for (row, to) in patch.chunks_mut(size * depth).enumerate() {
                    let from = &picture[((y + row) * width + x) * depth..];
                    to.iter_mut().zip(from).for_each(|(to, &value)| *to = value.into());
                }
                for (i, one) in patch.iter().enumerate() {
                    let sums = &mut sums[i * length + i..(i + 1) * length];
                    sums.iter_mut().zip(&patch[i..]).for_each(|(sum, other)| *sum += one * other);
                }
                patches += 1;
            }
        }
    }
    let value = |i: usize, j: usize| sums[i.min(j) * length + i.max(j)] / patches as f64;
    let rows: Vec<Vec<f64>> = (0..length).map(|i| (0..length).map(|j| value(i, j)).collect()).collect();
    layer.set(&largest(length, length, |vector| rows.iter().map(|row| dot(row, vector)).collect()))
}
