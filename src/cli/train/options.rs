//! The options of `warptape train`.

use std::path::PathBuf;

use clap::Args;

use crate::data::{Ratios, Size};
use crate::train::config::Config;

/// Every option overrides the same key of `--config`, which overrides the default.
#[derive(Args)]
pub struct Options {
    /// Data, as --data takes it: a folder of pictures
    #[arg(value_name = "DATA", conflicts_with = "data")]
    pub place: Option<String>,
    /// Network to train; `warptape models` lists them [default: little-conv]
    #[arg(long)]
    pub model: Option<String>,
    /// Data: emoji, cifar10:DIR, cifar100:DIR, tiny-imagenet:DIR, folder:DIR or a folder that exists; see `data list` [default: emoji]
    #[arg(long)]
    pub data: Option<String>,
    /// Size to bring pictures to, N or HxW [default: 32 for folder, the data's own for others]
    #[arg(long)]
    pub image_size: Option<Size>,
    /// How a folder without train, val, test is split, TRAIN:VAL:TEST [default: 8:1:1]
    #[arg(long)]
    pub split: Option<Ratios>,
    /// Threads that decode pictures; 0: one for each core
    #[arg(long, default_value_t = 0)]
    pub workers: usize,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N [default: auto]
    #[arg(long)]
    pub device: Option<String>,
    /// Passes over the training set [default: 15]
    #[arg(long)]
    pub epochs: Option<u32>,
    /// Images per step [default: 64]
    #[arg(long)]
    pub batch_size: Option<usize>,
    /// Optimizer: sgd, adam, adamw [default: adam]
    #[arg(long)]
    pub optim: Option<String>,
    /// Highest learning rate [default: 0.003, for sgd 0.05]
    #[arg(long)]
    pub lr: Option<f64>,
    /// Schedule: constant, step:EPOCHS:FACTOR, multistep:E,E:FACTOR, cosine, onecycle, plateau; all but onecycle also with
    /// :warmup=STEPS, onecycle (which leaves momentum alone) with :momentum=0.85-0.95 to cycle it as PyTorch does
    /// [default: onecycle]
    #[arg(long)]
    pub schedule: Option<String>,
    /// Weight decay [default: 0]
    #[arg(long)]
    pub weight_decay: Option<f64>,
    /// Momentum of sgd [default: 0.9]
    #[arg(long)]
    pub momentum: Option<f64>,
    /// Nesterov momentum for sgd [default: false]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub nesterov: Option<bool>,
    /// Label smoothing [default: 0.1]
    #[arg(long)]
    pub label_smoothing: Option<f32>,
    /// Augmentation: none, cropN, flip, cropN+flip [default: crop2]
    #[arg(long)]
    pub augment: Option<String>,
    /// Share of the training set to use [default: 1]
    #[arg(long)]
    pub train_fraction: Option<f64>,
    /// Share of the training set held back for validation [default: 0]
    #[arg(long)]
    pub validation: Option<f64>,
    /// Seed of everything random [default: 0]
    #[arg(long)]
    pub seed: Option<u64>,
    /// TOML file with any of these options (`_` for `-`), or the run.json of a run to repeat with the same kernels
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for the run, new or empty; an unfinished run there with equal settings goes on [default: runs/MODEL-DATA-N]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Checkpoints of epochs to keep, spread evenly, beside best, last and epoch 0 [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: Option<u32>,
    /// Refuse to go on where compiler, its flags or device are others than those that the run began with
    #[arg(long)]
    pub strict: bool,
    /// Go on with the run in this folder; only --device, --epochs, --lr and --keep may be changed
    #[arg(long, value_name = "RUN")]
    pub resume: Option<PathBuf>,
}

impl Options {
    /// Puts what was given in the place of what `config` has, which has the keys `given` from elsewhere; brings names to
    /// our spelling; and chooses a rate that suits the optimizer if none is given. Returns all keys that are given.
    pub fn apply(&self, config: &mut Config, mut given: Vec<String>) -> Vec<String> {
        macro_rules! override_with {
            ($($field:ident),*) => { $(if let Some(value) = &self.$field {
                config.$field = value.clone();
                given.push(stringify!($field).into());
            })* };
        }
        config.image_size = self.image_size.or(config.image_size);
        config.split = self.split.or(config.split);
        config.keep = self.keep.or(config.keep);
        override_with!(model, data, device, epochs, batch_size, optim, lr, schedule, weight_decay, momentum, nesterov);
        override_with!(label_smoothing, augment, train_fraction, validation, seed);
        if let Some(place) = &self.place {
            config.data = place.clone();
            given.push("data".into());
        }
        config.respell();
        if !given.iter().any(|key| key == "lr") {
            config.lr = config.usual_lr();
        }
        given
    }
}
