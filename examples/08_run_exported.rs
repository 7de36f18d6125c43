//! Step 8: use it in a program of your own. A trained network leaves a folder; these few lines need nothing else.
//!
//!     cargo run --release --example 08_run_exported                     # trains one epoch, exports it, reads it back
//!     cargo run --release --example 08_run_exported -- FOLDER PICTURE   # a folder of `warptape export RUN --out FOLDER`
//!
//! `run_exported.py` beside it does the same without a line of ours, by onnxruntime.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use warptape::data::{Dataset, picture};
use warptape::export::folder;
use warptape::nn::{Layer, Pass};
use warptape::op::cross_entropy::softmax;
use warptape::train::checkpoint::Progress;
use warptape::train::config::Config;
use warptape::train::evaluate::load_model;
use warptape::train::logs::metrics::Row;
use warptape::train::observer::{Observer, Running};
use warptape::train::run_dir::{RunDir, RunInfo};
use warptape::train::trainer::Trainer;
use warptape::{Device, Tape};

/// The probability of each class for the picture in `file`, by the network in `exported`.
fn classify(exported: &Path, file: &Path, device: &Device) -> warptape::Result<Vec<(String, f32)>> {
    let (network, preprocessing, classes) = folder::open(exported, device)?;
    let x = preprocessing.input(&[picture::open(file)?], device)?;
    let logits = network.forward(&mut Pass::inference(&mut Tape::new()), &x)?;
    let mut scores: Vec<_> = classes.into_iter().zip(softmax(&logits)?.to_vec::<f32>()?).collect();
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(scores)
}

fn main() -> anyhow::Result<()> {
    let device = Device::open("auto")?;
    let given: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (exported, file) = match given.as_slice() {
        [exported, file] => (exported.clone(), file.clone()),
        _ => exported(&device)?,
    };
    let scores = classify(&exported, &file, &device)?;
    for (class, probability) in scores.iter().take(5) {
        println!("{:6.2} %  {class}", 100.0 * probability);
    }
    let sum: f32 = scores.iter().map(|(_, probability)| probability).sum();
    assert!((sum - 1.0).abs() < 1e-4, "probabilities add up to {sum}");
    Ok(())
}

/// A network that one epoch trained, as a folder, and a picture of the test set.
fn exported(device: &Device) -> anyhow::Result<(PathBuf, PathBuf)> {
    let config = Config { epochs: 1, ..Config::default() };
    let data = Dataset::open(&config.data, &config.loading())?;
    let named = |info: &RunInfo| RunDir::numbered(Path::new("runs"), "exported", &data.name, info);
    let mut trainer = Trainer::new(config, &data, device, named, None)?;
    trainer.run(&AtomicBool::new(false), &mut Silent)?;

    let run = trainer.run_dir();
    let (network, meta) = load_model(&run.checkpoints().join("best.safetensors"), device)?;
    let folder = run.file("exported");
    folder::write(&folder, &network, &meta)?;
    let file = run.file("picture.png");
    let pixels = image::RgbImage::from_raw(32, 32, data.test.image(100).to_vec()).expect("32 × 32 pixels");
    pixels.save(&file)?;
    println!("{} is in {}", data.classes[data.test.labels[100] as usize], file.display());
    Ok((folder, file))
}

struct Silent;

impl Observer for Silent {
    fn step(&mut self, _: &Progress, _: usize, _: Running) {}
    fn epoch(&mut self, _: u32, _: &[Row]) {}
}
