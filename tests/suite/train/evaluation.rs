//! One pass over images on guarded devices against counting image by image.

use warptape::data::{Images, Size};
use warptape::nn::{Layer, Pass, models};
use warptape::op::augment::{Augment, Channels};
use warptape::op::random::Key;
use warptape::tape::Tape;
use warptape::train::images::Resident;
use warptape::train::report::confusion::Confusion;
use warptape::train::report::predictions::{csv, predictions, wrong};
use warptape::train::views::Views;

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
        let (sums, each) = predictions(&model, &resident, &chosen, mean, std).unwrap();
        let predicted: Vec<i32> = each.iter().map(|one| one.predicted as i32).collect();
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
            assert_eq!(predicted[row], most as i32, "{label}: image {image}");
            let sum = logits.iter().map(|v| v.exp()).sum::<f64>();
            let one = each[row];
            for (found, class) in [(one.probability, most), (one.of_truth, truth)] {
                assert!((found - logits[class].exp() / sum).abs() < 2e-5, "{label}: image {image}: {one:?}");
            }
            assert_eq!(
                (one.truth, one.rank, one.is_right()),
                (truth, better + 1, better == 0),
                "{label}: image {image}"
            );
            counts[truth][most] += 1;
        }
        let n = chosen.len() as f64;
        assert_eq!((sums.count, sums.first_bad_step), (chosen.len() as u64, None));
        assert_eq!((sums.top1, sums.top5), (hits as f64 / n, in_five as f64 / n), "{label}");
        assert!((sums.loss - loss / n).abs() < 1e-5, "{label}: {} and {}", sums.loss, loss / n);
        let labels: Vec<i32> = chosen.iter().map(|&image| images.labels[image as usize]).collect();
        let confusion = Confusion::count(&labels, &predicted, CLASSES).unwrap();
        assert!((0..CLASSES).all(|truth| confusion.row(truth) == counts[truth]), "{label}");
        assert!(confusion.predicted().iter().filter(|&&count| count > 0).count() > 2, "few classes in {counts:?}");
        assert!(hits > 0 && hits < chosen.len() as u64 && in_five > hits, "{label}: {hits} {in_five}");

        let wrong = wrong(&each);
        assert_eq!(wrong.len() as u64, chosen.len() as u64 - hits, "{label}");
        assert!(wrong.windows(2).all(|two| each[two[0]].of_truth <= each[two[1]].of_truth), "{label}: {wrong:?}");
        let names: Vec<String> = (0..CLASSES).map(|class| format!("class, {class}")).collect();
        let table = String::from_utf8(csv(&each, &["a.png".into()], &names).unwrap()).unwrap();
        let (lines, one) = (table.lines().collect::<Vec<_>>(), each[0]);
        assert_eq!(lines.len(), 1 + chosen.len(), "{label}");
        let begin = format!("0,a.png,\"class, {}\",\"class, {}\",", one.truth, one.predicted);
        assert!(lines[1].starts_with(&begin) && lines[1].ends_with(&format!(",{}", one.rank)), "{label}: {}", lines[1]);
        assert!(lines[2].starts_with("1,,"), "{label}: {}", lines[2]);
    }
}

/// Of larger pictures, evaluation sees the middle; a view is moved within that, and its edge mirrors.
#[test]
fn views_of_larger_pictures_stay_in_the_middle() {
    let (_, device) = devices().remove(0);
    let mut loaded = Images::of(Size { height: 8, width: 9 }, Size { height: 4, width: 5 });
    loaded.pixels = (0..8 * 9 * 3).map(|at| (at * 37 % 251) as u8).collect();
    loaded.labels = vec![0];
    let mut middle = Images::new(4, 5);
    middle.pixels = (2..6).flat_map(|y| loaded.pixels[(y * 9 + 2) * 3..(y * 9 + 7) * 3].to_vec()).collect();
    middle.labels = vec![0];
    let views = |images: &Images| -> Vec<Vec<f32>> {
        let resident = Resident::new(&device, images).unwrap().viewed(Views::MirrorTranslate);
        let order = resident.order(&[0]).unwrap();
        let (seen, _) = resident.seen(&order, 0, 1, &Channels { mean: [0.0; 3], std: [1.0; 3] }).unwrap();
        seen.iter().map(|(x, _)| x.to_vec().unwrap()).collect()
    };
    let (ours, cut) = (views(&loaded), views(&middle));
    assert!(ours == cut && ours.len() == 6);
    let pixel = |view: usize, y: usize, x: usize| ours[view][(y * 5 + x) * 3];
    // Mirrored; moved down and right by one, where row and column 1 stand beyond the edge.
    assert_eq!([pixel(1, 2, 0), pixel(2, 3, 4), pixel(2, 0, 0)], [pixel(0, 2, 4), pixel(0, 2, 3), pixel(0, 1, 1)]);
    assert_eq!([pixel(4, 0, 0), pixel(4, 3, 4), pixel(5, 0, 4)], [pixel(0, 1, 1), pixel(0, 2, 3), pixel(4, 0, 0)]);
}
