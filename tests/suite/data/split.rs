//! Splits: stratified, nested, complete, and the same everywhere.

use warptape::data::{Images, Ratios, split};

use crate::data::files::says;

/// Pictures of no size with these class counts, classes interleaved.
fn labelled(counts: &[usize]) -> Images {
    let most = counts.iter().copied().max().unwrap_or(0);
    let rounds = (0..most).flat_map(|i| counts.iter().enumerate().filter(move |c| *c.1 > i).map(|c| c.0 as i32));
    Images { labels: rounds.collect(), ..Images::default() }
}

fn counts(images: &Images, indices: &[u32], classes: usize) -> Vec<usize> {
    images.select(indices).class_counts(classes)
}

#[test]
fn a_fraction_is_stratified_and_nested() {
    let images = labelled(&[100, 1000, 3, 0, 37]);
    for seed in 0..20 {
        let one = split::fraction(&images, 0.01, seed).unwrap();
        let ten = split::fraction(&images, 0.1, seed).unwrap();
        assert_eq!(counts(&images, &one, 5), [1, 10, 1, 0, 1]);
        assert_eq!(counts(&images, &ten, 5), [10, 100, 1, 0, 4]);
        assert!(one.iter().all(|index| ten.binary_search(index).is_ok()), "1 % is part of 10 %");
        assert!(ten.is_sorted());
        assert_eq!(split::fraction(&images, 1.0, seed).unwrap(), (0..1140).collect::<Vec<u32>>());
    }
    assert_ne!(split::fraction(&images, 0.1, 0).unwrap(), split::fraction(&images, 0.1, 1).unwrap());
    assert!(split::fraction(&Images::default(), 0.5, 0).unwrap().is_empty());
}

#[test]
fn validation_is_stratified_and_complete() {
    let images = labelled(&[100, 1000, 1, 2, 0, 37]);
    for seed in 0..20 {
        let (train, val) = split::validation(&images, 0.1, seed).unwrap();
        assert_eq!(counts(&images, &val, 6), [10, 100, 0, 1, 0, 4]);
        assert_eq!(counts(&images, &train, 6), [90, 900, 1, 1, 0, 33]);
        let mut all = [train, val].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1140).collect::<Vec<u32>>());
        let (train, val) = split::validation(&images, 0.999, seed).unwrap();
        assert_eq!(counts(&images, &train, 6), [1, 1, 1, 1, 0, 1]);
        assert_eq!(val.len(), 1140 - 5);
    }
    assert_eq!(split::validation(&images, 0.0, 0).unwrap(), ((0..1140).collect(), vec![]));
}

#[test]
fn a_limit_takes_so_many_of_each_class_and_more_of_a_larger_one() {
    let images = labelled(&[100, 1000, 3, 0, 37]);
    for seed in 0..5 {
        let [few, rest] = split::limit(&images, 10, seed);
        assert_eq!(counts(&images, &few, 5), [10, 10, 3, 0, 10]);
        assert_eq!(counts(&images, &rest, 5), [90, 990, 0, 0, 27]);
        let [more, _] = split::limit(&images, 50, seed);
        assert!(few.iter().all(|index| more.binary_search(index).is_ok()));
    }
    assert_ne!(split::limit(&images, 10, 0), split::limit(&images, 10, 1));
}

#[test]
fn a_balanced_epoch_has_as_many_of_each_class() {
    let images = labelled(&[100, 1000, 3, 0, 38]);
    let mut last = Vec::new();
    for epoch in 0..5 {
        let order = split::balanced(&images.labels, 7, epoch);
        assert_eq!(order.len(), 1141);
        let per_class = counts(&images, &order, 5);
        assert!(per_class.iter().enumerate().all(|(class, count)| matches!((class, count), (3, 0) | (_, 285 | 286))));
        // Within a class each picture comes as often as any other, to one.
        let mut times = vec![0; 1141];
        order.iter().for_each(|&index| times[index as usize] += 1);
        for class in [0, 1, 2, 4] {
            let of_class: Vec<i32> = times
                .iter()
                .zip(&images.labels)
                .filter(|(_, label)| **label == class)
                .map(|(times, _)| *times)
                .collect();
            assert!(of_class.iter().max().unwrap() - of_class.iter().min().unwrap() <= 1, "class {class}");
        }
        // Classes are mixed, and another epoch takes others.
        let half = order[..570].iter().filter(|&&index| images.labels[index as usize] == 1).count();
        assert!((100..185).contains(&half), "{half}");
        assert_ne!(order, last);
        last = order;
    }
    assert_eq!(split::balanced(&images.labels, 7, 4), last);
    assert!(split::balanced(&[], 7, 0).is_empty());
}

#[test]
fn three_parts_are_stratified_complete_and_stable() {
    let images = labelled(&[100, 1000, 1, 2, 0, 37, 3]);
    let three = |text: &str, seed| split::three(&images, text.parse().unwrap(), seed);
    for seed in 0..20 {
        let [train, val, test] = three("8:1:1", seed);
        assert_eq!(counts(&images, &train, 7), [80, 800, 1, 1, 0, 29, 1]);
        assert_eq!(counts(&images, &val, 7), [10, 100, 0, 0, 0, 4, 1]);
        assert_eq!(counts(&images, &test, 7), [10, 100, 0, 1, 0, 4, 1]);
        assert!([&train, &val, &test].iter().all(|part| part.is_sorted()));
        let mut all = [&train[..], &val, &test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1143).collect::<Vec<u32>>());
        // Without validation the test set is the same; a larger one holds it.
        let [_, none, same] = three("0.9:0:0.1", seed);
        assert!(none.is_empty() && same == test);
        let [_, _, larger] = three("5:1:4", seed);
        assert!(larger.len() > test.len() && test.iter().all(|index| larger.binary_search(index).is_ok()));
    }
    assert_ne!(three("8:1:1", 0), three("8:1:1", 1));
}

#[test]
fn ratios_that_are_none() {
    for bad in ["", "8", "8:1", "8:1:1:1", "0:1:1", "8:1:0", "8:-1:1", "nan:1:1", "inf:1:1", "8:1:x", "1e7:1:1"] {
        says(bad.parse::<Ratios>(), &["split", "TRAIN:VAL:TEST"]);
    }
    assert_eq!("8:1:1".parse::<Ratios>().unwrap(), Ratios::default());
    assert_eq!(" 0.7 : 0:.3".parse::<Ratios>().unwrap().to_string(), "0.7:0:0.3");
}

#[test]
fn shares_out_of_range_are_refused() {
    let images = labelled(&[4]);
    for bad in [0.0, -0.1, 1.0001, f64::NAN, f64::INFINITY] {
        says(split::fraction(&images, bad, 0), &["fraction", "above 0 and at most 1"]);
    }
    for bad in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        says(split::validation(&images, bad, 0), &["validation ratio", "at least 0 and below 1"]);
    }
}

#[test]
fn an_epochs_order_is_a_permutation_of_its_own() {
    for n in [0, 1, 2, 3, 10, 257, 5000] {
        for seed in 0..5 {
            let mut order = split::shuffle(n, seed, seed + 1);
            order.sort_unstable();
            assert_eq!(order, (0..n as u32).collect::<Vec<_>>());
        }
    }
    assert_ne!(split::shuffle(100, 0, 0), split::shuffle(100, 0, 1));
    assert_ne!(split::shuffle(100, 0, 0), split::shuffle(100, 1, 0));
    // Every picture comes first about equally often.
    let mut first = [0; 8];
    (0..8000).for_each(|epoch| first[split::shuffle(8, 7, epoch)[0] as usize] += 1);
    assert!(first.iter().all(|count| (900..1100).contains(count)), "{first:?}");
}

/// These may never change: runs of other machines and older versions are repeated by them.
#[test]
fn choices_are_the_same_everywhere() {
    let images = labelled(&[10, 20]);
    assert_eq!(split::shuffle(10, 0, 0), SHUFFLE_0_0);
    assert_eq!(split::shuffle(10, u64::MAX, 3), SHUFFLE_MAX_3);
    assert_eq!(split::fraction(&images, 0.2, 1).unwrap(), FRACTION);
    assert_eq!(split::validation(&images, 0.2, 1).unwrap().1, VALIDATION);
    assert_eq!(split::three(&images, Ratios::default(), 1)[1..], [THREE_VAL.to_vec(), THREE_TEST.to_vec()]);
}
// From a second implementation of ChaCha8 and of the choices, in Python.
const SHUFFLE_0_0: [u32; 10] = [2, 1, 9, 0, 6, 5, 3, 7, 4, 8];
const SHUFFLE_MAX_3: [u32; 10] = [3, 0, 7, 8, 9, 5, 1, 2, 6, 4];
const FRACTION: [u32; 6] = [1, 2, 5, 7, 8, 21];
const VALIDATION: [u32; 6] = [1, 4, 8, 15, 22, 26];
const THREE_VAL: [u32; 3] = [1, 6, 15];
const THREE_TEST: [u32; 3] = [9, 14, 28];
