//! The roofline as a picture: FLOP/s against FLOP/byte, both logarithmic, the GPU's two ceilings, and each kernel on the
//! roof at its intensity, where the GPU allows it the most.
//!
//! Names hang below their points, to the right of a line that leads to them. From right to left, each is hung just so
//! low that it passes below the ones it would run into; no line then crosses a name, and no two names overlap.

use image::RgbImage;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::gpu::Gpu;
use super::roofline::{Bound, Work, ridge, roof};
use crate::draw::axis::{Axis, short};
use crate::draw::pen::{self, AXIS, Drawn, FAINT, GRID, INK, Pen};
use crate::error::Result;

/// A kernel and what it has to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// What it is called.
    pub name: String,
    /// Its work.
    pub work: Work,
}

/// Width of the picture, and its height without names. Each name adds a line; from so many on, two: even if all hang
/// from the lowest point, they take little more than half of the height.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 430.0;
const LINE: f64 = 14.0;
const MANY: usize = 24;
/// Intensities that are shown; no kernel is anywhere near the ends.
const SHOWN: std::ops::Range<f64> = 1e-9..1e12;
/// Names are set in this size and cut off at this width.
const NAME: f64 = 11.0;
const NAME_WIDTH: f64 = 250.0;
/// From a point's line to its name, and from the point down to the first baseline.
const INDENT: f64 = 5.0;
const DROP: f64 = 20.0;
const RADIUS: f64 = 4.5;

/// The roofline of `gpu` with `points`, as SVG text. Kernels without FLOPs or without bytes have no place on the roof and
/// are named below it.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn svg(gpu: &Gpu, points: &[Point]) -> Result<String> {
    pen::svg(extent(points), |pen| Plot::new(pen, gpu, points).draw(pen))
}

/// The same as the bytes of a PNG file.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn png(gpu: &Gpu, points: &[Point]) -> Result<Vec<u8>> {
    pen::png(&bitmap(gpu, points)?)
}

fn bitmap(gpu: &Gpu, points: &[Point]) -> Result<RgbImage> {
    pen::bitmap(extent(points), |pen| Plot::new(pen, gpu, points).draw(pen))
}

fn extent(points: &[Point]) -> (f64, f64) {
    let lines = points.len() + points.len().saturating_sub(MANY);
    (WIDTH, HEIGHT + LINE * lines as f64)
}

fn color(bound: Bound) -> RGBColor {
    match bound {
        Bound::Memory => RGBColor(0, 114, 178),
        Bound::Compute => RGBColor(213, 94, 0),
    }
}

/// `value` in units of 10^12 or 10^9: `66.9 TFLOP/s`, `300 GB/s`.
fn rate(value: f64, unit: &str) -> String {
    if value >= 1e12 { format!("{} T{unit}", short(value / 1e12)) } else { format!("{} G{unit}", short(value / 1e9)) }
}

/// A kernel on the roof.
struct Mark {
    intensity: f64,
    bound: Bound,
    name: String,
    /// The intensity, which stands after the name.
    figure: String,
    /// Points that both take.
    width: f64,
}

struct Plot<'a> {
    gpu: &'a Gpu,
    /// Ascending in intensity.
    marks: Vec<Mark>,
    /// Baselines of the marks' names.
    baselines: Vec<f64>,
    /// What has no place on the roof.
    missing: Vec<&'a str>,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Axis,
    y: Axis,
}

impl<'a> Plot<'a> {
    fn new<B: DrawingBackend>(pen: &Pen<B>, gpu: &'a Gpu, points: &'a [Point]) -> Plot<'a> {
        let stands = |point: &&Point| SHOWN.contains(&point.work.intensity());
        let mut marks: Vec<Mark> = points.iter().filter(stands).map(|point| mark(pen, gpu, point)).collect();
        // Of equal ones, the first hangs highest.
        marks.reverse();
        marks.sort_by(|a, b| a.intensity.total_cmp(&b.intensity));
        let missing = points.iter().filter(|point| !stands(point)).map(|point| point.name.as_str()).collect();
        let (left, right, top, bottom) = (72.0, WIDTH - 28.0, 58.0, extent(points).1 - 76.0);
        let x = abscissa(gpu, &marks, right - left);
        let y = x.clone();
        let mut plot = Plot { gpu, marks, baselines: Vec::new(), missing, left, right, top, bottom, x, y };
        // The axis reaches down until there is room for all names, as the height has.
        let lowest = plot.marks.first().map_or(f64::INFINITY, |mark| roof(gpu, mark.intensity));
        let mut least = lowest.min(gpu.f32_peak() / 100.0) / 4.0;
        loop {
            plot.y = ordinate(gpu, least, bottom - top);
            plot.baselines = plot.hang();
            if plot.baselines.iter().all(|&baseline| baseline < bottom - 5.0) {
                return plot;
            }
            least /= 1.5;
        }
    }

    /// Where an intensity's point of the roof stands.
    fn place(&self, intensity: f64) -> (f64, f64) {
        let x = self.left + self.x.position(intensity) * (self.right - self.left);
        let height = self.y.position(roof(self.gpu, intensity) / 1e12);
        (x, self.bottom - height * (self.bottom - self.top))
    }

    /// The baselines of all names.
    fn hang(&self) -> Vec<f64> {
        let mut baselines = vec![0.0f64; self.marks.len()];
        for (index, mark) in self.marks.iter().enumerate().rev() {
            let (x, y) = self.place(mark.intensity);
            let end = x + INDENT + mark.width + 2.0 * RADIUS;
            let below = (index + 1..self.marks.len()).filter(|&right| self.place(self.marks[right].intensity).0 < end);
            baselines[index] = below.map(|right| baselines[right] + LINE).fold(y + DROP, f64::max);
        }
        baselines
    }

    fn draw<B: DrawingBackend>(&self, pen: &Pen<B>) -> Drawn<B> {
        let title = format!("{}: f32 roofline", self.gpu.name);
        pen.text((20.0, 30.0), 16.0, INK, HPos::Left, &title)?;
        let told = "on the roof: the most that the GPU allows each kernel; beside its name: FLOP/byte";
        pen.text((self.right, 30.0), 11.0, FAINT, HPos::Right, told)?;
        self.axes(pen)?;
        self.names(pen)?;
        self.ceilings(pen)?;
        for mark in &self.marks {
            let at = self.place(mark.intensity);
            pen.disc(at, RADIUS, WHITE)?;
            pen.disc(at, RADIUS - 1.0, color(mark.bound))?;
        }
        if self.missing.is_empty() {
            return Ok(());
        }
        let told = format!("not on the roof, for want of FLOPs or of bytes: {}", self.missing.join(", "));
        let told = pen.fit(&told, NAME, WIDTH - 40.0);
        pen.text((20.0, self.bottom + 62.0), NAME, FAINT, HPos::Left, &told)
    }

    fn axes<B: DrawingBackend>(&self, pen: &Pen<B>) -> Drawn<B> {
        let (left, right, top, bottom) = (self.left, self.right, self.top, self.bottom);
        for (value, label) in &self.y.ticks {
            let y = bottom - self.y.position(*value) * (bottom - top);
            pen.line(&[(left, y), (right, y)], 1.0, GRID)?;
            pen.text((left - 8.0, y + 4.0), 11.0, FAINT, HPos::Right, label)?;
        }
        for (value, label) in &self.x.ticks {
            let x = left + self.x.position(*value) * (right - left);
            pen.line(&[(x, top), (x, bottom)], 1.0, GRID)?;
            pen.text((x, bottom + 17.0), 11.0, FAINT, HPos::Center, label)?;
        }
        pen.line(&[(left, top), (left, bottom), (right, bottom)], 1.0, AXIS)?;
        pen.text(((left + right) / 2.0, bottom + 38.0), 11.5, INK, HPos::Center, "arithmetic intensity (FLOP/byte)")?;
        pen.text_up((26.0, top), 11.5, INK, "performance (TFLOP/s)")
    }

    /// Both ceilings with their figures; what is above them is free of names.
    fn ceilings<B: DrawingBackend>(&self, pen: &Pen<B>) -> Drawn<B> {
        let (memory, compute) = (color(Bound::Memory), color(Bound::Compute));
        let (corner, height) = self.place(ridge(self.gpu));
        let first = self.place(self.x.low());
        pen.line(&[first, (corner, height)], 2.5, memory)?;
        pen.line(&[(corner, height), (self.right, height)], 2.5, compute)?;
        let bandwidth = format!("DRAM {}", rate(self.gpu.dram, "B/s"));
        let middle = ((first.0 + corner) / 2.0, (first.1 + height) / 2.0);
        figure(pen, (middle.0 - 10.0, middle.1 - 6.0), memory, &bandwidth)?;
        let peak = format!("f32 {}", rate(self.gpu.f32_peak(), "FLOP/s"));
        figure(pen, (self.right, height - 8.0), compute, &peak)?;
        let ridge = format!("ridge {} FLOP/byte", short(ridge(self.gpu)));
        figure(pen, (corner - 2.0, height - 8.0), FAINT, &ridge)
    }

    fn names<B: DrawingBackend>(&self, pen: &Pen<B>) -> Drawn<B> {
        for (mark, &baseline) in self.marks.iter().zip(&self.baselines) {
            let (x, y) = self.place(mark.intensity);
            pen.line(&[(x, y), (x, baseline)], 1.0, AXIS)?;
            let start = x + INDENT;
            pen.rectangle((start - 2.0, baseline - 9.5), (start + mark.width, baseline + 2.5), WHITE)?;
            pen.text((start, baseline), NAME, INK, HPos::Left, &mark.name)?;
            pen.text((start + mark.width, baseline), NAME, color(mark.bound), HPos::Right, &mark.figure)?;
        }
        Ok(())
    }
}

/// `text` that ends at `x`, with no grid behind it.
fn figure<B: DrawingBackend>(pen: &Pen<B>, (x, y): (f64, f64), color: RGBColor, text: &str) -> Drawn<B> {
    pen.rectangle((x - pen.width(text, NAME) - 2.0, y - 9.5), (x, y + 2.5), WHITE)?;
    pen.text((x, y), NAME, color, HPos::Right, text)
}

fn mark<B: DrawingBackend>(pen: &Pen<B>, gpu: &Gpu, point: &Point) -> Mark {
    let (intensity, bound) = (point.work.intensity(), point.work.on(gpu).bound);
    let (name, figure) = (pen.fit(&point.name, NAME, NAME_WIDTH), short(intensity));
    let width = pen.width(&name, NAME) + 8.0 + pen.width(&figure, NAME);
    Mark { intensity, bound, name, figure, width }
}

/// Intensities around the ridge and all marks, with room to the right of each mark for its name, in `width` points.
fn abscissa(gpu: &Gpu, marks: &[Mark], width: f64) -> Axis {
    let ridge = ridge(gpu);
    let lo = marks.first().map_or(f64::INFINITY, |mark| mark.intensity / 2.0).min(ridge / 100.0);
    // The compute ceiling's own figure takes room to the right of the ridge.
    let all = marks.iter().map(|mark| (mark.intensity, mark.width)).chain([(ridge, 130.0)]);
    let needed = all.map(|(intensity, taken)| (intensity / lo).ln() * width / (width - taken - 3.0 * INDENT));
    Axis::log(lo, lo * needed.fold(1000f64.ln(), f64::max).exp())
}

/// FLOP/s, in units of 10^12, from `least` to as much above the peak as the ceiling's figure needs, in `height` points.
fn ordinate(gpu: &Gpu, least: f64, height: f64) -> Axis {
    let whole = (gpu.f32_peak() / least).ln() * height / (height - 30.0);
    Axis::log(least / 1e12, least / 1e12 * whole.exp())
}
