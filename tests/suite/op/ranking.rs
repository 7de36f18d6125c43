//! The largest classes, and the totals of an epoch.

use warptape::op::metrics::Totals;
use warptape::op::topk::topk;
use warptape::{Device, Tensor};

use crate::support::devices;

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;

fn indices(device: &Device, row: &[f32], k: usize) -> Vec<i32> {
    let logits = Tensor::from_slice(device, [1, row.len()], row).unwrap();
    let (values, indices) = topk(&logits, k).unwrap();
    let indices = indices.to_vec::<i32>().unwrap();
    for (value, &at) in values.to_vec::<f32>().unwrap().iter().zip(&indices) {
        assert_eq!(value.to_bits(), row[at as usize].to_bits(), "the value is the element itself");
    }
    indices
}

#[test]
fn topk_orders_ties_zeros_infinities_and_nan() {
    for (label, device) in devices() {
        let order = |row: &[f32]| indices(&device, row, row.len());
        assert_eq!(order(&[1.0, 3.0, 2.0]), [1, 2, 0], "{label}");
        assert_eq!(order(&[2.0, 5.0, 2.0, 5.0, 2.0]), [1, 3, 0, 2, 4], "{label}: the lower column first");
        assert_eq!(order(&[-0.0, 0.0, -0.0, 1e-45, -1e-45]), [3, 0, 1, 2, 4], "{label}: zeros are equal");
        assert_eq!(order(&[1.0, INF, NAN, -INF, -NAN, -1.0]), [2, 4, 1, 0, 5, 3], "{label}: NaN is the largest");
        assert_eq!(order(&[NAN]), [0], "{label}");
    }
}

#[test]
fn topk_agrees_with_sorting() {
    for (label, device) in devices() {
        for (n, columns, k) in [(1, 1, 1), (9, 10, 5), (5, 33, 32), (3, 1000, 7)] {
            // Few distinct values, so that there are many ties.
            let x: Vec<f32> = (0..n * columns).map(|i| ((i * 7919) % 61) as f32 - 30.0).collect();
            let logits = Tensor::from_slice(&device, [n, columns], &x).unwrap();
            let (values, found) = topk(&logits, k).unwrap();
            assert_eq!((values.shape().dims(), found.shape().dims()), (&[n, k][..], &[n, k][..]));
            let mut expected = Vec::new();
            for row in x.chunks(columns) {
                let mut order: Vec<i32> = (0..columns as i32).collect();
                order.sort_by(|&a, &b| row[b as usize].total_cmp(&row[a as usize])); // stable: ties stay in order
                expected.extend_from_slice(&order[..k]);
            }
            assert_eq!(found.to_vec::<i32>().unwrap(), expected, "{label}: {n} {columns} {k}");
        }
        device.check_guards().unwrap();
    }
}

#[test]
fn topk_refuses_more_than_there_is() {
    let (_, device) = &devices()[0];
    let logits = Tensor::full(device, [2, 40], 1.0).unwrap();
    assert!(topk(&logits, 0).is_err());
    assert!(topk(&logits, 33).is_err());
    assert!(topk(&logits.reshape([80, 1]).unwrap(), 2).is_err());
}

#[test]
fn totals_add_up_over_batches() {
    for (label, device) in devices() {
        let totals = Totals::new(&device).unwrap();
        let add = |loss: f32, logits: &[f32], labels: &[i32], step| {
            let loss = Tensor::full(&device, [1], loss).unwrap();
            let logits = Tensor::from_slice(&device, [labels.len(), logits.len() / labels.len()], logits).unwrap();
            let labels = Tensor::from_slice(&device, [labels.len()], labels).unwrap();
            totals.add(&loss, &logits, &labels, step).unwrap();
        };
        // Ranks of the labels: 1, 6, 5; then 1 (a tie won by the lower column), 2 (one lost).
        let row = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
        add(0.5, &[row, row, row].concat(), &[0, 5, 4], 10);
        add(2.0, &[7.0, 7.0, 1.0, 1.0, 1.0, 1.0, 7.0, 7.0, 1.0, 1.0, 1.0, 1.0], &[0, 1], 11);
        let m = totals.read().unwrap();
        assert_eq!((m.count, m.first_bad_step), (5, None), "{label}");
        assert!((m.loss - (0.5 * 3.0 + 2.0 * 2.0) / 5.0).abs() < 1e-12, "{label}: {m:?}");
        assert_eq!((m.top1, m.top5), (2.0 / 5.0, 4.0 / 5.0), "{label}");

        // Of bad steps the first is named, and step 0 counts as one.
        totals.reset().unwrap();
        assert_eq!(totals.read().unwrap().count, 0);
        add(f32::NAN, &[1.0, 2.0], &[0], 0);
        add(INF, &[1.0, 2.0], &[1], 1);
        let m = totals.read().unwrap();
        assert_eq!((m.first_bad_step, m.loss.is_nan()), (Some(0), true), "{label}");
        assert_eq!((m.top1, m.top5), (0.5, 1.0), "{label}: with two classes all are among the first five");

        // Labels that are no class are misses, and nothing is read for them.
        totals.reset().unwrap();
        add(1.0, &[1.0, 2.0, 1.0, 2.0, 1.0, 2.0], &[-1, 2, 1], 5);
        let m = totals.read().unwrap();
        assert_eq!((m.top1, m.top5, m.count), (1.0 / 3.0, 1.0 / 3.0, 3), "{label}");
        device.check_guards().unwrap();
    }
}

#[test]
fn totals_of_many_rows_agree_with_counting() {
    let (n, k) = (131, 1000);
    let x: Vec<f32> = (0..n * k).map(|i| ((i * 7919) % 10_007) as f32).collect();
    let labels: Vec<i32> = (0..n).map(|row| (row * 37 % k) as i32).collect();
    let rank = |row: &[f32], label: i32| row.iter().filter(|&&v| v > row[label as usize]).count();
    let hits = |most| x.chunks(k).zip(&labels).filter(|(row, label)| rank(row, **label) < most).count();
    for (label, device) in devices() {
        let totals = Totals::new(&device).unwrap();
        let logits = Tensor::from_slice(&device, [n, k], &x).unwrap();
        let labels = Tensor::from_slice(&device, [n], &labels).unwrap();
        totals.add(&Tensor::full(&device, [1], 1.0).unwrap(), &logits, &labels, 0).unwrap();
        let m = totals.read().unwrap();
        assert_eq!((m.top1, m.top5), (hits(1) as f64 / n as f64, hits(5) as f64 / n as f64), "{label}");
    }
}
