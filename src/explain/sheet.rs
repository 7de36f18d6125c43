//! Contact sheets: pictures in a grid with captions, under a title and above the colours' key.

use image::RgbImage;
use image::imageops::{FilterType, replace, resize};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::paint::Palette;
use crate::draw::pen::{self, Drawn, FAINT, INK, Pen};
use crate::error::{Error, Result};

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
    /// The colours whose key is drawn, if there are any.
    pub palette: Option<Palette>,
}

/// A picture and what stands above and below it.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The picture.
    pub picture: RgbImage,
    /// One line above it, if there is any.
    pub above: Option<String>,
    /// One line each.
    pub captions: Vec<(String, Tone)>,
}

/// The color of a caption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nearly black.
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
            Self::Plain => INK,
            Self::Faint => FAINT,
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
/// The most pixels of a sheet: about a gigabyte of memory.
const MOST: u64 = 1 << 26;

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
        let above = |row: &[Cell]| if row.iter().any(|cell| cell.above.is_some()) { CAPTION } else { 0 };
        let heights: Vec<u32> =
            self.rows.iter().map(|row| above(row) + tall + 6 + CAPTION * lines(row) + GAP).collect();
        let grid: u32 = heights.iter().sum();
        let below = |top: &mut u32, height: &u32| Some(std::mem::replace(top, *top + height));
        let tops: Vec<u32> = heights.iter().scan(head + header, below).collect();
        let left = |column: usize| MARGIN + column as u32 * (side + GAP);
        let width = (2 * MARGIN + columns * (side + GAP) - GAP).max(NARROWEST);
        let bottom = head + header + grid;
        // Whole points.
        let strip = if self.palette.is_some() { KEY.1 } else { 0 };
        let (width, height) = (width.next_multiple_of(2), (bottom + strip + MARGIN).next_multiple_of(2));
        if u64::from(width) * u64::from(height) > MOST {
            let what = format!("the contact sheet would have {width}x{height} pixels");
            return Err(Error::usage(format!("{what} (all else is written): name fewer pictures or epochs")));
        }
        let key = self.palette.map(key);
        let mut page = pen::bitmap((points(width), points(height)), |pen| {
            let line = |x, y, em, tone, text: &str, room| write(pen, (x, y), em, tone, text, room);
            line(MARGIN, MARGIN + 20, 20.0, Tone::Plain, &self.title, width - 2 * MARGIN)?;
            for (y, note) in (MARGIN + TITLE + 13..).step_by(NOTE as usize).zip(&self.notes) {
                line(MARGIN, y, 13.0, Tone::Faint, note, width - 2 * MARGIN)?;
            }
            for (column, text) in self.header.iter().enumerate() {
                line(left(column), head + 18, 15.0, Tone::Plain, text, side)?;
            }
            for (row, &top) in self.rows.iter().zip(&tops) {
                let tall = above(row) + tall;
                for (column, cell) in row.iter().enumerate() {
                    if let Some(text) = &cell.above {
                        line(left(column), top + CAPTION - 6, 13.0, Tone::Plain, text, side)?;
                    }
                    for (y, (text, tone)) in (top + tall + 18..).step_by(CAPTION as usize).zip(&cell.captions) {
                        line(left(column), y, 13.0, *tone, text, side)?;
                    }
                }
            }
            let Some(Key { first, last, room, .. }) = key else { return Ok(()) };
            line(MARGIN, bottom + KEY.1 - 1, 13.0, Tone::Faint, first, room)?;
            let end = MARGIN + room + KEY.0 + 8;
            line(end, bottom + KEY.1 - 1, 13.0, Tone::Faint, last, width - end - MARGIN / 2)
        })?;
        for (row, &top) in self.rows.iter().zip(&tops) {
            for (column, cell) in row.iter().enumerate() {
                replace(&mut page, &cell.picture, i64::from(left(column)), i64::from(top + above(row)));
            }
        }
        if let (Some(Key { from, room, .. }), Some(palette)) = (key, self.palette) {
            let color = |x: u32| from + (1.0 - from) * x as f32 / (KEY.0 - 1) as f32;
            let strip = RgbImage::from_fn(KEY.0, KEY.1, |x, _| image::Rgb(palette.color(color(x))));
            replace(&mut page, &strip, i64::from(MARGIN + room), i64::from(bottom));
        }
        Ok(page)
    }
}

/// `picture` enlarged by a whole number, so that no side is shorter than `least` pixels.
pub fn enlarged(picture: &RgbImage, least: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let times = least.div_ceil(width.min(height));
    resize(picture, width * times, height * times, FilterType::Nearest)
}

/// What the two ends of the colours mean, the value of the first, and the room that its text takes.
#[derive(Clone, Copy)]
struct Key {
    first: &'static str,
    last: &'static str,
    from: f32,
    room: u32,
}

fn key(palette: Palette) -> Key {
    match palette {
        Palette::Heat => Key { first: "0", last: "1: the largest value of each map", from: 0.0, room: 17 },
        Palette::Signed => {
            let last = "1: for it, of the largest magnitude in each map";
            Key { first: "-1: against the class", last, from: -1.0, room: 144 }
        }
    }
}

/// Pixels as points, of which one has two.
fn points(pixels: u32) -> f64 {
    f64::from(pixels) / 2.0
}

/// `text`, or as much of its beginning as `room` holds, with its baseline's start at `(x, y)`; all in pixels.
fn write<B: DrawingBackend>(pen: &Pen<B>, (x, y): (u32, u32), em: f64, tone: Tone, text: &str, room: u32) -> Drawn<B> {
    let text = pen.fit(text, em / 2.0, points(room));
    pen.text((points(x), points(y)), em / 2.0, tone.color(), HPos::Left, &text)
}
