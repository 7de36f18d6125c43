//! What a picture's file says beside its pixels, and the decoders do not tell: which side is up, which inks, whether more
//! pictures follow, and whether the file's end is missing.
//!
//! Sources: JPEG (ITU T.81, annex B; EXIF in APP1), PNG (third edition, chunks `eXIf` and `acTL`), WebP's container
//! (RFC 9649), GIF89a, TIFF 6.0.

use image::ImageFormat;
use image::metadata::Orientation;

/// See the module.
pub(super) struct Remarks {
    /// EXIF's note on which side is up.
    pub(super) orientation: Orientation,
    /// Cyan, magenta, yellow and black instead of red, green and blue.
    pub(super) cmyk: bool,
    /// An animation, or a document of several pages.
    pub(super) several: bool,
    /// The picture's data stop in the middle. Only known of JPEG, whose decoder fills in what is missing.
    pub(super) cut_off: bool,
}

impl Remarks {
    /// Reads those of a file in `format`. What is malformed says nothing; the decoder judges it.
    pub(super) fn read(format: ImageFormat, bytes: &[u8]) -> Self {
        let mut remarks = Self { orientation: Orientation::NoTransforms, cmyk: false, several: false, cut_off: false };
        let exif = match format {
            ImageFormat::Jpeg => remarks.jpeg(bytes),
            ImageFormat::Png => remarks.png(bytes),
            ImageFormat::WebP => remarks.webp(bytes),
            ImageFormat::Gif => {
                remarks.several = gif_pictures(bytes) > 1;
                None
            }
            ImageFormat::Tiff => {
                remarks.tiff(bytes);
                // EXIF is written as a TIFF file is.
                Some(bytes)
            }
            _ => None,
        };
        remarks.orientation = exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
        remarks
    }

    /// Segments, each a marker and its length; after a start of scan the coded data, in which 0xff 0x00 is a byte of theirs and
    /// 0xff 0xd0 to 0xd7 are points to restart at.
    fn jpeg<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (mut exif, mut at) = (None, 2);
        self.cut_off = true;
        while let Some(&[mark, marker]) = bytes.get(at..at + 2) {
            if mark != 0xff || matches!(marker, 0 | 1 | 0xd0..=0xd8 | 0xff) {
                at += 1;
                continue;
            }
            if marker == 0xd9 {
                self.cut_off = false;
                break;
            }
            let Some(&[high, low]) = bytes.get(at + 2..at + 4) else { break };
            let end = at + 2 + usize::from(u16::from_be_bytes([high, low])).max(2);
            let Some(segment) = bytes.get(at + 4..end) else { break };
            match marker {
                0xe1 if exif.is_none() => exif = segment.strip_prefix(b"Exif\0\0"),
                // A frame header: precision, height, width, number of components. Three of the codes are something else.
                0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(&marker) => self.cmyk = segment.get(5) == Some(&4),
                _ => {}
            }
            at = end;
        }
        exif
    }

    /// Chunks: length, type, data, checksum.
    fn png<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (mut exif, mut at) = (None, 8);
        while let Some((length, kind)) = number(bytes, at, 4, false).zip(bytes.get(at + 4..at + 8)) {
            match kind {
                b"eXIf" => exif = bytes.get(at + 8..).and_then(|data| data.get(..length)),
                b"acTL" => self.several = number(bytes, at + 8, 4, false).is_some_and(|frames| frames > 1),
                _ => {}
            }
            at += length + 12;
        }
        exif
    }

    /// RIFF chunks: type, length, data, made even.
    fn webp<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (mut exif, mut at, mut frames) = (None, 12, 0);
        while let Some((kind, length)) = bytes.get(at..at + 4).zip(number(bytes, at + 4, 4, true)) {
            match kind {
                b"EXIF" => exif = bytes.get(at + 8..).and_then(|data| data.get(..length)),
                b"ANMF" => frames += 1,
                _ => {}
            }
            at += 8 + length.next_multiple_of(2);
        }
        self.several = frames > 1;
        // Some programs write JPEG's prefix here too.
        exif.map(|exif: &[u8]| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif))
    }

    /// The first directory: the number of its 12-byte entries, they, and where the next directory is. Tag 262 is 5 for CMYK.
    fn tiff(&mut self, bytes: &[u8]) {
        let little = bytes.starts_with(b"II");
        let Some(directory) = number(bytes, 4, 4, little) else { return };
        let Some(count) = number(bytes, directory, 2, little) else { return };
        let mut entries = (0..count).map(|entry| directory + 2 + 12 * entry);
        let inks = entries.find(|&at| number(bytes, at, 2, little) == Some(262));
        self.cmyk = inks.and_then(|at| number(bytes, at + 8, 2, little)) == Some(5);
        self.several = number(bytes, directory + 2 + 12 * count, 4, little).is_some_and(|next| next != 0);
    }
}

/// How many pictures a GIF file has, up to two.
fn gif_pictures(bytes: &[u8]) -> usize {
    // A table of colours follows a header whose byte of flags says so.
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let Some(&flags) = bytes.get(10) else { return 0 };
    let (mut at, mut pictures) = (13 + table(flags), 0);
    while pictures < 2 {
        at = match bytes.get(at) {
            // An extension and its label; an image's descriptor, its colours and the size of its codes.
            Some(0x21) => at + 2,
            Some(0x2c) => {
                let Some(&flags) = bytes.get(at + 9) else { break };
                pictures += 1;
                at + 11 + table(flags)
            }
            _ => break,
        };
        // Blocks of data, each behind its length, up to one without any.
        while let Some(&length) = bytes.get(at) {
            at += 1 + usize::from(length);
            if length == 0 {
                break;
            }
        }
    }
    pictures
}

/// The number in `length` bytes at `at`.
fn number(bytes: &[u8], at: usize, length: usize, little: bool) -> Option<usize> {
    let digits = bytes.get(at..at.checked_add(length)?)?.iter().map(|&byte| usize::from(byte));
    let push = |number: usize, byte: usize| number << 8 | byte;
    Some(if little { digits.rev().fold(0, push) } else { digits.fold(0, push) })
}
