//! What a training writes as it goes, besides checkpoints: `metrics.csv`, `steps.csv`, their pictures, TensorBoard's events.

pub mod curves;
pub mod metrics;
pub mod steps;
pub mod table;
pub mod tensorboard;

use image::RgbImage;

use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::op::metrics::Metrics as Sums;
use crate::train::checkpoint::Progress;
use crate::train::config::Config;
use crate::train::run_dir::RunDir;
use metrics::{Metrics, Row, Split};
use steps::{Step, Steps};
use table::{Record, Table};
use tensorboard::{Board, Taken};

/// The logs of one run.
pub(super) struct Logs {
    run: RunDir,
    title: String,
    metrics: Metrics,
    steps: Steps,
    board: Board,
}

impl Logs {
    /// Begins the logs of `run`, which was told `config`, or goes on with them where training stands; pictures get the `title`.
    pub fn open(run: &RunDir, config: &Config, title: String, progress: &Progress) -> Result<Self> {
        fn table<R: Record>(run: &RunDir, name: &str, begun: bool, keep: impl Fn(&R) -> bool) -> Result<Table<R>> {
            let path = run.file(name);
            if begun || path.exists() { Table::resume(&path, keep) } else { Table::create(&path) }
        }
        let begun = progress.step > 0;
        let metrics = table(run, "metrics.csv", begun, |row: &Row| row.epoch <= progress.epoch)?;
        let steps = table(run, "steps.csv", begun, |row: &Step| row.step <= progress.step)?;
        // Both were on the disk before the checkpoint was.
        let splits = |epoch| metrics.rows().iter().filter(|row| row.epoch == epoch).map(|row| row.split).collect();
        let first: Vec<Split> = splits(1);
        let is_whole = |epoch: &u32| first.len() > 1 && first == splits(*epoch);
        whole(run, "metrics.csv", (1..=progress.epoch).filter(is_whole).count() as u64, progress.epoch)?;
        whole(run, "steps.csv", steps.rows().chunk_by(|a, b| a.epoch == b.epoch).count() as u64, progress.epoch)?;
        // By way of a text, in which a number has as many digits as it was told with.
        let told = serde_json::to_string(config).expect("plain data");
        let settings = serde_json::from_str(&told).expect("a text of its own");
        let board = Board::new(run.path(), progress.step + 1, settings);
        Ok(Self { metrics, steps, board, run: run.clone(), title })
    }

    /// Adds a row to `steps.csv`, without waiting for the disk.
    pub fn step(&mut self, row: Step) -> Result<()> {
        self.steps.append(row)
    }

    /// Has `steps.csv` on the disk: before a checkpoint that is ahead of it.
    pub fn sync(&self) -> Result<()> {
        self.steps.sync()
    }

    /// Tells TensorBoard of steps.
    pub fn taken(&mut self, steps: &[Taken]) -> Result<()> {
        self.board.steps(steps)
    }

    /// Adds the rows of an epoch, whose last step is number `step`; all is on the disk when it returns.
    pub fn epoch(&mut self, step: u64, rows: &[Row]) -> Result<()> {
        rows.iter().try_for_each(|row| self.metrics.append(row.clone()))?;
        self.metrics.sync()?;
        self.sync()?;
        self.board.epoch(step, rows)
    }

    /// Draws `curves.svg`, `curves.png` and `running.png`.
    pub fn draw(&self) -> Result<()> {
        curves::draw(self.metrics.rows(), &self.title, self.run.path())?;
        write_atomic(&self.run.file("running.png"), &steps::picture(self.steps.rows(), &self.title)?)
    }

    /// Tells TensorBoard that training is done after step number `step`, what its report says and how its `confusion` looks.
    pub fn report(&mut self, step: u64, sums: &Sums, confusion: &RgbImage) -> Result<()> {
        self.board.report(step, sums, confusion)
    }

    /// The rows of `metrics.csv`.
    pub fn rows(&self) -> &[Row] {
        self.metrics.rows()
    }
}

/// Refuses a table that holds fewer epochs than the checkpoint to go on from has behind it.
fn whole(run: &RunDir, name: &str, held: u64, done: u32) -> Result<()> {
    if held >= u64::from(done) {
        return Ok(());
    }
    let (path, folder) = (run.file(name), run.path().display());
    let fix = format!("put the whole file back, or repeat the run: ‹train config={folder}/run.json out=NEW›");
    Err(Error::file(path, format!("holds {held} whole epochs where the checkpoint has done {done}; {fix}")))
}
