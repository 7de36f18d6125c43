//! The confusion matrix as a picture: a row for each true class, a column for each predicted one.
//!
//! A cell's colour is its share of the row's images, on a scale by the square root, so that single mistakes in a class of
//! hundreds can still be seen. Counts and percentages stand in the cells that have room for them; where names would
//! overlap, every n-th is shown.

use image::RgbImage;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::confusion::Confusion;
use crate::draw::face;
use crate::draw::pen::{self, AXIS, Drawn, FAINT, GRID, INK, Pen};
use crate::error::Result;

/// Points between the picture's edge and what is in it.
const EDGE: f64 = 20.0;
/// Height of the title's strip.
const TITLE: f64 = 64.0;
/// A few classes have cells of the first size; more share the second length, down to cells of the third size.
const LARGEST: f64 = 56.0;
const SIDE: f64 = 760.0;
const SMALLEST: f64 = 1.0;
/// Least width of the matrix: the title and the scale need it.
const NARROWEST: f64 = 330.0;
/// Names are set in this size at most, and cut off at this width.
const NAME: f64 = 11.0;
const NAME_WIDTH: f64 = 150.0;
/// Least distance of two names' baselines, in their size.
const SPACING: f64 = 1.1;

/// Draws `confusion` of classes `names` under `title`.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn bitmap(title: &str, names: &[String], confusion: &Confusion) -> Result<RgbImage> {
    let classes = confusion.classes() as f64;
    let cell = (SIDE / classes).clamp(SMALLEST, LARGEST);
    let side = cell * classes;
    let names: Vec<String> = names.iter().enumerate().map(|(class, name)| face::label(class, name)).collect();
    // Names that are wider are cut off. The axes' own names need some room too.
    let widest = names.iter().map(|name| NAME * face::width(name)).fold(84.0, f64::max);
    let names_width = widest.min(NAME_WIDTH) + 12.0;
    let width = 2.0 * EDGE + 16.0 + names_width + side.max(NARROWEST);
    let height = TITLE + side + names_width + EDGE;
    let matrix = Matrix { names: &names, confusion, cell, side, names_width };
    pen::bitmap((width, height), |pen| {
        pen.text((EDGE, 28.0), 15.0, INK, HPos::Left, &pen.fit(title, 15.0, width - 2.0 * EDGE))?;
        matrix.scale(&pen.moved(EDGE, 44.0))?;
        matrix.draw(&pen.moved(EDGE + 16.0 + names_width, TITLE))
    })
}

struct Matrix<'a> {
    names: &'a [String],
    confusion: &'a Confusion,
    /// Points of a cell, of all cells and of the names beside them.
    cell: f64,
    side: f64,
    names_width: f64,
}

impl Matrix<'_> {
    fn draw<B: DrawingBackend>(&self, pen: &Pen<B>) -> Drawn<B> {
        self.cells(pen)?;
        let (cell, side) = (self.cell, self.side);
        if cell >= 6.0 {
            for line in 1..self.names.len() {
                let at = cell * line as f64;
                pen.line(&[(0.0, at), (side, at)], 0.5, GRID)?;
                pen.line(&[(at, 0.0), (at, side)], 0.5, GRID)?;
            }
        }
        pen.line(&[(0.0, 0.0), (side, 0.0), (side, side), (0.0, side), (0.0, 0.0)], 1.0, AXIS)?;
        let size = NAME.min(cell.max(8.0));
        let every = (SPACING * size / cell).ceil().max(1.0) as usize;
        for (class, name) in self.names.iter().enumerate().step_by(every) {
            let at = cell * (class as f64 + 0.5);
            let name = pen.fit(name, size, self.names_width - 10.0);
            pen.text((-6.0, at + 0.35 * size), size, INK, HPos::Right, &name)?;
            pen.text_up((at + 0.35 * size, side + 6.0), size, INK, &name)?;
        }
        pen.text_up((-self.names_width - 4.0, 0.0), 11.0, FAINT, "true class")?;
        pen.text((-10.0, side + 17.0), 11.0, FAINT, HPos::Right, "predicted class")
    }

    fn cells<B: DrawingBackend>(&self, pen: &Pen<B>) -> Drawn<B> {
        let cell = self.cell;
        for (truth, support) in self.confusion.support().into_iter().enumerate() {
            for (predicted, &count) in self.confusion.row(truth).iter().enumerate().filter(|cell| *cell.1 > 0) {
                let share = count as f64 / support as f64;
                let (x, y) = (cell * predicted as f64, cell * truth as f64);
                pen.rectangle((x, y), (x + cell, y + cell), shade(share))?;
                let ink = if share > 0.35 { WHITE } else { INK };
                let (center, middle) = (x + cell / 2.0, y + cell / 2.0);
                let count = count.to_string();
                let percent = format!("{:.0} %", 100.0 * share);
                let room = cell - 4.0;
                let fits = |text: &str, size: f64| pen.width(text, size) <= room;
                if cell >= 34.0 && fits(&count, 12.0) && fits(&percent, 9.0) {
                    pen.text((center, middle), 12.0, ink, HPos::Center, &count)?;
                    pen.text((center, middle + 13.0), 9.0, ink, HPos::Center, &percent)?;
                } else if let Some(size) = [11.0, 9.0, 7.0].into_iter().find(|&s| cell >= 1.6 * s && fits(&count, s)) {
                    pen.text((center, middle + 0.36 * size), size, ink, HPos::Center, &count)?;
                }
            }
        }
        Ok(())
    }

    /// What the colours mean.
    fn scale<B: DrawingBackend>(&self, pen: &Pen<B>) -> Drawn<B> {
        const HEADING: &str = "share of the true class";
        pen.text((0.0, 8.0), 10.0, FAINT, HPos::Left, HEADING)?;
        let mut x = pen.width(HEADING, 10.0) + 12.0;
        for percent in [0, 1, 5, 10, 25, 50, 75, 100] {
            let text = format!("{percent} %");
            let width = pen.width(&text, 9.0) + 10.0;
            let share = f64::from(percent) / 100.0;
            pen.rectangle((x, -3.0), (x + width, 12.0), shade(share))?;
            let ink = if share > 0.35 { WHITE } else { INK };
            pen.text((x + width / 2.0, 7.5), 9.0, ink, HPos::Center, &text)?;
            x += width;
        }
        Ok(())
    }
}

/// White for 0 over blue to dark blue for 1.
fn shade(share: f64) -> RGBColor {
    const STOPS: [[u8; 3]; 4] = [[247, 249, 252], [160, 200, 230], [50, 120, 190], [10, 40, 100]];
    let [red, green, blue] = pen::ramp(&STOPS, share.sqrt());
    RGBColor(red, green, blue)
}
