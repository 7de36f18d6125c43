//! Points on a plane as a picture: small pictures at their places, in frames of their classes' colours.
//!
//! Where pictures would cover each other one is shown and the others are dots; which is drawn by lot, so that no class is ahead.

use image::imageops::{FilterType, replace, resize};
use image::{Rgb, RgbImage};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::Points;
use crate::data::split;
use crate::draw::face;
use crate::draw::pen::{self, Drawn, FAINT, GRID, INK, Pen};
use crate::error::Result;

/// The longest side of a picture and the width of its frame, in pixels.
const SIDE: u32 = 40;
const FRAME: u32 = 3;
/// Points between the page's edge and what is on it.
const EDGE: f64 = 20.0;
/// The plane's width in points, and the least and the greatest height.
const WIDTH: f64 = 800.0;
const HEIGHTS: (f64, f64) = (400.0, 800.0);
/// What stands above it: the title, and a line of notes.
const TITLE: f64 = 26.0;
const NOTE: f64 = 14.0;
/// The legend: a line's height, columns, and the most entries.
const LINE: f64 = 15.0;
const COLUMNS: usize = 4;
const ENTRIES: usize = 60;
/// Radius of a dot.
const DOT: f64 = 2.2;
/// Which stream of the seed draws the lots.
const LOTS: u64 = 1;

/// What is drawn.
pub struct Picture<'a> {
    /// In large type.
    pub title: String,
    /// Lines below it.
    pub notes: Vec<String>,
    /// What the plane's directions are, across and up, if they are something.
    pub axes: Option<[String; 2]>,
    /// Two numbers for each picture.
    pub places: &'a Points,
    /// The pictures in small.
    pub thumbnails: &'a [RgbImage],
    /// Their classes, or what stands for these.
    pub labels: &'a [usize],
    /// The classes' names.
    pub classes: &'a [String],
    /// Draws the lots.
    pub seed: u64,
}

/// Where the plane lies: its corner and size in points.
struct Plane {
    top: f64,
    height: f64,
}

impl Picture<'_> {
    /// Draws it. One unit is as long across as up.
    ///
    /// # Errors
    /// The drawing library's, none of which input can cause.
    pub fn draw(&self) -> Result<RgbImage> {
        let top = EDGE + TITLE + NOTE * self.notes.len() as f64 + 6.0;
        let reach = f64::from(SIDE + 2 * FRAME) / 4.0 + 4.0;
        let (centers, height) = self.centers(WIDTH - 2.0 * reach, reach);
        let plane = Plane { top, height };
        let centers: Vec<(f64, f64)> = centers.into_iter().map(|(x, y)| (EDGE + x, top + y)).collect();
        let entries = self.entries();
        let below = if self.axes.is_some() { 22.0 } else { 10.0 };
        let lines = (entries.len().div_ceil(COLUMNS) + usize::from(entries.len() == ENTRIES)) as f64;
        let size = ((WIDTH + 2.0 * EDGE).ceil(), (top + height + below + LINE * lines + EDGE).ceil());
        let lots: Vec<usize> =
            split::shuffle(centers.len(), self.seed, LOTS).into_iter().map(|at| at as usize).collect();
        let shown = shown(&centers, &lots);
        let mut page = pen::bitmap(size, |pen| {
            self.head(pen)?;
            self.plane(pen, &plane)?;
            for &at in &lots {
                pen.disc(centers[at], DOT, rgb(self.color(self.labels[at])))?;
            }
            self.legend(&pen.moved(EDGE, top + height + below), &entries)
        })?;
        for at in shown {
            let picture = framed(&self.thumbnails[at], self.color(self.labels[at]));
            let corner = |center: f64, side: u32| (2.0 * center).round() as i64 - i64::from(side / 2);
            let (x, y) = (corner(centers[at].0, picture.width()), corner(centers[at].1, picture.height()));
            replace(&mut page, &picture, x, y);
        }
        Ok(page)
    }

    /// Where the places lie on a plane `width` points wide, `reach` from its corner, and the plane's height with `reach` around.
    fn centers(&self, width: f64, reach: f64) -> (Vec<(f64, f64)>, f64) {
        let bound = |axis: usize, pick: fn(f64, f64) -> f64| self.places.rows().map(|at| at[axis]).reduce(pick);
        let range = |axis| (bound(axis, f64::min).unwrap_or(0.0), bound(axis, f64::max).unwrap_or(0.0));
        let ((left, right), (low, high)) = (range(0), range(1));
        let (across, up) = ((right - left).max(f64::MIN_POSITIVE), (high - low).max(f64::MIN_POSITIVE));
        let height = (width * up / across).clamp(HEIGHTS.0, HEIGHTS.1);
        let scale = (width / across).min(height / up);
        // In the middle, where the plane is larger than the places.
        let (x, y) = (reach + (width - across * scale) / 2.0, reach + (height - up * scale) / 2.0);
        let at = |row: &[f64]| (x + (row[0] - left) * scale, y + (high - row[1]) * scale);
        (self.places.rows().map(at).collect(), height + 2.0 * reach)
    }

    fn head<B: DrawingBackend>(&self, pen: &Pen<B>) -> Drawn<B> {
        pen.text((EDGE, EDGE + 12.0), 15.0, INK, HPos::Left, &pen.fit(&self.title, 15.0, WIDTH))?;
        for (line, note) in self.notes.iter().enumerate() {
            let y = EDGE + TITLE + NOTE * line as f64 + 4.0;
            pen.text((EDGE, y), 9.5, FAINT, HPos::Left, &pen.fit(note, 9.5, WIDTH))?;
        }
        Ok(())
    }

    fn plane<B: DrawingBackend>(&self, pen: &Pen<B>, Plane { top, height }: &Plane) -> Drawn<B> {
        let (left, right, bottom) = (EDGE, EDGE + WIDTH, top + height);
        pen.line(&[(left, *top), (right, *top), (right, bottom), (left, bottom), (left, *top)], 1.0, GRID)?;
        let Some([across, up]) = &self.axes else { return Ok(()) };
        pen.text((right, bottom + 13.0), 9.5, FAINT, HPos::Right, &format!("{across} →"))?;
        pen.text_up((left - 5.0, *top), 9.5, FAINT, &format!("{up} →"))
    }

    /// The classes of the legend, in their order: all, or those with the most pictures.
    fn entries(&self) -> Vec<(usize, usize)> {
        let mut counts = vec![0; self.classes.len()];
        self.labels.iter().for_each(|&class| counts[class] += 1);
        let mut entries: Vec<(usize, usize)> = counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect();
        if entries.len() > ENTRIES {
            entries.sort_by_key(|(class, count)| (std::cmp::Reverse(*count), *class));
            entries.truncate(ENTRIES);
            entries.sort_unstable();
        }
        entries
    }

    fn legend<B: DrawingBackend>(&self, pen: &Pen<B>, entries: &[(usize, usize)]) -> Drawn<B> {
        let width = WIDTH / COLUMNS as f64;
        let lines = entries.len().div_ceil(COLUMNS).max(1);
        let others = self.labels.len() - entries.iter().map(|(_, count)| count).sum::<usize>();
        if others > 0 {
            let text = format!("and {others} pictures of other classes");
            pen.text((0.0, LINE * lines as f64 + 10.0), 10.0, FAINT, HPos::Left, &text)?;
        }
        for (at, (class, count)) in entries.iter().enumerate() {
            let (x, y) = (width * (at / lines) as f64, LINE * (at % lines) as f64);
            pen.rectangle((x, y + 2.0), (x + 9.0, y + 11.0), rgb(self.color(*class)))?;
            let (name, count) = (face::label(*class, &self.classes[*class]), format!(" {count}"));
            let name = pen.fit(&name, 10.0, width - 24.0 - pen.width(&count, 10.0));
            pen.text((x + 14.0, y + 10.0), 10.0, INK, HPos::Left, &name)?;
            pen.text((x + 14.0 + pen.width(&name, 10.0), y + 10.0), 10.0, FAINT, HPos::Left, &count)?;
        }
        Ok(())
    }

    /// The colour of a class: of up to ten one of ten that are told apart easily, of more one of a circle of hues, every second darker.
    fn color(&self, class: usize) -> [u8; 3] {
        let classes = self.classes.len();
        if classes <= 10 {
            let color = colorous::CATEGORY10[class];
            return [color.r, color.g, color.b];
        }
        let color = colorous::SINEBOW.eval_rational(class, classes);
        [color.r, color.g, color.b].map(|part| if class.is_multiple_of(2) { part } else { part / 2 })
    }
}

fn rgb([red, green, blue]: [u8; 3]) -> RGBColor {
    RGBColor(red, green, blue)
}

/// `picture`, no side longer than it may be, in a frame.
fn framed(picture: &RgbImage, color: [u8; 3]) -> RgbImage {
    let (width, height) = picture.dimensions();
    let longest = width.max(height);
    let side = |side: u32| (side * SIDE / longest).max(1);
    let small = match longest {
        SIDE => picture.clone(),
        _ => resize(picture, side(width), side(height), FilterType::Triangle),
    };
    let (width, height) = small.dimensions();
    let mut framed = RgbImage::from_pixel(width + 2 * FRAME, height + 2 * FRAME, Rgb(color));
    replace(&mut framed, &small, i64::from(FRAME), i64::from(FRAME));
    framed
}

/// Which of the pictures at `centers` are shown: in the order of `lots`, those that cover none that is shown already.
fn shown(centers: &[(f64, f64)], lots: &[usize]) -> Vec<usize> {
    let room = f64::from(SIDE + 2 * FRAME) / 2.0;
    let mut shown: Vec<usize> = Vec::new();
    for &at in lots {
        let apart = |other: &usize| {
            let (x, y) = (centers[at].0 - centers[*other].0, centers[at].1 - centers[*other].1);
            x.abs().max(y.abs()) >= room
        };
        if shown.iter().all(apart) {
            shown.push(at);
        }
    }
    shown
}
