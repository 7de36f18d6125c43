//! Pictures worth a look: whose class may be wrong, which are hard, which are nearly the same.

use maud::{Markup, html};

use super::mistakes::{Judged, picture};
use super::{cell, number, percent, table};
use crate::mistakes::{Doubt, Mistakes, Twin};

/// Pictures of each kind, and pairs.
const SHOWN: usize = 12;
const PAIRS: usize = 15;

/// The numbers of the pictures that are shown.
pub fn shown(mistakes: &Mistakes) -> Vec<usize> {
    let doubted = mistakes.pictures.iter().filter(|doubt| doubt.doubted).take(SHOWN).map(|doubt| doubt.number as usize);
    let hard = mistakes.hardest().into_iter().take(SHOWN).map(|at| mistakes.pictures[at].number as usize);
    doubted.chain(hard).collect()
}

pub(super) fn draw(mistakes: &Mistakes, judged: Option<&Judged>) -> Markup {
    let Some(judged) = judged else { return html! { p class="empty" { "There are no pictures to show." } } };
    let classes = &judged.report.classes;
    let doubted: Vec<&Doubt> = mistakes.pictures.iter().filter(|doubt| doubt.doubted).take(SHOWN).collect();
    let hard: Vec<&Doubt> = mistakes.hardest().into_iter().take(SHOWN).map(|at| &mistakes.pictures[at]).collect();
    let name = |class: Option<usize>| class.map_or("–", |class| &classes[class]);
    let twin =
        |twin: &Twin| html! { td { span class="file" { (twin.file) } } td { (twin.part) } td { (name(twin.class)) } };
    let body = html! { tbody { @for pair in mistakes.pairs.iter().take(PAIRS) { tr {
        (twin(&pair.first)) (twin(&pair.second)) (cell(pair.alike, &number(pair.alike, 3)))
    } } } };
    let head = ["Picture", "Part", "Class", "Other", "Its part", "Its class", ">Alike"];
    html! {
        h3 { "Classes that may be wrong" }
        @if doubted.is_empty() {
            p class="empty" { "The network doubts the class of none." }
        } @else {
            p { "The network doubts the class of " (mistakes.doubted) " of " (mistakes.pictures.len()) ". The surest that it is wrong first:" }
            (cards(judged, &doubted, |doubt| format!("doubt {}", number(doubt.mistakenness, 2))))
        }
        h3 class="next" { "Hard pictures" }
        p { "Those that it wavers most about:" }
        (cards(judged, &hard, |doubt| format!("hardness {}", number(doubt.hardness, 2))))
        h3 class="next" { "Near-duplicates" }
        @if mistakes.pairs.is_empty() {
            p class="empty" {
                "Of " (mistakes.compared) " pictures no two of different classes or in different parts are nearly the same."
            }
        } @else {
            p {
                (mistakes.pairs.len()) " pairs of " (mistakes.compared) " pictures are nearly the same and of different classes or in different "
                "parts of the data."
            }
            (table("Pairs, those of different classes first", &head, &body, true))
            @if mistakes.pairs.len() > PAIRS { p class="hint" { "The first " (PAIRS) " of " (mistakes.pairs.len()) "." } }
        }
    }
}

fn cards(judged: &Judged, doubts: &[&Doubt], figure: impl Fn(&Doubt) -> String) -> Markup {
    let classes = &judged.report.classes;
    html! { ol class="cards" { @for doubt in doubts { li {
        (picture(judged, doubt.number as usize))
        div {
            p { b { (classes[doubt.class]) } }
            p {
                @if doubt.class == doubt.predicted { span class="good" { "✓ " (classes[doubt.predicted]) } }
                @else { span class="bad" { "✗ " (classes[doubt.predicted]) } }
                " " (percent(doubt.probability))
            }
            p class="file" { (judged.name(doubt.number as usize)) ", " (figure(doubt)) }
        }
    } } } }
}
