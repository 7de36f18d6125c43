//! Unpacking an archive that has been checked.

use std::fs::File;
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use tar::EntryType;

use super::Archive;
use crate::error::{Error, Result};

/// Unpacks `packed` beside the other data in `to`, over files of the same names.
///
/// # Errors
/// A file that is no gzip-compressed tar archive, and any entry but plain files right in the archive's one folder:
/// nothing is ever written elsewhere.
pub(super) fn unpack(archive: &Archive, packed: &Path, to: &Path) -> Result<()> {
    let refuse = |e: std::io::Error| Error::file(packed, format!("cannot be unpacked: {e}"));
    let file = File::open(packed).map_err(refuse)?;
    let temporary = tempfile::Builder::new().prefix(".unpack-").tempdir_in(to).map_err(|e| Error::file(to, e))?;
    let mut names = Vec::new();
    for entry in tar::Archive::new(GzDecoder::new(file)).entries().map_err(refuse)? {
        let mut entry = entry.map_err(refuse)?;
        let path = entry.path().map_err(refuse)?.into_owned();
        // `./folder/file` is the same as `folder/file`.
        let parts: Vec<_> = path.components().filter(|part| *part != Component::CurDir).collect();
        match (entry.header().entry_type(), parts.as_slice()) {
            (EntryType::Directory, [Component::Normal(folder)]) if **folder == *archive.folder => {}
            (EntryType::Regular, [Component::Normal(folder), Component::Normal(name)])
                if **folder == *archive.folder =>
            {
                let target = temporary.path().join(name);
                let mut file = File::create(&target).map_err(|e| Error::file(&target, e))?;
                std::io::copy(&mut entry, &mut file).map_err(refuse)?;
                names.push(name.to_os_string());
            }
            _ => {
                let what =
                    format!("holds {path:?}, which is no plain file in {}; nothing was unpacked", archive.folder);
                return Err(Error::file(packed, what));
            }
        }
    }
    if let Some(file) = archive.files.iter().find(|file| !temporary.path().join(file).is_file()) {
        return Err(Error::file(packed, format!("holds no {}/{file}; nothing was unpacked", archive.folder)));
    }
    let folder = to.join(&archive.folder);
    std::fs::create_dir_all(&folder).map_err(|e| Error::file(&folder, e))?;
    // One by one, so that whatever else a user keeps in that folder stays.
    for name in names {
        let target = folder.join(&name);
        std::fs::rename(temporary.path().join(&name), &target).map_err(|e| Error::file(&target, e))?;
    }
    Ok(())
}
