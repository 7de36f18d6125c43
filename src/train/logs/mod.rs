//! What a training writes as it goes, besides checkpoints: `metrics.csv`, `steps.csv`, their pictures, TensorBoard's events.

pub mod curves;
pub mod metrics;
pub mod steps;
pub mod table;
pub mod tensorboard;

use image::RgbImage;

use crate::train::checkpoint::Progress;

use crate::error::{Error, Result};
use crate::files::write_atomic;
use crate::train::run_dir::RunDir;
use metrics::{Metrics, Row, Split, peak_bytes};
use steps::{Step, Steps};
use table::{Record, Table};
use tensorboard::Events;

/// The logs of one run.
pub(super) struct Logs {
    run: RunDir,
    title: String,
    metrics: Metrics,
    steps: Steps,
    events: Events,
}

impl Logs {
    /// Begins the logs of `run`, or goes on with them where training stands; pictures get the `title`.
    pub fn open(run: &RunDir, title: String, progress: &Progress) -> Result<Self> {
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
        Ok(Self {
            metrics,
            steps,
            events: Events::new(run.path(), progress.epoch.saturating_add(1)),
            run: run.clone(),
            title,
        })
    }

    /// Adds a row to `steps.csv`, without waiting for the disk.
    pub fn step(&mut self, row: Step) -> Result<()> {
        self.steps.append(row)
    }

    /// Has `steps.csv` on the disk: before a checkpoint that is ahead of it.
    pub fn sync(&self) -> Result<()> {
        self.steps.sync()
    }

    /// Adds an epoch's rows; all is on the disk when it returns.
    pub fn epoch(&mut self, rows: &[Row]) -> Result<()> {
        let Some(first) = rows.first() else { return Ok(()) };
        rows.iter().try_for_each(|row| self.metrics.append(row.clone()))?;
        self.metrics.sync()?;
        self.sync()?;
        let of = |row: &Row, what: &str, value: f64| (format!("{what}/{}", row.split.name()), value as f32);
        let mut values: Vec<_> =
            rows.iter().flat_map(|r| [of(r, "loss", r.loss), of(r, "top1", r.top1), of(r, "top5", r.top5)]).collect();
        let speed = rows.iter().find(|row| row.split == Split::Train).map_or(0.0, |row| row.images_per_second);
        let peak = peak_bytes(rows) as f64;
        let others = [("lr", first.lr), ("images_per_second", speed), ("memory/peak_bytes", peak)];
        values.extend(others.map(|(tag, value)| (tag.to_owned(), value as f32)));
        self.events.scalars(first.epoch, values)
    }

    /// Draws `curves.svg`, `curves.png` and `running.png`.
    pub fn draw(&self) -> Result<()> {
        curves::draw(self.metrics.rows(), &self.title, self.run.path())?;
        write_atomic(&self.run.file("running.png"), &steps::picture(self.steps.rows(), &self.title)?)
    }

    /// Adds the confusion matrix's picture to TensorBoard's events.
    pub fn confusion(&mut self, epoch: u32, picture: &RgbImage) -> Result<()> {
        self.events.image(epoch, "confusion", picture)
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
