//! Tables of training steps.

use super::{Grid, NOT_MEASURED, provenance};
use crate::bench::results::Results;
use crate::bench::train::{Contender, MODELS, MODES, Outcome, Row};
use crate::bench::usual_batch;
use crate::nn::models;

/// For a terminal.
pub fn text(results: &Results<Row>) -> String {
    let notes: String = reasons(results).map(|note| note + "\n").collect();
    format!("{}\n{}\n{}{notes}", provenance(results), unit(results), grid(&results.rows).text())
}

/// For README.md: a table for every device that was measured, and one for each kind that was not.
pub fn markdown(all: &[Results<Row>]) -> String {
    let kinds = [("Host device", true), ("GPU", false)];
    let tables = kinds.map(|(kind, host)| {
        let of_kind: Vec<_> = all.iter().filter(|results| (results.device == "host") == host).collect();
        if of_kind.is_empty() {
            return format!("{kind}: {NOT_MEASURED}.\n\n{}", grid(&MODELS.map(unmeasured)).markdown());
        }
        let one = |results: &&Results<Row>| {
            let notes: String = reasons(results).map(|note| format!(" {note}.")).collect();
            let table = grid(&results.rows).markdown();
            format!("{kind}, {}:\n\n{table}\n{}.{notes}\n", unit(results), provenance(results))
        };
        of_kind.iter().map(one).collect::<Vec<_>>().join("\n")
    });
    tables.join("\n")
}

fn unmeasured(model: &str) -> Row {
    let contenders = std::iter::once("warptape").chain(MODES).map(missing).collect();
    Row { model: model.into(), batch: usual_batch(model), parameters: 0, contenders }
}

fn missing(name: &str) -> Contender {
    let outcome = Outcome::Missing { not_measured: String::new() };
    Contender { name: name.into(), outcome }
}

fn unit(results: &Results<Row>) -> String {
    let setting = |name: &str| results.settings.get(name).map_or("", |text| text);
    format!("images/s (memory at the peak); {}; {}", setting("precision"), setting("runs"))
}

fn grid(rows: &[Row]) -> Grid {
    let mut head = vec!["network, batch".to_owned(), "warptape".into()];
    head.extend(MODES.map(|mode| format!("PyTorch {mode}")));
    head.push("of PyTorch's best".into());
    let cells = |row: &Row| {
        let mut cells = vec![format!("{}, {}", models::name(&row.model), row.batch)];
        cells.extend(std::iter::once("warptape").chain(MODES).map(|name| cell(row, name)));
        cells.push(ratio(row));
        cells
    };
    Grid { left: 1, head, rows: rows.iter().map(cells).collect() }
}

fn rate(row: &Row, name: &str) -> Option<f64> {
    row.contenders.iter().find(|contender| contender.name == name).and_then(|contender| match contender.outcome {
        Outcome::Measured { images_per_second, .. } => Some(images_per_second),
        Outcome::Missing { .. } => None,
    })
}

fn cell(row: &Row, name: &str) -> String {
    let found = row.contenders.iter().find(|contender| contender.name == name).map(|contender| &contender.outcome);
    let Some(Outcome::Measured { images_per_second, peak_bytes, .. }) = found else { return NOT_MEASURED.into() };
    let digits = if *images_per_second < 100.0 { 1 } else { 0 };
    let memory = peak_bytes.map_or("?".into(), |bytes| format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20)));
    format!("{images_per_second:.digits$} ({memory})")
}

/// Ours over the fastest of theirs.
fn ratio(row: &Row) -> String {
    let best = MODES.iter().filter_map(|mode| rate(row, mode)).max_by(f64::total_cmp);
    match (rate(row, "warptape"), best) {
        (Some(ours), Some(best)) => format!("{:.2}", ours / best),
        _ => NOT_MEASURED.into(),
    }
}

/// Why what is missing is missing, each reason once.
fn reasons(results: &Results<Row>) -> impl Iterator<Item = String> {
    let mut notes: Vec<String> = Vec::new();
    for contender in results.rows.iter().flat_map(|row| &row.contenders) {
        if let Outcome::Missing { not_measured } = &contender.outcome {
            let note = format!("PyTorch {}: {NOT_MEASURED}: {not_measured}", contender.name);
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    notes.into_iter()
}
