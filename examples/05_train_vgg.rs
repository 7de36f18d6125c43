//! Step 5: a run. VGG11 is trained by the library's loop, which leaves a folder behind; then the run goes on.
//!
//!     cargo run --release --example 05_train_vgg
//!
//! `warptape train --model vgg11_bn:head=linear --train-fraction 0.3 --epochs 2` does this from the command line. The
//! network is larger than the data deserve, and two epochs are a taste: expect half of the pictures to be right.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use warptape::data::Dataset;
use warptape::train::checkpoint::{Checkpoint, Progress};
use warptape::train::config::Config;
use warptape::train::logs::metrics::Row;
use warptape::train::observer::{Observer, Running};
use warptape::train::run_dir::{RunDir, RunInfo};
use warptape::train::summary::Summary;
use warptape::train::trainer::Trainer;
use warptape::{Device, Result};

/// Prints a line per epoch and split; `step` could draw a progress bar.
struct Lines;

impl Observer for Lines {
    fn step(&mut self, _: &Progress, _: usize, _: Running) {}

    fn epoch(&mut self, epoch: u32, rows: &[Row]) {
        for row in rows {
            let (split, top1, peak) = (row.split.name(), 100.0 * row.top1, row.peak_bytes >> 20);
            println!("epoch {epoch} {split:<5} loss {:.3}, top-1 {top1:.1} %, peak {peak} MiB", row.loss);
        }
    }
}

fn main() -> Result<()> {
    let device = Device::open("auto")?;
    let mut config = Config {
        model: "vgg11_bn:head=linear".into(),
        epochs: 1,
        lr: 1e-3,
        schedule: "constant".into(),
        train_fraction: 0.3,
        ..Config::default()
    };
    let data = Dataset::open(&config.data, &config.loading())?;

    // What will it cost? The dry device runs the network without computing anything.
    let size = [data.train.height, data.train.width];
    let summary =
        Summary::new(&config.model, data.classes.len(), size, config.batch_size, config.precision, device.target())?;
    let (parameters, macs) = (summary.parameters(), summary.macs() / config.batch_size as u64);
    let peak = summary.training_peak.unwrap_or(0) >> 20;
    println!("{parameters} parameters, {} MMAC an image, {peak} MiB a step", macs / 1_000_000);

    let folder = |info: &RunInfo| RunDir::numbered(Path::new("runs"), &config.model, &data.name, info);
    let never = AtomicBool::new(false);
    let mut trainer = Trainer::new(config.clone(), &data, &device, folder, None)?;
    trainer.run(&never, &mut Lines)?;
    let path = trainer.run_dir().path().to_owned();
    drop(trainer);

    // The checkpoint holds all that training needs: weights, optimizer, schedule, the state of the random numbers. A
    // resumed run is, bit for bit, the run that was never interrupted.
    config.epochs = 2;
    let last = Checkpoint::load(&path.join("checkpoints/last.safetensors"))?;
    let mut trainer = Trainer::new(config, &data, &device, |_| RunDir::resume(&path), Some(&last))?;
    trainer.run(&never, &mut Lines)?;

    let report = trainer.report()?;
    println!("{}", report.text());
    println!("curves, checkpoints and this report are in {}", path.display());
    assert!(report.sums.top1 > 0.2, "no better than always naming the largest class");
    Ok(())
}
