//! What a training shows while it runs.

use indicatif::{ProgressBar, ProgressStyle};

use super::tell;
use crate::explain::watched::Watched;
use crate::train::checkpoint::Progress;
use crate::train::logs::metrics::{Row, Split, peak_bytes};
use crate::train::observer::{Observer, Running};

/// A progress bar per epoch and a line when it is over.
pub struct Progression {
    pub bar: ProgressBar,
    epochs: u32,
    /// What the training loss is called: of smoothed labels it is another than the others.
    loss: &'static str,
    /// Who draws where the network looks, if that is asked for.
    pub cams: Option<Watched>,
}

impl Progression {
    pub fn new(epochs: u32, label_smoothing: f32) -> Self {
        let bar = ProgressBar::new(1);
        let style = "{prefix} {bar:30} {pos}/{len} {wide_msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("a fixed template"));
        bar.set_prefix("compiling kernels");
        bar.tick();
        Self { bar, epochs, loss: if label_smoothing > 0.0 { "loss (smoothed)" } else { "loss" }, cams: None }
    }
}

impl Observer for Progression {
    fn compiling(&mut self, done: usize, total: usize) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
    }

    fn note(&mut self, line: &str) {
        self.bar.suspend(|| tell(line));
    }

    fn step(&mut self, progress: &Progress, steps_per_epoch: usize, running: Running) {
        self.bar.set_length(steps_per_epoch as u64);
        self.bar.set_position(progress.step_in_epoch as u64);
        self.bar.set_prefix(format!("epoch {}/{}", progress.epoch + 1, self.epochs));
        let Running { loss, top1, top5, images_per_second } = running;
        let (top1, top5) = (100.0 * top1, 100.0 * top5);
        let means = format!("{} {loss:.4}  top-1 {top1:.1} %  top-5 {top5:.1} %", self.loss);
        self.bar.set_message(format!("{means}  {images_per_second:.0} images/s"));
    }

    fn epoch(&mut self, epoch: u32, rows: &[Row]) {
        let part = |split: Split, name: &str| {
            let row = rows.iter().find(|r| r.split == split);
            let loss = if split == Split::Train { self.loss } else { "loss" };
            row.map_or(String::new(), |r| format!("  {name} {loss} {:.4} top-1 {:.2} %", r.loss, 100.0 * r.top1))
        };
        let speed = rows.first().map_or(0.0, |r| r.images_per_second);
        let (train, val, test) = (part(Split::Train, "train"), part(Split::Val, "val"), part(Split::Test, "test"));
        // The bar makes room, so that the two do not overwrite each other.
        let peak = peak_bytes(rows) as f64 / f64::from(1 << 20);
        let line =
            format!("epoch {epoch:3}/{}{train}{val}{test}  {speed:.0} images/s  peak {peak:.0} MiB", self.epochs);
        self.bar.suspend(|| tell(line));
        // A training is worth more than a picture of it, and goes on without.
        if let Some(Err(error)) = self.cams.as_ref().map(|cams| cams.after(epoch)) {
            self.bar.suspend(|| tell(format_args!("note: no sheet of epoch {epoch}: {error}")));
        }
    }
}
