//! Precision, recall and F1 of every class.

use maud::{Markup, html};

use super::{cell, grouped, number, percent, table};
use crate::train::report::Report;
use crate::train::report::scores::Score;

pub(super) fn draw(report: &Report) -> Markup {
    let scores = &report.scores;
    let row = |name: &str, score: &Score| {
        html! { tr {
            th scope="row" { (name) }
            (cell(score.precision, &number(score.precision, 3)))
            (cell(score.recall, &number(score.recall, 3)))
            td class="n" data-v=(score.f1) {
                span class="meter" aria-hidden="true" { span style={ "width:" (number(100.0 * score.f1, 1)) "%" } {} }
                (number(score.f1, 3))
            }
            (cell(score.support as f64, &grouped(score.support)))
        } }
    };
    let body = html! {
        tbody { @for (name, score) in report.classes.iter().zip(&scores.classes) { (row(name, score)) } }
        tfoot {
            (row("Mean of classes", &scores.macro_average))
            (row("Mean by images", &scores.weighted_average))
        }
    };
    html! {
        p { (says(report)) }
        (table("Scores of each class", &["Class", ">Precision", ">Recall", ">F1", ">Images"], &body, true))
        p class="hint" {
            "Precision: of what was taken for the class, the share that is of it. Recall: of the class's images, the share that "
            "was taken for it. F1: the harmonic mean of the two."
        }
    }
}

/// Which class it knows best and worst.
fn says(report: &Report) -> String {
    let present = || report.scores.classes.iter().zip(&report.classes).filter(|(score, _)| score.support > 0);
    let best = present().reduce(|best, one| if one.0.f1 > best.0.f1 { one } else { best });
    let worst = present().reduce(|worst, one| if one.0.f1 < worst.0.f1 { one } else { worst });
    let (Some((best, first)), Some((worst, last))) = (best, worst) else {
        return "No class has images here.".into();
    };
    if present().count() == 1 {
        return format!("All images are of '{first}', of which {} are right.", percent(best.recall));
    }
    let (high, low) = (number(best.f1, 2), number(worst.f1, 2));
    format!("It knows '{first}' best (F1 {high}) and '{last}' worst (F1 {low}).")
}
