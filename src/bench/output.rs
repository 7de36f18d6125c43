//! What `bench kernels --out` leaves in a folder: JSON, CSV, and a picture of each ladder.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::kernels::limits::Ceilings;
use super::kernels::{Outcome, Row};
use super::picture;
use super::results::Results;
use crate::error::{Error, Result};
use crate::files::write_atomic;

/// A line of the CSV: one kernel on one problem. Figures of what was not measured are empty.
#[derive(Serialize)]
struct Line<'a> {
    ladder: &'a str,
    problem: &'a str,
    networks: String,
    kernel: &'a str,
    flops: f64,
    bytes: f64,
    milliseconds: Option<f64>,
    gflops: Option<f64>,
    gigabytes_per_second: Option<f64>,
    of_ceiling: Option<f64>,
    not_measured: &'a str,
}

/// All figures as CSV, a kernel and a problem a line.
pub fn csv(results: &Results<Row>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in &results.rows {
        for contender in &row.contenders {
            let mut line = Line {
                ladder: &row.ladder,
                problem: &row.problem,
                networks: row.networks.join(" "),
                kernel: &contender.name,
                flops: row.flops,
                bytes: row.bytes,
                milliseconds: None,
                gflops: None,
                gigabytes_per_second: None,
                of_ceiling: None,
                not_measured: "",
            };
            match &contender.outcome {
                &Outcome::Measured { milliseconds, gflops, gigabytes_per_second, of_ceiling, .. } => {
                    line.milliseconds = Some(milliseconds);
                    line.gflops = Some(gflops);
                    line.gigabytes_per_second = Some(gigabytes_per_second);
                    line.of_ceiling = Some(of_ceiling);
                }
                Outcome::Missing { not_measured, .. } => line.not_measured = not_measured,
            }
            writer.serialize(line).expect("plain data into memory");
        }
    }
    String::from_utf8(writer.into_inner().expect("memory")).expect("text was written")
}

/// Writes `kernels-CARD.json` and `.csv` into `folder`.
///
/// # Errors
/// A folder that cannot be made or written to.
pub fn write(results: &Results<Row>, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e))?;
    results.write(&json_file(results, folder))?;
    write_atomic(&file(results, folder, "", "csv"), csv(results).as_bytes())
}

/// Where [`write`] puts the results themselves.
pub fn json_file(results: &Results<Row>, folder: &Path) -> PathBuf {
    file(results, folder, "", "json")
}

/// Writes `kernels-CARD-LADDER.svg` and `.png` into `folder`.
///
/// # Errors
/// As [`write`].
pub fn pictures(results: &Results<Row>, ceilings: &Ceilings, folder: &Path) -> Result<()> {
    let mut ladders: Vec<&str> = results.rows.iter().map(|row| &*row.ladder).collect();
    ladders.dedup();
    for ladder in ladders {
        let rows: Vec<&Row> = results.rows.iter().filter(|row| row.ladder == ladder).collect();
        let svg = picture::svg(ladder, &results.card, &rows, ceilings)?;
        write_atomic(&file(results, folder, ladder, "svg"), svg.as_bytes())?;
        write_atomic(&file(results, folder, ladder, "png"), &picture::png(ladder, &results.card, &rows, ceilings)?)?;
    }
    Ok(())
}

fn file(results: &Results<Row>, folder: &Path, ladder: &str, extension: &str) -> PathBuf {
    let parts = ["kernels", &results.slug(), ladder].map(str::to_owned);
    let name: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    folder.join(format!("{}.{extension}", name.join("-")))
}
