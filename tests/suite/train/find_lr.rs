//! Finding a learning rate: the rates that are tried, what their losses suggest, the command.

use std::sync::atomic::{AtomicBool, Ordering};

use warptape::optim::{Policy, Schedule};
use warptape::train::checkpoint::Progress;
use warptape::train::config::Config;
use warptape::train::observer::{Observer, Running};
use warptape::train::range_test::{RangeTest, Suggested, Tried, csv, suggested};

use crate::command::{device, fails, shared, succeeds};

#[test]
fn rates_rise_by_the_same_factor_at_each_step() {
    let policy: Policy = "range:1e-6:1:7".parse().unwrap();
    assert_eq!(policy.to_string(), "range:1e-6:1e0:7");
    assert_eq!(policy.to_string().parse::<Policy>().unwrap(), policy);
    let schedule = Schedule::new(policy, 0.5, 3);
    for (step, expected) in [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1.0].into_iter().enumerate() {
        let found = schedule.lr(step as u64, 1000);
        assert!((found / expected - 1.0).abs() < 1e-12, "step {step}: {found}");
    }
    for text in ["range", "range:1", "range:1:0.1", "range:0:1", "range:1e-3:1:1", "range:1e-3:x", "range:1e-3:1:9:9"] {
        assert!(text.parse::<Policy>().is_err(), "{text}");
    }
}

/// Tells `test` of batches with these losses, `per_epoch` in each epoch, as a training does: by means over the epoch.
fn told(test: &mut RangeTest, losses: &[f64], per_epoch: usize) {
    let mut sum = 0.0;
    for (step, loss) in losses.iter().enumerate() {
        let step_in_epoch = step % per_epoch + 1;
        sum = if step_in_epoch == 1 { *loss } else { sum + loss };
        let progress = Progress { step: step as u64 + 1, step_in_epoch, ..Progress::default() };
        let running = Running { loss: sum / step_in_epoch as f64, top1: 0.0, top5: 0.0, images_per_second: 1.0 };
        test.step(&progress, per_epoch, running);
    }
}

#[test]
fn losses_of_single_steps_are_found_again_and_smoothed_without_bias() {
    let (stop, outer) = (AtomicBool::new(false), AtomicBool::new(false));
    let config = Config { schedule: "range:1e-4:1:30".into(), ..Config::default() };
    let losses: Vec<f64> = (0..30).map(|step| 2.0 + (step as f64).sin()).collect();
    let mut test = RangeTest::new(&config, 30, &stop, &outer).unwrap();
    told(&mut test, &losses, 7);
    let mut mean = 0.0;
    for (step, (tried, loss)) in test.tried().iter().zip(&losses).enumerate() {
        mean = 0.98 * mean + 0.02 * loss;
        let smoothed = mean / (1.0 - 0.98f64.powi(step as i32 + 1));
        assert!(
            (tried.loss - loss).abs() < 1e-12 && (tried.smoothed - smoothed).abs() < 1e-12,
            "step {step}: {tried:?}"
        );
    }
    assert!(test.tried().len() == 30 && stop.load(Ordering::Relaxed));

    // It ends where the loss has run away, at once where somebody asks, and hears of nothing after that.
    let runs_away: Vec<f64> = (0..30).map(|step| if step < 12 { 2.0 } else { 500.0 }).collect();
    for (losses, ask, expected) in [(&runs_away, false, 13), (&losses, true, 1)] {
        let (stop, outer) = (AtomicBool::new(false), AtomicBool::new(ask));
        let mut test = RangeTest::new(&config, 30, &stop, &outer).unwrap();
        told(&mut test, losses, 7);
        assert!(test.tried().len() == expected && stop.load(Ordering::Relaxed), "{}", test.tried().len());
    }
}

#[test]
fn the_steepest_and_the_lowest_place_are_suggested() {
    // In the logarithm of the rate: flat, down the most steeply at 1e-3, lowest at 1e-2, up.
    let loss = |x: f64| 2.0 - (2.0 * (x + 3.0)).tanh() + if x > -2.0 { (x + 2.0).powi(2) } else { 0.0 };
    let tried = |first: usize, last: usize| -> Vec<Tried> {
        let at = |step: usize| -6.0 + 0.05 * step as f64;
        (first..last).map(at).map(|x| Tried { lr: 10f64.powf(x), loss: loss(x), smoothed: loss(x) }).collect()
    };
    let Suggested { steepest, lowest } = suggested(&tried(0, 140)).unwrap();
    assert!((steepest.log10() + 3.0).abs() < 0.06 && (lowest.log10() + 2.0).abs() < 0.2, "{steepest:e} {lowest:e}");
    // Where it only rises, and where there is too little.
    assert_eq!(suggested(&tried(90, 140)), None);
    assert_eq!(suggested(&tried(0, 15)), None);
    let lines = csv(&tried(0, 2));
    assert!(lines.starts_with("step,lr,loss,smoothed\n1,1e-6,") && lines.lines().count() == 3, "{lines}");
}

#[test]
fn the_command_leaves_a_curve_and_names_a_rate() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("found");
    let (device, path) = (device(), out.to_str().unwrap());
    let words = ["find-lr", "--data", &shared().data, "--device", &device, "--batch-size", "8", "--out", path];
    let said = succeeds(&[&words[..], &["--steps", "40", "--accumulate", "2", "--to", "1e4"]].concat());
    assert!(said.contains("rates from 1e-6 to 1e4 over 40 steps") && said.contains("try --lr "), "{said}");
    let table = std::fs::read_to_string(out.join("find-lr.csv")).unwrap();
    let steps = table.lines().count() - 1;
    assert!((20..=40).contains(&steps), "{table}");
    let picture = image::open(out.join("find-lr.png")).unwrap();
    assert!(picture.width() > 400);
    let left: Vec<_> = std::fs::read_dir(&out).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    for (more, part) in
        [(["--lr", "0.1"], "--lr is of a training"), (["--from", "20"], "from a rate above 0 up to another")]
    {
        fails(&[&words[..], &more].concat(), 2, &[part]);
    }
}
