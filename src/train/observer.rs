//! What a training tells whoever watches it.

use super::checkpoint::Progress;
use super::logs::metrics::Row;

/// Someone who watches a training.
pub trait Observer {
    /// Before the first step, when the kernels that it needs are compiled or loaded: how many are, of how many.
    fn compiling(&mut self, _done: usize, _total: usize) {}
    /// After how many steps it wants to be told; the training chooses where it does not say.
    fn every(&self) -> Option<usize> {
        None
    }
    /// Between epochs: something that it does on the way, in a line.
    fn note(&mut self, _line: &str) {}
    /// After a look at the sums: where training stands and the epoch's running means.
    fn step(&mut self, progress: &Progress, steps_per_epoch: usize, running: Running);
    /// After each epoch: its rows of `metrics.csv`.
    fn epoch(&mut self, epoch: u32, rows: &[Row]);
}

/// Means over the epoch so far.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// Cross-entropy per image, in nats, label smoothing included.
    pub loss: f64,
    /// Share of images, 0 to 1, whose class got the largest logit.
    pub top1: f64,
    /// Share of images, 0 to 1, whose class is among the five largest logits.
    pub top5: f64,
    /// Throughput since the epoch began or, of a resumed one, since it was resumed.
    pub images_per_second: f64,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// Asked to stop; `last.safetensors` holds the step it stopped at.
    Interrupted,
}
