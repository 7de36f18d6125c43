//! Step 4: a training loop, spelled out.
//!
//!     cargo run --release --example 04_train_little_conv
//!
//! Four convolutions learn to tell nine classes of emoji, from the raw bytes to the accuracy on pictures never seen.
//! `warptape train` does the same with checkpoints, curves and much else; this is what lies at its heart.

use warptape::data::{Dataset, Loading, split};
use warptape::nn::{Layer, Pass, models, parameters};
use warptape::op::augment::Augment;
use warptape::op::cross_entropy::cross_entropy;
use warptape::op::random::Key;
use warptape::optim::{Optimizer, OptimizerConfig, Schedule};
use warptape::train::evaluate::evaluate;
use warptape::train::images::Resident;
use warptape::{Device, Result, Tape, Tensor};

const EPOCHS: u64 = 4;
const BATCH: usize = 64;
const SEED: u64 = 0;

fn main() -> Result<()> {
    let device = Device::open("auto")?;
    let data = Dataset::open("emoji", &Loading::default())?;
    println!("{} pictures to train on, {} to test", data.train.len(), data.test.len());

    // The pictures live on the device as bytes; batches are cut, shifted and normalized there.
    let (train, test) = (Resident::new(&device, &data.train)?, Resident::new(&device, &data.test)?);
    let (mean, std) = data.train.mean_std();
    let (mean, std) = (mean.map(|m| m as f32), std.map(|s| s as f32));
    let shifted = Augment { padding: Some(2), ..Augment::evaluation(mean, std) };

    let input = [data.train.height, data.train.width];
    let model = models::build("little-conv", data.classes.len(), input, &device, SEED)?;
    let learned: Vec<Tensor> = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
    let adam = OptimizerConfig::Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0, amsgrad: false };
    let mut optimizer = Optimizer::new(&adam, learned.clone())?;

    let steps = (data.train.len() / BATCH) as u64;
    let schedule = Schedule::new("onecycle".parse()?, 3e-3, steps);
    for epoch in 0..EPOCHS {
        let order = train.order(&split::shuffle(train.len(), SEED, epoch))?;
        let mut sum = 0.0;
        for number in 0..steps {
            let step = epoch * steps + number;
            // Random numbers are a function of seed, step and place: the same run comes out the same anywhere.
            let key = Key { seed: SEED, step, stream: 0 };
            let (x, labels) = train.batch(&order, number as usize * BATCH, BATCH, &shifted, key)?;

            let mut tape = Tape::new();
            learned.iter().for_each(|tensor| tape.watch(tensor));
            let logits = model.forward(&mut Pass::training(&mut tape, SEED, step), &x)?;
            let loss = cross_entropy(&mut tape, &logits, &labels, 0.1)?;
            sum += loss.item()?;
            let gradients = tape.backward(&loss)?;
            optimizer.step(&gradients, schedule.lr(step, steps * EPOCHS) as f32)?;
        }
        println!("epoch {}: mean loss {:.3}", epoch + 1, sum / steps as f32);
    }

    // In inference batch normalization uses its running statistics, and the empty tape records nothing.
    let all: Vec<u32> = (0..test.len() as u32).collect();
    let result = evaluate(&model, &test, &all, mean, std)?;
    println!("test accuracy {:.1} %, loss {:.3}", 100.0 * result.top1, result.loss);
    assert!(result.top1 > 0.5, "chance is {:.1} %", 100.0 / data.classes.len() as f64);
    Ok(())
}
