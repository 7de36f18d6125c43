//! Picture files: those in a folder and below, and those that match a pattern.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::folder::entries;
use super::kinds::{self, Kind, Unread};
use crate::error::{Error, Result};

/// Folders in folders, at most: deeper is a tree that was not meant.
const DEEPEST: usize = 64;

/// The picture files in `folder` and below, in the order of their paths, and what to say of those of kinds that are not read.
///
/// # Errors
/// A folder that cannot be read or has no pictures; a link to a folder that it is in.
pub fn pictures(folder: &Path) -> Result<(Vec<PathBuf>, Option<String>)> {
    let found = Found::below(folder)?;
    let warning = found.unread.warning(folder);
    if found.pictures.is_empty() {
        let what = format!(
            "has no pictures, there and below ({} other files); expected .{}",
            found.others,
            kinds::READ.join(" .")
        );
        return Err(Error::file(folder, warning.unwrap_or(what)));
    }
    Ok((found.pictures, warning))
}

/// The picture files that match `pattern` (`*` and `?` within names, `[abc]`, `**` for any folders), and those in and below folders that
/// match; in the order of their paths, with what to say of those that are not read.
///
/// # Errors
/// A pattern that is none, or that no picture matches; a folder that cannot be read.
pub fn matching(pattern: &str) -> Result<(Vec<PathBuf>, Option<String>)> {
    // As in a shell, where the last `**` stands for files, too.
    let whole = if pattern.ends_with("**") { format!("{pattern}/*") } else { pattern.into() };
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: false,
    };
    // Names that begin with a dot are passed over here: the library does so as well, but panics at names that are not UTF-8.
    let written: Vec<&str> = pattern.split(['/', '\\']).collect();
    let is_hidden = |part: Component| match part {
        Component::Normal(name) => {
            name.as_encoded_bytes().starts_with(b".") && !written.iter().any(|part| name == OsStr::new(part))
        }
        _ => false,
    };
    let paths = glob::glob_with(&whole, options)
        .map_err(|e| Error::usage(format!("{pattern}: is no pattern ({}): use * ? [abc] and **/", e.msg)))?;
    let (mut found, mut whole) = (Found::default(), None::<PathBuf>);
    for path in paths {
        let path = path.map_err(|e| Error::file(e.path(), e.error()))?;
        // A pattern such as `**/*` matches a folder and then what is in it.
        if path.components().any(is_hidden) || whole.as_ref().is_some_and(|folder| path.starts_with(folder)) {
            continue;
        }
        whole = Some(path.clone()).filter(|path| path.is_dir()).or(whole);
        found.take(path, &mut Vec::new())?;
    }
    found.pictures.sort_unstable();
    if found.pictures.is_empty() {
        let what = match (found.unread.words(), found.others) {
            (Some(unread), _) => format!("matches {unread} that are not read: convert them to JPEG or PNG"),
            (None, 0) => "matches no file; is it in quotes, and right?".into(),
            (None, others) => {
                format!("matches {others} files, none of which is a picture (.{})", kinds::READ.join(" ."))
            }
        };
        return Err(Error::file(pattern, what));
    }
    let warning = found.unread.warning(Path::new(pattern));
    Ok((found.pictures, warning))
}

/// The files in a folder and below.
#[derive(Default)]
pub(super) struct Found {
    /// Pictures, in the order of their paths.
    pub(super) pictures: Vec<PathBuf>,
    /// Pictures of kinds that are not read.
    pub(super) unread: Unread,
    others: usize,
}

impl Found {
    /// Looks through `folder`.
    ///
    /// # Errors
    /// A folder that cannot be read, and a link to a folder that it is in.
    pub(super) fn below(folder: &Path) -> Result<Self> {
        let mut found = Self::default();
        found.walk(folder, &mut Vec::new())?;
        found.pictures.sort_unstable();
        Ok(found)
    }

    /// What to say if there are no pictures for class `name`.
    pub(super) fn without_pictures(&self, name: &str) -> Option<String> {
        let what = || match self.unread.words() {
            Some(unread) => format!("class {name:?} has {unread}, which are not read: convert them to JPEG or PNG"),
            None => format!(
                "class {name:?} has no pictures ({} other files); expected .{}: add some or remove the folder",
                self.others,
                kinds::READ.join(" .")
            ),
        };
        self.pictures.is_empty().then(what)
    }

    fn walk(&mut self, folder: &Path, above: &mut Vec<PathBuf>) -> Result<()> {
        let real = folder.canonicalize().map_err(|e| Error::file(folder, e))?;
        if above.contains(&real) {
            return Err(Error::file(folder, format!("is a link to {}, which it is in; remove it", real.display())));
        }
        if above.len() == DEEPEST {
            return Err(Error::file(folder, format!("is {DEEPEST} folders deep; name the folder of the classes")));
        }
        above.push(real);
        for path in entries(folder)? {
            self.take(path, above)?;
        }
        above.pop();
        Ok(())
    }

    /// The file at `path`, or all below the folder there.
    fn take(&mut self, path: PathBuf, above: &mut Vec<PathBuf>) -> Result<()> {
        if path.is_dir() {
            return self.walk(&path, above);
        }
        match kinds::of(&path) {
            Kind::Read => self.pictures.push(path),
            Kind::Unread(kind) => self.unread.count(kind),
            Kind::Other => self.others += 1,
        }
        Ok(())
    }
}
