//! Drawing in points on either of plotters' backends: lines, discs, rectangles and texts, in the font that the program carries.

use std::sync::OnceLock;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, RgbImage};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, FontTransform, register_font};

use crate::error::{Error, Result};

/// Units per point: SVG coordinates are whole numbers, and a bitmap is averaged down from this for smooth edges.
const FINE: f64 = 4.0;
/// Units that one pixel of the bitmap is averaged from, in each direction: two pixels a point.
const SHRINK: u32 = 2;

/// The font as SVG names it: where the reader has none of these, any other without serifs.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";
const FONT_FILE: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-latin.ttf");
pub const INK: RGBColor = RGBColor(38, 42, 51);
pub const FAINT: RGBColor = RGBColor(110, 116, 128);
pub const GRID: RGBColor = RGBColor(229, 231, 236);
pub const AXIS: RGBColor = RGBColor(150, 156, 168);

/// How a backend sets type: plotters' font size for one unit of em, and where the baseline lies below a text's top in
/// parts of that size. The SVG and bitmap backends differ in both.
#[derive(Clone, Copy)]
pub struct Type {
    size: f64,
    baseline: f64,
}
const SVG_TYPE: Type = Type { size: 1.24, baseline: 0.76 / 1.24 };
/// DejaVu's ascent and descent make 1.164 em.
const BITMAP_TYPE: Type = Type { size: 1.164, baseline: 0.5 };

/// Makes the font known to plotters, once.
fn font() -> Result<()> {
    static READY: OnceLock<bool> = OnceLock::new();
    match READY.get_or_init(|| register_font(FONT, FontStyle::Normal, FONT_FILE).is_ok()) {
        true => Ok(()),
        false => Err(Error::usage("pictures cannot be drawn: the program was built with a damaged font")),
    }
}

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
    paint(&root, SVG_TYPE, draw)?;
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
    paint(&root, BITMAP_TYPE, draw)?;
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
    kind: Type,
    draw: impl FnOnce(&Pen<B>) -> Drawn<B>,
) -> Result<()> {
    font()?;
    let all = || {
        area.fill(&WHITE)?;
        draw(&Pen { area, kind, left: 0.0, top: 0.0 })?;
        area.present()
    };
    all().map_err(|e: DrawingAreaErrorKind<B::ErrorType>| Error::usage(format!("pictures cannot be drawn: {e}")))
}

/// Draws in points from a corner of its own.
pub struct Pen<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    kind: Type,
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
    pub fn text(&self, (x, y): (f64, f64), em: f64, color: RGBColor, anchor: HPos, text: &str) -> Drawn<B> {
        let size = em * self.kind.size;
        let style = (FONT, size * FINE).into_text_style(self.area).color(&color).pos(Pos::new(anchor, VPos::Top));
        self.area.draw(&Text::new(text.to_string(), self.at((x, y - self.kind.baseline * size)), style))
    }

    /// `text` from below upwards, whose baseline is at `x` and whose end, at the top, is at `y`.
    pub fn text_up(&self, (x, y): (f64, f64), em: f64, color: RGBColor, text: &str) -> Drawn<B> {
        let size = em * self.kind.size;
        let font = (FONT, size * FINE).into_font().transform(FontTransform::Rotate270);
        let style = font.into_text_style(self.area).color(&color).pos(Pos::new(HPos::Right, VPos::Top));
        self.area.draw(&Text::new(text.to_string(), self.at((x - self.kind.baseline * size, y)), style))
    }

    /// A filled rectangle.
    pub fn rectangle(&self, from: (f64, f64), to: (f64, f64), color: RGBColor) -> Drawn<B> {
        self.area.draw(&Rectangle::new([self.at(from), self.at(to)], color.filled()))
    }

    /// How wide `text` is.
    pub fn width(&self, text: &str, em: f64) -> f64 {
        let style = (FONT, em * BITMAP_TYPE.size * FINE).into_text_style(self.area);
        self.area.estimate_text_size(text, &style).map_or(0.0, |(width, _)| f64::from(width) / FINE)
    }

    /// `text`, or as much of its beginning as `width` holds, with dots.
    pub fn fit(&self, text: &str, em: f64, width: f64) -> String {
        // Only what the font has; a sign that it lacks would be drawn as a box.
        let known: Vec<char> = text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
        let mut text: String = known.iter().collect();
        let mut kept = known.len();
        while kept > 0 && self.width(&text, em) > width {
            kept -= 1;
            text = known[..kept].iter().collect::<String>() + "...";
        }
        text
    }
}
