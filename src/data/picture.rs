//! One picture file, made into what a network takes: eight bits, three channels, the network's size.

use std::path::Path;

use image::imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use resize::Pixel;
use resize::Type::Lanczos3;
use resize::px::RGB;

use crate::error::{Error, Result};
use crate::files;

/// What [`open`] reads, for messages.
const FORMATS: &str = "PNG, JPEG, BMP, PPM/PGM, WebP or TIFF";

/// The most bytes that are read of a file: one that never ends must not take all memory.
const MOST: u64 = 256 << 20;

/// What a picture had that a network's input has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conversion {
    /// One channel, made three equal ones.
    Grey,
    /// Cyan, magenta, yellow, black; made red, green, blue as the inks would mix, without color profile.
    Cmyk,
    /// More than eight bits a channel, rounded to eight.
    Deep,
    /// Transparent parts, put over white.
    Alpha,
    /// A camera's note on which side is up, obeyed.
    Turned,
}

impl Conversion {
    /// All of them with what to call them.
    pub const ALL: [(Conversion, &str); 5] = [
        (Conversion::Grey, "grey made color"),
        (Conversion::Cmyk, "CMYK made RGB"),
        (Conversion::Deep, "16 bits or more rounded to 8"),
        (Conversion::Alpha, "transparency put over white"),
        (Conversion::Turned, "turned upright as their EXIF says"),
    ];
}

/// The picture at `path`, in its own size.
///
/// The format is told by the contents, not by the name. Transparent parts stand over white, grey becomes three equal
/// channels, CMYK becomes RGB, 16 bits become 8, and a camera's note on which side is up (EXIF) is obeyed.
///
/// # Errors
/// A file that cannot be read, is no picture, is damaged, or asks for more memory than a picture should.
pub fn open(path: &Path) -> Result<RgbImage> {
    Ok(inspect(path)?.0)
}

/// [`open`], and what had to be converted.
///
/// # Errors
/// As [`open`].
pub fn inspect(path: &Path) -> Result<(RgbImage, Vec<Conversion>)> {
    let bytes = files::read(path, MOST).map_err(|e| Error::file(path, e))?;
    if bytes.is_empty() {
        return Err(Error::file(path, format!("is empty; expected a picture ({FORMATS})")));
    }
    let Ok(format) = image::guess_format(&bytes) else {
        return Err(Error::file(path, format!("is not a known picture by its first bytes; expected {FORMATS}")));
    };
    // This call rather than a decoder of our own type: the decoders are then compiled once, in their own crate.
    let picture = image::load_from_memory(&bytes).map_err(|e| Error::file(path, reason(&e)))?;
    let color = picture.color();
    let jpeg = if format == image::ImageFormat::Jpeg { Jpeg::scan(&bytes) } else { Jpeg::default() };
    let mut conversions = Vec::new();
    let mut note = |conversion, found: bool| conversions.extend(found.then_some(conversion));
    note(Conversion::Grey, !color.has_color());
    note(Conversion::Cmyk, jpeg.components == 4 || format == image::ImageFormat::Tiff && cmyk_tiff(&bytes));
    note(Conversion::Deep, color.bytes_per_pixel() > color.channel_count());
    note(Conversion::Alpha, color.has_alpha());
    let orientation = jpeg.exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    note(Conversion::Turned, orientation != Orientation::NoTransforms);
    Ok((turned(over_white(picture), orientation), conversions))
}

/// `picture` in another size, as `[height, width, 3]` values, by Lanczos; the sides' ratio is not kept.
///
/// # Errors
/// A size of 0, or one too large to hold.
pub fn resize(picture: &RgbImage, height: usize, width: usize) -> Result<Vec<u8>> {
    let size = |side: usize| u32::try_from(side).ok().filter(|&side| side > 0 && side <= 1 << 15);
    let (Some(rows), Some(columns)) = (size(height), size(width)) else {
        return Err(Error::usage(format!("picture size {height}x{width}: expected 1 to 32768 on each side")));
    };
    if (picture.height(), picture.width()) == (rows, columns) {
        return Ok(picture.as_raw().clone());
    }
    // Not the image crate's own resizing, which takes ten times as long and is what loading a folder waits for.
    let source: Vec<RGB<u8>> = picture.as_raw().chunks_exact(3).map(|p| RGB::new(p[0], p[1], p[2])).collect();
    let mut target = vec![RGB::new(0, 0, 0); height * width];
    let (from_width, from_height) = (picture.width() as usize, picture.height() as usize);
    resize::new(from_width, from_height, width, height, Pixel::RGB8, Lanczos3)
        .and_then(|mut resizer| resizer.resize(&source, &mut target))
        .map_err(|e| Error::usage(format!("picture size {height}x{width}: {e}")))?;
    Ok(target.into_iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]).collect())
}

/// [`open`] and [`resize`] in one.
///
/// # Errors
/// Those of both.
pub fn load(path: &Path, height: usize, width: usize) -> Result<Vec<u8>> {
    resize(&open(path)?, height, width)
}

/// What the decoder does not say about a JPEG file.
#[derive(Default)]
struct Jpeg<'a> {
    exif: Option<&'a [u8]>,
    /// Channels of the picture as it is stored; 0 if there is no frame header.
    components: u8,
}

impl<'a> Jpeg<'a> {
    /// Reads the segments, each a marker and its length, that stand before the picture's own data.
    fn scan(bytes: &'a [u8]) -> Self {
        let mut found = Jpeg::default();
        let mut rest = bytes.get(2..).unwrap_or_default();
        while let &[0xff, marker, high, low, ..] = rest {
            let length = usize::from(u16::from_be_bytes([high, low]));
            let Some(segment) = rest.get(4..2 + length) else { break };
            match marker {
                0xe1 if found.exif.is_none() => found.exif = segment.strip_prefix(b"Exif\0\0"),
                // A frame header: precision, height, width, number of components. Three of the codes are something else.
                0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(&marker) => {
                    found.components = segment.get(5).copied().unwrap_or(0);
                }
                // Start of scan: what comes is picture.
                0xda => break,
                _ => {}
            }
            rest = &rest[4 + segment.len()..];
        }
        found
    }
}

/// Whether the first picture of a TIFF file is CMYK: tag 262 of its directory, of 12-byte entries, is 5.
fn cmyk_tiff(bytes: &[u8]) -> bool {
    let little = bytes.starts_with(b"II");
    let number = |at: usize, length: usize| -> Option<usize> {
        let digits = bytes.get(at..at.checked_add(length)?)?.iter().map(|&byte| usize::from(byte));
        let push = |number: usize, byte: usize| number << 8 | byte;
        Some(if little { digits.rev().fold(0, push) } else { digits.fold(0, push) })
    };
    let find = || {
        let directory = number(4, 4)?;
        let entries = (0..number(directory, 2)?).map(|entry| directory + 2 + 12 * entry);
        entries.into_iter().find(|&at| number(at, 2) == Some(262)).and_then(|at| number(at + 8, 2))
    };
    find() == Some(5)
}

/// `picture` the way up that its camera noted. These functions are compiled here, for speed; a `DynamicImage` turns itself with
/// what was compiled in its own, hardly optimized crate.
fn turned(picture: RgbImage, orientation: Orientation) -> RgbImage {
    match orientation {
        Orientation::NoTransforms => picture,
        Orientation::Rotate90 => rotate90(&picture),
        Orientation::Rotate180 => rotate180(&picture),
        Orientation::Rotate270 => rotate270(&picture),
        Orientation::FlipHorizontal => flip_horizontal(&picture),
        Orientation::FlipVertical => flip_vertical(&picture),
        Orientation::Rotate90FlipH => flip_horizontal(&rotate90(&picture)),
        Orientation::Rotate270FlipH => flip_horizontal(&rotate270(&picture)),
    }
}

/// Eight bits, no transparency.
fn over_white(picture: DynamicImage) -> RgbImage {
    if let DynamicImage::ImageLuma8(grey) = &picture {
        let pixels = grey.as_raw().iter().flat_map(|&value| [value; 3]).collect();
        return RgbImage::from_raw(grey.width(), grey.height(), pixels)
            .expect("three values for each of the picture's");
    }
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [red, green, blue, alpha] = rgba.get_pixel(x, y).0.map(u32::from);
        image::Rgb([red, green, blue].map(|value| ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    })
}

/// The decoder's complaint in one line, with what to do.
fn reason(error: &image::ImageError) -> String {
    let text = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    match error {
        image::ImageError::Unsupported(_) => format!("{text}: convert it to one of {FORMATS}"),
        image::ImageError::Limits(_) => format!("{text}: the picture is too large, make it smaller"),
        _ => format!("is a damaged picture ({text}): save or download it again"),
    }
}
