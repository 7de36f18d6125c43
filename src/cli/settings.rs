//! Settings as the library names them, told as options of the command line.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory};

/// `text` with the settings and commands that stand in `‹›` ([`crate::error`] says how) as a person types them.
pub fn as_options(text: &str) -> String {
    if !text.contains('‹') {
        return text.into();
    }
    let command = super::Cli::command();
    let mut options = BTreeSet::new();
    collect(&command, &mut options);
    let (mut told, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('‹')
        && let Some((settings, after)) = after.split_once('›')
    {
        told.push_str(before);
        told.push_str(&typed(settings, &command, &options));
        rest = after;
    }
    told + rest
}

/// What stands between two marks, as it is typed.
fn typed(settings: &str, command: &Command, options: &BTreeSet<String>) -> String {
    let mut words: Vec<String> = settings.split(' ').map(str::to_owned).collect();
    let is_command = words.len() > 1 && command.get_subcommands().any(|one| words[0] == one.get_name());
    for word in words.iter_mut().skip(usize::from(is_command)) {
        let (name, value) = word.split_once('=').map_or((&**word, None), |(name, value)| (name, Some(value)));
        if options.contains(name) {
            let option = name.replace('_', "-");
            *word = value.map_or(format!("--{option}"), |value| format!("--{option} {value}"));
        }
    }
    let words = words.join(" ");
    if is_command { format!("warptape {words}") } else { words }
}

/// The long names of all options, with `_` for `-`.
fn collect(command: &Command, options: &mut BTreeSet<String>) {
    options.extend(command.get_arguments().filter_map(|option| Some(option.get_long()?.replace('-', "_"))));
    command.get_subcommands().for_each(|below| collect(below, options));
}
