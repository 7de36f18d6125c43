//! Which picture was in which part: what a run stores, so that nothing is judged later on what it was trained on.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::origin::Digest;
use super::source::listed;
use super::{Dataset, Images};
use crate::error::{Error, Result};
use crate::files;

/// The file's name in a run's folder.
pub const FILE: &str = "split.csv";
/// Its columns.
const HEADER: [&str; 4] = ["file", "label", "part", "pixels"];
/// The most bytes that such a file has: some millions of pictures.
const MOST: u64 = 1 << 30;

/// What a run does with a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is trained on.
    Train,
    /// It belongs to the training part, of which it is held back for validation.
    Held,
    /// It belongs to the training part, of which a run takes a share without it.
    Unused,
    /// It is of the validation part.
    Val,
    /// It is of the test part.
    Test,
    /// It is of no part: its class has as many as it may have.
    Left,
}

const ROLES: [(Role, &str); 6] = [
    (Role::Train, "train"),
    (Role::Held, "held-back"),
    (Role::Unused, "unused"),
    (Role::Val, "val"),
    (Role::Test, "test"),
    (Role::Left, "left-out"),
];

impl Role {
    /// Which of training, validation and test part it belongs to, or 3.
    fn part(self) -> usize {
        match self {
            Role::Train | Role::Held | Role::Unused => 0,
            Role::Val => 1,
            Role::Test => 2,
            Role::Left => 3,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let name = ROLES.iter().find(|(role, _)| role == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let found = ROLES.iter().find(|(_, name)| *name == text);
        found.map(|(role, _)| *role).ok_or_else(|| format!("{text:?} is no part of a run"))
    }
}

/// A picture of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    file: String,
    label: String,
    role: Role,
    digest: Digest,
}

/// The pictures of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    rows: Vec<Row>,
    roles: HashMap<Digest, Role>,
}

impl Record {
    /// Of a run on `data` that does with its training pictures what `roles` says, one for each. None if the data set was made
    /// here and its pictures have no origins.
    pub fn of(data: &Dataset, roles: &[Role]) -> Option<Self> {
        let rest = [(&data.val, Role::Val), (&data.test, Role::Test), (&data.rest, Role::Left)];
        let rest = rest.into_iter().flat_map(|(images, role)| (0..images.len()).map(move |at| (images, at, role)));
        let train = roles.iter().enumerate().map(|(at, &role)| (&data.train, at, role));
        let row = |(images, at, role): (&Images, usize, Role)| {
            let origin = images.origins.get(at)?;
            let label = data.classes.get(usize::try_from(images.labels[at]).ok()?)?.clone();
            Some(Row { file: origin.file.clone(), label, role, digest: origin.digest })
        };
        Some(Self::new(train.chain(rest).map(row).collect::<Option<Vec<Row>>>()?))
    }

    fn new(rows: Vec<Row>) -> Self {
        let mut roles = HashMap::new();
        for row in &rows {
            let role = roles.entry(row.digest).or_insert(row.role);
            if row.role == Role::Train {
                *role = Role::Train;
            }
        }
        Self { rows, roles }
    }

    /// Whether any of its pictures is among `images`.
    pub fn knows_any(&self, images: &Images) -> bool {
        images.origins.iter().any(|origin| self.roles.contains_key(&origin.digest))
    }

    /// What the run did with a picture of these pixels; with several of them, whether any was trained on. None if it had none.
    pub fn role(&self, digest: Digest) -> Option<Role> {
        self.roles.get(&digest).copied()
    }

    /// The file's contents.
    pub fn csv(&self) -> Vec<u8> {
        let mut table = csv::Writer::from_writer(Vec::new());
        let rows = self
            .rows
            .iter()
            .map(|row| [row.file.clone(), row.label.clone(), row.role.to_string(), row.digest.to_string()]);
        let written = std::iter::once(HEADER.map(String::from)).chain(rows).try_for_each(|row| table.write_record(row));
        written.expect("memory takes rows of equal length");
        table.into_inner().expect("memory takes what is left")
    }

    /// Reads `path`; none if there is no such file, as in runs of earlier versions.
    ///
    /// # Errors
    /// A file that is not as it was written, with the line.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let bytes = match files::read(path, MOST) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::file(path, e)),
        };
        let refuse = |what: String| Error::file(path, format!("{what}; restore the file as the run wrote it"));
        let mut table = csv::Reader::from_reader(&bytes[..]);
        if table.headers().map_err(|e| refuse(e.to_string()))? != HEADER[..] {
            return Err(refuse(format!("line 1: expected {}", HEADER.join(","))));
        }
        let mut rows = Vec::new();
        for (number, row) in table.records().enumerate() {
            let row = row.map_err(|e| refuse(e.to_string()))?;
            let told = |what: String| refuse(format!("line {}: {what}", number + 2));
            let (role, digest) = (row[2].parse().map_err(told)?, row[3].parse().map_err(told)?);
            rows.push(Row { file: row[0].into(), label: row[1].into(), role, digest });
        }
        Ok(Some(Self::new(rows)))
    }

    /// Finds its pictures among `all`, which have labels of `classes`: by their pixels; equal ones are told apart by their files'
    /// names, then by their classes.
    pub(super) fn sort(&self, all: &Images, classes: &[String]) -> Sorted {
        let mut places = HashMap::<Digest, Vec<u32>>::new();
        for (place, origin) in (0..).zip(&all.origins) {
            places.entry(origin.digest).or_default().push(place);
        }
        let file = |place: u32| all.origins[place as usize].file.as_str();
        let label = |place: u32| classes.get(all.labels[place as usize] as usize).map_or("", |class| class);
        let mut sorted = Sorted::default();
        let mut gone = HashMap::new();
        for row in &self.rows {
            let fit = |place: u32| (file(place) != row.file, label(place) != row.label);
            let left = places.get_mut(&row.digest).filter(|left| !left.is_empty());
            let Some(left) = left else {
                gone.insert(row.file.as_str(), row.role.part());
                continue;
            };
            let best = (0..left.len()).min_by_key(|&at| fit(left[at])).expect("one is left");
            let place = left.remove(best);
            // Of a folder without classes nothing is known.
            if !label(place).is_empty() && label(place) != row.label {
                sorted.moved.push(format!("{} ({} then)", file(place), row.label));
            }
            sorted.parts[row.role.part()].push(place);
        }
        sorted.new = places.into_values().flatten().collect();
        sorted.new.sort_unstable();
        for name in sorted.new.iter().map(|&place| file(place)) {
            let (names, counts) = match gone.remove(name) {
                Some(part) => (&mut sorted.changed, Some(&mut sorted.changed_of[part])),
                None => (&mut sorted.added, None),
            };
            names.push(name.to_owned());
            counts.into_iter().for_each(|count| *count += 1);
        }
        gone.into_values().for_each(|part| sorted.gone[part] += 1);
        sorted
    }
}

/// A run's pictures among those that are there now, by their places.
#[derive(Default)]
pub(super) struct Sorted {
    /// Training, validation and test part and what is in none, each in the run's order.
    pub(super) parts: [Vec<u32>; 4],
    /// What the run did not have.
    pub(super) new: Vec<u32>,
    /// The files of new ones that are called as none was.
    added: Vec<String>,
    /// Those of new ones that are called as ones of other pixels were, and how many of each part these were of.
    changed: Vec<String>,
    changed_of: [usize; 4],
    /// How many of each part are gone, with their files or out of them.
    gone: [usize; 4],
    /// What is in another class than it was, with the class.
    moved: Vec<String>,
}

impl Sorted {
    /// What has become of the run's data, in sentences; or, of others than its own, what they have and lack of it.
    pub(super) fn words(&self, own: bool) -> Vec<String> {
        let pictures = |count: usize| if count == 1 { "1 picture".into() } else { format!("{count} pictures") };
        let parts = |[train, val, test, _]: [usize; 4]| format!("{train} train, {val} val, {test} test");
        let mut lines = Vec::new();
        let gone: usize = self.gone.iter().sum();
        let lacking = gone + self.changed.len();
        if !own && lacking + self.new.len() > 0 {
            let [lacking, new] = [lacking, self.new.len()].map(pictures);
            lines.push(format!("these data lack {lacking} of this run's and have {new} that it had not"));
        } else if own && gone > 0 {
            lines.push(format!("{} gone since this run began: {}", pictures(gone), parts(self.gone)));
        }
        if own && !self.changed.is_empty() {
            let (count, then) = (pictures(self.changed.len()), parts(self.changed_of));
            let names = listed(&self.changed);
            lines.push(format!("{count} changed since this run began, when they were {then}; new to it now: {names}"));
        }
        if let Some(first) = self.added.first().filter(|_| own) {
            lines.push(format!("{} not in this run's data when it began: {first}", pictures(self.added.len())));
        }
        if let Some(first) = self.moved.first() {
            lines.push(format!("{} in another class than when this run began: {first}", pictures(self.moved.len())));
        }
        lines
    }
}
