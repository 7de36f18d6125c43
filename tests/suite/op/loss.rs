//! Cross entropy at its edges.

use warptape::op::cross_entropy::{cross_entropy, softmax};
use warptape::{Device, Tape, Tensor};

use crate::support::devices;

/// The loss and the gradient of the logits.
fn run(device: &Device, logits: &[f32], labels: &[i32], smoothing: f32) -> (f32, Vec<f32>) {
    let k = logits.len() / labels.len();
    let logits = Tensor::from_slice(device, [labels.len(), k], logits).unwrap();
    let labels = Tensor::from_slice(device, [labels.len()], labels).unwrap();
    let mut tape = Tape::new();
    tape.watch(&logits);
    let loss = cross_entropy(&mut tape, &logits, &labels, smoothing).unwrap();
    let gradients = tape.backward(&loss).unwrap();
    (loss.item().unwrap(), gradients.get(&logits).unwrap().to_vec().unwrap())
}

#[test]
fn large_logits_neither_overflow_nor_lose_digits() {
    for (label, device) in devices() {
        // Each row is [0, -1] shifted: ln(1 + e) - 1 = 0.31326 for the first class.
        for shift in [0.0, 1e4, -1e4] {
            let (loss, gradient) = run(&device, &[shift, shift - 1.0], &[0], 0.0);
            assert!((loss - 0.313_261_7).abs() < 1e-6, "{label}: {loss} at {shift}");
            assert!((gradient[0] + 0.268_941_4).abs() < 1e-6, "{label}: {gradient:?} at {shift}");
        }
        let (loss, gradient) = run(&device, &[1e4, -1e4, 0.0], &[1], 0.0);
        assert_eq!((loss, gradient), (2e4, vec![1.0, -1.0, 0.0]), "{label}");
        // A logit of -inf is a class that cannot be: fine unless smoothing asks for it.
        let (loss, _) = run(&device, &[0.0, f32::NEG_INFINITY], &[0], 0.0);
        assert_eq!(loss, 0.0, "{label}");
        let (loss, _) = run(&device, &[0.0, f32::NEG_INFINITY], &[0], 0.1);
        assert_eq!(loss, f32::INFINITY, "{label}");
    }
}

#[test]
fn nan_stays_nan_and_stays_in_its_row() {
    for (label, device) in devices() {
        let (loss, gradient) = run(&device, &[0.0, f32::NAN, 1.0, 2.0, 3.0, 4.0], &[0, 1], 0.1);
        assert!(loss.is_nan(), "{label}");
        assert!(gradient[..3].iter().all(|g| g.is_nan()), "{label}: {gradient:?}");
        assert!(gradient[3..].iter().all(|g| g.is_finite()), "{label}: {gradient:?}");
    }
}

#[test]
fn labels_out_of_range_make_the_loss_nan() {
    for (label, device) in devices() {
        for bad in [-1, 3, i32::MIN, i32::MAX] {
            let (loss, gradient) = run(&device, &[1.0, 2.0, 3.0, 1.0, 2.0, 3.0], &[1, bad], 0.0);
            assert!(loss.is_nan(), "{label}: {bad}");
            assert!(gradient[..3].iter().all(|g| g.is_finite()), "{label}: {bad}");
            assert!(gradient[3..].iter().all(|g| g.is_nan()), "{label}: {bad}");
        }
        device.check_guards().unwrap();
    }
}

#[test]
fn the_mean_is_the_same_in_every_run() {
    let logits: Vec<f32> = (0..999 * 10).map(|i| (i as f32 * 0.7).sin() * 3.0).collect();
    let labels: Vec<i32> = (0..999).map(|i| i % 10).collect();
    for (label, device) in devices() {
        let first = run(&device, &logits, &labels, 0.1);
        assert_eq!(first, run(&device, &logits, &labels, 0.1), "{label}");
    }
}

#[test]
fn wrong_shapes_and_types_are_refused() {
    let (_, device) = &devices()[0];
    let logits = Tensor::zeros(device, [2, 3], warptape::DType::F32).unwrap();
    let labels = Tensor::zeros(device, [2], warptape::DType::I32).unwrap();
    let refused = |l: &Tensor, t: &Tensor, s| cross_entropy(&mut Tape::new(), l, t, s).unwrap_err().to_string();
    assert!(refused(&labels, &labels, 0.0).contains("logits are f32, f16 or bf16 [N, K], not i32 [2]"));
    assert!(refused(&logits, &logits, 0.0).contains("labels for 2 rows are i32 [2], not f32 [2, 3]"));
    assert!(refused(&logits, &labels, 1.5).contains("smoothing"));
    assert!(softmax(&labels).is_err());
}
