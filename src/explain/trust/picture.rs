//! The picture of a judgement: insertion, deletion, ROAD by the share of pixels; likeness by the share of layers made random.

use image::RgbImage;
use image::imageops::replace;
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;

use super::{Figures, Row, Trust, road, verdict};
use crate::draw::axis::Axis;
use crate::draw::chart::{self, Abscissa, Panel, Series};
use crate::draw::pen::{self, FAINT, INK};
use crate::error::Result;

/// The size of the legend, in points: that of a chart's panel.
const LEGEND: (f64, f64) = (450.0, 388.0);
/// Controls are grey.
const CONTROLS: [[u8; 3]; 2] = [[120, 120, 120], [185, 185, 185]];

type Points = Vec<(f64, f64)>;

impl Trust {
    /// Two rows of charts under `title`, with the legend in the lower right corner.
    ///
    /// # Errors
    /// The drawing library's, none of which input can cause.
    pub fn picture(&self, title: &str) -> Result<RgbImage> {
        let pixels = Abscissa { name: "pixels changed (%)", axis: percent() };
        let steps = self.options.steps as f64;
        let stepwise = |scores: &[f64]| -> Points {
            scores.iter().enumerate().map(|(step, score)| (100.0 * step as f64 / steps, *score)).collect()
        };
        let above = chart::bitmap(
            title,
            &pixels,
            &[
                self.panel("Insertion: probability of the class", "high is good", &|figures| {
                    stepwise(&figures.insertion.scores)
                }),
                self.panel("Deletion: probability of the class", "low is good", &|figures| {
                    stepwise(&figures.deletion.scores)
                }),
                self.panel("ROAD by pixels removed", "high is good, 0 is chance", &removed),
            ],
        )?;
        let layers = Abscissa { name: "layers made random, from the last on (%)", axis: percent() };
        let below = chart::bitmap(
            // The reasons are too long for a heading; the table beside this picture has them.
            self.verdict.sentence.split(':').next().unwrap_or_default(),
            &layers,
            &[
                self.panel("Rank correlation with the map before", "low is good", &|figures| {
                    ladder(figures, |rung| rung.spearman)
                }),
                self.panel("Structural similarity (SSIM)", "", &|figures| ladder(figures, |rung| rung.ssim)),
            ],
        )?;
        let legend = self.legend()?;
        let mut page = RgbImage::from_pixel(above.width(), above.height() + below.height(), image::Rgb([255; 3]));
        replace(&mut page, &above, 0, 0);
        replace(&mut page, &below, 0, i64::from(above.height()));
        replace(&mut page, &legend, i64::from(below.width()), i64::from(above.height()));
        Ok(page)
    }

    fn panel(&self, heading: &str, note: &str, points: &dyn Fn(&Figures) -> Points) -> Panel {
        let series: Vec<Series> = self
            .drawn()
            .map(|(_, figures, color)| Series {
                name: String::new(),
                value: String::new(),
                color,
                points: points(figures),
            })
            .collect();
        let values: Vec<f64> = series.iter().flat_map(|one| one.points.iter().map(|point| point.1)).collect();
        Panel { heading: heading.into(), note: note.into(), axis: Axis::around(&values, -1.0, 1.0), series }
    }

    /// Controls first, so that methods lie over them.
    fn drawn(&self) -> impl Iterator<Item = (&Row, &Figures, [u8; 3])> {
        let of = |control: bool| {
            let rows = self.rows.iter().filter(move |row| row.control == control).enumerate();
            rows.filter_map(move |(at, row)| Some((row, row.figures.as_ref()?, color(control, at))))
        };
        of(true).chain(of(false))
    }

    fn legend(&self) -> Result<RgbImage> {
        pen::bitmap(LEGEND, |pen| {
            let mut y = 62.0;
            for (row, figures, [red, green, blue]) in self.drawn() {
                pen.line(&[(20.0, y - 4.0), (44.0, y - 4.0)], 3.0, RGBColor(red, green, blue))?;
                let chosen = if self.verdict.method.as_ref() == Some(&row.method) { "  ← use this" } else { "" };
                let blind = if self.verdict.blind.contains(&row.method) { "  ← not the network" } else { "" };
                pen.text((52.0, y), 12.0, INK, HPos::Left, &format!("{}{chosen}{blind}", row.method))?;
                let note = format!("ROAD {:+.3}   noise {:.2}", figures.road.combined, figures.stability.mean);
                pen.text((LEGEND.0 - 22.0, y), 11.0, FAINT, HPos::Right, &note)?;
                y += 20.0;
            }
            for row in self.rows.iter().filter(|row| row.figures.is_none()) {
                let text = format!("{}: {}", row.method, row.failed.as_deref().unwrap_or("not measured"));
                pen.text((20.0, y), 11.0, FAINT, HPos::Left, &pen.fit(&text, 11.0, LEGEND.0 - 40.0))?;
                y += 20.0;
            }
            let threshold = format!("not the network: a mean rank correlation of {} or more", verdict::THRESHOLD);
            pen.text((20.0, y + 8.0), 11.0, FAINT, HPos::Left, &threshold)
        })
    }
}

fn percent() -> Axis {
    Axis::whole(0, 100)
}

fn color(control: bool, at: usize) -> [u8; 3] {
    if control {
        return CONTROLS[at % CONTROLS.len()];
    }
    let color = colorous::CATEGORY10[at % colorous::CATEGORY10.len()];
    // The eighth of them is grey, as controls are.
    if at % 10 == 7 { [0, 0, 0] } else { [color.r, color.g, color.b] }
}

/// Half the difference of both changes, by the percentage that is removed, ascending.
fn removed(figures: &Figures) -> Points {
    let both = figures.road.most.iter().zip(&figures.road.least);
    let mut points: Points =
        both.zip(road::PERCENTILES).map(|((most, least), kept)| ((100 - kept) as f64, (least - most) / 2.0)).collect();
    points.reverse();
    points
}

fn ladder(figures: &Figures, value: fn(&super::randomisation::Rung) -> f64) -> Points {
    let all = figures.randomisation.last().map_or(1, |rung| rung.random) as f64;
    let rungs = figures.randomisation.iter().map(|rung| (100.0 * rung.random as f64 / all, value(rung)));
    std::iter::once((0.0, 1.0)).chain(rungs).collect()
}
