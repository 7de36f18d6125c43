//! Cross entropy at its edges.

use serde_json::Value;
use warptape::op::cross_entropy::{ClassWeights, Targets, cross_entropy, cross_entropy_with, softmax};
use warptape::train::weights::Weighting;
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

/// Loss and gradients are PyTorch's, and inverse weights scikit-learn's.
#[test]
fn classes_weigh_as_in_pytorch() {
    let golden: Value = serde_json::from_str(include_str!("../../golden/class_weights.json")).unwrap();
    let numbers = |value: &Value| value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect::<Vec<_>>();
    for case in golden["cases"].as_array().unwrap() {
        let (k, smoothing) = (case["classes"].as_u64().unwrap() as usize, case["smoothing"].as_f64().unwrap() as f32);
        let labels: Vec<i32> = numbers(&case["labels"]).into_iter().map(|label| label as i32).collect();
        let weights = Weighting::Inverse.of(&warptape::data::class_counts(&labels, k)).unwrap();
        for (ours, theirs) in weights.iter().zip(numbers(&case["weights"])) {
            assert!((f64::from(*ours) - theirs).abs() < 1e-6 * theirs, "{ours} {theirs}");
        }
        let x: Vec<f32> = numbers(&case["logits"]).into_iter().map(|logit| logit as f32).collect();
        for (name, device) in devices() {
            let classes = ClassWeights::new(&device, &weights).unwrap();
            let logits = Tensor::from_slice(&device, [labels.len(), k], &x).unwrap();
            let labels = Tensor::from_slice(&device, [labels.len()], &labels).unwrap();
            let mut tape = Tape::new();
            tape.watch(&logits);
            let targets = Targets { classes: Some(&classes), ..Targets::of(&labels, smoothing) };
            let loss = cross_entropy_with(&mut tape, &logits, &targets).unwrap();
            let gradient = tape.backward(&loss).unwrap().get(&logits).unwrap().to_vec::<f32>().unwrap();
            let expected = case["loss"].as_f64().unwrap();
            assert!((f64::from(loss.item().unwrap()) - expected).abs() < 1e-6 * expected, "{name}: {expected}");
            for (ours, theirs) in gradient.iter().zip(numbers(&case["gradient"])) {
                assert!((f64::from(*ours) - theirs).abs() < 1e-6, "{name}: {ours} {theirs}");
            }
        }
    }
}

#[test]
fn weights_follow_from_counts() {
    assert_eq!(Weighting::None.of(&[3, 5]), None);
    assert_eq!(Weighting::Inverse.of(&[10, 30, 0]).unwrap(), [4.0 / 3.0, 4.0 / 9.0, 0.0]);
    // (1 − 0.5) / (1 − 0.5ⁿ) is 1, 2/3 and 4/7; in all 3.
    let effective = "effective(0.5)".parse::<Weighting>().unwrap().of(&[1, 2, 3]).unwrap();
    let sum = 1.0 + 2.0 / 3.0 + 4.0 / 7.0;
    for (ours, theirs) in effective.iter().zip([1.0, 2.0 / 3.0, 4.0 / 7.0]) {
        assert!((ours - 3.0 * theirs / sum).abs() < 1e-6, "{effective:?}");
    }
    // Without β nothing is gained from a second picture; near 1 weights become inverse.
    assert_eq!("effective(0)".parse::<Weighting>().unwrap().of(&[1, 9]).unwrap(), [1.0, 1.0]);
    for text in ["none", "inverse", "effective(0.99)"] {
        assert_eq!(text.parse::<Weighting>().unwrap().to_string(), text);
    }
    for bad in ["", "yes", "effective(1)", "effective(-0.1)", "effective(x)"] {
        let message = bad.parse::<Weighting>().unwrap_err().to_string();
        assert!(message.contains("use none, inverse, effective"), "{message}");
    }
    let device = &devices()[0].1;
    for bad in [&[][..], &[0.0, 0.0], &[1.0, f32::NAN], &[-1.0, 2.0]] {
        assert!(ClassWeights::new(device, bad).is_err(), "{bad:?}");
    }
}
