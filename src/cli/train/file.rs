//! TOML files of options.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

use crate::cli::{command, names};
use crate::error::{Error, Result};
use crate::files;
use crate::train::config::Config;

/// Reads a TOML file; keys are the option names with `_` for `-`, or their aliases, and missing ones keep their
/// defaults. Also returns the keys that it has, each by our own name.
///
/// # Errors
/// An unreadable file, an unknown key, a value of the wrong type: with its line.
pub fn read(path: &Path) -> Result<(Config, Vec<String>)> {
    read_beside::<IgnoredAny>(path, &[]).map(|(config, given, _)| (config, given))
}

/// [`read`] for a file that has tables of its own beside the options: those called `own`, which are returned, too.
///
/// # Errors
/// Those of [`read`].
pub fn read_beside<T: DeserializeOwned>(path: &Path, own: &[&str]) -> Result<(Config, Vec<String>, T)> {
    let mut text = files::read_text(path).map_err(|e| Error::file(path, e))?;
    let wrong = |text: &str, at: usize, what: &str| {
        let line = 1 + text[..at].matches('\n').count();
        Error::file(path, format!("line {line}: {}", what.replace('\n', " ")))
    };
    let refused = |text: &str, e: toml::de::Error| wrong(text, e.span().map_or(0, |span| span.start), e.message());
    let mut keys: Vec<(Range<usize>, String)> = {
        let table = DeTable::parse(&text).map_err(|e| refused(&text, e))?;
        table.get_ref().keys().map(|key| (key.span(), key.get_ref().to_string())).collect()
    };
    keys.retain(|(_, key)| !own.contains(&&**key));
    // From the last to the first, so that the places of those before stay true; lines do not change.
    keys.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut given = Vec::new();
    for (span, key) in keys {
        if let Some(hint) = names::instead(&key, &command(), &["train"]) {
            return Err(wrong(&text, span.start, &format!("unknown key '{key}': {hint}")));
        }
        let ours = names::key(&key).filter(|_| !Config::KEYS.contains(&key.as_str()));
        if ours.is_none() && !Config::KEYS.contains(&key.as_str()) {
            let what = match &*key {
                "sweep" | "parameters" => "it is of a sweep, `warptape sweep FILE`".to_owned(),
                _ => format!("the nearest is '{}'; `warptape train --help` lists all", names::nearest(&key)),
            };
            return Err(wrong(&text, span.start, &format!("unknown key '{key}': {what}")));
        }
        if let Some(ours) = &ours {
            text.replace_range(span, ours);
        }
        given.push(ours.unwrap_or(key));
    }
    let whole = DeTable::parse(&text).map_err(|e| refused(&text, e))?;
    let span = whole.span();
    let of = |wanted: bool| {
        let entries = whole.get_ref().clone().into_iter();
        Spanned::new(span.clone(), entries.filter(|(key, _)| own.contains(&&**key.get_ref()) == wanted).collect())
    };
    let (options, beside): (Spanned<DeTable>, Spanned<DeTable>) = (of(false), of(true));
    let config = Config::deserialize(Deserializer::from(options)).map_err(|e| refused(&text, e))?;
    let beside = T::deserialize(Deserializer::from(beside)).map_err(|e| refused(&text, e))?;
    Ok((config, given, beside))
}
