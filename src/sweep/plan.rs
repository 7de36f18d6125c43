//! A sweep as its file says it: options that all trials have, parameters that are searched, and how.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::domain::{Domain, plain};
use super::rules::{Prune, Rules, Search};
use crate::data::Dataset;
use crate::data::record::Role;
use crate::error::{Error, Result};
use crate::train::config::Config;
use crate::train::network;
use crate::train::roles;

/// Trials where nothing says how many.
const TRIALS: usize = 20;
/// The most trials of a sweep.
const MOST: usize = 10_000;

/// What is searched: an option of training, or what stands in braces in one, as `dropout` in `vgg16:dropout={dropout}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The option's name, or what stands in the braces.
    pub name: String,
    /// What it can be.
    pub domain: Domain,
}

/// A sweep that makes sense.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How it searches.
    pub rules: Rules,
    /// What it searches, in the file's order.
    pub parameters: Vec<Parameter>,
    /// The options of all trials.
    base: Config,
    /// Whether every optimizer has its usual rate.
    usual_lr: bool,
}

impl Plan {
    /// Of what the file says; `base` has the options `given`, others as they are by default.
    ///
    /// # Errors
    /// A parameter that is none, cannot be what it is to be, or is among the options, too; numbers of trials that do not fit the rest.
    pub fn new(rules: Rules, parameters: Vec<Parameter>, base: Config, given: &[String]) -> Result<Self> {
        let fixed = |name: &str| given.iter().any(|key| key == name);
        let searched = |name: &str| parameters.iter().any(|parameter| parameter.name == name);
        let usual_lr = !fixed("lr") && !searched("lr");
        if parameters.is_empty() {
            return Err(Error::usage("nothing is searched: name options with their values in the table [parameters]"));
        }
        if let Some(both) = parameters.iter().find(|parameter| fixed(&parameter.name)) {
            let what =
                "is among the options that all trials have and among the parameters: leave it out of one of them";
            return Err(Error::usage(format!("'{}' {what}", both.name)));
        }
        if rules.seeds == 0 || rules.warmup == 0 {
            let name = if rules.seeds == 0 { "seeds" } else { "warmup" };
            return Err(Error::usage(format!("sweep: {name} = 0: use 1 or more")));
        }
        if rules.seeds > 1 && searched("seed") {
            return Err(Error::usage(
                "sweep: seeds repeat each trial, so 'seed' is no parameter: leave one of them out",
            ));
        }
        // Of some epochs, most checkpoints of some hundred trainings would be in nobody's way but the disk's.
        let keep = base.keep.or(Some(1));
        let plan = Self { rules, parameters, base: Config { keep, ..base }, usual_lr };
        plan.check_names()?;
        plan.check_values()?;
        plan.check_trials()?;
        plan.check_pruning()?;
        Ok(plan)
    }

    /// Every parameter is an option, or stands in one; and what stands there is a parameter.
    fn check_names(&self) -> Result<()> {
        let mut texts: Vec<String> = strings(&serde_json::to_value(&self.base).expect("plain data"));
        for Parameter { domain, .. } in &self.parameters {
            if let Domain::Choice(values) = domain {
                texts.extend(values.iter().flat_map(strings));
            }
        }
        let held: Vec<&str> = texts.iter().flat_map(|text| braced(text)).collect();
        for Parameter { name, .. } in &self.parameters {
            if !Config::KEYS.contains(&&**name) && !held.contains(&&**name) {
                let near = nearest(name, Config::KEYS.into_iter());
                let what = format!("no option is called so, the nearest is '{near}'; or write {{{name}}} into one");
                return Err(Error::usage(format!("parameters: {name}: {what}")));
            }
        }
        let names = || self.parameters.iter().map(|parameter| &*parameter.name);
        match held.iter().find(|name| !names().any(|one| one == **name)) {
            Some(name) => {
                let near = nearest(name, names());
                Err(Error::usage(format!("{{{name}}} is none of the parameters, the nearest is '{near}'")))
            }
            None => Ok(()),
        }
    }

    /// Each value makes a training, with the first ones of the other parameters.
    fn check_values(&self) -> Result<()> {
        for (parameter, config) in self.samples()? {
            config.check().map_err(|e| Error::usage(format!("{parameter}: {e}")))?;
        }
        Ok(())
    }

    fn check_trials(&self) -> Result<()> {
        let open = self.parameters.iter().find(|parameter| parameter.domain.count().is_none());
        if let (Search::Grid, Some(Parameter { name, .. })) = (self.rules.search, open) {
            let what = "a grid cannot have all numbers of a range: say how many by steps = N, or list them";
            return Err(Error::usage(format!("parameters: {name}: {what}")));
        }
        let (all, trials) = (self.combinations(), self.rules.trials);
        if self.rules.search == Search::Grid && trials.is_some() {
            let what = format!("a grid has as many as there are combinations, {}: leave it out", all.unwrap_or(0));
            return Err(Error::usage(format!("sweep: trials: {what}")));
        }
        let wanted = self.trials();
        if let Some(all) = all.filter(|&all| all < wanted) {
            let what = format!("there are only {all} combinations: use fewer, or search = \"grid\" without trials");
            return Err(Error::usage(format!("sweep: trials = {wanted}: {what}")));
        }
        if !(1..=MOST).contains(&wanted) {
            return Err(Error::usage(format!("sweep: {wanted} trials: a sweep has 1 to {MOST}")));
        }
        Ok(())
    }

    fn check_pruning(&self) -> Result<()> {
        let Rules { prune, warmup, unpruned, .. } = self.rules;
        let trials = self.trials();
        let epochs = self.samples()?.into_iter().map(|(_, config)| config.epochs);
        let [least, most] = [epochs.clone().min().unwrap_or(0), epochs.max().unwrap_or(0)];
        match prune {
            Prune::None => Ok(()),
            _ if warmup >= least => {
                let what =
                    format!("no epoch is left to end a trial after: use less than {least}, the epochs of a trial");
                Err(Error::usage(format!("sweep: warmup = {warmup}: {what}")))
            }
            Prune::Median if unpruned >= trials => {
                let what =
                    format!("so many are finished before one is ended, of {trials} trials: use fewer, or no prune");
                Err(Error::usage(format!("sweep: unpruned = {unpruned}: {what}")))
            }
            Prune::Hyperband if least != most => {
                let what = "hyperband shares out epochs, of which all trials have as many: make 'epochs' an option";
                Err(Error::usage(format!("sweep: prune: {what}")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses `data` that lack validation pictures, or have too few to train on for some value.
    ///
    /// # Errors
    /// If it is so; shares of the pictures that are none.
    pub fn check_data(&self, data: &Dataset) -> Result<()> {
        for (parameter, config) in self.samples()? {
            check_judged(&config, data)?;
            let used = roles::with(&roles::roles(&config, data)?, Role::Train).len();
            config.check_amount(used).map_err(|e| Error::usage(format!("{parameter}: {e}")))?;
        }
        Ok(())
    }

    /// Whether trials differ in what their pictures are.
    pub fn searches_data(&self) -> bool {
        const OF_DATA: [&str; 8] =
            ["data", "image_size", "load_size", "resize", "skip_broken", "limit_per_class", "split", "split_seed"];
        self.parameters.iter().any(|parameter| OF_DATA.contains(&&*parameter.name))
    }

    /// How many trials there are.
    pub fn trials(&self) -> usize {
        let all = self.combinations().unwrap_or(usize::MAX);
        match self.rules.search {
            Search::Grid => all,
            _ => self.rules.trials.unwrap_or(TRIALS.min(all)),
        }
    }

    /// How many combinations there are; none if they cannot be counted.
    fn combinations(&self) -> Option<usize> {
        self.parameters.iter().try_fold(1usize, |all, parameter| Some(all.saturating_mul(parameter.domain.count()?)))
    }

    /// The training of a trial with these `values`, and with the seed of its repetition `repeat`, from 0.
    ///
    /// # Errors
    /// A value that its option cannot have.
    pub fn config(&self, values: &[Value], repeat: usize) -> Result<Config> {
        let mut all = serde_json::to_value(&self.base).expect("plain data");
        let options = all.as_object_mut().expect("a table of options");
        for (Parameter { name, .. }, value) in self.parameters.iter().zip(values) {
            if Config::KEYS.contains(&&**name) {
                options.insert(name.clone(), value.clone());
            }
        }
        for text in options.values_mut() {
            let Value::String(text) = text else { continue };
            for (Parameter { name, .. }, value) in self.parameters.iter().zip(values) {
                *text = text.replace(&format!("{{{name}}}"), &plain(value));
            }
        }
        let mut config: Config = serde_json::from_value(all).map_err(|e| Error::usage(e.to_string()))?;
        config.respell();
        config.model = network::named(&config.model)?;
        if self.usual_lr {
            config.lr = config.usual_lr();
        }
        config.seed = config.seed.wrapping_add(repeat as u64);
        Ok(config)
    }

    /// The first training of the samples that are looked at before there is a trial.
    ///
    /// # Errors
    /// As [`Plan::config`].
    pub fn sample(&self) -> Result<Config> {
        let first: Vec<Value> = self.parameters.iter().map(|parameter| parameter.domain.samples().remove(0)).collect();
        self.config(&first, 0)
    }

    /// Trainings in which each value of each parameter occurs, with that in words.
    fn samples(&self) -> Result<Vec<(String, Config)>> {
        let first: Vec<Value> = self.parameters.iter().map(|parameter| parameter.domain.samples().remove(0)).collect();
        let mut samples = Vec::new();
        for (at, Parameter { name, domain }) in self.parameters.iter().enumerate() {
            for value in domain.samples() {
                let mut values = first.clone();
                values[at] = value;
                let parameter = format!("parameters: {name} = {}", plain(&values[at]));
                let config = self.config(&values, 0).map_err(|e| Error::usage(format!("{parameter}: {e}")))?;
                samples.push((parameter, config));
            }
        }
        Ok(samples)
    }

    /// All that decides what comes of the sweep, on pictures with this hash: what one that goes on must have alike. Of a network that
    /// a file writes, that is its text.
    ///
    /// # Errors
    /// As [`Plan::config`].
    pub fn about(&self, pictures: &str) -> Result<Value> {
        let mut options = serde_json::to_value(&self.base).expect("plain data");
        options.as_object_mut().map(|options| options.remove("device"));
        let parameters: Map<String, Value> =
            self.parameters.iter().map(|Parameter { name, domain }| (name.clone(), json!(domain))).collect();
        let mut about =
            json!({ "sweep": self.rules, "parameters": parameters, "options": options, "pictures": pictures });
        let mut written: Vec<String> = self.samples()?.into_iter().map(|(_, config)| config.model).collect();
        written.retain(|model| model.contains('\n'));
        if !written.is_empty() {
            let digest = Sha256::digest(written.concat());
            about["network"] = json!(format!("a file with hash {:02x}{:02x}{:02x}", digest[0], digest[1], digest[2]));
        }
        Ok(about)
    }
}

/// Refuses `data` without pictures to judge a trial with `config` by.
///
/// # Errors
/// If there are none.
pub fn check_judged(config: &Config, data: &Dataset) -> Result<()> {
    if config.validation > 0.0 || !data.val.is_empty() {
        return Ok(());
    }
    let what = "a sweep judges by validation pictures, never by those of the test: hold some back";
    Err(Error::usage(format!("{what} with the option validation = 0.1")))
}

/// The texts in `value`.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Object(all) => all.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// What stands in braces in `text`.
fn braced(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// The one of `names` that is most like `name`.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> &'a str {
    let likeness = |other: &&str| (strsim::jaro_winkler(&name.to_lowercase(), other) * 1e9) as u64;
    names.max_by_key(likeness).unwrap_or_default()
}
