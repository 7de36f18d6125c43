//! Line charts side by side, drawn with plotters' lines and texts on either of its backends.

use image::RgbImage;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::pen::{self, AXIS, Drawn, FAINT, GRID, INK, Pen};
use crate::error::Result;

/// The x axis, which all panels share.
#[derive(Clone, Debug)]
pub struct Abscissa {
    /// What it counts.
    pub name: &'static str,
    /// Its range.
    pub axis: Axis,
}

/// One curve.
#[derive(Clone, Debug)]
pub struct Series {
    /// What the legend calls it; it has no entry without a name.
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

/// Size of one panel and of the title's strip, in points.
const PANEL: (f64, f64) = (450.0, 340.0);
const TITLE: f64 = 48.0;
/// Curves with more points than this are drawn without dots.
const DOTS: usize = 40;
/// More curves than this are drawn without dots too.
const CROWD: usize = 4;

/// The panels as SVG text.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn svg(title: &str, x: &Abscissa, panels: &[Panel]) -> Result<String> {
    pen::svg(extent(panels.len()), |pen| chart(pen, title, x, panels))
}

/// The panels as a picture.
///
/// # Errors
/// The drawing library's, none of which input can cause.
pub fn bitmap(title: &str, x: &Abscissa, panels: &[Panel]) -> Result<RgbImage> {
    pen::bitmap(extent(panels.len()), |pen| chart(pen, title, x, panels))
}

fn extent(panels: usize) -> (f64, f64) {
    (PANEL.0 * panels as f64, TITLE + PANEL.1)
}

fn chart<B: DrawingBackend>(pen: &Pen<B>, title: &str, x: &Abscissa, panels: &[Panel]) -> Drawn<B> {
    pen.text((20.0, 32.0), 17.0, INK, HPos::Left, &pen.fit(title, 17.0, PANEL.0 * panels.len() as f64 - 40.0))?;
    for (index, one) in panels.iter().enumerate() {
        panel(&pen.moved(PANEL.0 * index as f64, TITLE), x, one)?;
    }
    Ok(())
}

fn panel<B: DrawingBackend>(pen: &Pen<B>, x: &Abscissa, panel: &Panel) -> Drawn<B> {
    let (left, right, top, bottom) = (58.0, PANEL.0 - 22.0, 52.0, PANEL.1 - 52.0);
    pen.text((20.0, 14.0), 13.5, INK, HPos::Left, &panel.heading)?;
    pen.text((right, 14.0), 11.0, FAINT, HPos::Right, &panel.note)?;
    let place = |value: (f64, f64)| {
        (left + x.axis.position(value.0) * (right - left), bottom - panel.axis.position(value.1) * (bottom - top))
    };
    for (value, label) in &panel.axis.ticks {
        let y = bottom - panel.axis.position(*value) * (bottom - top);
        pen.line(&[(left, y), (right, y)], 1.0, GRID)?;
        pen.text((left - 8.0, y + 4.0), 11.0, FAINT, HPos::Right, label)?;
    }
    for (value, label) in &x.axis.ticks {
        let at = left + x.axis.position(*value) * (right - left);
        pen.line(&[(at, bottom), (at, bottom + 4.0)], 1.0, AXIS)?;
        pen.text((at, bottom + 17.0), 11.0, FAINT, HPos::Center, label)?;
    }
    pen.line(&[(left, bottom), (right, bottom)], 1.0, AXIS)?;
    pen.text(((left + right) / 2.0, bottom + 36.0), 11.5, FAINT, HPos::Center, x.name)?;
    let mut legend = 20.0;
    let crowded = panel.series.len() > CROWD;
    for series in panel.series.iter().filter(|series| !series.points.is_empty()) {
        let few = series.points.len() <= DOTS && !crowded;
        // Long curves, and many, are finer, so that their noise stays legible.
        let width = if series.points.len() <= 3 * DOTS && !crowded { 2.0 } else { 1.4 };
        let color = RGBColor(series.color[0], series.color[1], series.color[2]);
        for run in series.points.split(|point| !point.1.is_finite()) {
            let run: Vec<_> = run.iter().copied().map(place).collect();
            pen.line(&run, width, color)?;
            let radius = if few { 3.0 } else { 1.0 };
            // A point between two gaps has no line to show it.
            for &at in run.iter().filter(|_| few || run.len() == 1) {
                pen.disc(at, radius, color)?;
            }
        }
        if series.name.is_empty() {
            continue;
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
