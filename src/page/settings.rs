//! The settings of a run, and what made it.

use maud::{Markup, html};
use serde_json::Value;

use super::{Run, table};
use crate::train::config::Config;

pub(super) fn draw(run: &Run) -> Markup {
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let settings: Vec<(&String, String, bool)> = run
        .info
        .config
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key, written(value), defaults.get(key) != Some(value)))
        .collect();
    let changed = settings.iter().filter(|(_, _, changed)| *changed).count();
    let body = html! { tbody { @for (key, value, changed) in &settings { tr {
        th scope="row" { code { (key) } }
        td { @if value.contains('\n') { pre { (value) } } @else { (value) } }
        td { @if *changed { "yes" } }
    } } } };
    let info = &run.info;
    html! {
        p {
            @match changed {
                0 => "All settings are those of the default training.",
                1 => "One setting is another than in the default training.",
                _ => { (changed) " settings are others than in the default training." }
            }
            " A training that takes its settings from " code { "run.json" } " repeats it."
        }
        details { summary { "All settings" } (table("Settings", &["Setting", "Value", "Changed"], &body, false)) }
        @if !info.changes.is_empty() {
            h3 { "Changed when it went on" }
            @let rows = html! { tbody { @for change in &info.changes { tr {
                td class="n" { (change.step) }
                th scope="row" { code { (change.setting) } }
                td { (written(&change.from)) } td { (written(&change.to)) }
            } } } };
            (table("Changes", &[">Step", "What", "From", "To"], &rows, false))
        }
        dl class="made" {
            div { dt { "Device" } dd { (info.device_description) } }
            div { dt { "Data" } dd { (info.data) ", SHA-256 " code { (info.data_hash) } } }
            @for (name, version) in &info.versions { div { dt { (name) } dd { (version) } } }
        }
    }
}

/// A value as people write it.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".into(),
        // Single precision has no more digits than these.
        Value::Number(number) if number.is_f64() => {
            let value = number.as_f64().unwrap_or(f64::NAN);
            let rounded = format!("{:e}", value as f32).parse::<f64>().unwrap_or(value);
            if (rounded - value).abs() < 1e-6 * value.abs() { format!("{rounded}") } else { format!("{value}") }
        }
        other => other.to_string(),
    }
}
