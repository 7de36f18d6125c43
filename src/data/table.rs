//! Picture files that a CSV table lists: `file,label`, or `file,label,part` with `train`, `val` and `test`.
//!
//! Columns are found by their names, in any order, and others are passed over. Files are named from the table's own folder.
//! Without parts the pictures are split as a folder's are.

use std::collections::HashMap;
use std::path::Path;

use super::folder::VALIDATION;
use super::source::{Entry, Part, Parts, Source, check_name, plain};
use super::{Loading, Size};
use crate::error::{Error, Result};
use crate::files;

/// The most bytes of a table: some millions of pictures.
const MOST: u64 = 1 << 30;
/// Lines that a message names.
const SHOWN: usize = 5;
/// What the parts may be called.
const PARTS: [&[&str]; 3] = [&["train"], &VALIDATION, &["test"]];

/// A row of the table.
struct Row<'a> {
    /// Where it stands, from 1.
    line: u64,
    file: &'a str,
    label: &'a str,
    part: Option<usize>,
}

/// The data set that the table `path` lists.
///
/// # Errors
/// A table without these columns; rows that are not whole, files that are not there or listed twice, parts of other names: each
/// with its line.
pub fn find(path: &str, loading: &Loading) -> Result<Source> {
    let table = Path::new(path);
    let root = table.parent().unwrap_or(Path::new("")).to_path_buf();
    let bytes = files::read(table, MOST).map_err(|e| Error::file(table, e))?;
    // What Excel puts before UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let refuse = |what: String| Error::file(table, what);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(bytes);
    let header = reader.headers().map_err(|e| refuse(e.to_string()))?.clone();
    let column = |name: &str| header.iter().position(|cell| cell.eq_ignore_ascii_case(name));
    let (Some(file), Some(label)) = (column("file"), column("label")) else {
        return Err(refuse("line 1: expected the columns file,label or file,label,part".into()));
    };
    let part = column("part");
    let records = reader.records().collect::<csv::Result<Vec<_>>>().map_err(|e| refuse(e.to_string()))?;
    let mut problems = Problems::default();
    let mut rows = Vec::new();
    for record in &records {
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |column: usize| record.get(column).filter(|cell| !cell.is_empty());
        let (Some(file), Some(label)) = (cell(file), cell(label)) else {
            problems.note(line, "has no file or no label");
            continue;
        };
        let place = |name: &str| PARTS.iter().position(|names| names.contains(&name.to_lowercase().as_str()));
        let part = part.map(|column| cell(column).and_then(place));
        if part == Some(None) {
            problems.note(line, "has a part that is none of train, val, test");
        }
        if let Err(what) = check_name(label) {
            problems.note(line, &what);
        }
        rows.push(Row { line, file, label, part: part.flatten() });
    }
    let mut first = HashMap::new();
    for row in &rows {
        if !root.join(row.file).is_file() {
            problems.note(row.line, &format!("{:?} is no file in {}", row.file, folder(&root)));
        }
        if let Some(earlier) = first.insert(row.file, row.line) {
            problems.note(row.line, &format!("{:?} stands in line {earlier}, too", row.file));
        }
    }
    problems.refuse(table)?;
    if rows.is_empty() {
        return Err(refuse("lists no pictures".into()));
    }
    let classes = classes(&rows);
    let labels: HashMap<&str, i32> = classes.iter().map(String::as_str).zip(0..).collect();
    let entry = |row: &Row| Entry { path: root.join(row.file), label: labels[row.label] };
    let of = |part: usize| Part::Files(rows.iter().filter(|row| row.part == Some(part)).map(entry).collect());
    let mut notes = Vec::new();
    let parts = if part.is_some() {
        loading.refuse_split(&format!("{} has a column 'part' and", table.display()))?;
        let [train, val, test] = [of(0), of(1), of(2)];
        if train.is_empty() && !loading.whole {
            return Err(refuse("has no row of part 'train': there is nothing to train on".into()));
        }
        // As for folders, what there is to judge by is the test set.
        match test.is_empty() && !val.is_empty() {
            true => {
                notes.push("there is no part 'test': 'val' is the test set".to_owned());
                Parts::divided([train, test, val])
            }
            false => Parts::divided([train, val, test]),
        }
    } else {
        notes.extend(loading.split_note());
        Parts::Whole(rows.iter().map(entry).collect())
    };
    let stem = table.file_stem().map_or("table".into(), |stem| stem.to_string_lossy());
    let name = plain(&stem);
    let (warnings, empty) = Default::default();
    Ok(Source { name, classes, root, parts, size: Size::square(32), notes, warnings, empty })
}

fn folder(root: &Path) -> String {
    if root.as_os_str().is_empty() { "this folder".into() } else { root.display().to_string() }
}

/// The labels in their order: numbers by size, words by the alphabet.
fn classes(rows: &[Row]) -> Vec<String> {
    let mut names: Vec<String> = rows.iter().map(|row| row.label.to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    if names.iter().all(|name| name.parse::<u64>().is_ok()) {
        names.sort_by_key(|name| name.parse::<u64>().unwrap_or_default());
    }
    names
}

/// What is wrong with rows, in the order in which it was found.
#[derive(Default)]
struct Problems(Vec<(u64, String)>);

impl Problems {
    fn note(&mut self, line: u64, what: &str) {
        self.0.push((line, what.to_owned()));
    }

    /// # Errors
    /// If there is any: the first lines, each with what is wrong with it.
    fn refuse(mut self, table: &Path) -> Result<()> {
        self.0.sort_by_key(|(line, _)| *line);
        let shown: Vec<String> = self.0.iter().take(SHOWN).map(|(line, what)| format!("line {line} {what}")).collect();
        let more = self.0.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        match shown.is_empty() {
            true => Ok(()),
            false => Err(Error::file(table, format!("{}{more}: correct or remove these rows", shown.join("; ")))),
        }
    }
}
