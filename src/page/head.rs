//! What stands at the top: which run, on what, how good, and the button for dark and light.

use maud::{Markup, html};

use super::{Page, Run, grouped, number, percent};

pub(super) fn draw(page: &Page) -> Markup {
    let run = &page.runs[0];
    let facts = facts(page, run);
    html! {
        header class="top" {
            div class="bar" {
                p class="kind" { "Report of a training" }
                button type="button" id="theme" hidden { "Dark" }
            }
            h1 { (run.name) }
            p class="lead" { (summary(page, run)) }
            dl class="facts" {
                @for (name, value) in &facts { div { dt { (name) } dd { (value) } } }
            }
            @if let Ok(judged) = &page.judged {
                @let notes: Vec<&String> = judged.report.fit.iter().chain(&judged.report.notes).chain(&judged.notes).collect();
                @if !notes.is_empty() {
                    ul class="notes" { @for note in notes { li { (note) } } }
                }
            }
        }
    }
}

/// What the run is and how good, in a sentence or two.
fn summary(page: &Page, run: &Run) -> String {
    let model = run.setting("model").unwrap_or_default();
    let model = model.lines().next().unwrap_or_default();
    let what = format!("{model} trained on {}", run.info.data);
    let judged = match &page.judged {
        Ok(judged) => {
            let report = &judged.report;
            format!(
                ": {} of {} {} are right after epoch {}.",
                percent(report.sums.top1),
                grouped(report.sums.count),
                report.part.words(),
                report.epoch
            )
        }
        Err(_) => ".".into(),
    };
    let best =
        run.judged().into_iter().filter(|row| row.top1.is_finite()).fold(None::<(f64, u32)>, |best, row| match best {
            Some((top1, _)) if top1 >= row.top1 => best,
            _ => Some((row.top1, row.epoch)),
        });
    let last = run.rows.iter().map(|row| row.epoch).max();
    match (best, last) {
        (Some((top1, epoch)), Some(last)) if last > 1 => {
            format!("{what}{judged} The best accuracy, {}, was in epoch {epoch} of {last}.", percent(top1))
        }
        _ => what + &judged,
    }
}

fn facts(page: &Page, run: &Run) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Ok(judged) = &page.judged {
        let report = &judged.report;
        facts.push(("Accuracy", percent(report.sums.top1)));
        facts.push(("Balanced accuracy", percent(report.scores.balanced_accuracy)));
        facts.push(("Loss", number(report.sums.loss, 3)));
    }
    if let Ok(network) = &page.network {
        facts.push(("Parameters", grouped(network.summary.parameters() as u64)));
    }
    let seconds: f64 = run.rows.iter().map(|row| row.seconds).filter(|seconds| seconds.is_finite()).sum();
    if seconds > 0.0 {
        facts.push(("Training", length(seconds)));
    }
    facts.push(("Device", run.info.device.clone()));
    facts.push(("Began", run.info.created.replace('T', " ").trim_end_matches('Z').to_owned() + " UTC"));
    facts
}

/// `2 min 5 s`.
pub(super) fn length(seconds: f64) -> String {
    match seconds.round() as u64 {
        whole if whole < 60 => format!("{seconds:.1}\u{a0}s"),
        whole if whole < 3600 => format!("{}\u{a0}min {}\u{a0}s", whole / 60, whole % 60),
        whole => format!("{}\u{a0}h {}\u{a0}min", whole / 3600, whole % 3600 / 60),
    }
}
