//! Drawing in points on either of plotters' backends: lines, discs, rectangles and texts.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, RgbImage};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::FontTransform;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::face;
use crate::error::{Error, Result};

/// Units per point: SVG coordinates are whole numbers, and a bitmap is averaged down from this for smooth edges.
const FINE: f64 = 4.0;
/// Units that one pixel of the bitmap is averaged from, in each direction: two pixels a point.
const SHRINK: u32 = 2;

/// The faces as SVG names them, which keeps its texts: where the reader has none of these, any other without serifs.
const FONT: &str =
    "DejaVu Sans, Verdana, Droid Sans Fallback, Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif";
/// plotters' size of SVG's type for one unit of em, and where the baseline lies below a text's top in em.
const WRITTEN: (f64, f64) = (1.24, 0.76);
pub const INK: RGBColor = RGBColor(38, 42, 51);
pub const FAINT: RGBColor = RGBColor(110, 116, 128);
pub const GRID: RGBColor = RGBColor(229, 231, 236);
pub const AXIS: RGBColor = RGBColor(150, 156, 168);

/// What the drawing functions return.
pub type Drawn<B> = std::result::Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// SVG text of `width` × `height` points with what `draw` draws.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn svg<F>((width, height): (f64, f64), draw: F) -> Result<String>
where
    F: for<'a> FnOnce(&Pen<SVGBackend<'a>>) -> Drawn<SVGBackend<'a>>,
{
    let (wide, high) = ((width * FINE) as u32, (height * FINE) as u32);
    let mut text = String::new();
    let root = SVGBackend::with_string(&mut text, (wide, high)).into_drawing_area();
    paint(&root, true, draw)?;
    drop(root);
    // Fine coordinates inside, the natural size outside.
    let fine = format!("width=\"{wide}\" height=\"{high}\"");
    let natural = format!("width=\"{}\" height=\"{}\"", f64::from(wide) / FINE, f64::from(high) / FINE);
    Ok(text.replacen(&fine, &natural, 1))
}

/// A picture of `width` × `height` points with what `draw` draws.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn bitmap<F>((width, height): (f64, f64), draw: F) -> Result<RgbImage>
where
    F: for<'a> FnOnce(&Pen<BitMapBackend<'a>>) -> Drawn<BitMapBackend<'a>>,
{
    let (width, height) = ((width * FINE) as u32, (height * FINE) as u32);
    let mut pixels = vec![0; width as usize * height as usize * 3];
    let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    paint(&root, false, draw)?;
    drop(root);
    Ok(shrunk(&pixels, width as usize, height as usize))
}

/// `pixels`, `width` by `height` of three bytes, with each square of `SHRINK` by `SHRINK` made one by its mean.
fn shrunk(pixels: &[u8], width: usize, height: usize) -> RgbImage {
    let shrink = SHRINK as usize;
    let size = (width / shrink, height / shrink);
    let mut means = Vec::with_capacity(size.0 * size.1 * 3);
    for y in 0..size.1 {
        for x in 0..size.0 {
            for channel in 0..3 {
                let mut sum = 0;
                for row in shrink * y..shrink * (y + 1) {
                    for column in shrink * x..shrink * (x + 1) {
                        sum += u32::from(pixels[3 * (width * row + column) + channel]);
                    }
                }
                means.push(((sum + SHRINK * SHRINK / 2) / (SHRINK * SHRINK)) as u8);
            }
        }
    }
    RgbImage::from_raw(size.0 as u32, size.1 as u32, means).expect("as many as the size says")
}

/// `picture` as the bytes of a PNG file.
///
/// # Errors
/// The encoder's, none of which a picture can cause.
pub fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let (width, height) = picture.dimensions();
    PngEncoder::new(&mut bytes)
        .write_image(picture, width, height, ExtendedColorType::Rgb8)
        .map_err(|e| Error::usage(format!("a picture of {width}x{height} cannot be encoded: {e}")))?;
    Ok(bytes)
}

/// The colour at `share`, 0 to 1, of the way from the first of `stops` (two or more) to the last.
pub fn ramp(stops: &[[u8; 3]], share: f64) -> [u8; 3] {
    let at = share.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
    let left = (at as usize).min(stops.len() - 2);
    let mix = |c: usize| {
        let (from, to) = (f64::from(stops[left][c]), f64::from(stops[left + 1][c]));
        (from + (at - left as f64) * (to - from)).round() as u8
    };
    [mix(0), mix(1), mix(2)]
}

fn paint<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    written: bool,
    draw: impl FnOnce(&Pen<B>) -> Drawn<B>,
) -> Result<()> {
    let all = || {
        area.fill(&WHITE)?;
        draw(&Pen { area, written, left: 0.0, top: 0.0 })?;
        area.present()
    };
    all().map_err(|e: DrawingAreaErrorKind<B::ErrorType>| Error::usage(format!("pictures cannot be drawn: {e}")))
}

/// Draws in points from a corner of its own.
pub struct Pen<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    /// Whether texts stay texts, as in SVG, rather than becoming outlines.
    written: bool,
    left: f64,
    top: f64,
}

impl<B: DrawingBackend> Clone for Pen<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<B: DrawingBackend> Copy for Pen<'_, B> {}

impl<B: DrawingBackend> Pen<'_, B> {
    /// A pen whose corner is at `(left, top)` of this one's.
    pub fn moved(&self, left: f64, top: f64) -> Self {
        Pen { left: self.left + left, top: self.top + top, ..*self }
    }

    fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (((self.left + x) * FINE).round() as i32, ((self.top + y) * FINE).round() as i32)
    }

    /// Joins `points`; fewer than two leave nothing.
    pub fn line(&self, points: &[(f64, f64)], width: f64, color: RGBColor) -> Drawn<B> {
        if points.len() < 2 {
            return Ok(());
        }
        let points: Vec<_> = points.iter().map(|&point| self.at(point)).collect();
        self.area.draw(&PathElement::new(points, color.stroke_width((width * FINE) as u32)))
    }

    /// A filled circle.
    pub fn disc(&self, center: (f64, f64), radius: f64, color: RGBColor) -> Drawn<B> {
        self.area.draw(&Circle::new(self.at(center), (radius * FINE) as i32, color.filled()))
    }

    /// `text` whose baseline is at `y`, starting, centred or ending at `x`.
    pub fn text(&self, at: (f64, f64), em: f64, color: RGBColor, anchor: HPos, text: &str) -> Drawn<B> {
        self.set(at, em, color, anchor, FontTransform::None, text)
    }

    /// `text` from below upwards, whose baseline is at `x` and whose end, at the top, is at `y`.
    pub fn text_up(&self, at: (f64, f64), em: f64, color: RGBColor, text: &str) -> Drawn<B> {
        self.set(at, em, color, HPos::Right, FontTransform::Rotate270, text)
    }

    fn set(
        &self,
        (x, y): (f64, f64),
        em: f64,
        color: RGBColor,
        anchor: HPos,
        transform: FontTransform,
        text: &str,
    ) -> Drawn<B> {
        // `along` the text, its baseline `below` what plotters takes for its top.
        let at = |along: f64, below: f64| match transform {
            FontTransform::Rotate270 => self.at((x - below, y - along)),
            _ => self.at((x + along, y - below)),
        };
        let style = |family: &'static str, size: f64, anchor| {
            let font = (family, size * FINE).into_font().transform(transform.clone());
            font.into_text_style(self.area).color(&color).pos(Pos::new(anchor, VPos::Top))
        };
        if self.written {
            let (size, baseline) = WRITTEN;
            let text = Text::new(face::plain(text), at(0.0, baseline * em), style(FONT, size * em, anchor));
            return self.area.draw(&text);
        }
        let mut along = match anchor {
            HPos::Left => 0.0,
            HPos::Center => -self.width(text, em) / 2.0,
            HPos::Right => -self.width(text, em),
        };
        for (face, run) in face::runs(text) {
            // plotters puts the baseline of outlines in the middle of their height.
            let (size, width) = (em * face.height, em * face.width(&run));
            self.area.draw(&Text::new(run, at(along, size / 2.0), style(&face.family, size, HPos::Left)))?;
            along += width;
        }
        Ok(())
    }

    /// A filled rectangle.
    pub fn rectangle(&self, from: (f64, f64), to: (f64, f64), color: RGBColor) -> Drawn<B> {
        self.area.draw(&Rectangle::new([self.at(from), self.at(to)], color.filled()))
    }

    /// How wide `text` is.
    pub fn width(&self, text: &str, em: f64) -> f64 {
        em * face::width(text)
    }

    /// `text`, or as much of its beginning as `width` holds, with dots.
    pub fn fit(&self, text: &str, em: f64, width: f64) -> String {
        let letters: Vec<char> = face::plain(text).chars().collect();
        let mut text: String = letters.iter().collect();
        let mut kept = letters.len();
        while kept > 0 && self.width(&text, em) > width {
            kept -= 1;
            text = letters[..kept].iter().collect::<String>() + "…";
        }
        text
    }
}
