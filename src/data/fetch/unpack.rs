//! Unpacking an archive that has been checked: a tar compressed by gzip, or a zip.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::EntryType;
use tempfile::TempDir;
use zip::ZipArchive;

use super::Archive;
use crate::error::{Error, Result};

/// Unpacks `packed` beside the other data in `to`, over files of the same names.
///
/// # Errors
/// A file that is no such archive, and any entry but plain files below the archive's one folder: nothing is ever written
/// elsewhere.
pub(super) fn unpack(archive: &Archive, packed: &Path, to: &Path) -> Result<()> {
    let temporary = tempfile::Builder::new().prefix(".unpack-").tempdir_in(to).map_err(|e| Error::file(to, e))?;
    let target = Target { archive, packed, temporary: &temporary };
    let file = File::open(packed).map_err(|e| target.broken(e))?;
    if packed.extension().is_some_and(|ending| ending == "zip") {
        target.zip(file)?;
    } else {
        target.tar(file)?;
    }
    if let Some(file) = archive.files.iter().find(|file| !temporary.path().join(file).is_file()) {
        return Err(Error::file(packed, format!("holds no {}/{file}; nothing was unpacked", archive.folder)));
    }
    let folder = to.join(&archive.folder);
    fs::create_dir_all(&folder).map_err(|e| Error::file(&folder, e))?;
    // One by one, so that whatever else a user keeps in that folder stays.
    for entry in fs::read_dir(temporary.path()).map_err(|e| Error::file(temporary.path(), e))?.flatten() {
        let target = folder.join(entry.file_name());
        let moved = fs::rename(entry.path(), &target);
        moved.map_err(|e| Error::file(&target, format!("{e}: move it away and run the command again")))?;
    }
    Ok(())
}

/// Where the files of an archive go.
struct Target<'a> {
    archive: &'a Archive,
    packed: &'a Path,
    temporary: &'a TempDir,
}

impl Target<'_> {
    fn broken(&self, what: impl std::fmt::Display) -> Error {
        Error::file(self.packed, format!("cannot be unpacked: {what}"))
    }

    fn tar(&self, file: File) -> Result<()> {
        for entry in tar::Archive::new(GzDecoder::new(file)).entries().map_err(|e| self.broken(e))? {
            let mut entry = entry.map_err(|e| self.broken(e))?;
            let path = entry.path().map_err(|e| self.broken(e))?.into_owned();
            match entry.header().entry_type() {
                EntryType::Directory => self.folder(&path)?,
                EntryType::Regular => self.file(&path, &mut entry)?,
                _ => return Err(self.stray(&path)),
            }
        }
        Ok(())
    }

    fn zip(&self, file: File) -> Result<()> {
        let mut zip = ZipArchive::new(file).map_err(|e| self.broken(e))?;
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index).map_err(|e| self.broken(e))?;
            let path = PathBuf::from(entry.name());
            match (entry.is_dir(), entry.is_symlink()) {
                (true, _) => self.folder(&path)?,
                (_, true) => return Err(self.stray(&path)),
                _ => self.file(&path, &mut entry)?,
            }
        }
        Ok(())
    }

    /// Where an entry goes, of which the archive's own folder is left out; none for anything outside of it.
    fn place(&self, path: &Path) -> Option<PathBuf> {
        // `./folder/file` is the same as `folder/file`.
        let parts: Vec<_> = path.components().filter(|part| *part != Component::CurDir).collect();
        let names = parts.iter().map(|part| match part {
            Component::Normal(name) => Some(*name),
            _ => None,
        });
        let names = names.collect::<Option<Vec<_>>>()?;
        let (folder, below) = names.split_first()?;
        (**folder == *self.archive.folder).then(|| self.temporary.path().join(below.iter().collect::<PathBuf>()))
    }

    fn folder(&self, path: &Path) -> Result<()> {
        self.place(path).map(drop).ok_or_else(|| self.stray(path))
    }

    fn file(&self, path: &Path, contents: &mut dyn Read) -> Result<()> {
        let target = self.place(path).filter(|target| target != self.temporary.path());
        let target = target.ok_or_else(|| self.stray(path))?;
        let folder = target.parent().unwrap_or(self.temporary.path());
        fs::create_dir_all(folder).map_err(|e| Error::file(folder, e))?;
        let mut file = File::create(&target).map_err(|e| Error::file(&target, e))?;
        io::copy(contents, &mut file).map_err(|e| self.broken(e))?;
        Ok(())
    }

    fn stray(&self, path: &Path) -> Error {
        let what = format!("holds {path:?}, which is no plain file in {}; nothing was unpacked", self.archive.folder);
        Error::file(self.packed, what)
    }
}
