//! The layers of the network: shapes, parameters, work, memory, measured time.

use std::collections::HashMap;

use maud::{Markup, html};

use super::{cell, grouped, number, percent, table};
use crate::train::summary::Summary;

/// A network, and how long its layers take.
pub struct Network {
    /// What it is made of, for a batch.
    pub summary: Summary,
    /// Images in it.
    pub batch: usize,
    /// Seconds of each layer in inference, by name.
    pub seconds: HashMap<String, f64>,
    /// On which device, in words.
    pub device: String,
}

pub(super) fn draw(network: &Network) -> Markup {
    let Network { summary, batch, seconds, device } = network;
    let took = |name: &str| seconds.get(name).copied().unwrap_or(f64::NAN);
    let all: f64 = summary.rows.iter().map(|row| took(&row.name)).filter(|seconds| seconds.is_finite()).sum();
    let slowest = summary
        .rows
        .iter()
        .filter(|row| took(&row.name).is_finite())
        .reduce(|slowest, row| if took(&row.name) > took(&slowest.name) { row } else { slowest });
    let mib = |bytes: u64| format!("{:.1}\u{a0}MiB", bytes as f64 / f64::from(1 << 20));
    let output = |sizes: &[usize]| sizes[1..].iter().map(usize::to_string).collect::<Vec<_>>().join("×");
    let body = html! {
        tbody { @for row in &summary.rows {
            @let time = took(&row.name);
            tr {
                th scope="row" { code { (row.name) } }
                td { (row.kind) }
                td class="n" { (output(&row.output)) }
                (cell(row.parameters as f64, &grouped(row.parameters as u64)))
                (cell(row.macs as f64, &number(row.macs as f64 / 1e6, 1)))
                (cell(row.bytes as f64, &grouped(row.bytes / 1024)))
                td class="n measured" {
                    span class="meter" aria-hidden="true" { span style={ "width:" (number(100.0 * time / all, 1)) "%" } {} }
                    (number(1e3 * time, 2))
                }
            }
        } }
        tfoot { tr {
            th scope="row" { "All" } td {} td {}
            td class="n" { (grouped(summary.parameters() as u64)) }
            td class="n" { (number(summary.macs() as f64 / 1e6, 1)) }
            td class="n" { (grouped(summary.activations() / 1024)) }
            td class="n measured" { (number(1e3 * all, 2)) }
        } }
    };
    let head = ["Layer", "What", ">Output", ">Parameters", ">MMAC", ">KiB", ">ms"];
    html! {
        p {
            (grouped(summary.parameters() as u64)) " parameters (" (mib(4 * summary.parameters() as u64)) "). A batch of " (batch)
            " takes " (mib(summary.inference_peak)) " in inference"
            @if let Some(peak) = summary.training_peak { " and " (mib(peak)) " in a training step with Adam" }
            "."
            @if let Some(row) = slowest {
                span class="measured" {
                    " The slowest layer is " code { (row.name) } " with " (percent(took(&row.name) / all)) " of the time."
                }
            }
        }
        (table(&format!("Layers, for a batch of {batch}"), &head, &body, false))
        p class="hint" {
            "MMAC: millions of multiply-adds; KiB: the output; ms: measured when the page was made, in inference on " (device)
            ", the least of a few passes, layer by layer without fusion."
        }
    }
}
