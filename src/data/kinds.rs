//! Which files are pictures: by the ending of their names, or by their first bytes where they have none.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use image::ImageFormat::{Bmp, Gif, Jpeg, Png, Pnm, Tiff, WebP};

use crate::files;

/// Endings of pictures that are read, in any case.
pub(super) const READ: [&str; 14] =
    ["jpg", "jpeg", "jfif", "jpe", "png", "ppm", "bmp", "pgm", "pbm", "tif", "tiff", "webp", "gif", "tga"];

/// Endings of pictures that are not: codecs of phones, of cameras, of drawing programs.
const UNREAD: [&str; 30] = [
    "heic", "heif", "avif", "jxl", "jp2", "j2k", "jpx", "jxr", "hif", "dng", "cr2", "cr3", "nef", "arw", "orf", "raf",
    "rw2", "raw", "psd", "xcf", "svg", "eps", "ico", "pcx", "exr", "hdr", "qoi", "dds", "pam", "mng",
];

/// What a file is.
pub(super) enum Kind {
    /// A picture, as far as its name or its first bytes say.
    Read,
    /// A picture that cannot be read, and what it is called.
    Unread(String),
    /// Anything else.
    Other,
}

/// What the file at `path` is.
pub(super) fn of(path: &Path) -> Kind {
    let Some(ending) = path.extension() else { return by_contents(path) };
    let ending = ending.to_string_lossy().to_ascii_lowercase();
    match ending.as_str() {
        known if READ.contains(&known) => Kind::Read,
        known if UNREAD.contains(&known) => Kind::Unread(format!(".{ending}")),
        _ => Kind::Other,
    }
}

/// What a file without an ending is. One that cannot be looked into is no picture.
fn by_contents(path: &Path) -> Kind {
    let mut start = Vec::new();
    let looked = files::open(path).and_then(|file| file.take(16).read_to_end(&mut start));
    match image::guess_format(&start) {
        // The box that files of HEIF's family begin with: its length, `ftyp`, and whose picture it is.
        _ if start.get(4..8) == Some(b"ftyp") => Kind::Unread("HEIF or AVIF without an ending".into()),
        Ok(Jpeg | Png | Pnm | Bmp | WebP | Tiff | Gif) if looked.is_ok() => Kind::Read,
        Ok(other) if looked.is_ok() => Kind::Unread(format!("{other:?} without an ending")),
        _ => Kind::Other,
    }
}

/// Pictures that are not read: how many of each kind.
#[derive(Default)]
pub(super) struct Unread(BTreeMap<String, usize>);

impl Unread {
    /// One more.
    pub(super) fn count(&mut self, kind: String) {
        *self.0.entry(kind).or_default() += 1;
    }

    /// Those of another folder too.
    pub(super) fn add(&mut self, other: Self) {
        other.0.into_iter().for_each(|(kind, count)| *self.0.entry(kind).or_default() += count);
    }

    /// As in "2 .avif and 11 .heic pictures"; nothing if there are none.
    pub(super) fn words(&self) -> Option<String> {
        let kinds: Vec<String> = self.0.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        (!kinds.is_empty()).then(|| format!("{} pictures", kinds.join(" and ")))
    }

    /// What to say of them in `root`; nothing if there are none.
    pub(super) fn warning(&self, root: &Path) -> Option<String> {
        let words = self.words()?;
        Some(format!("{}: {words} are not read: convert them to JPEG or PNG", root.display()))
    }
}
