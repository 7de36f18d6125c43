//! Contact sheets: pictures in a grid with captions, under a title and above the colours' key.

use image::RgbImage;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::paint::Palette;
use crate::error::{Error, Result};
use crate::train::chart;

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// In large type.
    pub title: String,
    /// Lines below it.
    pub notes: Vec<String>,
    /// What stands above each column; may be empty.
    pub header: Vec<String>,
    /// The grid; rows may be of different length, pictures are all of one size.
    pub rows: Vec<Vec<Cell>>,
    /// The colours whose key is drawn.
    pub palette: Palette,
}

/// A picture and what stands below it.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The picture.
    pub picture: RgbImage,
    /// One line each.
    pub captions: Vec<(String, Tone)>,
}

/// The color of a caption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Black.
    Plain,
    /// Grey.
    Faint,
    /// Green: what is right.
    Good,
    /// Red: what is wrong.
    Bad,
}

impl Tone {
    fn color(self) -> RGBColor {
        match self {
            Self::Plain => RGBColor(38, 42, 51),
            Self::Faint => RGBColor(110, 116, 128),
            Self::Good => RGBColor(22, 125, 66),
            Self::Bad => RGBColor(190, 38, 38),
        }
    }
}

const MARGIN: u32 = 28;
/// Between columns, and between the last caption and the next row.
const GAP: u32 = 18;
/// Heights of lines, each 1.5 times its type's em.
const TITLE: u32 = 34;
const NOTE: u32 = 21;
const HEADER: u32 = 28;
const CAPTION: u32 = 20;
/// The key: its strip's size.
const KEY: (u32, u32) = (200, 12);
const NARROWEST: u32 = 560;

impl Sheet {
    /// Draws the sheet.
    ///
    /// # Errors
    /// A grid without pictures; the drawing library's, none of which input can cause.
    pub fn draw(&self) -> Result<RgbImage> {
        let Some((side, tall)) = self.rows.iter().flatten().map(|cell| cell.picture.dimensions()).next() else {
            return Err(Error::usage("there are no pictures to draw a sheet of"));
        };
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
        let lines = |row: &[Cell]| row.iter().map(|cell| cell.captions.len()).max().unwrap_or(0) as u32;
        let head = MARGIN + TITLE + NOTE * self.notes.len() as u32 + GAP / 2;
        let header = if self.header.is_empty() { 0 } else { HEADER };
        let grid: u32 = self.rows.iter().map(|row| tall + 6 + CAPTION * lines(row) + GAP).sum();
        let width = (2 * MARGIN + columns * (side + GAP) - GAP).max(NARROWEST);
        let mut page = Page::new(width, head + header + grid + KEY.1 + MARGIN)?;

        page.text(MARGIN, MARGIN + 20, 20.0, Tone::Plain, HPos::Left, &self.title, width - 2 * MARGIN)?;
        for (y, note) in (MARGIN + TITLE + 13..).step_by(NOTE as usize).zip(&self.notes) {
            page.text(MARGIN, y, 13.0, Tone::Faint, HPos::Left, note, width - 2 * MARGIN)?;
        }
        let left = |column: usize| MARGIN + column as u32 * (side + GAP);
        for (column, text) in self.header.iter().enumerate() {
            page.text(left(column) + side / 2, head + 18, 15.0, Tone::Plain, HPos::Center, text, side)?;
        }
        let mut top = head + header;
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                page.paste(&cell.picture, left(column), top);
                for (y, (text, tone)) in (top + tall + 18..).step_by(CAPTION as usize).zip(&cell.captions) {
                    page.text(left(column), y, 13.0, *tone, HPos::Left, text, side)?;
                }
            }
            top += tall + 6 + CAPTION * lines(row) + GAP;
        }
        self.key(&mut page, top)?;
        Ok(page.picture)
    }

    /// The colours in a strip, with what its ends mean.
    fn key(&self, page: &mut Page, top: u32) -> Result<()> {
        let (first, last, from) = match self.palette {
            Palette::Heat => ("0", "1: the largest value of each map", 0.0),
            Palette::Signed => ("-1: against the class", "1: for it, of the largest magnitude in each map", -1.0),
        };
        let baseline = top + KEY.1 - 1;
        let start = MARGIN + page.width(first, 13.0)?.ceil() as u32 + 8;
        page.text(MARGIN, baseline, 13.0, Tone::Faint, HPos::Left, first, start)?;
        let color = |x: u32| from + (1.0 - from) * x as f32 / (KEY.0 - 1) as f32;
        let strip = RgbImage::from_fn(KEY.0, KEY.1, |x, _| image::Rgb(self.palette.color(color(x))));
        page.paste(&strip, start, top);
        let end = start + KEY.0 + 8;
        page.text(end, baseline, 13.0, Tone::Faint, HPos::Left, last, page.picture.width() - end - MARGIN / 2)
    }
}

/// White paper that takes pictures and lines of text.
struct Page {
    picture: RgbImage,
    font: &'static str,
}

/// Plotters' font size for one unit of em: DejaVu's ascent and descent make 1.164 em.
const SIZE: f64 = 1.164;

impl Page {
    fn new(width: u32, height: u32) -> Result<Self> {
        Ok(Self { picture: RgbImage::from_pixel(width, height, image::Rgb([255; 3])), font: chart::font()? })
    }

    fn paste(&mut self, picture: &RgbImage, left: u32, top: u32) {
        for (x, y, pixel) in picture.enumerate_pixels() {
            self.picture.put_pixel(left + x, top + y, *pixel);
        }
    }

    /// `text`, or as much of its beginning as `room` holds, with its baseline at `y`.
    #[expect(clippy::too_many_arguments, reason = "where, how and what of one line of text")]
    fn text(&mut self, x: u32, y: u32, em: f64, tone: Tone, anchor: HPos, text: &str, room: u32) -> Result<()> {
        // Only what the font has; a sign that it lacks would be drawn as a box.
        let known: Vec<char> =
            text.chars().map(|c| if (' '..='~').contains(&c) || "·×−…".contains(c) { c } else { '?' }).collect();
        let mut shown: String = known.iter().collect();
        let mut kept = known.len();
        while kept > 0 && self.width(&shown, em)? > f64::from(room) {
            kept -= 1;
            shown = known[..kept].iter().collect::<String>() + "...";
        }
        let (font, size, color) = (self.font, em * SIZE, tone.color());
        let (width, height) = self.picture.dimensions();
        let area = BitMapBackend::with_buffer(&mut self.picture, (width, height)).into_drawing_area();
        let style = (font, size).into_text_style(&area).color(&color).pos(Pos::new(anchor, VPos::Top));
        // The bitmap backend sets the baseline half a size below the top.
        let at = (x as i32, (f64::from(y) - 0.5 * size).round() as i32);
        let drawn = area.draw(&Text::new(shown, at, style)).and_then(|()| area.present());
        drawn.map_err(|e| Error::usage(format!("the sheet cannot be drawn: {e}")))
    }

    fn width(&mut self, text: &str, em: f64) -> Result<f64> {
        let (width, height) = self.picture.dimensions();
        let font = self.font;
        let area = BitMapBackend::with_buffer(&mut self.picture, (width, height)).into_drawing_area();
        let style = (font, em * SIZE).into_text_style(&area);
        let size = area.estimate_text_size(text, &style);
        size.map(|(width, _)| f64::from(width)).map_err(|e| Error::usage(format!("the sheet cannot be drawn: {e}")))
    }
}
