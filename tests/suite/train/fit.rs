//! What is said of made-up curves: over-fitting, still learning, or nothing.

use warptape::train::logs::metrics::{Row, Split};
use warptape::train::report::fit::note;

/// Rows of a run with these losses of training, its top-1, and losses of `split`.
fn run(split: Split, train: &[f64], top1: &[f64], judged: &[f64]) -> Vec<Row> {
    let row = |epoch: usize, split: Split, loss: f64, top1: f64| Row {
        epoch: epoch as u32 + 1,
        split,
        loss,
        top1,
        top5: 1.0,
        lr: 0.1,
        seconds: 1.0,
        images_per_second: 1.0,
        peak_bytes: 1,
    };
    let epochs = train.iter().zip(top1).zip(judged).enumerate();
    epochs
        .flat_map(|(e, ((&train, &top1), &judged))| [row(e, Split::Train, train, top1), row(e, split, judged, 0.3)])
        .collect()
}

const FALLING: [f64; 8] = [4.0, 3.5, 3.0, 2.5, 2.0, 1.5, 1.0, 0.5];
const RISING: [f64; 8] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
const SATED: [f64; 8] = [0.5, 0.8, 0.9, 0.95, 0.96, 0.97, 0.98, 0.99];
/// Lowest at epoch 4, then up.
const TURNING: [f64; 8] = [4.0, 3.4, 3.0, 2.8, 2.9, 3.1, 3.3, 3.5];

#[test]
fn a_judged_loss_that_turned_is_overfitting_from_there() {
    for split in [Split::Val, Split::Test] {
        let told = note(&run(split, &FALLING, &RISING, &TURNING)).unwrap();
        let name = split.name();
        let expected = format!(
            "overfits from epoch 4: since then {name} loss rose from 2.800 to 3.500 while training loss fell from 2.500 to 0.500"
        );
        assert_eq!(told, expected);
    }
}

#[test]
fn validation_is_judged_by_where_there_is_one() {
    let mut rows = run(Split::Val, &FALLING, &SATED, &FALLING);
    rows.extend(run(Split::Test, &FALLING, &SATED, &TURNING).into_iter().filter(|row| row.split == Split::Test));
    assert_eq!(note(&rows), None);
}

#[test]
fn what_is_not_clear_is_not_said() {
    let test = |train: &[f64], top1: &[f64], judged: &[f64]| note(&run(Split::Test, train, top1, judged));
    // Risen by less than 5 %, for one epoch only, down again at the end; or training did not fall meanwhile.
    assert_eq!(test(&FALLING, &SATED, &[4.0, 3.0, 2.8, 2.7, 2.71, 2.72, 2.73, 2.74]), None);
    assert_eq!(test(&FALLING, &SATED, &[4.0, 3.0, 2.8, 2.7, 2.6, 2.5, 2.4, 3.4]), None);
    assert_eq!(test(&FALLING, &SATED, &[4.0, 3.0, 2.8, 2.0, 3.0, 3.0, 3.0, 2.0]), None);
    assert_eq!(test(&[4.0, 3.0, 2.0, 1.0, 1.0, 1.1, 1.2, 1.3], &SATED, &TURNING), None);
    // Not enough epochs, none at all, a loss that is not finite.
    assert_eq!(note(&run(Split::Test, &FALLING[..3], &RISING, &[1.0, 2.0, 3.0])), None);
    assert_eq!(note(&[]), None);
    assert_eq!(test(&FALLING, &RISING, &[4.0, 3.0, f64::NAN, 1.0, 2.0, 3.0, 4.0, 5.0]), None);
}

#[test]
fn training_accuracy_that_is_low_and_rises_is_still_learning() {
    let test = |top1: &[f64], judged: &[f64]| note(&run(Split::Test, &FALLING, top1, judged));
    let told = "still learning: training top-1 rose from 60.0 % at epoch 6 to 80.0 % at epoch 8";
    assert_eq!(test(&RISING, &FALLING).as_deref(), Some(told));
    // High already; no longer rising; the best epoch is long past.
    assert_eq!(test(&SATED, &FALLING), None);
    assert_eq!(test(&[0.1, 0.3, 0.5, 0.6, 0.7, 0.7, 0.7, 0.705], &FALLING), None);
    assert_eq!(test(&RISING, &[4.0, 3.0, 2.0, 1.5, 1.52, 1.52, 1.52, 1.53]), None);
}

#[test]
fn training_accuracy_that_stays_low_beside_an_equal_one_underfits() {
    // The judged one is 30 %.
    let test = |top1: &[f64]| note(&run(Split::Test, &FALLING, top1, &FALLING));
    let told = |epoch: u32| {
        format!(
            "underfits: since epoch {epoch} training top-1 has stayed within a point of 32.0 %, and test top-1 is 30.0 %"
        )
    };
    assert_eq!(test(&[0.1, 0.2, 0.3, 0.315, 0.32, 0.325, 0.322, 0.32]), Some(told(4)));
    assert_eq!(test(&[0.32; 8]), Some(told(1)));
    // Not for half of the epochs; well above the judged one; high.
    assert_eq!(test(&[0.1, 0.2, 0.3, 0.305, 0.315, 0.325, 0.322, 0.32]), None);
    assert_eq!(test(&[0.36; 8]), None);
    let high = |mut rows: Vec<Row>| {
        rows.iter_mut().for_each(|row| row.top1 = 0.93);
        note(&rows)
    };
    assert_eq!(high(run(Split::Test, &FALLING, &SATED, &FALLING)), None);
    // What overfits does not underfit.
    assert!(note(&run(Split::Val, &FALLING, &[0.32; 8], &TURNING)).unwrap().starts_with("overfits from epoch 4"));
}
