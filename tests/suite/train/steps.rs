//! Running averages within an epoch: which steps have a row, what is in it, and their picture.

use warptape::train::logs::metrics::{self, Split};
use warptape::train::logs::steps::{MOST, Step, Steps, due, picture, read};

use crate::command::{EPOCHS, copy_of_run, fails, on_host, same_runs, shared, steps, succeeds};

#[test]
fn an_epoch_has_a_hundred_rows_at_most_and_its_last_step() {
    for look in [1, 20] {
        for steps in (1..=450).chain([1000, 1001, 1999, 2000, 2001, 2019, 100_000, 123_457]) {
            let rows: Vec<usize> = (1..=steps).filter(|&at| due(at, steps, look)).collect();
            assert_eq!(rows.last(), Some(&steps));
            assert!(rows.len() <= MOST, "{} rows of {steps} steps", rows.len());
            // No fewer than there could be: half as many at least, or every look.
            assert!(rows.len() >= MOST.min(steps / look) / 2, "{} rows of {steps} steps", rows.len());
            // At looks that are made anyway.
            assert!(rows.iter().all(|&at| at % look == 0 || at == steps));
        }
    }
}

#[test]
fn a_run_writes_its_running_averages() {
    let run = &shared().run;
    let rows = read(&run.join("steps.csv")).unwrap();
    let metrics = metrics::read(&run.join("metrics.csv")).unwrap();
    let mut global = 0;
    for epoch in 1..=EPOCHS {
        let of: Vec<&Step> = rows.iter().filter(|row| row.epoch == epoch).collect();
        let last = of.last().unwrap();
        assert_eq!((last.step_in_epoch, last.step), (5, 5 * u64::from(epoch)));
        if on_host() {
            assert_eq!(of.iter().map(|row| row.step_in_epoch).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        }
        for row in &of {
            assert!(row.step > global && row.top1 <= row.top5 && row.lr == 0.002, "{row:?}");
            global = row.step;
            // Shares of whole batches of eight.
            let images = (8 * row.step_in_epoch) as f64;
            assert_eq!((row.top1 * images).round() / images, row.top1, "{row:?}");
        }
        // The last average is the epoch's.
        let train = metrics.iter().find(|row| (row.epoch, row.split) == (epoch, Split::Train)).unwrap();
        assert_eq!((last.loss, last.top1, last.top5, last.lr), (train.loss, train.top1, train.top5, train.lr));
    }
    assert!(image::open(run.join("running.png")).is_ok());
}

#[test]
fn rows_beyond_the_checkpoint_and_half_a_row_are_taken_back() {
    let (_folder, run) = copy_of_run();
    // As after a kill in epoch 5 of a run that was to be longer: rows that no checkpoint stands behind.
    let path = run.join("steps.csv");
    let whole = steps(&run);
    std::fs::write(&path, format!("{whole}5,1,21,0.5,0.5,0.5,0.002\n5,2,22,0.5,0.")).unwrap();
    succeeds(&["train", "--resume", run.to_str().unwrap()]);
    same_runs(&run, &shared().run);

    std::fs::write(&path, whole.replacen("0.002", "x", 1)).unwrap();
    fails(&["train", "--resume", run.to_str().unwrap()], 1, &["steps.csv", "line 2", "lr"]);
    std::fs::remove_file(&path).unwrap();
    fails(&["train", "--resume", run.to_str().unwrap()], 1, &["steps.csv", "is missing"]);
}

#[test]
fn rows_come_back_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steps.csv");
    let row = |step: u64| Step {
        epoch: 1,
        step_in_epoch: step as usize,
        step,
        loss: 1.0 / (step as f64 + 3.0),
        top1: 0.1,
        top5: f64::NAN,
        lr: 1e-7,
    };
    let mut table = Steps::create(&path).unwrap();
    (1..4).for_each(|step| table.append(row(step)).unwrap());
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().nth(1), Some("1,1,1,0.25,0.1,NaN,1e-7"));
    let back = Steps::resume(&path, |row| row.step <= 2).unwrap();
    assert_eq!(format!("{:?}", back.rows()), format!("{:?}", [row(1), row(2)]));
}

#[test]
fn the_picture_is_drawn_for_any_rows() {
    let row = |epoch: u32, at: usize, top1: f64| Step {
        epoch,
        step_in_epoch: at,
        step: at as u64,
        loss: 1.0,
        top1,
        top5: 1.0,
        lr: 0.1,
    };
    let log = |epochs: u32, steps: usize| -> Vec<Step> {
        let all = (1..=epochs).flat_map(|epoch| (1..=steps).map(move |at| (epoch, at)));
        all.map(|(epoch, at)| row(epoch, at, f64::from(epoch) / 1000.0 + at as f64 / 200.0)).collect()
    };
    for rows in [vec![], log(1, 1), log(300, 1), log(3, 100), log(300, 20), vec![row(1, 1, f64::NAN); 3]] {
        let png = picture(&rows, "a <title> \u{1f600}").unwrap();
        let png = image::load_from_memory(&png).unwrap();
        assert_eq!((png.width(), png.height()), (1800, 776));
    }
}
