//! The settings of a training as options, made from the table in [`config`](crate::train::config).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use clap::error::Error as ClapError;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};

use crate::data::{Fit, Ratios, Size};
use crate::op::augment;
use crate::train::betas::Betas;
use crate::train::config::{Config, settings};
use crate::train::head::Head;
use crate::train::layers::{Names, PerLayer};
use crate::train::learning::Statistics;
use crate::train::normalize::Normalize;
use crate::train::precision::Precision;
use crate::train::sample::Sample;
use crate::train::views::Views;
use crate::train::weights::Weighting;

/// Where `--help` lists how many checkpoints are kept, and sheets drawn: behind the run's folder.
const AFTER_OUT: usize = 55;

/// The default as `--help` shows it.
macro_rules! shown {
    ($default:expr) => {
        $default.to_string()
    };
    ($default:expr, $shown:literal) => {
        $shown.to_owned()
    };
}

macro_rules! options {
    ($(
        $(#[doc = $about:literal])+
        $(#[serde($skip:ident = $when:literal)])?
        $key:ident: $value:ty => $field:ty = $default:expr, $resumed:ident $(, $shown:literal)?;
    )*) => {
        /// What was given of the settings.
        pub struct Settings {
            $( $key: Option<$value>, )*
        }

        impl FromArgMatches for Settings {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, ClapError> {
                Ok(Self { $( $key: matches.get_one::<$value>(stringify!($key)).cloned(), )* })
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), ClapError> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }

        impl Args for Settings {
            fn augment_args(command: Command) -> Command {
                let defaults = Config::default();
                command
                    $( .arg(
                        option(stringify!($key), &[$( $about ),+], &shown!(defaults.$key $(, $shown)?))
                            .value_parser(value_parser!($value)),
                    ) )*
                    .mut_args(|arg| match ["nesterov", "amsgrad", "skip_broken", "cache_frozen"].contains(&arg.get_id().as_str()) {
                        true => arg.num_args(0..=1).default_missing_value("true").value_name("BOOL"),
                        false => arg,
                    })
                    .mut_arg("augment", |arg| {
                        let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
                        arg.help(format!("{about}; there are {}", augment::forms()))
                    })
                    .mut_args(|arg| match ["keep", "cam_every"].contains(&arg.get_id().as_str()) {
                        true => arg.value_name("N").value_parser(value_parser!(u32).range(1..)).display_order(AFTER_OUT),
                        false => arg,
                    })
            }

            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }

        impl Settings {
            /// Puts what was given in the place of what `config` has; returns the keys.
            pub fn apply(&self, config: &mut Config) -> Vec<&'static str> {
                let mut given = Vec::new();
                $( if let Some(value) = &self.$key {
                    config.$key = value.clone().into();
                    given.push(stringify!($key));
                } )*
                given
            }

            /// Whether `key` was given.
            pub fn gives(&self, key: &str) -> bool {
                [$( (stringify!($key), self.$key.is_some()) ),*].contains(&(key, true))
            }

            /// The first that was given and that a run keeps as it began.
            pub fn fixed(&self) -> Option<&'static str> {
                let given = [$( (stringify!($key), stringify!($resumed), self.$key.is_some()) ),*];
                given.into_iter().find(|(_, resumed, given)| *given && *resumed == "fixed").map(|(key, ..)| key)
            }
        }
    };
}
settings!(options);

/// The option for `key`, with its help.
fn option(key: &'static str, about: &[&str], default: &str) -> Arg {
    static NAMES: LazyLock<BTreeMap<&str, [String; 2]>> =
        LazyLock::new(|| Config::KEYS.map(|key| (key, [key.replace('_', "-"), key.to_uppercase()])).into());
    let [long, value] = &NAMES[key];
    let about: Vec<&str> = about.iter().map(|line| line.trim()).collect();
    Arg::new(key)
        .long(long.as_str())
        .value_name(value.as_str())
        .help(format!("{} [default: {default}]", about.join(" ")))
}
