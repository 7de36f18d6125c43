//! Files that people name, read with a limit; files that are whole or absent; and the time as files name it.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};

/// The most bytes of a file that a person, or this program, writes by the line: options, launches, kernels, names.
pub const TEXT: u64 = 16 << 20;

/// Opens a file for reading. What waits for a writer, or never ends, is none.
///
/// # Errors
/// What the system says; a directory, a pipe, a socket or a device.
pub fn open(path: &Path) -> io::Result<File> {
    // Before it is opened, which a pipe without a writer would not come back from.
    let kind = std::fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory, not a file"));
    }
    if !kind.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is a pipe or a device, not a file"));
    }
    File::open(path)
}

/// The contents of a file that has at most `most` bytes.
///
/// # Errors
/// Those of [`open`]; a longer file.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let what = format!("it is longer than {} MiB, which no such file is", most >> 20);
        return Err(io::Error::new(ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

/// [`read`] for a text of at most [`TEXT`] bytes.
///
/// # Errors
/// Those of [`read`]; what is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path, TEXT)?)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not a text in UTF-8"))
}

/// [`read_text`] for code, in which old comments may be in Latin-1: the compiler does not mind.
///
/// # Errors
/// Those of [`read`].
pub fn read_code(path: &Path) -> io::Result<String> {
    let latin1 = |bytes: Vec<u8>| bytes.into_iter().map(char::from).collect();
    Ok(String::from_utf8(read(path, TEXT)?).unwrap_or_else(|e| latin1(e.into_bytes())))
}

/// How a temporary file's name ends; it begins with a dot and the name of the file it is to become.
pub const TEMPORARY: &str = ".part";

/// Replaces the file at `path` by `bytes`, wholly or not at all: see [`write_atomic_with`].
///
/// # Errors
/// Those of [`write_atomic_with`].
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// Replaces the file at `path` by what `write` writes, wholly or not at all.
///
/// A temporary file beside it is written and synced, takes over the name, and the folder is synced, so that after a
/// crash there is the old file or the new one. If anything fails, the temporary file is removed and the old one stays.
///
/// # Errors
/// What the file system or `write` says, with the path and the fix.
pub fn write_atomic_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    replace(path, write).map_err(|e| unwritable(path, &e))
}

/// [`write_atomic_with`] for a file whose place no ‹out› chooses: what went wrong, without a fix.
///
/// # Errors
/// What the file system or `write` says.
pub fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "not a file's name"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let prefix = format!(".{}.", name.to_string_lossy());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(TEMPORARY);
    // As any other new file: readable by all that the user's mask allows, not by the owner alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // Dropped on any error below, and removed with it.
    let mut temporary = builder.tempfile_in(folder)?;
    write(temporary.as_file_mut())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;
    sync_folder(folder)
}

/// The turn to make and to clear away what is locked in `folder`, until it is dropped: nobody sees a thing there between its making
/// and its lock, and takes it for what a killed process left. None where the file system cannot lock a folder.
pub fn turn(folder: &Path) -> Option<File> {
    File::open(folder).ok().filter(|folder| folder.lock().is_ok())
}

/// Makes a rename survive a power cut; file systems that cannot sync a folder are left to their own ways.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

/// A failed write in one line, with the fix where there is one.
pub fn unwritable(path: &Path, error: &io::Error) -> Error {
    let fix = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room there or choose another place with ‹out›",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::NotADirectory => {
            "choose a folder that can be written to with ‹out›"
        }
        _ => "check the folder or choose another with ‹out›",
    };
    Error::file(path, format!("cannot be written: {error}; {fix}"))
}

/// Now in UTC, as `2025-01-31T12:00:00Z`.
pub fn timestamp() -> String {
    utc(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// `seconds` after 1970 as a UTC date and time.
pub fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days are counted from 0000-03-01, so that a leap day is the last of its year (Howard Hinnant's algorithm).
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}
