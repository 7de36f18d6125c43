//! Tiny-ImageNet-200: 200 of ImageNet's classes, 64x64, 500 training and 50 validation pictures each.
//!
//! `train/<wnid>/images/*.JPEG`; `val/images/*.JPEG` with their classes in `val/val_annotations.txt`, or in class
//! folders as many people sort them. The published test pictures have no labels, so `val` is the test set.

use std::collections::HashMap;
use std::path::Path;

use super::fetch::Archive;
use super::folder::subfolders;
use super::found::Found;
use super::source::{Entry, Part, Parts, Source, check_name};
use super::{Loading, Size};
use crate::error::{Error, Result};
use crate::files;

const FOLDER: &str = "tiny-imagenet-200";
const ANNOTATIONS: &str = "val_annotations.txt";
/// Classes, training and validation pictures as published.
const PUBLISHED: [usize; 3] = [200, 100_000, 10_000];

/// The archive as Stanford's CS231n publishes it.
pub fn archive() -> Archive {
    Archive {
        name: format!("{FOLDER}.zip"),
        url: format!("http://cs231n.stanford.edu/{FOLDER}.zip"),
        size: 248_100_043,
        md5: "90528d7ca1a48142e341f4ef8d21d0de".into(),
        folder: FOLDER.into(),
        files: ["wnids.txt", "words.txt", "val/val_annotations.txt"].map(String::from).into(),
    }
}

/// Tiny-ImageNet from `dir`, or from the folder `tiny-imagenet-200` in it. Classes are called by their WordNet number
/// and the first word that `words.txt` has for it.
///
/// # Errors
/// Missing folders and files, annotations that name an unknown class or no file, each with its place.
pub fn find(dir: &str, loading: &Loading) -> Result<Source> {
    loading.refuse_split("Tiny-ImageNet")?;
    let dir = Path::new(dir);
    let root = [dir.to_path_buf(), dir.join(FOLDER)].into_iter().find(|root| root.join("train").is_dir());
    let Some(root) = root else {
        let what = format!(
            "holds neither 'train' nor {FOLDER}/train; `warptape data fetch tiny-imagenet` brings it, or name its folder"
        );
        return Err(Error::file(dir, what));
    };
    let folders = subfolders(&root.join("train"))?;
    if folders.is_empty() {
        return Err(Error::file(root.join("train"), "holds no class folders; unpack it again"));
    }
    let (mut labels, mut train) = (HashMap::new(), Vec::new());
    for (label, folder) in folders.iter().enumerate() {
        let label = label as i32;
        let files = Found::below(folder)?.pictures;
        if files.is_empty() {
            return Err(Error::file(folder, "this class has no pictures; unpack it again or remove the folder"));
        }
        train.extend(files.into_iter().map(|path| Entry { path, label }));
        labels.insert(folder.file_name().unwrap_or_default().to_string_lossy().into_owned(), label);
    }
    let test = validation(&root.join("val"), &labels)?;
    let mut notes = vec!["'val' is the test set: the published test pictures have no labels".to_owned()];
    if [labels.len(), train.len(), test.len()] != PUBLISHED {
        notes.push(format!("an excerpt: published are {PUBLISHED:?} classes, training and validation pictures"));
    }
    let classes = classes(&root.join("words.txt"), &labels)?;
    let parts = Parts::divided([train, Vec::new(), test].map(Part::Files));
    let (name, size, warnings) = ("tiny-imagenet".into(), Size::square(64), Vec::new());
    Ok(Source { name, classes, root, parts, size, notes, warnings, empty: Vec::new() })
}

/// The pictures in `val` with their classes.
fn validation(val: &Path, labels: &HashMap<String, i32>) -> Result<Vec<Entry>> {
    let sorted = subfolders(val)?;
    let class = |folder: &Path| labels.get(folder.file_name()?.to_str()?).copied();
    if sorted.iter().any(|folder| class(folder).is_some()) {
        let mut files = Vec::new();
        for folder in sorted {
            let found = Found::below(&folder)?.pictures;
            match class(&folder) {
                Some(label) => files.extend(found.into_iter().map(|path| Entry { path, label })),
                // Sorting leaves an empty `images` behind.
                None if found.is_empty() => {}
                None => return Err(Error::file(folder, "is no class of 'train'; remove it")),
            }
        }
        return Ok(files);
    }
    let list = val.join(ANNOTATIONS);
    let text = files::read_text(&list).map_err(|e| Error::file(&list, e))?;
    let images = val.join("images");
    let folder = if images.is_dir() { images } else { val.to_path_buf() };
    let mut files = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let refuse = |what: String| Error::file(&list, format!("line {}: {what}", number + 1));
        let mut columns = line.split('\t');
        let (Some(name), Some(wnid)) = (columns.next(), columns.next()) else {
            return Err(refuse("expected a file, a tab and its class".into()));
        };
        let label = labels.get(wnid.trim()).ok_or_else(|| refuse(format!("class {wnid:?} is not in 'train'")))?;
        // A name, not a path: pictures are beside the list.
        if name.contains(['/', '\\']) || !folder.join(name).is_file() {
            return Err(refuse(format!("{name:?} is no file in {}", folder.display())));
        }
        files.push(Entry { path: folder.join(name), label: *label });
    }
    if files.is_empty() {
        return Err(Error::file(list, "names no pictures; unpack it again"));
    }
    Ok(files)
}

/// The classes' names in the order of their labels.
fn classes(words: &Path, labels: &HashMap<String, i32>) -> Result<Vec<String>> {
    let text = match files::read_text(words) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(Error::file(words, e)),
    };
    let readable: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut names = vec![String::new(); labels.len()];
    for (wnid, &label) in labels {
        let word = readable.get(wnid.as_str()).and_then(|words| words.split(',').next()).map(str::trim);
        let name = word.map_or(wnid.clone(), |word| format!("{wnid} {word}"));
        check_name(&name).map_err(|what| Error::file(words, what))?;
        names[label as usize] = name;
    }
    Ok(names)
}
