//! The map of each picture of a set, for the class that the picture is of.

use super::places::{SIDE, shares};
use crate::data::Images;
use crate::device::Device;
use crate::embed::Points;
use crate::error::Result;
use crate::explain::{Cam, Request, Target, cam};
use crate::nn::Layer;
use crate::op::augment::Augment;
use crate::op::random::Key;
use crate::train::checkpoint::Meta;
use crate::train::images::Resident;

/// Pictures per pass.
const BATCH: usize = 32;

/// Gives `each` the maps of `images` in order, as `request` asks for them, for the class of each.
///
/// # Errors
/// Those of [`cam`] and of `each`.
pub fn each(
    model: &dyn Layer,
    device: &Device,
    images: &Images,
    meta: &Meta,
    request: &Request,
    each: &mut dyn FnMut(Cam) -> Result<()>,
) -> Result<()> {
    let resident = Resident::new(device, images)?;
    let how = Augment::evaluation(meta.mean, meta.std);
    let order = resident.order(&resident.all())?;
    for at in (0..images.len()).step_by(BATCH) {
        let count = BATCH.min(images.len() - at);
        let (x, labels) = resident.batch(&order, at, count, &how, Key { seed: 0, step: 0, stream: 0 })?;
        let targets = labels.to_vec::<i32>()?.into_iter().map(|label| Target::Class(label as usize)).collect();
        for cam in cam(model, &x, &Request { targets, ..request.clone() })? {
            each(cam)?;
        }
    }
    Ok(())
}

/// What is kept of the maps of many pictures.
pub struct Maps {
    /// The layer.
    pub layer: String,
    /// Height and width of a map as it is made, and channels of the layer.
    pub shape: [usize; 3],
    /// Of each picture its map in shares, or why nothing is to be seen on it.
    pub of: Vec<Result<Vec<f64>, String>>,
}

impl Maps {
    /// Of `images`, of which there is one at least.
    ///
    /// # Errors
    /// Those of [`each`].
    pub fn of(model: &dyn Layer, device: &Device, images: &Images, meta: &Meta, request: &Request) -> Result<Self> {
        let mut maps = Self { layer: String::new(), shape: [0; 3], of: Vec::with_capacity(images.len()) };
        each(model, device, images, meta, request, &mut |cam| {
            let found = match &cam.diagnosis {
                Some(diagnosis) => Err(diagnosis.cause().to_owned()),
                None => shares(&cam.scaled, cam.size).ok_or_else(|| "nothing on it".to_owned()),
            };
            maps.of.push(found);
            (maps.layer, maps.shape) = (cam.layer, cam.shape);
            Ok(())
        })?;
        Ok(maps)
    }

    /// Those of `pictures` as points, whose distance is Hellinger's: that of the roots of the shares, so that one bright spot does not
    /// outweigh all else.
    ///
    /// # Panics
    /// If nothing is to be seen on one of them.
    pub fn points(&self, pictures: &[usize]) -> Points {
        let roots =
            |&at: &usize| self.of[at].as_ref().expect("something is to be seen").iter().map(|share| share.sqrt());
        Points::new(SIDE * SIDE, pictures.iter().flat_map(roots).collect())
    }

    /// The mean of those of `pictures`.
    ///
    /// # Panics
    /// As [`Maps::points`].
    pub fn mean(&self, pictures: &[usize]) -> Vec<f64> {
        let mut mean = vec![0.0; SIDE * SIDE];
        for &at in pictures {
            let shares = self.of[at].as_ref().expect("something is to be seen");
            mean.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share / pictures.len() as f64);
        }
        mean
    }
}
