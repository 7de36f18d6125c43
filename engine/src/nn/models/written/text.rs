//! A TOML text in which every key and value has its place: tables in the order in which they are written, mistakes with lines.

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

/// A value and where it stands.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// A key of a table, where it stands, and its value.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub key: &'a str,
    pub at: usize,
    pub value: &'a Value<'a>,
}

/// Where each line of a text begins.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The line, from 1, in which byte `at` lies.
    pub fn line(&self, at: usize) -> usize {
        self.0.partition_point(|&begin| begin <= at)
    }

    /// The text as tables.
    ///
    /// # Errors
    /// What is no TOML, with its line.
    pub fn parse<'a>(&self, text: &'a str) -> Result<DeTable<'a>, String> {
        let told = |e: Error| {
            let line = self.line(e.span().map_or(0, |span| span.start));
            format!("line {line}: {}", e.message().replace('\n', " "))
        };
        Ok(DeTable::parse(text).map_err(told)?.into_inner())
    }
}

/// The entries of a table in the order in which they are written.
pub(super) fn entries<'a>(table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let entries = table.iter().map(|(key, value)| Entry { key: key.get_ref(), at: key.span().start, value });
    let mut entries: Vec<Entry> = entries.collect();
    entries.sort_by_key(|entry| entry.at);
    entries
}

/// The value of `key`, if it is there.
pub(super) fn find<'a>(entries: &[Entry<'a>], key: &str) -> Option<&'a Value<'a>> {
    entries.iter().find(|entry| entry.key == key).map(|entry| entry.value)
}

/// `'word'`, with the nearest of the words `known` where one is near, and all of them.
pub(super) fn instead(word: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return format!("'{word}': there is none at all");
    }
    let likeness = |other: &str| strsim::jaro_winkler(other, word);
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let near = nearest.filter(|nearest| likeness(nearest) > 0.75);
    let near = near.map_or(String::new(), |nearest| format!(" (did you mean '{nearest}'?)"));
    format!("'{word}'{near}: use {}", known.join(", "))
}
