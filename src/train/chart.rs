//! Line charts side by side, drawn with plotters' lines and texts on either of its backends.

use std::sync::OnceLock;

use image::RgbImage;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};

use super::axis::Axis;
use crate::error::{Error, Result};

/// One curve.
#[derive(Clone, Debug)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Its last value, for the legend.
    pub value: String,
    /// Red, green, blue.
    pub color: [u8; 3],
    /// Ascending in x; a y that is not finite interrupts the line.
    pub points: Vec<(f64, f64)>,
}

/// One chart.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What the y axis shows.
    pub heading: String,
    /// A remark at the heading's right.
    pub note: String,
    /// The y axis.
    pub axis: Axis,
    /// The curves.
    pub series: Vec<Series>,
}

/// Size of one panel and of the title's strip, in points; what is drawn is [`FINE`] times as large.
const PANEL: (f64, f64) = (450.0, 340.0);
const TITLE: f64 = 48.0;
/// Units per point: SVG coordinates are whole numbers, and a bitmap is averaged down from this for smooth edges.
const FINE: f64 = 4.0;
/// Pixels per point in the bitmap.
const PIXELS: u32 = 2;
/// Curves with more points than this are drawn without dots.
const DOTS: usize = 40;

/// The font as SVG names it: where the reader has none of these, any other without serifs.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";
const FONT_FILE: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-latin.ttf");
const INK: RGBColor = RGBColor(38, 42, 51);
const FAINT: RGBColor = RGBColor(110, 116, 128);
const GRID: RGBColor = RGBColor(229, 231, 236);
const AXIS: RGBColor = RGBColor(150, 156, 168);

/// How a backend sets type: plotters' font size for one unit of em, and where the baseline lies below a text's top in
/// parts of that size. The SVG and bitmap backends differ in both.
#[derive(Clone, Copy)]
struct Type {
    size: f64,
    baseline: f64,
}
const SVG_TYPE: Type = Type { size: 1.24, baseline: 0.76 / 1.24 };
/// DejaVu's ascent and descent make 1.164 em.
const BITMAP_TYPE: Type = Type { size: 1.164, baseline: 0.5 };

/// The panels as SVG text.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn svg(title: &str, x: &Axis, panels: &[Panel]) -> Result<String> {
    let (width, height) = extent(panels.len());
    let mut text = String::new();
    let root = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
    paint(&root, SVG_TYPE, title, x, panels)?;
    drop(root);
    // Fine coordinates inside, the natural size outside.
    let fine = format!("width=\"{width}\" height=\"{height}\"");
    let natural = format!("width=\"{}\" height=\"{}\"", f64::from(width) / FINE, f64::from(height) / FINE);
    Ok(text.replacen(&fine, &natural, 1))
}

/// The panels as a picture.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn bitmap(title: &str, x: &Axis, panels: &[Panel]) -> Result<RgbImage> {
    let (width, height) = extent(panels.len());
    let mut pixels = vec![0; (width * height * 3) as usize];
    let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    paint(&root, BITMAP_TYPE, title, x, panels)?;
    drop(root);
    let shrink = FINE as u32 / PIXELS;
    let average = |x: u32, y: u32, channel: u32| {
        let block = (0..shrink * shrink).map(|i| (y * shrink + i / shrink) * width + x * shrink + i % shrink);
        let sum: u32 = block.map(|pixel| u32::from(pixels[(pixel * 3 + channel) as usize])).sum();
        ((sum + shrink * shrink / 2) / (shrink * shrink)) as u8
    };
    let pixel = |x, y| image::Rgb([0, 1, 2].map(|channel| average(x, y, channel)));
    Ok(RgbImage::from_fn(width / shrink, height / shrink, pixel))
}

/// The name of the font that is built in, ready for either backend.
///
/// # Errors
/// None, unless the program was built from a damaged file.
pub(crate) fn font() -> Result<&'static str> {
    static READY: OnceLock<bool> = OnceLock::new();
    if *READY.get_or_init(|| register_font(FONT, FontStyle::Normal, FONT_FILE).is_ok()) {
        return Ok(FONT);
    }
    Err(Error::usage("texts cannot be drawn: the program was built with a damaged font"))
}

fn extent(panels: usize) -> (u32, u32) {
    ((PANEL.0 * panels as f64 * FINE) as u32, ((TITLE + PANEL.1) * FINE) as u32)
}

fn paint<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    kind: Type,
    title: &str,
    x: &Axis,
    panels: &[Panel],
) -> Result<()> {
    font()?;
    let draw = || {
        area.fill(&WHITE)?;
        let pen = Pen { area, kind, left: 0.0, top: 0.0 };
        pen.text((20.0, 32.0), 17.0, INK, HPos::Left, &pen.fit(title, 17.0, PANEL.0 * panels.len() as f64 - 40.0))?;
        for (index, one) in panels.iter().enumerate() {
            panel(&Pen { left: PANEL.0 * index as f64, top: TITLE, ..pen }, x, one)?;
        }
        area.present()
    };
    draw().map_err(|e: DrawingAreaErrorKind<B::ErrorType>| Error::usage(format!("curves cannot be drawn: {e}")))
}

/// What the drawing functions return.
type Drawn<B> = std::result::Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

fn panel<B: DrawingBackend>(pen: &Pen<B>, x: &Axis, panel: &Panel) -> Drawn<B> {
    let (left, right, top, bottom) = (58.0, PANEL.0 - 22.0, 52.0, PANEL.1 - 52.0);
    pen.text((20.0, 14.0), 13.5, INK, HPos::Left, &panel.heading)?;
    pen.text((right, 14.0), 11.0, FAINT, HPos::Right, &panel.note)?;
    let place = |value: (f64, f64)| {
        (left + x.position(value.0) * (right - left), bottom - panel.axis.position(value.1) * (bottom - top))
    };
    for (value, label) in &panel.axis.ticks {
        let y = bottom - panel.axis.position(*value) * (bottom - top);
        pen.line(&[(left, y), (right, y)], 1.0, GRID)?;
        pen.text((left - 8.0, y + 4.0), 11.0, FAINT, HPos::Right, label)?;
    }
    for (value, label) in &x.ticks {
        let at = left + x.position(*value) * (right - left);
        pen.line(&[(at, bottom), (at, bottom + 4.0)], 1.0, AXIS)?;
        pen.text((at, bottom + 17.0), 11.0, FAINT, HPos::Center, label)?;
    }
    pen.line(&[(left, bottom), (right, bottom)], 1.0, AXIS)?;
    pen.text(((left + right) / 2.0, bottom + 36.0), 11.5, FAINT, HPos::Center, "epoch")?;
    let mut legend = 20.0;
    for series in panel.series.iter().filter(|series| !series.points.is_empty()) {
        // Long curves are finer, so that their noise stays legible.
        let width = if series.points.len() <= 3 * DOTS { 2.0 } else { 1.4 };
        let color = RGBColor(series.color[0], series.color[1], series.color[2]);
        for run in series.points.split(|point| !point.1.is_finite()) {
            let run: Vec<_> = run.iter().copied().map(place).collect();
            pen.line(&run, width, color)?;
            let radius = if series.points.len() <= DOTS { 3.0 } else { 1.0 };
            // A point between two gaps has no line to show it.
            for &at in run.iter().filter(|_| series.points.len() <= DOTS || run.len() == 1) {
                pen.disc(at, radius, color)?;
            }
        }
        pen.line(&[(legend, 32.0), (legend + 16.0, 32.0)], 2.5, color)?;
        legend += 22.0;
        let text = format!("{} {}", series.name, series.value);
        pen.text((legend, 36.0), 11.5, INK, HPos::Left, &text)?;
        legend += pen.width(&text, 11.5) + 20.0;
    }
    if panel.series.iter().all(|series| series.points.is_empty()) {
        pen.text(((left + right) / 2.0, (top + bottom) / 2.0), 12.0, FAINT, HPos::Center, "no epoch yet")?;
    }
    Ok(())
}

/// Draws in points from a corner of its own.
struct Pen<'a, B: DrawingBackend> {
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
    fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (((self.left + x) * FINE).round() as i32, ((self.top + y) * FINE).round() as i32)
    }

    fn line(&self, points: &[(f64, f64)], width: f64, color: RGBColor) -> Drawn<B> {
        if points.len() < 2 {
            return Ok(());
        }
        let points: Vec<_> = points.iter().map(|&point| self.at(point)).collect();
        self.area.draw(&PathElement::new(points, color.stroke_width((width * FINE) as u32)))
    }

    fn disc(&self, center: (f64, f64), radius: f64, color: RGBColor) -> Drawn<B> {
        self.area.draw(&Circle::new(self.at(center), (radius * FINE) as i32, color.filled()))
    }

    /// `text` whose baseline is at `y`, starting, centred or ending at `x`.
    fn text(&self, (x, y): (f64, f64), em: f64, color: RGBColor, anchor: HPos, text: &str) -> Drawn<B> {
        let size = em * self.kind.size;
        let style = (FONT, size * FINE).into_text_style(self.area).color(&color).pos(Pos::new(anchor, VPos::Top));
        self.area.draw(&Text::new(text.to_string(), self.at((x, y - self.kind.baseline * size)), style))
    }

    /// How wide `text` is.
    fn width(&self, text: &str, em: f64) -> f64 {
        let style = (FONT, em * BITMAP_TYPE.size * FINE).into_text_style(self.area);
        self.area.estimate_text_size(text, &style).map_or(0.0, |(width, _)| f64::from(width) / FINE)
    }

    /// `text`, or as much of its beginning as `width` holds, with dots.
    fn fit(&self, text: &str, em: f64, width: f64) -> String {
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
