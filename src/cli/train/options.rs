//! The options of `warptape train`.

use std::path::PathBuf;

use clap::Args;

use super::settings::Settings;
use crate::data::Bytes;
use crate::train::config::Config;
use crate::train::head::Head;

/// Every option overrides the same key of `--config`, which overrides the default.
#[derive(Args)]
pub struct Options {
    /// Data, as --data takes it: a folder of pictures
    #[arg(value_name = "DATA", conflicts_with = "data")]
    pub place: Option<String>,
    #[command(flatten)]
    pub settings: Settings,
    /// Threads that decode pictures; 0: one for each core
    #[arg(long, default_value_t = 0, display_order = AFTER_SPLIT)]
    pub workers: usize,
    /// The most memory for the pixels of picture files; what needs more is decoded by the workers, ahead of the steps [default: a
    /// quarter of the machine's]
    #[arg(long, value_name = "SIZE", display_order = AFTER_SPLIT)]
    pub data_memory: Option<Bytes>,
    /// The same as --head replace
    #[arg(long, conflicts_with = "head", display_order = AFTER_HEAD)]
    pub ignore_head: bool,
    /// TOML file with any of these options (`_` for `-`), or the run.json of a run to repeat with the same kernels
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for the run, new or empty; an unfinished run there with equal settings goes on [default: runs/MODEL-DATA-N]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Refuse to go on where compiler, its flags, device or kernels are others than those that the run began with
    #[arg(long)]
    pub strict: bool,
    /// Go on with the run in this folder; only --device, --epochs, --patience, --lr, --keep and --cam-every may be changed
    #[arg(long, value_name = "RUN")]
    pub resume: Option<PathBuf>,
}

/// Where `--help` lists the threads that decode: behind what is said of the data. Options of equal order go by their names.
const AFTER_SPLIT: usize = 11;
/// And the short form of what becomes of a head.
const AFTER_HEAD: usize = 3;

impl Options {
    /// Puts what was given in the place of what `config` has, which has the keys `given` from elsewhere; brings names to
    /// our spelling; and chooses a rate that suits the optimizer if none is given. Returns all keys that are given.
    pub fn apply(&self, config: &mut Config, mut given: Vec<String>) -> Vec<String> {
        given.extend(self.settings.apply(config).into_iter().map(String::from));
        if self.ignore_head {
            config.head = Head::Replace;
            given.push("head".into());
        }
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

    /// The first of the options that a run that goes on cannot have.
    pub fn fixed(&self) -> Option<&'static str> {
        let place = self.place.as_ref().map(|_| "data");
        let head = self.ignore_head.then_some("ignore_head");
        place.or(head).or_else(|| self.settings.fixed()).or_else(|| self.config.as_ref().map(|_| "config"))
    }
}
