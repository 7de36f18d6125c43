//! Where data sets come from: the table of kinds, and what a kind finds before a single picture is decoded.

use std::path::{Path, PathBuf};

use super::{Images, Loading, Size, cifar, emoji, folder, table, tiny_imagenet};
use crate::error::{Error, Result};

/// One kind of data set, as the command line names it.
struct Kind {
    name: &'static str,
    /// What stands after the colon; empty where nothing may.
    argument: &'static str,
    about: &'static str,
    find: fn(&str, &Loading) -> Result<Source>,
}

/// Every data set there is: one line each.
#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind { name: "emoji", argument: "", about: "4 458 emoji in nine classes, 32x32, built in", find: |_, how| emoji::find(how) },
    Kind { name: "cifar10", argument: "DIR", about: "CIFAR-10 unpacked in DIR, binary or Python version", find: |dir, how| cifar::find(&cifar::CIFAR10, dir, how) },
    Kind { name: "cifar100", argument: "DIR", about: "CIFAR-100 unpacked in DIR, binary or Python version, 100 fine classes", find: |dir, how| cifar::find(&cifar::CIFAR100, dir, how) },
    Kind { name: "tiny-imagenet", argument: "DIR", about: "Tiny-ImageNet-200 unpacked in DIR, 64x64; its labelled val is the test set", find: tiny_imagenet::find },
    Kind { name: "csv", argument: "FILE", about: "picture files that a table lists under file,label or file,label,part; paths from its folder", find: table::find },
    Kind { name: "folder", argument: "DIR", about: "picture files in DIR/CLASS/, or in DIR/train/CLASS/ and DIR/val/CLASS/, DIR/test/CLASS/; 32x32 unless ‹image_size› says otherwise", find: folder::find },
];

/// A data set that has been found: what it is called and what belongs to it.
pub struct Source {
    /// A short name, fit for a folder's name.
    pub name: String,
    /// The classes' names; a label is an index into it.
    pub classes: Vec<String>,
    /// The folder that files are named from; empty where there are none.
    pub root: PathBuf,
    /// Its pictures.
    pub parts: Parts,
    /// What the pictures are brought to if nothing else is asked for.
    pub size: Size,
    /// What a user should know about it, a sentence each.
    pub notes: Vec<String>,
    /// What a user should do something about, likewise.
    pub warnings: Vec<String>,
    /// Classes without a picture, which no training takes, likewise; found only where they are no error.
    pub empty: Vec<String>,
}

/// The pictures of a data set.
pub enum Parts {
    /// Training, validation and test pictures; each may be empty.
    Divided(Box<[Part; 3]>),
    /// What is to be split.
    Whole(Vec<Entry>),
}

impl Parts {
    /// Training, validation and test pictures.
    pub(super) fn divided(parts: [Part; 3]) -> Self {
        Self::Divided(Box::new(parts))
    }

    /// How many pictures there are.
    pub fn count(&self) -> usize {
        match self {
            Parts::Divided(parts) => parts.iter().map(Part::len).sum(),
            Parts::Whole(files) => files.len(),
        }
    }
}

/// Pictures of one part.
pub enum Part {
    /// Pixels, as some files hold them.
    Pixels(Images),
    /// Picture files.
    Files(Vec<Entry>),
}

impl Part {
    /// How many pictures it has.
    pub fn len(&self) -> usize {
        match self {
            Part::Pixels(images) => images.len(),
            Part::Files(files) => files.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A picture file and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// An index into the data set's classes.
    pub label: i32,
}

impl Source {
    /// What `spec` names: `emoji`, or a kind with its folder, `cifar10:DIR`. Reads files that hold pixels, and lists
    /// picture files.
    ///
    /// # Errors
    /// A spec that is not in the table (the message lists it), an option that does not fit, what the kind refuses.
    pub fn find(spec: &str, loading: &Loading) -> Result<Source> {
        let spec = respell(spec);
        let spec = spec.as_str();
        let (name, argument) = match spec.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (spec, None),
        };
        let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
            let specs: Vec<_> = known().map(|(spec, _)| spec).collect();
            return Err(Error::usage(format!("unknown data set {name:?}: use {}", specs.join(", "))));
        };
        match argument {
            None if !kind.argument.is_empty() => {
                Err(Error::usage(format!("data set {name} needs a folder: write {name}:{}", kind.argument)))
            }
            Some("") if !kind.argument.is_empty() => {
                Err(Error::usage(format!("data set {name}: the folder after the colon is empty: write {name}:DIR")))
            }
            Some(extra) if kind.argument.is_empty() => {
                Err(Error::usage(format!("data set {name} takes nothing after its name, got {extra:?}: write {name}")))
            }
            argument => (kind.find)(argument.unwrap_or_default(), loading)?.with_classes(loading),
        }
    }

    /// The same with labels of [`Loading::classes`].
    fn with_classes(mut self, loading: &Loading) -> Result<Self> {
        let Some(known) = loading.classes.as_ref().filter(|known| **known != self.classes) else { return Ok(self) };
        let place = |class: &String| known.iter().position(|other| other == class).map(|place| place as i32);
        let places =
            self.classes.iter().map(|class| place(class).ok_or(class)).collect::<std::result::Result<Vec<_>, _>>();
        let places = places.map_err(|class| {
            let what = format!("has a class {class:?}, which the network does not know: it was trained on");
            Error::usage(format!("{} {what} {}; rename or remove that class", self.name, listed(known)))
        })?;
        let label = |label: &mut i32| *label = places[*label as usize];
        let relabel = |part: &mut Part| match part {
            Part::Pixels(images) => images.labels.iter_mut().for_each(label),
            Part::Files(files) => files.iter_mut().for_each(|file| label(&mut file.label)),
        };
        match &mut self.parts {
            Parts::Divided(parts) => parts.iter_mut().for_each(relabel),
            Parts::Whole(files) => files.iter_mut().for_each(|file| label(&mut file.label)),
        }
        let missing: Vec<String> = known.iter().filter(|class| !self.classes.contains(class)).cloned().collect();
        if !missing.is_empty() {
            self.warnings.push(format!("{} has no class {}", self.name, listed(&missing)));
        }
        self.classes = known.clone();
        Ok(self)
    }
}

/// The first of `names`, and how many more there are.
pub(super) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// `spec` in our spelling: kinds in any case, `folder:` before the path of a folder
/// that exists, `csv:` before that of a table, and paths from the root, so that
/// a run's data are found from anywhere. What is none of these stays as it is.
pub fn respell(spec: &str) -> String {
    let (name, place) = spec.split_once(':').unwrap_or((spec, ""));
    let table = Path::new(spec).extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
    let absolute = |place: &str| match std::path::absolute(place) {
        Ok(whole) if Path::new(place).exists() => whole.display().to_string(),
        _ => place.to_owned(),
    };
    match KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name)) {
        Some(kind) if !spec.contains(':') => kind.name.into(),
        Some(kind) => format!("{}:{}", kind.name, absolute(place)),
        None if Path::new(spec).is_dir() => format!("folder:{}", absolute(spec)),
        None if table && Path::new(spec).is_file() => format!("csv:{}", absolute(spec)),
        None => spec.into(),
    }
}

/// The known specs, each with a word on it.
pub fn known() -> impl Iterator<Item = (String, &'static str)> {
    let spec = |kind: &Kind| match kind.argument {
        "" => kind.name.to_owned(),
        argument => format!("{}:{argument}", kind.name),
    };
    KINDS.iter().map(move |kind| (spec(kind), kind.about))
}

/// Refuses class names that would break a table or a terminal.
///
/// # Errors
/// Names the first class whose name holds control characters.
pub(super) fn check_name(name: &str) -> std::result::Result<(), String> {
    match name.chars().any(char::is_control) {
        true => Err(format!("class name {name:?} holds control characters; expected plain text")),
        false => Ok(()),
    }
}

/// `name` as far as it is fit for a folder's name.
pub(super) fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}
