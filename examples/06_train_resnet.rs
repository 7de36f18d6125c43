//! Step 6: ResNet18, block by block.
//!
//!     cargo run --release --example 06_train_resnet
//!
//! The stem decides what a residual network costs. ImageNet's (7×7 with stride 2, then pooling) leaves 8 × 8 pixels of a
//! picture of 32 × 32 and is fifteen times cheaper than CIFAR's, which keeps them all and learns more of small pictures.

use warptape::data::{Dataset, Loading, split};
use warptape::nn::{Layer, Pass, models, parameters};
use warptape::op::augment::Augment;
use warptape::op::cross_entropy::cross_entropy;
use warptape::op::random::Key;
use warptape::optim::{Optimizer, OptimizerConfig, Schedule};
use warptape::train::evaluate::evaluate;
use warptape::train::images::Resident;
use warptape::train::precision::Precision;
use warptape::train::summary::Summary;
use warptape::{Device, Result, Tape, Tensor};

const EPOCHS: u64 = 3;
const BATCH: usize = 64;

fn main() -> Result<()> {
    let device = Device::open("auto")?;
    let data = Dataset::open("emoji", &Loading::default())?;
    let (classes, size) = (data.classes.len(), [data.train.height, data.train.width]);
    for spec in ["resnet18:stem=cifar", "resnet18:stem=imagenet"] {
        let summary = Summary::new(spec, classes, size, 1, Precision::F32, device.target())?;
        println!("{spec:<22} {:>6.1} MMAC, {} parameters", summary.macs() as f64 / 1e6, summary.parameters());
    }
    let summary = Summary::new("resnet18:stem=imagenet", classes, size, 1, Precision::F32, device.target())?;
    for row in summary.rows.iter().filter(|row| row.name.starts_with("layer2.0")) {
        println!("  {:<22} {:<34} {:?}", row.name, row.kind, row.output);
    }

    let model = models::build("resnet18:stem=imagenet", classes, size, &device, 0)?;
    let learned: Vec<Tensor> = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
    // The recipe of residual networks: SGD with Nesterov momentum and weight decay.
    let sgd = OptimizerConfig::Sgd { momentum: 0.9, dampening: 0.0, nesterov: true, weight_decay: 5e-4 };
    let mut optimizer = Optimizer::new(&sgd, learned.clone())?;
    let steps = (data.train.len() / BATCH) as u64;
    let schedule = Schedule::new("onecycle".parse()?, 0.05, steps);

    let (train, test) = (Resident::new(&device, &data.train)?, Resident::new(&device, &data.test)?);
    let (mean, std) = data.train.mean_std();
    let (mean, std) = (mean.map(|m| m as f32), std.map(|s| s as f32));
    let all: Vec<u32> = (0..test.len() as u32).collect();
    let mut accuracy = 0.0;
    for epoch in 0..EPOCHS {
        let order = train.order(&split::shuffle(train.len(), 0, epoch))?;
        for number in 0..steps {
            let step = epoch * steps + number;
            let how = Augment { padding: Some(2), ..Augment::evaluation(mean, std) };
            let key = Key { seed: 0, step, stream: 0 };
            let (x, labels) = train.batch(&order, number as usize * BATCH, BATCH, &how, key)?;
            let mut tape = Tape::new();
            learned.iter().for_each(|tensor| tape.watch(tensor));
            let logits = model.forward(&mut Pass::training(&mut tape, 0, step), &x)?;
            let loss = cross_entropy(&mut tape, &logits, &labels, 0.0)?;
            optimizer.step(&tape.backward(&loss)?, schedule.lr(step, steps * EPOCHS) as f32)?;
        }
        let sums = evaluate(&model, &test, &all, mean, std)?;
        accuracy = sums.top1;
        println!("epoch {}: test loss {:.3}, top-1 {:.1} %", epoch + 1, sums.loss, 100.0 * sums.top1);
    }
    assert!(accuracy > 0.3, "{accuracy} is little more than guessing");
    Ok(())
}
