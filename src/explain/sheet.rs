//! Contact sheets: pictures in a grid with captions, under a title and above the colours' key.

use image::RgbImage;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::paint::Palette;
use crate::draw::pen;
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
    fn color(self) -> [u8; 3] {
        match self {
            Self::Plain => [38, 42, 51],
            Self::Faint => [110, 116, 128],
            Self::Good => [22, 125, 66],
            Self::Bad => [190, 38, 38],
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
const MOST: u64 = 1 << 28;

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
        let height = head + header + grid + KEY.1 + MARGIN;
        if u64::from(width) * u64::from(height) > MOST {
            let what = format!("the contact sheet would have {width}x{height} pixels");
            return Err(Error::usage(format!("{what} (all else is written): name fewer pictures or epochs")));
        }
        let mut page = Page::new(width, height)?;

        page.text((MARGIN, MARGIN + 20), 20.0, Tone::Plain, &self.title, width - 2 * MARGIN)?;
        for (y, note) in (MARGIN + TITLE + 13..).step_by(NOTE as usize).zip(&self.notes) {
            page.text((MARGIN, y), 13.0, Tone::Faint, note, width - 2 * MARGIN)?;
        }
        let left = |column: usize| MARGIN + column as u32 * (side + GAP);
        for (column, text) in self.header.iter().enumerate() {
            page.text((left(column), head + 18), 15.0, Tone::Plain, text, side)?;
        }
        let mut top = head + header;
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                page.paste(&cell.picture, left(column), top);
                for (y, (text, tone)) in (top + tall + 18..).step_by(CAPTION as usize).zip(&cell.captions) {
                    page.text((left(column), y), 13.0, *tone, text, side)?;
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
        page.text((MARGIN, baseline), 13.0, Tone::Faint, first, start)?;
        let color = |x: u32| from + (1.0 - from) * x as f32 / (KEY.0 - 1) as f32;
        let strip = RgbImage::from_fn(KEY.0, KEY.1, |x, _| image::Rgb(self.palette.color(color(x))));
        page.paste(&strip, start, top);
        let end = start + KEY.0 + 8;
        page.text((end, baseline), 13.0, Tone::Faint, last, page.picture.width() - end - MARGIN / 2)
    }
}

/// White paper that takes pictures and lines of text.
struct Page {
    picture: RgbImage,
    font: &'static str,
}

/// Plotters' font size for one unit of em: DejaVu's ascent and descent make 1.164 em.
const SIZE: f64 = 1.164;
/// Type is set this many times as large and averaged down: the backend puts letters on whole pixels.
const FINE: u32 = 4;

impl Page {
    fn new(width: u32, height: u32) -> Result<Self> {
        Ok(Self { picture: RgbImage::from_pixel(width, height, image::Rgb([255; 3])), font: pen::font()? })
    }

    fn paste(&mut self, picture: &RgbImage, left: u32, top: u32) {
        for (x, y, pixel) in picture.enumerate_pixels() {
            self.picture.put_pixel(left + x, top + y, *pixel);
        }
    }

    /// `text`, or as much of its beginning as `room` holds, from `x`, with its baseline at `y`, both inside the page.
    fn text(&mut self, (x, y): (u32, u32), em: f64, tone: Tone, text: &str, room: u32) -> Result<()> {
        // Only what the font has; a sign that it lacks would be drawn as a box.
        let known: Vec<char> =
            text.chars().map(|c| if (' '..='~').contains(&c) || "·×−…".contains(c) { c } else { '?' }).collect();
        let mut shown: String = known.iter().collect();
        let mut kept = known.len();
        while kept > 0 && self.width(&shown, em)? > f64::from(room) {
            kept -= 1;
            shown = known[..kept].iter().collect::<String>() + "…";
        }
        let size = em * SIZE * f64::from(FINE);
        // From an em above the baseline to half an em below it.
        let (above, below) = (em.ceil() as u32, (em / 2.0).ceil() as u32);
        let (width, height) = (self.width(&shown, em)?.ceil() as u32 + 2, above + below);
        let mut fine = vec![255; (width * FINE * height * FINE * 3) as usize];
        let area = BitMapBackend::with_buffer(&mut fine, (width * FINE, height * FINE)).into_drawing_area();
        let style = (self.font, size).into_text_style(&area).color(&BLACK).pos(Pos::new(HPos::Left, VPos::Top));
        // The bitmap backend sets the baseline half a size below the top.
        let top = (f64::from(above * FINE) - 0.5 * size).round() as i32;
        let drawn = area.draw(&Text::new(shown, (0, top), style)).and_then(|()| area.present());
        drawn.map_err(|e| Error::usage(format!("the sheet cannot be drawn: {e}")))?;
        drop(area);
        let color = tone.color();
        for (column, row) in (0..width * height).map(|i| (i % width, i / width)) {
            let (to_x, to_y) = (x + column, (y + row).saturating_sub(above));
            if to_x >= self.picture.width() || to_y >= self.picture.height() {
                continue;
            }
            let start = |line: u32| (((row * FINE + line) * width + column) * FINE * 3) as usize;
            let block = (0..FINE).flat_map(|line| &fine[start(line)..][..FINE as usize * 3]);
            let paper: u32 = block.map(|&value| u32::from(value)).sum::<u32>() / (FINE * FINE * 3);
            let mix = |under: u8, ink: u8| ((u32::from(under) * paper + u32::from(ink) * (255 - paper)) / 255) as u8;
            let pixel = self.picture.get_pixel_mut(to_x, to_y);
            pixel.0 = std::array::from_fn(|channel| mix(pixel.0[channel], color[channel]));
        }
        Ok(())
    }

    fn width(&self, text: &str, em: f64) -> Result<f64> {
        // Measured large, because the backend rounds to whole pixels.
        let style = (self.font, em * SIZE * f64::from(FINE)).into_font();
        let size = style.box_size(text).map_err(|e| Error::usage(format!("the sheet cannot be drawn: {e}")))?;
        Ok(f64::from(size.0) / f64::from(FINE))
    }
}
