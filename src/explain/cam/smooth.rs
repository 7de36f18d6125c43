//! Test-time augmentation of maps: the images as they are and mirrored, each at 0.9, 1 and 1.1 times its values.

use super::{Cam, Request, Target, cam, mean};
use crate::error::Result;
use crate::explain::scale::BLANK;
use crate::nn::Layer;
use crate::tensor::Tensor;

const FACTORS: [f32; 3] = [0.9, 1.0, 1.1];

/// `plain`, the maps of `x`, with their means over all of these. What is explained is what is explained of the images as they are.
pub(super) fn augmented(model: &dyn Layer, x: &Tensor, request: &Request, plain: Vec<Cam>) -> Result<Vec<Cam>> {
    let target = |cam: &Cam| match cam.minus {
        None => Target::Class(cam.class),
        Some(minus) => Target::Difference(cam.class, minus),
    };
    let request = Request { targets: plain.iter().map(target).collect(), aug_smooth: false, ..request.clone() };
    let values = x.to_vec::<f32>()?;
    let mut views = Vec::new();
    for mirrored in [false, true] {
        let values = if mirrored { mirror(&values, x.dim(2), x.dim(3)) } else { values.clone() };
        for factor in FACTORS {
            if !mirrored && factor == 1.0 {
                views.push(plain.clone());
                continue;
            }
            let values: Vec<f32> = values.iter().map(|value| factor * value).collect();
            let mut cams = cam(model, &Tensor::from_slice(x.device(), x.shape(), &values)?, &request)?;
            for cam in cams.iter_mut().filter(|_| mirrored) {
                cam.scaled = mirror(&cam.scaled, cam.size[1], 1);
                cam.raw = mirror(&cam.raw, cam.shape[1], 1);
            }
            views.push(cams);
        }
    }
    let together = |(image, cam): (usize, Cam)| {
        let of =
            |part: fn(&Cam) -> &Vec<f32>| mean(&views.iter().map(|cams| &part(&cams[image])[..]).collect::<Vec<_>>());
        let (scaled, raw) = (of(|cam| &cam.scaled), of(|cam| &cam.raw));
        // Where one of the views shows anything, their mean is at least its share as bright.
        let brightest = scaled.iter().copied().fold(0.0, f32::max);
        let blank = scaled.iter().any(|v| v.is_nan()) || brightest < BLANK / views.len() as f32;
        let reason = || views.iter().find_map(|cams| cams[image].diagnosis.clone());
        let diagnosis = if blank { reason() } else { None };
        Cam { scaled, raw, diagnosis, averaged: true, ..cam }
    };
    Ok(plain.clone().into_iter().enumerate().map(together).collect())
}

/// Rows of `width` pixels of `channels` values, from right to left.
fn mirror(values: &[f32], width: usize, channels: usize) -> Vec<f32> {
    let row = |row: &[f32]| row.chunks(channels).rev().flatten().copied().collect::<Vec<f32>>();
    values.chunks(width * channels).flat_map(row).collect()
}
