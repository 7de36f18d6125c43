//! Pictures as people name them, wherever a command takes some: files, folders, patterns of files, and pictures of the run's data.

mod find;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

pub use find::{Named, Place, Says, says};

use super::judged::Part;
use crate::error::{Error, Result};

/// How pictures are named, for the help of each command that takes some.
pub const HELP: &str = "Pictures: files, folders with all below, patterns in quotes ('photos/**/*.jpg'), or of the run's data, by the \
                        numbers that eval gives them: test:3,50,700, test:10-20, test:all, test:wrong (what this checkpoint gets wrong, \
                        the worst first), 'test:wrong(20)', test:wrong:CLASS, test:wrong:CLASS:TAKEN_FOR; likewise train, val, new \
                        (not there when the run began) and all";

/// One word that names pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    text: OsString,
    of: Of,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Of {
    /// A file, a folder, or a pattern.
    Files(PathBuf),
    /// Pictures of a part of the data; none is the one that the command is about.
    Data(Option<Part>, Which),
}

/// Which pictures of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    All,
    Numbers(Vec<RangeInclusive<usize>>),
    /// Those that a network gets wrong, and what stands behind the word: see [`wrong`](find).
    Wrong(String),
}

impl Name {
    /// What `text` names; in a command that is `about` a part of data, a number alone is one of its pictures. What exists as a file
    /// is one.
    ///
    /// # Errors
    /// Numbers that are none, in one line with what would be right.
    pub fn parse(text: &OsStr, about: bool) -> Result<Self> {
        let path = Path::new(text);
        let files = || Self { text: text.into(), of: Of::Files(path.into()) };
        let Some(word) = text.to_str().filter(|_| !path.exists()) else { return Ok(files()) };
        let part = |name: &str| Part::ALL.iter().find(|(_, known)| *known == name).map(|(part, _)| *part);
        let of_part = word.split_once(':').and_then(|(name, which)| Some((Some(part(name)?), which)));
        let numbers = |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) && !word.contains(['.', '/', '\\']);
        let bare = (about && numbers(word)).then_some((None, word));
        let Some((part, which)) = of_part.or(bare) else { return Ok(files()) };
        let which = Which::parse(which, word)?;
        Ok(Self { text: text.into(), of: Of::Data(part, which) })
    }

    /// All that `words` name: see [`Name::parse`].
    ///
    /// # Errors
    /// Those of the first that is wrong.
    pub fn all(words: &[OsString], about: bool) -> Result<Vec<Self>> {
        words.iter().map(|word| Self::parse(word, about)).collect()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.text.display())
    }
}

impl Which {
    fn parse(text: &str, whole: &str) -> Result<Self> {
        if text == "all" {
            return Ok(Which::All);
        }
        if let Some(rest) = text.strip_prefix("wrong").filter(|rest| rest.is_empty() || rest.starts_with([':', '('])) {
            return Ok(Which::Wrong(rest.into()));
        }
        let range = |part: &str| {
            let number = |text: &str| text.trim().parse::<usize>().ok();
            match part.split_once('-') {
                Some((first, last)) => Some(number(first)?..=number(last)?).filter(|range| !range.is_empty()),
                None => number(part).map(|number| number..=number),
            }
        };
        let one = |part: &str| {
            let fix = "use numbers such as 3,50, ranges such as 10-20, all or wrong";
            range(part).ok_or_else(|| Error::usage(format!("{whole}: '{part}' is not a number or a range; {fix}")))
        };
        text.split(',').map(one).collect::<Result<_>>().map(Which::Numbers)
    }
}

/// The class of `classes` that `name` names: by its name, or by its index.
///
/// # Errors
/// What else there is to say, with the nearest names.
pub fn class(name: &str, classes: &[String]) -> Result<usize, String> {
    let index = || name.parse::<usize>().ok().filter(|&index| index < classes.len());
    classes.iter().position(|class| class == name).or_else(index).ok_or_else(|| {
        let mut near: Vec<&String> = classes.iter().collect();
        near.sort_by(|a, b| strsim::jaro_winkler(b, name).total_cmp(&strsim::jaro_winkler(a, name)));
        let near: Vec<String> = near.into_iter().take(3).map(|class| format!("'{class}'")).collect();
        format!("an index from 0 to {} or a name such as {}", classes.len() - 1, near.join(", "))
    })
}
