//! Whether heat maps can be believed, method by method.

use maud::{Markup, html};

use super::chart::{Chart, Series};
use super::curves::moves;
use super::{cell, number, percent, table};
use crate::draw::axis::Axis;
use crate::explain::trust::verdict::THRESHOLD;
use crate::explain::trust::{Figures, Row, Trust};

pub(super) fn draw(trust: &Trust) -> Markup {
    let count = trust.classes.len();
    let head =
        ["Method", ">Insertion", ">Deletion", ">ROAD", ">± error", ">Drop", ">Rise", ">Random", ">Noise", ">Blank"];
    let body = html! { tbody { @for row in &trust.rows { tr {
        th scope="row" { (row.method) @if row.control { " (looks at no network)" } }
        @match &row.figures {
            Some(figures) => { (cells(row, figures)) }
            None => { td colspan="8" { (row.failed.as_deref().unwrap_or("not measured")) } }
        }
        (cell(row.blank as f64, &format!("{} of {count}", row.blank)))
    } } } };
    html! {
        p { b { (capital(&trust.verdict.sentence)) "." } }
        (table(&format!("Each method on {count} pictures"), &head, &body, true))
        p class="hint" {
            "Insertion: mean probability of the class while the hottest pixels are put into the blurred picture first; high is good. "
            "Deletion: the same while they are taken out first; low is good. ROAD: how much more it costs to remove the hottest pixels than "
            "the coldest; high is good, 0 is chance. Drop: loss of probability where a picture is dimmed by its map; low is good. Rise: "
            "share that gains by it. Random: how alike maps stay as the network's layers are made random; from " (THRESHOLD)
            " on they show the picture, not what was learned. Noise: how far maps move under noise that nobody sees; low is good."
        }
        div class="charts" { (randomisation(trust)) }
    }
}

fn cells(row: &Row, figures: &Figures) -> Markup {
    let (road, likeness) = (&figures.road, row.likeness().unwrap_or(f64::NAN));
    let error = road.error.unwrap_or(f64::NAN);
    html! {
        (cell(figures.insertion.auc, &number(figures.insertion.auc, 3)))
        (cell(figures.deletion.auc, &number(figures.deletion.auc, 3)))
        (cell(road.combined, &number(road.combined, 3)))
        (cell(error, &number(error, 3)))
        (cell(figures.average_drop, &percent(figures.average_drop)))
        (cell(figures.increase, &percent(figures.increase)))
        (cell(likeness, &number(likeness, 2)))
        (cell(figures.stability.mean, &number(figures.stability.mean, 3)))
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Whether maps change as ever more layers are made random.
fn randomisation(trust: &Trust) -> Markup {
    let measured: Vec<(&Row, &Figures)> = trust
        .rows
        .iter()
        .filter_map(|row| Some((row, row.figures.as_ref()?)))
        .filter(|(_, of)| !of.randomisation.is_empty())
        .collect();
    let Some((_, first)) = measured.first() else {
        return html! { p class="empty" { "No method has maps that could be compared with those of a random network." } };
    };
    let show = |value: f64| number(value, 2);
    let line = |figures: &Figures| -> Vec<(f64, f64)> {
        let rungs = figures.randomisation.iter().enumerate();
        rungs.map(|(at, rung)| ((at + 1) as f64, rung.spearman)).collect()
    };
    let says: Vec<String> = measured.iter().map(|(row, of)| moves(&row.method, &line(of), "step", &show)).collect();
    let series = |(style, (row, figures)): (usize, &(&Row, &Figures))| {
        let points = line(figures);
        let end = points.last().map_or(String::new(), |point| show(point.1));
        Series::through(format!("{} {end}", row.method), style % 8, &points)
    };
    let values: Vec<f64> =
        measured.iter().flat_map(|(_, of)| line(of)).map(|point| point.1).chain([0.0, 1.0]).collect();
    let chart = Chart {
        id: "chart-random".into(),
        heading: "Likeness to the trained network's maps as layers become random".into(),
        says: says.join(" "),
        across: ("layers made random, the last first".into(), Axis::whole(1, first.randomisation.len() as u32)),
        up: Axis::around(&values, -1.0, 1.0),
        series: measured.iter().enumerate().map(series).collect(),
    };
    let body = html! { tbody { @for (row, figures) in &measured { @for rung in &figures.randomisation { tr {
        td { (row.method) } td { code { (rung.layer) } }
        (cell(rung.spearman, &number(rung.spearman, 3)))
        (cell(rung.ssim, &number(rung.ssim, 3)))
    } } } } };
    let head = ["Method", "Random from this layer on", ">Rank correlation", ">SSIM"];
    chart.draw(&table("Maps of networks made random", &head, &body, false))
}
