//! Picture files in a folder for each class, torchvision's ImageFolder.
//!
//! Classes are the subfolders in the order of their names; a class has the pictures in its folder and in all folders
//! below, in the order of their paths. Names that begin with a dot are passed over: systems leave such files everywhere.

use std::fs;
use std::path::{Path, PathBuf};

use super::found::Found;
use super::kinds::Unread;
use super::source::{Entry, Part, Parts, Source, check_name, plain};
use super::{Loading, Size};
use crate::error::{Error, Result};

/// What the folder of validation pictures may be called.
pub(super) const VALIDATION: [&str; 3] = ["val", "valid", "validation"];

/// The data set in `dir`: class folders, which are split by [`Loading::split`]; or `train` with `val`, `test` or both,
/// which have class folders. Without `test`, `val` is the test set. Where nothing is trained on ([`Loading::whole`]), any of the
/// three may stand alone, and pictures in `dir` itself, without a class folder, have no class: their labels are -1.
///
/// # Errors
/// A folder without pictures, classes that differ between parts, names that are no plain text, links that go in circles.
pub fn find(dir: &str, loading: &Loading) -> Result<Source> {
    let root = Path::new(dir);
    let folders = subfolders(root)?;
    let inner = |names: &[&str]| folders.iter().find(|f| names.iter().any(|name| f.ends_with(name))).cloned();
    let inner = [inner(&["train"]), inner(&VALIDATION), inner(&["test"])];
    // Other folders beside them are notes and labels; without `train`, they would be classes.
    let (train, found) = (inner[0].is_some(), inner.iter().flatten().count());
    if loading.whole && folders.is_empty() {
        let found = Found::below(root)?;
        if !found.pictures.is_empty() {
            return Ok(unlabelled(root, found, loading));
        }
    }
    match (train && found > 1, found == folders.len() && found > 0) {
        (true, _) => parts(root, inner, loading),
        (false, false) => whole(root, &folders, loading),
        (false, true) if loading.whole => parts(root, inner, loading),
        (false, true) if train => {
            let whole = root.join("train");
            let what = format!("has 'train' but neither 'val' nor 'test'; folder:{} splits it", whole.display());
            Err(Error::file(root, what))
        }
        (false, true) => Err(Error::file(root, "has no 'train': there is nothing to train on; add that folder")),
    }
}

/// Class folders that are yet to be split.
fn whole(root: &Path, folders: &[PathBuf], loading: &Loading) -> Result<Source> {
    let Classes { names, files, warnings, empty } = Classes::find(root, folders, loading)?;
    let notes = loading.split_note().into_iter().collect();
    Ok(Source { notes, warnings, empty, ..source(root, names, Parts::Whole(files)) })
}

/// Pictures without class folders.
fn unlabelled(root: &Path, found: Found, loading: &Loading) -> Source {
    let warnings = found.unread.warning(root).into_iter().collect();
    let files = found.pictures.into_iter().map(|path| Entry { path, label: -1 }).collect();
    // Whatever a network knows: none of the labels is of them.
    let classes = loading.classes.clone().unwrap_or_default();
    Source { warnings, ..source(root, classes, Parts::Whole(files)) }
}

/// Class folders in folders for training, validation and test.
fn parts(root: &Path, [train, mut val, mut test]: [Option<PathBuf>; 3], loading: &Loading) -> Result<Source> {
    loading.refuse_split(&format!("{} has folders for its parts and", root.display()))?;
    let mut notes = Vec::new();
    // Competitions publish their test pictures without labels.
    if let (Some(unlabelled), Some(_)) = (&test, &val)
        && subfolders(unlabelled)?.is_empty()
    {
        notes.push("'test' has no class folders, so no labels, and is not used".to_owned());
        test = None;
    }
    if test.is_none() && val.is_some() {
        notes.push("there is no 'test' with labels: 'val' is the test set".to_owned());
        test = val.take();
    }
    let (mut first, mut warnings, mut empty) = (None::<(PathBuf, Vec<String>)>, Vec::new(), Vec::new());
    let mut part = |folder: Option<PathBuf>| -> Result<Part> {
        let Some(folder) = folder else { return Ok(Part::Files(Vec::new())) };
        let Classes { names: found, files, warnings: more, empty: without } =
            Classes::find(&folder, &subfolders(&folder)?, loading)?;
        warnings.extend(more);
        empty.extend(without);
        let (train, names) = first.get_or_insert_with(|| (folder.clone(), found.clone()));
        let differ = |what: &str, class: &String| {
            let what = format!("{what} class {class:?}, unlike {}; all parts need the same classes", train.display());
            Err(Error::file(&folder, what))
        };
        match (names.iter().find(|name| !found.contains(name)), found.iter().find(|name| !names.contains(name))) {
            (Some(class), _) => differ("has no", class),
            (None, Some(class)) => differ("has a", class),
            (None, None) => Ok(Part::Files(files)),
        }
    };
    let parts = Parts::divided([part(train)?, part(val)?, part(test)?]);
    let (_, classes) = first.expect("one of them was found");
    Ok(Source { notes, warnings, empty, ..source(root, classes, parts) })
}

fn source(root: &Path, classes: Vec<String>, parts: Parts) -> Source {
    let whole = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let name = plain(&whole.file_name().map_or("folder".into(), |name| name.to_string_lossy()));
    let (notes, warnings, empty) = Default::default();
    Source { name, classes, root: root.into(), parts, size: Size::square(32), notes, warnings, empty }
}

/// What class folders hold.
struct Classes {
    /// The classes' names.
    names: Vec<String>,
    /// All pictures.
    files: Vec<Entry>,
    /// One if there are some that cannot be read.
    warnings: Vec<String>,
    /// What to say of classes without pictures.
    empty: Vec<String>,
}

impl Classes {
    /// Those of the class folders `folders` in `root`.
    ///
    /// # Errors
    /// None of them, one of a name that is no plain text; unless [`Loading::allow_empty`] or nothing is trained on, one without
    /// pictures.
    fn find(root: &Path, folders: &[PathBuf], loading: &Loading) -> Result<Self> {
        if folders.is_empty() {
            let what = "holds no folders; expected one for each class, with its pictures";
            return Err(Error::file(root, what));
        }
        let (mut names, mut files, mut unread, mut empty) = (Vec::new(), Vec::new(), Unread::default(), Vec::new());
        for (label, folder) in folders.iter().enumerate() {
            let name = folder.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| Error::file(folder, "has a name that is not UTF-8; rename it"))?;
            check_name(name).map_err(|what| Error::file(folder, what))?;
            names.push(name.to_owned());
            let found = Found::below(folder)?;
            empty.extend(found.without_pictures(name).map(|what| (folder, what)));
            unread.add(found.unread);
            files.extend(found.pictures.into_iter().map(|path| Entry { path, label: label as i32 }));
        }
        // As torchvision's ImageFolder has it.
        let allowed = loading.allow_empty || loading.whole || loading.record.is_some();
        if let Some((folder, what)) = empty.first().filter(|_| !allowed) {
            let more = match empty.len() {
                1 => String::new(),
                count => format!("; {} more have none, `warptape data info` lists all", count - 1),
            };
            return Err(Error::file(folder, format!("{what}{more}")));
        }
        let warnings = unread.warning(root).into_iter().collect();
        let empty = empty.into_iter().map(|(folder, what)| format!("{}: {what}", folder.display())).collect();
        Ok(Self { names, files, warnings, empty })
    }
}

/// The folders in `folder`, in the order of their names.
///
/// # Errors
/// One that does not exist, is no folder or cannot be read.
pub(super) fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = entries(folder)?.into_iter().filter(|path| path.is_dir()).collect();
    folders.sort_unstable();
    Ok(folders)
}

/// What is in `folder`, but for names that begin with a dot.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let refuse = |e| Error::file(folder, format!("cannot be read as a folder: {e}"));
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(refuse)? {
        let path = entry.map_err(refuse)?.path();
        if !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            paths.push(path);
        }
    }
    Ok(paths)
}
