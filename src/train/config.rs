//! What a training run is told: the command line's options, a TOML file's keys, and `run.json`'s record are these fields.

mod check;

use serde::{Deserialize, Serialize};

use crate::data::{Fit, Loading, Ratios, Size};
use crate::error::{Error, Result};
use crate::nn::models;
use crate::op::augment::Augmentation;
use crate::optim::{OptimizerConfig, Policy};
use crate::train::betas::Betas;
use crate::train::head::Head;
use crate::train::layers::{Names, PerLayer};
use crate::train::learning::Statistics;
use crate::train::normalize::Normalize;
use crate::train::precision::Precision;
use crate::train::sample::Sample;
use crate::train::views::Views;
use crate::train::weights::Weighting;

/// The settings of a training, each written here alone: what it is, its name, the type of its value, the type of its field, its
/// default, and whether a run keeps it (`fixed`) or may go on with another (`free`); last, the default in words, where its value
/// does not say it. `$with!` is given the table: here it makes [`Config`], and in the command line the options.
macro_rules! settings {
    ($with:ident) => {
        $with! {
            /// Network to train: one that `warptape models` lists, or a TOML file that writes one
            model: String => String = "little-conv".into(), fixed;
            /// Weights to begin with: a .safetensors, .pth or .pt file, another run's folder or checkpoint, an exported folder,
            /// or the name of fetched ones
            #[serde(skip_serializing_if = "Option::is_none")]
            weights: String => Option<String> = None, fixed, "drawn from seed";
            /// The last linear layer of those weights: keep; replace, for other classes than theirs; or add one for those behind it
            #[serde(skip_serializing_if = "is_default")]
            head: Head => Head = Head::Keep, fixed;
            /// Mean and deviation that pictures are normalized with: data (of the training set), imagenet, or weights (what
            /// those were trained with)
            #[serde(skip_serializing_if = "is_default")]
            normalize: Normalize => Normalize = Normalize::Data, fixed;
            /// Data: emoji, cifar10:DIR, cifar100:DIR, tiny-imagenet:DIR, folder:DIR, csv:FILE, or a folder or table that exists; see `data list`
            data: String => String = "emoji".into(), fixed;
            /// Size of pictures as the network sees them, N or HxW
            #[serde(skip_serializing_if = "Option::is_none")]
            image_size: Size => Option<Size> = None, fixed, "32 for folder, the data's own for others";
            /// Size to bring pictures to before image-size is cut out of them: in training a random part (by augment, unless that is
            /// none), else the middle
            #[serde(skip_serializing_if = "Option::is_none")]
            load_size: Size => Option<Size> = None, fixed, "image-size, nothing is cut";
            /// What becomes of pictures of another shape: squash, crop (from the middle) or pad (with black)
            #[serde(skip_serializing_if = "Option::is_none")]
            resize: Fit => Option<Fit> = None, fixed, "squash";
            /// Leave out files that cannot be read as pictures; the run's broken.txt lists them
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            skip_broken: bool => bool = false, fixed;
            /// How a folder without train, val, test is split, TRAIN:VAL:TEST
            #[serde(skip_serializing_if = "Option::is_none")]
            split: Ratios => Option<Ratios> = None, fixed, "8:1:1";
            /// The most pictures of each class, before that split; of data with parts of their own, the most to train on
            #[serde(skip_serializing_if = "Option::is_none")]
            limit_per_class: usize => Option<usize> = None, fixed, "no limit";
            /// Seed of split and limit, and of which training pictures are used and held back
            split_seed: u64 => u64 = 0, fixed;
            /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N, ptx (slow: a GPU in software)
            device: String => String = "auto".into(), free;
            /// Passes over the training set
            epochs: u32 => u32 = 15, free;
            /// Epochs without a better validation accuracy after which training ends; see validation
            #[serde(skip_serializing_if = "Option::is_none")]
            patience: u32 => Option<u32> = None, free, "all epochs";
            /// Images per step
            batch_size: usize => usize = 64, fixed;
            /// Batches whose gradients, on average, make one step
            #[serde(skip_serializing_if = "is_one")]
            accumulate: usize => usize = 1, fixed;
            /// Type of activations and their gradients: f32, bf16 or f16; what is learned is f32 in any case
            precision: Precision => Precision = Precision::F32, fixed;
            /// Optimizer: sgd, adam, adamw
            optim: String => String = "adam".into(), fixed;
            /// Layers that learn nothing: names as `warptape models` has them, with commas
            #[serde(skip_serializing_if = "Names::is_empty")]
            freeze: Names => Names = Names::default(), fixed, "none";
            /// Layers that alone learn
            #[serde(skip_serializing_if = "Names::is_empty")]
            train_only: Names => Names = Names::default(), fixed, "all";
            /// Layers that learn from an epoch on, such as layer4=2,layer3=4, and are frozen before
            #[serde(skip_serializing_if = "PerLayer::is_empty")]
            unfreeze: PerLayer<u32> => PerLayer<u32> = PerLayer::default(), fixed, "none";
            /// Layers (or parameters) that learn up to an epoch, such as whiten.bias=3, and are frozen afterwards
            #[serde(skip_serializing_if = "PerLayer::is_empty")]
            freeze_after: PerLayer<u32> => PerLayer<u32> = PerLayer::default(), fixed, "none";
            /// Running statistics of frozen batch normalization: fixed, or moving with the data
            #[serde(skip_serializing_if = "is_default")]
            frozen_statistics: Statistics => Statistics = Statistics::Fixed, fixed;
            /// Keep what frozen first layers make of each picture, where augmentation changes none: the same numbers, sooner
            #[serde(skip_serializing_if = "Clone::clone")]
            cache_frozen: bool => bool = true, free;
            /// Factors of the learning rate by layer, such as layer4=0.1,fc=10; also norm (scale and shift of normalization) and bias
            #[serde(skip_serializing_if = "PerLayer::is_empty")]
            lr_factors: PerLayer<f64> => PerLayer<f64> = PerLayer::default(), fixed, "1 for all";
            /// Factor of the learning rate from each layer or residual block to the one before it: 0.8 lets first layers move least
            #[serde(skip_serializing_if = "is_one")]
            layer_decay: f64 => f64 = 1.0, fixed;
            /// Highest learning rate
            lr: f64 => f64 = 3e-3, free, "0.003, for sgd 0.05";
            /// Schedule: constant, step:EPOCHS:FACTOR, multistep:E,E:FACTOR, cosine, restarts:EPOCHS:FACTOR (cosine, again and again),
            /// triangle:START:PEAK:END (lines up to the rate and down, as shares of it and, PEAK, of all steps), onecycle, plateau; all but
            /// triangle and onecycle also with :warmup=STEPS, onecycle (which leaves momentum alone) with
            /// :momentum=0.85-0.95 to cycle it as PyTorch does
            schedule: String => String = "onecycle".into(), fixed;
            /// Weight decay
            weight_decay: f64 => f64 = 0.0, fixed;
            /// What has no weight decay: norm (scale and shift of normalization), bias, and layers, with commas
            #[serde(skip_serializing_if = "Names::is_empty")]
            no_decay: Names => Names = Names::default(), fixed, "nothing";
            /// Factors of the weight decay by layer, norm or bias, such as fc=0,layer4=0.5
            #[serde(skip_serializing_if = "PerLayer::is_empty")]
            decay_factors: PerLayer<f64> => PerLayer<f64> = PerLayer::default(), fixed, "1 for all";
            /// The longest that the gradient of a step may be, of all parameters together; longer ones are scaled to that
            #[serde(skip_serializing_if = "Option::is_none")]
            clip_norm: f64 => Option<f64> = None, fixed, "gradients stay as they are";
            /// Decay at each step of moving averages of the weights, such as 0.999, which are then evaluated and saved
            #[serde(skip_serializing_if = "Option::is_none")]
            ema: f64 => Option<f64> = None, fixed, "the weights themselves";
            /// Momentum of sgd
            momentum: f64 => f64 = 0.9, fixed;
            /// Nesterov momentum for sgd
            nesterov: bool => bool = false, fixed;
            /// Share of the gradient that sgd's momentum leaves out, after the first step
            #[serde(skip_serializing_if = "is_default")]
            dampening: f64 => f64 = 0.0, fixed;
            /// Decay per step of adam's and adamw's means of the gradient and of its square
            #[serde(skip_serializing_if = "Option::is_none")]
            betas: Betas => Option<Betas> = None, fixed, "0.9,0.999";
            /// What adam and adamw add to the root of the squares' mean
            #[serde(skip_serializing_if = "Option::is_none")]
            eps: f64 => Option<f64> = None, fixed, "1e-8";
            /// Have adam and adamw divide by the largest mean of squares so far (AMSGrad)
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            amsgrad: bool => bool = false, fixed;
            /// Label smoothing
            label_smoothing: f32 => f32 = 0.1, fixed;
            /// Weights of classes in the training loss by their pictures: none, inverse, effective or effective(BETA)
            class_weights: Weighting => Weighting = Weighting::None, fixed;
            // No mirroring: letters, digits and flags are other pictures in a mirror.
            /// Augmentation: none, or transforms in their order, joined by +
            augment: String => String = "crop2".into(), fixed;
            /// How an epoch takes training pictures: natural (each once) or balanced (each class equally often)
            sample: Sample => Sample = Sample::Natural, fixed;
            /// Share of the training set to use
            train_fraction: f64 => f64 = 1.0, fixed;
            /// Share of the training set held back for validation
            validation: f64 => f64 = 0.0, fixed;
            /// Views of a picture whose logits are averaged where it is judged: none, mirror, or mirror+translate (also moved by a
            /// pixel either way)
            #[serde(skip_serializing_if = "is_default")]
            tta: Views => Views = Views::None, fixed;
            /// Seed of everything random but the split
            seed: u64 => u64 = 0, fixed;
            /// Checkpoints of epochs to keep, spread evenly, beside best, last and epoch 0
            #[serde(skip_serializing_if = "Option::is_none")]
            keep: u32 => Option<u32> = None, free, "50";
            /// Draw where the network looks on eight test pictures (Grad-CAM) into the run's folder cam after each N epochs
            #[serde(skip_serializing_if = "Option::is_none")]
            cam_every: u32 => Option<u32> = None, free, "never";
        }
    };
}
pub(crate) use settings;

macro_rules! config {
    ($(
        $(#[doc = $about:literal])+
        $(#[serde($skip:ident = $when:literal)])?
        $key:ident: $value:ty => $field:ty = $default:expr, $resumed:ident $(, $shown:literal)?;
    )*) => {
        /// The options of `warptape train`. The defaults train little-conv on the emoji set.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Config {
            $( $(#[doc = $about])+ $(#[serde($skip = $when)])? pub $key: $field, )*
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $( $key: $default, )* }
            }
        }

        impl Config {
            /// The names of the fields.
            pub const KEYS: [&'static str; [$( stringify!($key) ),*].len()] = [$( stringify!($key) ),*];
        }
    };
}
settings!(config);

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_one<T: From<u8> + PartialEq>(value: &T) -> bool {
    *value == T::from(1)
}

impl Config {
    /// The settings as checkpoints hold them: without what depends on where the training runs and what changes no bit, so that
    /// equal trainings make equal files. The run's `run.json` knows where the data are, and the weights that it began with: here is
    /// the SHA-256 of those.
    pub fn portable(&self, weights: Option<&str>) -> Self {
        let kind = self.data.split(':').next().unwrap_or_default();
        let weights = weights.map(|hash| format!("sha256:{hash}"));
        Self {
            data: kind.into(),
            device: Self::default().device,
            weights,
            cache_frozen: true,
            cam_every: None,
            ..self.clone()
        }
    }

    /// What the network is called.
    pub fn network(&self) -> &str {
        models::name(&self.model)
    }

    /// How the data set is loaded, by all cores.
    pub fn loading(&self) -> Loading {
        let Self { image_size, load_size, resize, skip_broken, limit_per_class, split, split_seed: seed, .. } = *self;
        Loading { image_size, load_size, resize, skip_broken, limit_per_class, split, seed, ..Loading::default() }
    }

    /// The settings in a run's record or in a checkpoint. Earlier versions, which knew no seed of the split, split by the other.
    ///
    /// # Errors
    /// What is no settings.
    pub fn recorded(mut value: serde_json::Value) -> serde_json::Result<Self> {
        if let Some(fields) = value.as_object_mut()
            && let (Some(seed), false) = (fields.get("seed").cloned(), fields.contains_key("split_seed"))
        {
            fields.insert("split_seed".into(), seed);
        }
        serde_json::from_value(value)
    }

    /// The optimizer's configuration.
    ///
    /// # Errors
    /// An optimizer that there is not; what the one asked for does not have.
    pub fn optimizer(&self) -> Result<OptimizerConfig> {
        let &Self { momentum, dampening, nesterov, weight_decay, betas: given, eps, amsgrad, .. } = self;
        let adams = [given.map(|betas| format!("betas={betas}")), eps.map(|eps| format!("eps={eps}"))];
        let adams = adams.into_iter().flatten().next().or_else(|| amsgrad.then(|| "amsgrad=true".into()));
        let (betas, eps) = (given.unwrap_or_default().0, eps.unwrap_or(1e-8));
        match (self.optim.as_str(), adams) {
            ("sgd", Some(setting)) => {
                Err(Error::usage(format!("‹{setting}› is of adam and adamw: leave it out for sgd")))
            }
            ("sgd", None) => Ok(OptimizerConfig::Sgd { momentum, dampening, nesterov, weight_decay }),
            ("adam" | "adamw", _) if dampening != 0.0 => {
                Err(Error::usage(format!("‹dampening={dampening}› is of sgd: leave it out for {}", self.optim)))
            }
            ("adam", _) => Ok(OptimizerConfig::Adam { betas, eps, weight_decay, amsgrad }),
            ("adamw", _) => Ok(OptimizerConfig::AdamW { betas, eps, weight_decay, amsgrad }),
            (other, _) => Err(Error::usage(format!("unknown optimizer '{other}': use sgd, adam or adamw"))),
        }
    }

    /// The learning-rate schedule.
    pub fn policy(&self) -> Result<Policy> {
        self.schedule.parse()
    }

    /// How pictures are augmented.
    pub fn augmentation(&self) -> Result<Augmentation> {
        self.augment.parse()
    }
}
