//! Tables of kernels.

use super::{Grid, NOT_MEASURED, provenance};
use crate::bench::kernels::limits::Ceilings;
use crate::bench::kernels::{Contender, Outcome, Row};
use crate::bench::results::Results;
use crate::bench::vendor::{CUBLAS, CUDNN};
use crate::launch::ladder::{Summary, stem};

/// Contenders that are no rungs of ours.
const OTHERS: [&str; 3] = [CUBLAS, CUDNN, "PyTorch"];

/// The ceilings as a setting of results.
pub fn ceilings(ceilings: &Ceilings) -> [(String, String); 1] {
    let (flops, bytes) = (ceilings.flops / 1e9, ceilings.bytes / 1e9);
    let text = format!("{flops:.0} GFLOP/s of multiply-adds, {bytes:.1} GB/s of memory");
    [("ceilings".into(), text)]
}

/// For a terminal: all kernels on all problems.
pub fn text(results: &Results<Row>) -> String {
    let head = ["ladder", "problem", "kernel", "ms", "GFLOP/s", "GB/s", "of ceiling", "of library", "of PyTorch", ""];
    let mut rows = Vec::new();
    for row in &results.rows {
        for contender in &row.contenders {
            let mut cells = vec![row.ladder.clone(), row.problem.clone(), contender.name.clone()];
            // A reason is longer than any figure: it has a column of its own.
            let [first, rest @ ..] = figures(contender);
            let missing = matches!(contender.outcome, Outcome::Missing { .. });
            cells.push(if missing { "-".into() } else { first.clone() });
            cells.extend(rest);
            cells.extend([library(row), named(row, "PyTorch")].map(|other| ratio(Some(contender), other)));
            cells.push(if missing { first } else { String::new() });
            rows.push(cells);
        }
    }
    let settings: String = ["precision", "runs", "ceilings", "PyTorch"]
        .iter()
        .map(|name| format!("{name}: {}\n", setting(results, name)))
        .collect();
    format!("{}\n{settings}{}", provenance(results), Grid { left: 3, head: head.map(String::from).into(), rows }.text())
}

/// For a README: what each ladder has come to on every device that was measured.
pub fn markdown(all: &[Results<Row>]) -> String {
    let head = ["ladder", "problem", "fastest rung", "ms", "GFLOP/s", "GB/s", "of ceiling", "of library", "of PyTorch"];
    by_device(all, |results| {
        let mut ladders: Vec<&str> = results.rows.iter().map(|row| &*row.ladder).collect();
        ladders.dedup();
        let rows = ladders.into_iter().filter_map(|ladder| {
            let row = telling(results, ladder)?;
            let best = best(row);
            let mut cells = vec![format!("`{ladder}`"), row.problem.clone()];
            cells.push(best.map_or(NOT_MEASURED.into(), |best| best.name.clone()));
            cells.extend(best.map_or_else(|| [(); 4].map(|()| NOT_MEASURED.to_owned()), figures));
            cells.extend([library(row), named(row, "PyTorch")].map(|other| ratio(best, other)));
            Some(cells)
        });
        Grid { left: 3, head: head.map(String::from).into(), rows: rows.collect() }
    })
}

/// For a README: the rungs of one ladder on its most telling problem.
pub fn of_ladder(all: &[Results<Row>], ladder: &Summary) -> String {
    let head = ["rung", "ms", "GFLOP/s", "GB/s", "of ceiling", "of library", "of PyTorch"].map(String::from);
    by_device(all, |results| {
        let row = telling(results, ladder.name);
        let first = row.map_or("rung".to_owned(), |row| row.problem.clone());
        let line = |name: &str| {
            let found = row.and_then(|row| named(row, name));
            let mut cells = vec![name.to_owned()];
            cells.extend(found.map_or_else(|| [(); 4].map(|()| NOT_MEASURED.to_owned()), figures));
            let of = |other: Option<&Contender>| ratio(found, other);
            cells.extend([of(row.and_then(library)), of(row.and_then(|row| named(row, "PyTorch")))]);
            cells
        };
        let mut rows: Vec<Vec<String>> = ladder.files.iter().map(|file| line(stem(file))).collect();
        rows.extend(
            OTHERS.iter().filter(|name| row.is_some_and(|row| named(row, name).is_some())).map(|name| line(name)),
        );
        let head = std::iter::once(first).chain(head[1..].iter().cloned()).collect();
        Grid { left: 1, head, rows }
    })
}

/// A table for every device, and a line for each kind that was not measured.
fn by_device(all: &[Results<Row>], grid: impl Fn(&Results<Row>) -> Grid) -> String {
    let kinds = [("Host device", true), ("GPU", false)];
    let tables = kinds.map(|(kind, host)| {
        let of_kind: Vec<_> = all.iter().filter(|results| (results.device == "host") == host).collect();
        if of_kind.is_empty() {
            return format!("{kind}: {NOT_MEASURED}.\n");
        }
        let one = |results: &&Results<Row>| {
            let (ceilings, pytorch) = (setting(results, "ceilings"), setting(results, "PyTorch"));
            let told = format!("Ceilings: {ceilings}. PyTorch: {pytorch}. {}.", setting(results, "precision"));
            format!("{kind}:\n\n{}\n{}. {told}\n", grid(results).markdown(), provenance(results))
        };
        of_kind.iter().map(one).collect::<Vec<_>>().join("\n")
    });
    tables.join("\n")
}

fn setting<'a>(results: &'a Results<Row>, name: &str) -> &'a str {
    results.settings.get(name).map_or("", |text| text)
}

/// The layer of the networks that ladders of convolutions are shown at: as many pixels as all rungs have work for.
const LAYER: &str = "n8 h32 w32 c64 k64 r3 s3 stride1,1 pad1,1 dilation1,1";

/// The row that says most about a ladder: most of its rungs ran, and of these [`LAYER`] or the one with the most work.
pub(in crate::bench) fn telling<'a>(results: &'a Results<Row>, ladder: &str) -> Option<&'a Row> {
    most_telling(results.rows.iter().filter(|row| row.ladder == ladder))
}

/// [`telling`] among rows of one ladder; the first of equal ones.
pub(in crate::bench) fn most_telling<'a>(rows: impl Iterator<Item = &'a Row>) -> Option<&'a Row> {
    let ran = |row: &Row| row.contenders.iter().filter(|one| milliseconds(one).is_some()).count();
    rows.fold(None, |best: Option<&Row>, row| {
        let key = |row: &Row| (ran(row), row.problem == LAYER, row.flops, row.bytes);
        if best.is_none_or(|best| key(row).partial_cmp(&key(best)) == Some(std::cmp::Ordering::Greater)) {
            Some(row)
        } else {
            best
        }
    })
}

/// Whether it is a rung of ours.
pub(in crate::bench) fn is_rung(contender: &Contender) -> bool {
    !OTHERS.contains(&&*contender.name)
}

/// Our fastest.
pub(in crate::bench) fn best(row: &Row) -> Option<&Contender> {
    let ran = row.contenders.iter().filter(|one| is_rung(one) && milliseconds(one).is_some());
    ran.min_by(|a, b| milliseconds(a).partial_cmp(&milliseconds(b)).expect("times are numbers"))
}

fn named<'a>(row: &'a Row, name: &str) -> Option<&'a Contender> {
    row.contenders.iter().find(|one| one.name == name)
}

fn library(row: &Row) -> Option<&Contender> {
    named(row, CUBLAS).or_else(|| named(row, CUDNN))
}

fn milliseconds(contender: &Contender) -> Option<f64> {
    match contender.outcome {
        Outcome::Measured { milliseconds, .. } => Some(milliseconds),
        Outcome::Missing { .. } => None,
    }
}

/// How fast `ours` is beside `other`: 1 is as fast, 0.5 takes twice as long.
fn ratio(ours: Option<&Contender>, other: Option<&Contender>) -> String {
    match (ours.and_then(milliseconds), other) {
        (Some(_), None) => "-".into(),
        (Some(ours), Some(other)) => milliseconds(other).map_or("-".into(), |other| format!("{:.2}", other / ours)),
        (None, _) => "".into(),
    }
}

/// Milliseconds, GFLOP/s, GB/s and share of the ceiling; or why there are none.
fn figures(contender: &Contender) -> [String; 4] {
    let round = |value: f64| match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 1.0 => format!("{v:.2}"),
        v => format!("{v:.3}"),
    };
    match &contender.outcome {
        &Outcome::Measured { milliseconds, gflops, gigabytes_per_second, of_ceiling, .. } => {
            let share = format!("{:.0} %", 100.0 * of_ceiling);
            [round(milliseconds), round(gflops), round(gigabytes_per_second), share]
        }
        Outcome::Missing { not_measured, .. } => {
            [format!("{NOT_MEASURED}: {not_measured}"), String::new(), String::new(), String::new()]
        }
    }
}
