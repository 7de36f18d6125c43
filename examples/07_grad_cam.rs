//! Step 7: where does it look? Grad-CAM on a network that step 4's recipe trains in two epochs.
//!
//!     cargo run --release --example 07_grad_cam
//!
//! One call explains any model: it watches the input, keeps the gradient of an inner layer, and adds up that layer's
//! channels by how much the logit hangs on each. `warptape explain RUN --images test:0,1,2` makes sheets of it.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use warptape::Device;
use warptape::data::Dataset;
use warptape::explain::paint::{Palette, overlay};
use warptape::explain::{Method, Request, cam};
use warptape::op::augment::Augment;
use warptape::op::random::Key;
use warptape::train::checkpoint::Progress;
use warptape::train::config::Config;
use warptape::train::images::Resident;
use warptape::train::logs::metrics::Row;
use warptape::train::observer::{Observer, Running};
use warptape::train::run_dir::{RunDir, RunInfo};
use warptape::train::trainer::Trainer;

struct Silent;

impl Observer for Silent {
    fn step(&mut self, _: &Progress, _: usize, _: Running) {}
    fn epoch(&mut self, epoch: u32, rows: &[Row]) {
        println!("epoch {epoch}: top-1 {:.1} %", 100.0 * rows.last().map_or(0.0, |row| row.top1));
    }
}

fn main() -> anyhow::Result<()> {
    let config = Config { epochs: 2, ..Config::default() };
    let device = Device::open(&config.device)?;
    let data = Dataset::open(&config.data, &config.loading())?;
    let folder = |info: &RunInfo| RunDir::numbered(Path::new("runs"), "grad-cam", &data.name, info);
    let mut trainer = Trainer::new(config, &data, &device, folder, None)?;
    trainer.run(&AtomicBool::new(false), &mut Silent)?;

    // Eight pictures of the test set, as the network sees them.
    let (mean, std) = data.train.mean_std();
    let plain = Augment::evaluation(mean.map(|m| m as f32), std.map(|s| s as f32));
    let test = Resident::new(&device, &data.test)?;
    let order = test.order(&[0, 100, 200, 300, 400, 500, 600, 700])?;
    let (x, _) = test.batch(&order, 0, 8, &plain, Key { seed: 0, step: 0, stream: 0 })?;

    let maps = cam(
        trainer.model(),
        &x,
        &Request { target_layers: vec!["features.10".into()], ..Request::new(Method::GradCam) },
    )?;
    for (number, map) in maps.iter().enumerate() {
        let index = 100 * number;
        let pixels = data.test.image(index).to_vec();
        let picture = image::RgbImage::from_raw(32, 32, pixels).expect("32 × 32 pixels");
        let large = image::imageops::resize(&picture, 256, 256, image::imageops::FilterType::CatmullRom);
        let path = trainer.run_dir().file(&format!("cam-{index}.png"));
        overlay(&large, &map.scaled, map.size, Palette::Heat).save(&path)?;
        let hottest = (0..map.scaled.len()).max_by(|&a, &b| map.scaled[a].total_cmp(&map.scaled[b])).unwrap_or(0);
        let (class, row, column) = (&data.classes[map.class], hottest / 32, hottest % 32);
        print!("{}: {class}, mostly for what is at row {row}, column {column}", path.display());
        // A map in which nothing is to be seen says why.
        println!("{}", map.diagnosis.as_ref().map_or(String::new(), |why| format!(" ({why})")));
    }
    assert!(maps.iter().any(|map| map.scaled.iter().any(|&v| v > 0.9)), "every map is blank");
    Ok(())
}
