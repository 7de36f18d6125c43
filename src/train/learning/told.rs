//! What is said of what learns.

use std::fmt;

use super::{Learning, Part, Statistics, frozen};
use crate::train::config::Config;

impl Learning {
    /// What `config` asks for and this network's training does not change by, a sentence each.
    pub fn idle(&self, config: &Config) -> Vec<String> {
        let inside = |layer: &str| -> Vec<&Part> { self.parts.iter().filter(|part| part.is(layer)).collect() };
        let mut notes = Vec::new();
        if !config.no_decay.is_empty() && (config.weight_decay == 0.0 || self.parts.iter().all(|part| part.decay > 0.0))
        {
            let what = if config.weight_decay == 0.0 {
                "there is no ‹weight_decay›"
            } else {
                "the network has none of it"
            };
            notes.push(format!("‹no_decay={}› changes nothing: {what}", config.no_decay));
        }
        if !config.decay_factors.is_empty() && config.weight_decay == 0.0 {
            notes.push(format!("‹decay_factors={}› changes nothing: there is no ‹weight_decay›", config.decay_factors));
        }
        for (layer, factor) in &config.lr_factors.0 {
            if inside(layer).iter().all(|part| part.from.is_none()) {
                notes.push(format!("‹lr_factors={layer}={factor}› changes nothing: {layer} is frozen for good"));
            }
        }
        for (layer, epoch) in &config.unfreeze.0 {
            let option = format!("‹unfreeze={layer}={epoch}› changes nothing");
            if *epoch > config.epochs {
                notes.push(format!("{option}: the training ends with epoch {}", config.epochs));
            } else if *epoch == 1 && !inside(layer).iter().any(|part| frozen(config, &part.name)) {
                notes.push(format!("{option}: nothing else freezes {layer}"));
            }
        }
        for (layer, epoch) in &config.freeze_after.0 {
            let option = format!("‹freeze_after={layer}={epoch}› changes nothing");
            if *epoch >= config.epochs {
                notes.push(format!("{option}: the training ends with epoch {}", config.epochs));
            } else if !inside(layer).iter().any(|part| part.learns(*epoch)) {
                notes.push(format!("{option}: {layer} does not learn then"));
            }
        }
        let mut stages = self.stages(1).into_iter().filter(|epoch| *epoch <= config.epochs);
        if self.what == Statistics::Moving && stages.all(|epoch| self.unlearned(epoch).next().is_none()) {
            let what = "no layer with running statistics is frozen";
            notes.push(format!("‹frozen_statistics=moving› changes nothing: {what}"));
        }
        notes
    }
}

/// What is frozen, in a line; nothing if all learns at one rate.
impl fmt::Display for Learning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |parts: &mut dyn Iterator<Item = &Part>| parts.map(|part| part.tensor.elements()).sum::<usize>();
        let all = count(&mut self.parts.iter());
        let now = count(&mut self.parts.iter().filter(|part| part.learns(1)));
        let stages = self.stages(1);
        if now < all || stages.len() > 1 {
            write!(f, "learns {now} of {all} parameters")?;
            for epoch in stages.iter().copied().skip(1) {
                write!(
                    f,
                    ", from epoch {epoch} on {}",
                    count(&mut self.parts.iter().filter(|part| part.learns(epoch)))
                )?;
            }
            if self.unlearned(1).next().is_some() {
                let how = match self.what {
                    Statistics::Fixed => "normalize by their running statistics, which stand still",
                    Statistics::Moving => "normalize by the batch's statistics, and move the running ones",
                };
                write!(f, "; frozen layers {how}")?;
            }
        }
        let rates = self.parts.iter().filter(|part| part.from.is_some()).map(|part| part.rate);
        let (least, most) =
            rates.fold((f64::INFINITY, 0.0f64), |(least, most), rate| (least.min(rate), most.max(rate)));
        if (least, most) != (1.0, 1.0) {
            let between = if now < all || stages.len() > 1 { "; " } else { "" };
            let [least, most] = [least, most].map(factor);
            write!(f, "{between}rates are {least} to {most} times that of the schedule")?;
        }
        Ok(())
    }
}

/// A rate's factor in three digits, however small it is.
fn factor(value: f64) -> String {
    if (1e-3..1e6).contains(&value) { format!("{value:.3}") } else { format!("{value:.2e}") }
}
