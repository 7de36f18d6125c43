//! Which pictures a network is judged on: none that it was trained on, unless somebody asks for those.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::checkpoint::Meta;
use super::roles::roles;
use super::run_info::RunInfo;
use crate::data::record::{Record, Role};
use crate::data::{Dataset, Images, Loading, Size};
use crate::error::{Error, Result};

/// A part to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The training part.
    Train,
    /// Validation pictures, also those that a run held back.
    Val,
    /// The test part.
    Test,
    /// What was not there when the run began.
    New,
    /// All that was not trained on.
    All,
}

impl Part {
    /// All of them with their names.
    pub const ALL: [(Part, &str); 5] =
        [(Part::Train, "train"), (Part::Val, "val"), (Part::Test, "test"), (Part::New, "new"), (Part::All, "all")];

    /// What its pictures are called.
    pub fn words(self) -> &'static str {
        match self {
            Part::Train => "training images, which it was trained on",
            Part::Val => "validation images",
            Part::Test => "test images",
            Part::New => "new images",
            Part::All => "images, none of which it was trained on",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(Part::ALL.iter().find(|(part, _)| part == self).map_or("", |(_, name)| name))
    }
}

/// What the run that the checkpoint at `path` lies in did with its pictures; none for a run of an earlier version, or a file that
/// lies in no run.
///
/// # Errors
/// A record that was changed.
pub fn record(path: &Path) -> Result<Option<Arc<Record>>> {
    let run = path.parent().and_then(Path::parent).filter(|run| run.join("run.json").is_file());
    run.map_or(Ok(None), |run| RunInfo::from_file(&run.join("run.json"))?.split(run))
}

/// The data that a network was trained on, in the parts that it knew by `record` and in the size of its input.
///
/// # Errors
/// Data that are not where they were; classes that the network does not know.
pub fn own(record: Option<Arc<Record>>, meta: &Meta) -> Result<Dataset> {
    let place = meta.config.data.split_once(':').map(|(_, place)| Path::new(place)).filter(|place| !place.exists());
    if let Some(place) = place.filter(|place| place.is_absolute()) {
        let what = "is gone, where the run's data were: bring them back; `warptape eval --data`, `clusters --data` and `mistakes --data` find them elsewhere";
        return Err(Error::file(place, what));
    }
    let redrawn = record.is_none() && meta.config.data.starts_with("folder");
    let mut data = open(&meta.config.data, Loading { record, ..meta.config.loading() }, meta)?;
    if redrawn {
        let what = "no split.csv beside this checkpoint says what it was trained on: parts are drawn from the files that are there \
                    now, and may hold training pictures if any was added or removed";
        data.warnings.push(what.into());
    }
    Ok(data)
}

fn open(spec: &str, loading: Loading, meta: &Meta) -> Result<Dataset> {
    let [height, width] = meta.input;
    let (image_size, classes) = (Some(Size { height, width }), Some(meta.classes.clone()));
    Dataset::open(spec, &Loading { image_size, classes, ..loading })
}

/// Pictures to judge a network on, and what there is to say of them.
pub struct Judged {
    /// The pictures.
    pub images: Images,
    /// The data set's name.
    pub name: String,
    /// The part that they are.
    pub part: Part,
    /// What their owner should know, in sentences.
    pub notes: Vec<String>,
}

impl Judged {
    /// Whether their classes are known: those of pictures without class folders are not.
    pub fn is_labelled(&self) -> bool {
        self.images.labels.iter().all(|label| *label >= 0)
    }

    /// The pictures of `part`, by default the test part, of the data that the network was trained on or of `other`, of which a
    /// folder without parts is judged as a whole. `path` is the network's checkpoint.
    ///
    /// # Errors
    /// Those of [`record`] and [`own`]; a part without pictures.
    pub fn of(path: &Path, meta: &Meta, other: Option<&str>, part: Option<Part>) -> Result<Self> {
        let record = record(path)?;
        let mut data = match other {
            None => own(record.clone(), meta)?,
            Some(spec) => open(spec, Loading { whole: true, split: None, ..meta.config.loading() }, meta)?,
        };
        let undivided = data.train.is_empty() && data.val.is_empty();
        if let Some(record) =
            record.as_ref().filter(|record| other.is_some() && undivided && record.knows_any(&data.test))
        {
            let warnings = std::mem::take(&mut data.warnings);
            data = Dataset { warnings, ..data.as_recorded(record, false) };
        }
        let part = part.unwrap_or(if other.is_some() && undivided { Part::All } else { Part::Test });
        let roles = if record.is_none() && other.is_none() { roles(&meta.config, &data)? } else { Vec::new() };
        let known = |images: &Images, at: usize| record.as_ref()?.role(images.origins.get(at)?.digest);
        // What the record says goes for equal pixels anywhere.
        let train: Vec<Option<Role>> =
            (0..data.train.len()).map(|at| roles.get(at).copied().or_else(|| known(&data.train, at))).collect();
        let trained_on = |images: &Images, at: usize| known(images, at) == Some(Role::Train);
        let (mut images, mut left_out) = (meta.images(), 0);
        let wanted = |role: Option<Role>| match part {
            Part::Train => other.is_some() || role == Some(Role::Train),
            Part::Val => role == Some(Role::Held),
            Part::All => role != Some(Role::Train),
            Part::Test | Part::New => false,
        };
        let chosen: Vec<u32> = (0..).zip(&train).filter(|(_, role)| wanted(**role)).map(|(at, _)| at).collect();
        left_out += if part == Part::All && other.is_some() { data.train.len() - chosen.len() } else { 0 };
        images.append(data.train.select(&chosen));
        let others =
            [(Part::Val, &data.val), (Part::Test, &data.test), (Part::New, &data.new), (Part::All, &data.rest)];
        for (own, of) in others {
            if part == own || part == Part::All {
                let chosen: Vec<u32> = (0..of.len() as u32).filter(|&at| !trained_on(of, at as usize)).collect();
                left_out += of.len() - chosen.len();
                images.append(of.select(&chosen));
            }
        }
        let mut notes = data.warnings;
        notes.extend(data.changes);
        if left_out > 0 {
            let pictures = if left_out == 1 { "1 picture was".into() } else { format!("{left_out} pictures were") };
            notes.push(format!("{pictures} trained on and left out"));
        }
        if !data.new.is_empty() && matches!(part, Part::Test | Part::Val | Part::Train) {
            notes.push("new pictures are not judged here: ‹part=new› judges those".into());
        }
        if images.is_empty() {
            let also = notes.last().map_or(String::new(), |note| format!(" ({note})"));
            let what = format!("'{}' has no pictures to judge in part {part}{also}; name another ‹part›", data.name);
            return Err(Error::usage(what));
        }
        Ok(Self { images, name: data.name, part, notes })
    }
}
