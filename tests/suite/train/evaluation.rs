//! One pass over images on guarded devices against counting image by image.

use warptape::data::Images;
use warptape::nn::{Layer, Pass, models};
use warptape::op::augment::Augment;
use warptape::op::random::Key;
use warptape::tape::Tape;
use warptape::train::evaluate::evaluate;
use warptape::train::images::Resident;
use warptape::train::report::confusion::Confusion;

use crate::support::devices;

const CLASSES: usize = 7;
/// More than one batch of evaluation, and no multiple of it.
const COUNT: usize = 300;

/// Noise whose colour depends on the label.
fn pictures() -> Images {
    let mut images = Images::new(16, 16);
    let mut state = 1u32;
    for number in 0..COUNT {
        let label = number * 5 % CLASSES;
        for byte in 0..16 * 16 * 3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            images.pixels.push((state >> 25) as u8 + (label * (byte % 3) * 9) as u8);
        }
        images.labels.push(label as i32);
    }
    images
}

#[test]
fn a_pass_agrees_with_counting_image_by_image() {
    let images = pictures();
    let (mean, std) = ([0.4, 0.5, 0.45], [0.2, 0.25, 0.3]);
    // Every image but a few, not in order.
    let chosen: Vec<u32> = (0..COUNT as u32).map(|i| i * 7 % COUNT as u32).skip(3).collect();
    for (label, device) in devices() {
        let model = models::build("little-conv", CLASSES, [32, 32], &device, 3).unwrap();
        let resident = Resident::new(&device, &images).unwrap();
        assert_eq!(resident.labels().unwrap(), images.labels, "{label}");
        // Running statistics of these very images, without which an untrained network takes all for the same class.
        let every: Vec<u32> = (0..COUNT as u32).collect();
        let (how, key) = (Augment::evaluation(mean, std), Key { seed: 0, step: 0, stream: 0 });
        let (x, _) = resident.batch(&resident.order(&every).unwrap(), 0, 50, &how, key).unwrap();
        for step in 0..20 {
            model.forward(&mut Pass::training(&mut Tape::new(), 0, step), &x).unwrap();
        }
        let pass = evaluate(&model, &resident, &chosen, mean, std).unwrap();
        let predictions = pass.predictions().unwrap();
        device.check_guards().unwrap();

        let order = resident.order(&chosen).unwrap();
        let (x, _) = resident.batch(&order, 0, chosen.len(), &how, key).unwrap();
        let logits = model.forward(&mut Pass::inference(&mut Tape::new()), &x).unwrap().to_vec::<f32>().unwrap();
        let (mut hits, mut in_five, mut loss) = (0, 0, 0.0);
        let mut counts = vec![vec![0u64; CLASSES]; CLASSES];
        for (row, &image) in chosen.iter().enumerate() {
            let logits: Vec<f64> = logits[row * CLASSES..][..CLASSES].iter().map(|&v| v.into()).collect();
            let truth = images.labels[image as usize] as usize;
            let better = logits.iter().filter(|&&v| v > logits[truth]).count();
            hits += u64::from(better == 0);
            in_five += u64::from(better < 5);
            loss += logits.iter().map(|v| v.exp()).sum::<f64>().ln() - logits[truth];
            let most = (0..CLASSES).rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap();
            assert_eq!(predictions[row], most as i32, "{label}: image {image}");
            counts[truth][most] += 1;
        }
        let n = chosen.len() as f64;
        assert_eq!((pass.sums.count, pass.sums.first_bad_step), (chosen.len() as u64, None));
        assert_eq!((pass.sums.top1, pass.sums.top5), (hits as f64 / n, in_five as f64 / n), "{label}");
        assert!((pass.sums.loss - loss / n).abs() < 1e-5, "{label}: {} and {}", pass.sums.loss, loss / n);
        let labels: Vec<i32> = chosen.iter().map(|&image| images.labels[image as usize]).collect();
        let confusion = Confusion::count(&labels, &predictions, CLASSES).unwrap();
        assert!((0..CLASSES).all(|truth| confusion.row(truth) == counts[truth]), "{label}");
        assert!(confusion.predicted().iter().filter(|&&count| count > 0).count() > 2, "few classes in {counts:?}");
        assert!(hits > 0 && hits < chosen.len() as u64 && in_five > hits, "{label}: {hits} {in_five}");
    }
}
