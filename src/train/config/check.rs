//! Values that no training can use.

use super::Config;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::nn::models;
use crate::optim::Curve;
use crate::train::head::Head;
use crate::train::normalize::Normalize;

impl Config {
    /// Refuses values that no training can use.
    pub fn check(&self) -> Result<()> {
        let mut positive =
            vec![("epochs", self.epochs as f64), ("batch_size", self.batch_size as f64), ("lr", self.lr)];
        positive.extend([("layer_decay", self.layer_decay), ("accumulate", self.accumulate as f64)]);
        positive.extend(self.clip_norm.map(|most| ("clip_norm", most)));
        positive.extend(self.patience.map(|epochs| ("patience", epochs.into())));
        positive.extend(self.cam_every.map(|epochs| ("cam_every", epochs.into())));
        let positive = positive.into_iter().map(|(name, value)| (format!("{name}={value}"), value));
        let factors = self.lr_factors.0.iter().map(|(layer, factor)| (format!("lr_factors={layer}={factor}"), *factor));
        for (setting, value) in positive.chain(factors) {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::usage(format!("‹{setting}›: must be a finite number above 0")));
            }
        }
        if let Some((layer, factor)) = self.decay_factors.0.iter().find(|(_, f)| !(*f >= 0.0 && f.is_finite())) {
            return Err(Error::usage(format!(
                "‹decay_factors={layer}={factor}›: must be a finite number of at least 0"
            )));
        }
        if let Some((layer, _)) = self.unfreeze.0.iter().find(|(_, epoch)| *epoch == 0) {
            let what = "epochs count from 1: name the first that is to learn it";
            return Err(Error::usage(format!("‹unfreeze={layer}=0›: {what}")));
        }
        if let Some((layer, _)) = self.freeze_after.0.iter().find(|(_, epoch)| *epoch == 0) {
            let what = "epochs count from 1: name the last that is to learn it, or use ‹freeze›";
            return Err(Error::usage(format!("‹freeze_after={layer}=0›: {what}")));
        }
        let shares = [
            ("label_smoothing", self.label_smoothing as f64),
            ("momentum", self.momentum),
            ("dampening", self.dampening),
            ("validation", self.validation),
        ];
        for (name, value) in shares.into_iter().chain(self.ema.map(|decay| ("ema", decay))) {
            if !(0.0..1.0).contains(&value) {
                return Err(Error::usage(format!("‹{name}={value}›: must be at least 0 and below 1")));
            }
        }
        if self.head != Head::Keep && self.weights.is_none() {
            let what = "is of weights that are loaded: name them with ‹weights›";
            return Err(Error::usage(format!("‹head={}› {what}", self.head)));
        }
        if self.normalize == Normalize::Weights && self.weights.is_none() {
            return Err(Error::usage("‹normalize=weights› is as those were trained with: name them with ‹weights›"));
        }
        if self.limit_per_class == Some(0) {
            return Err(Error::usage("‹limit_per_class=0›: leaves nothing to train on; use 1 or more"));
        }
        if !(self.train_fraction > 0.0 && self.train_fraction <= 1.0) {
            let what = format!("‹train_fraction={}›: must be above 0 and at most 1", self.train_fraction);
            return Err(Error::usage(what));
        }
        models::check_spec(&self.model)?;
        self.optimizer()?.check()?;
        let cycled = matches!(self.policy()?.curve, Curve::OneCycle { momentum: Some(_) });
        if cycled && self.optim == "sgd" && self.momentum == 0.0 {
            let what = "sgd has no momentum to cycle; use ‹momentum› above 0";
            return Err(Error::usage(format!("‹schedule={}›: {what}", self.schedule)));
        }
        self.augmentation()?;
        Ok(())
    }

    /// Refuses to hold pictures back from a data set that has validation pictures of its own, and to wait for a better accuracy
    /// where there are none.
    pub fn check_validation(&self, data: &Dataset) -> Result<()> {
        if let Some(epochs) = self.patience.filter(|_| self.validation == 0.0 && data.val.is_empty()) {
            let what = "needs validation pictures to see what is better: hold some back with ‹validation=0.1›";
            return Err(Error::usage(format!("‹patience={epochs}› {what}")));
        }
        if self.validation > 0.0 && !data.val.is_empty() {
            let what = format!("'{}' has validation pictures of its own; leave ‹validation› out", data.name);
            return Err(Error::usage(format!("‹validation={}›: {what}", self.validation)));
        }
        Ok(())
    }

    /// Refuses steps of more pictures than the `chosen` ones to train on, and a warm-up that a training with those never comes out
    /// of; returns how many steps an epoch has.
    pub fn check_amount(&self, chosen: usize) -> Result<u64> {
        let (size, times) = (self.batch_size, self.accumulate);
        let least = size.saturating_mul(times);
        if least > chosen {
            let what = if times == 1 { String::new() } else { format!(" ‹accumulate={times}›, {least} in a step") };
            let most = format!("there are {chosen} images to train on; use at most that");
            return Err(Error::usage(format!("‹batch_size={size}›{what}: {most}")));
        }
        let of_epoch = (chosen / least) as u64;
        let (steps, warmup) = (of_epoch * u64::from(self.epochs), self.policy()?.warmup);
        if warmup >= steps {
            let what = format!("the warm-up of {warmup} steps is no shorter than the training, which has {steps}");
            return Err(Error::usage(format!(
                "‹schedule={}›: {what}; shorten it, or use more ‹epochs›",
                self.schedule
            )));
        }
        Ok(of_epoch)
    }
}
