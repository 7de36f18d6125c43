//! What a training chooses where nobody did, and the line that says so.

use super::config::Config;
use crate::data::source;
use crate::device::Device;
use crate::nn::models;

impl Config {
    /// The usual highest rate of the optimizer: 0.003 for Adam and AdamW under one-cycle, the schedule that there is
    /// unless another is asked for.
    ///
    /// SGD has momentum and takes 0.05: the 0.1 at 128 pictures of He et al. (2016, CIFAR-10), brought to 64 by the
    /// linear rule of Goyal et al. (2017). It also stands for step, multistep and cosine, which these papers use.
    pub fn usual_lr(&self) -> f64 {
        if self.optim == "sgd" { 0.05 } else { 3e-3 }
    }

    /// Brings names to the spelling that records and folders have: any case, and those of torchvision, timm and Keras.
    /// A name that is not known stays as it is.
    pub fn respell(&mut self) {
        self.model = models::respell(&self.model);
        self.device = Device::respell(&self.device);
        self.data = source::respell(&self.data);
        self.optim = self.optim.to_lowercase();
        self.augment = self.augment.to_lowercase();
        let lower = self.schedule.to_lowercase();
        let (name, rest) = lower.split_at(lower.find(':').unwrap_or(lower.len()));
        let name = match name {
            "cosineannealinglr" | "cosinedecay" => "cosine",
            "cosineannealingwarmrestarts" | "cosinedecayrestarts" | "sgdr" => "restarts",
            "onecyclelr" => "onecycle",
            "steplr" => "step",
            "multisteplr" => "multistep",
            "reducelronplateau" => "plateau",
            "constantlr" | "none" => "constant",
            other => other,
        };
        self.schedule = format!("{name}{rest}");
    }

    /// One line with every choice that is not among the keys `given`; `None` if there is none.
    pub fn chosen(&self, given: &[String]) -> Option<String> {
        let momentum = if self.optim == "sgd" { "momentum" } else { "" };
        let nesterov = if self.optim == "sgd" { "nesterov" } else { "" };
        let choices = [
            ("model", format!("model {}", self.network())),
            ("data", format!("data {}", self.data)),
            ("device", format!("device {}", self.device)),
            ("optim", format!("optimizer {}", self.optim)),
            ("lr", format!("lr {}", self.lr)),
            (momentum, format!("momentum {}", self.momentum)),
            (nesterov, format!("nesterov {}", self.nesterov)),
            ("schedule", format!("schedule {}", self.schedule)),
            ("weight_decay", format!("weight decay {}", self.weight_decay)),
            ("batch_size", format!("batch size {}", self.batch_size)),
            ("precision", format!("precision {}", self.precision)),
            ("epochs", format!("{} epochs", self.epochs)),
            ("augment", format!("augment {}", self.augment)),
            ("label_smoothing", format!("label smoothing {}", self.label_smoothing)),
            ("train_fraction", format!("train fraction {}", self.train_fraction)),
            ("validation", format!("validation {}", self.validation)),
            ("seed", format!("seed {}", self.seed)),
        ];
        let unasked = choices.into_iter().filter(|(key, _)| !key.is_empty() && !given.iter().any(|one| one == key));
        let words: Vec<String> = unasked.map(|(_, words)| words).collect();
        (!words.is_empty()).then(|| format!("by default: {}", words.join(", ")))
    }
}
