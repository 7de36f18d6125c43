//! What a training run is told: the command line's options, a TOML file's keys, and `run.json`'s record are these fields.

use serde::{Deserialize, Serialize};

use crate::data::{Dataset, Loading, Ratios, Size};
use crate::error::{Error, Result};
use crate::nn::models;
use crate::optim::{Curve, OptimizerConfig, Policy};

/// The options of `warptape train`. The defaults train little-conv on the emoji set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which network; see [`crate::nn::models`].
    pub model: String,
    /// Which data: `emoji`, `cifar10:DIR`, `folder:DIR`, …
    pub data: String,
    /// The size to bring pictures to; the data set's own if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<Size>,
    /// How a folder without parts of its own is split; 8:1:1 if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Ratios>,
    /// `auto`, `host`, `cuda`, `cuda:N`.
    pub device: String,
    /// Passes over the training set.
    pub epochs: u32,
    /// Images per step.
    pub batch_size: usize,
    /// `sgd`, `adam` or `adamw`.
    pub optim: String,
    /// The highest learning rate of the schedule.
    pub lr: f64,
    /// See [`crate::optim::schedule`].
    pub schedule: String,
    /// L2 penalty (decoupled for adamw).
    pub weight_decay: f64,
    /// SGD's momentum.
    pub momentum: f64,
    /// SGD with Nesterov's look-ahead.
    pub nesterov: bool,
    /// Share of the target spread over all classes.
    pub label_smoothing: f32,
    /// `none`, or `cropN`, `flip` joined by `+`.
    pub augment: String,
    /// Share of the training set to train on, stratified.
    pub train_fraction: f64,
    /// Share of the training set held back to choose the best epoch by, stratified.
    pub validation: f64,
    /// Seed of everything random.
    pub seed: u64,
    /// Checkpoints of epochs to keep, beside the best, the last and epoch 0; 50 if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "little-conv".into(),
            data: "emoji".into(),
            image_size: None,
            split: None,
            device: "auto".into(),
            epochs: 15,
            batch_size: 64,
            optim: "adam".into(),
            lr: 3e-3,
            schedule: "onecycle".into(),
            weight_decay: 0.0,
            momentum: 0.9,
            nesterov: false,
            label_smoothing: 0.1,
            // No mirroring: letters, digits and flags are other pictures in a mirror.
            augment: "crop2".into(),
            train_fraction: 1.0,
            validation: 0.0,
            seed: 0,
            keep: None,
        }
    }
}

impl Config {
    /// The settings as checkpoints hold them: without what depends on where the training runs, so that equal trainings make
    /// equal files. The run's `run.json` knows where the data are.
    pub fn portable(&self) -> Self {
        let kind = self.data.split(':').next().unwrap_or_default();
        Self { data: kind.into(), device: Self::default().device, ..self.clone() }
    }

    /// Refuses values that no training can use.
    pub fn check(&self) -> Result<()> {
        let positive = [("epochs", self.epochs as f64), ("batch-size", self.batch_size as f64), ("lr", self.lr)];
        for (name, value) in positive {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::usage(format!("--{name} {value}: must be a finite number above 0")));
            }
        }
        let shares = [
            ("label-smoothing", self.label_smoothing as f64),
            ("momentum", self.momentum),
            ("validation", self.validation),
        ];
        for (name, value) in shares {
            if !(0.0..1.0).contains(&value) {
                return Err(Error::usage(format!("--{name} {value}: must be at least 0 and below 1")));
            }
        }
        if !(self.train_fraction > 0.0 && self.train_fraction <= 1.0) {
            let what = format!("--train-fraction {}: must be above 0 and at most 1", self.train_fraction);
            return Err(Error::usage(what));
        }
        models::check(&self.model, 1, [224, 224])?;
        self.optimizer()?.check()?;
        let cycled = matches!(self.policy()?.curve, Curve::OneCycle { momentum: Some(_) });
        if cycled && self.optim == "sgd" && self.momentum == 0.0 {
            let what = "sgd has no momentum to cycle; use --momentum above 0";
            return Err(Error::usage(format!("--schedule {}: {what}", self.schedule)));
        }
        self.augmentation()?;
        Ok(())
    }

    /// Refuses to hold pictures back from a data set that has validation pictures of its own.
    pub fn check_validation(&self, data: &Dataset) -> Result<()> {
        if self.validation > 0.0 && !data.val.is_empty() {
            let what = format!("'{}' has validation pictures of its own; leave --validation out", data.name);
            return Err(Error::usage(format!("--validation {}: {what}", self.validation)));
        }
        Ok(())
    }

    /// How the data set is loaded, by all cores.
    pub fn loading(&self) -> Loading {
        Loading { image_size: self.image_size, split: self.split, seed: self.seed, workers: 0 }
    }

    /// The optimizer's configuration.
    pub fn optimizer(&self) -> Result<OptimizerConfig> {
        let weight_decay = self.weight_decay;
        let (betas, eps) = ([0.9, 0.999], 1e-8);
        match self.optim.as_str() {
            "sgd" => Ok(OptimizerConfig::Sgd { momentum: self.momentum, nesterov: self.nesterov, weight_decay }),
            "adam" => Ok(OptimizerConfig::Adam { betas, eps, weight_decay }),
            "adamw" => Ok(OptimizerConfig::AdamW { betas, eps, weight_decay }),
            other => Err(Error::usage(format!("unknown optimizer '{other}': use sgd, adam or adamw"))),
        }
    }

    /// The learning-rate schedule.
    pub fn policy(&self) -> Result<Policy> {
        self.schedule.parse()
    }

    /// Padding of the random crop (0: none) and whether to flip.
    pub fn augmentation(&self) -> Result<(usize, bool)> {
        let (mut padding, mut flip) = (0, false);
        if self.augment == "none" {
            return Ok((0, false));
        }
        for part in self.augment.split('+') {
            match part.strip_prefix("crop").map(str::parse::<usize>) {
                Some(Ok(pixels)) if (1..=64).contains(&pixels) => padding = pixels,
                None if part == "flip" => flip = true,
                _ => {
                    let what = format!(
                        "unknown augmentation '{part}' in '{}': use none, cropN, flip, cropN+flip",
                        self.augment
                    );
                    return Err(Error::usage(what));
                }
            }
        }
        Ok((padding, flip))
    }
}
