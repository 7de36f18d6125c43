//! The options of `warptape train`.

use std::path::PathBuf;

use clap::Args;

use crate::data::{Ratios, Size};

/// Every option overrides the same key of `--config`, which overrides the default.
#[derive(Args)]
pub struct Options {
    /// Network to train; `warptape models` lists them [default: little-conv]
    #[arg(long)]
    pub model: Option<String>,
    /// Data: emoji, cifar10:DIR, cifar100:DIR, tiny-imagenet:DIR, folder:DIR; see `data list` [default: emoji]
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
    /// Highest learning rate [default: 0.003]
    #[arg(long)]
    pub lr: Option<f64>,
    /// Schedule: constant, step:EPOCHS:FACTOR, multistep:E,E:FACTOR, cosine, onecycle, plateau; all but onecycle also with
    /// :warmup=STEPS [default: onecycle]
    #[arg(long)]
    pub schedule: Option<String>,
    /// Weight decay [default: 0]
    #[arg(long)]
    pub weight_decay: Option<f64>,
    /// Momentum of sgd [default: 0.9]
    #[arg(long)]
    pub momentum: Option<f64>,
    /// Nesterov momentum for sgd [default: false]
    #[arg(long)]
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
    /// Folder for the run, new or empty [default: runs/MODEL-DATA-N]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with the run in this folder; only --device and --epochs may be changed
    #[arg(long, value_name = "RUN")]
    pub resume: Option<PathBuf>,
}
