//! One picture file, made into what a network takes: eight bits, three channels, the network's size.

use std::borrow::Cow;
use std::path::Path;

use image::imageops::{crop_imm, flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, RgbImage};
use resize::Pixel;
use resize::Type::Lanczos3;
use resize::px::RGB;

use super::Fit;
use super::container::Remarks;
use crate::error::{Error, Result};
use crate::files;

/// What [`open`] reads, for messages.
const FORMATS: &str = "PNG, JPEG, BMP, PBM/PGM/PPM, WebP, TIFF, GIF or TGA";

/// The most bytes that are read of a file: one that never ends must not take all memory.
const MOST: u64 = 256 << 20;

/// How many times as long as wide a picture is of which all is resized before its middle is cut out.
pub const RIBBON: usize = 8;

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
    /// An animation or several pages, of which the first is taken.
    First,
}

impl Conversion {
    /// All of them with what to call them.
    pub const ALL: [(Conversion, &str); 6] = [
        (Conversion::Grey, "grey made color"),
        (Conversion::Cmyk, "CMYK made RGB"),
        (Conversion::Deep, "16 bits or more rounded to 8"),
        (Conversion::Alpha, "transparency put over white"),
        (Conversion::Turned, "turned upright as their EXIF says"),
        (Conversion::First, "animated or of several pages, of which the first was taken"),
    ];
}

/// The picture at `path`, in its own size.
///
/// The format is told by the contents, not by the name (but for TGA). Transparent parts stand over white, grey becomes three equal
/// channels, CMYK becomes RGB, 16 bits become 8, a camera's note on which side is up (EXIF) is obeyed, and of several pictures in a file the first counts.
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
    let Some(format) = format(path, &bytes) else {
        return Err(Error::file(path, format!("is not a known picture by its first bytes; expected {FORMATS}")));
    };
    let remarks = Remarks::read(format, &bytes);
    if remarks.cut_off {
        return Err(Error::file(path, "is a damaged picture (its end is missing): save or download it again"));
    }
    // This call rather than a decoder of our own type: the decoders are then compiled once, in their own crate.
    let picture = image::load_from_memory_with_format(&bytes, format).map_err(|e| Error::file(path, reason(&e)))?;
    let color = picture.color();
    // What decodes GIF gives every picture a channel for it.
    let alpha = color.has_alpha() && (format != ImageFormat::Gif || has_holes(&picture));
    let mut conversions = Vec::new();
    let mut note = |conversion, found: bool| conversions.extend(found.then_some(conversion));
    note(Conversion::Grey, !color.has_color());
    note(Conversion::Cmyk, remarks.cmyk);
    note(Conversion::Deep, color.bytes_per_pixel() > color.channel_count());
    note(Conversion::Alpha, alpha);
    note(Conversion::Turned, remarks.orientation != Orientation::NoTransforms);
    note(Conversion::First, remarks.several);
    Ok((turned(over_white(picture), remarks.orientation), conversions))
}

/// The format of a file with these first bytes. TGA alone is told by its name: it begins with nothing of its own.
fn format(path: &Path, bytes: &[u8]) -> Option<ImageFormat> {
    let tga = || path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tga")).then_some(ImageFormat::Tga);
    image::guess_format(bytes).ok().or_else(tga)
}

/// Whether any pixel lets light through.
fn has_holes(picture: &DynamicImage) -> bool {
    picture.as_rgba8().is_some_and(|pixels| pixels.pixels().any(|pixel| pixel.0[3] < u8::MAX))
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

/// [`resize`], but for the sides' ratio, which `fit` may keep.
///
/// # Errors
/// Those of [`resize`].
pub fn fitted(picture: &RgbImage, height: usize, width: usize, fit: Fit) -> Result<Vec<u8>> {
    // An empty size is refused there, too.
    if fit == Fit::Squash || height == 0 || width == 0 {
        return resize(picture, height, width);
    }
    let mut picture = Cow::Borrowed(picture);
    let sides = |picture: &RgbImage| [picture.height() as usize, picture.width() as usize];
    let [rows, columns] = sides(&picture);
    // Of a ribbon of a picture, what is not near the middle is not resized in vain.
    let most = [(columns * height).div_ceil(width), (rows * width).div_ceil(height)].map(|side| RIBBON * side);
    if fit == Fit::Crop && (rows > most[0] || columns > most[1]) {
        let part = [rows.min(most[0]), columns.min(most[1])];
        let [y, x, rows, columns] =
            [middle(rows, part[0]), middle(columns, part[1]), part[0], part[1]].map(|pixels| pixels as u32);
        picture = Cow::Owned(crop_imm(&*picture, x, y, columns, rows).to_image());
    }
    let [rows, columns] = sides(&picture);
    let rounded = |product: usize, by: usize| ((2 * product + by) / (2 * by)).max(1);
    let part = match (fit, rows * width > columns * height) {
        // As torchvision's `Resize`: one side gets its length, the other more, rounded down.
        (Fit::Crop, true) => [rows * width / columns, width],
        (Fit::Crop, false) => [height, columns * height / rows],
        (_, true) => [height, rounded(columns * height, rows)],
        (_, false) => [rounded(rows * width, columns), width],
    };
    Ok(centred(&resize(&picture, part[0], part[1])?, part, [height, width]))
}

/// The middle of a picture of size `from` in the middle of a black one of size `to`: on each axis either is all of it.
fn centred(picture: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    let mut whole = vec![0; to[0] * to[1] * 3];
    let [above, before] = [0, 1].map(|axis| middle(to[axis], from[axis]));
    let [top, left] = [0, 1].map(|axis| middle(from[axis], to[axis]));
    let bytes = 3 * from[1].min(to[1]);
    let lines = whole.chunks_exact_mut(3 * to[1]).skip(above);
    for (to, from) in lines.zip(picture.chunks_exact(3 * from[1]).skip(top)) {
        to[3 * before..][..bytes].copy_from_slice(&from[3 * left..][..bytes]);
    }
    whole
}

/// Where the middle `part` of a side begins. Of two middles it is the even one, as torchvision's `CenterCrop` and Pillow have it.
pub fn middle(side: usize, part: usize) -> usize {
    (side.saturating_sub(part) as f64 / 2.0).round_ties_even() as usize
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
