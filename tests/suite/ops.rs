//! Every op's cases on every device, thread order and tile shape: forward against the f64 reference, backward against
//! finite differences of it, with a non-constant upstream gradient.

use warptape::check::{Case, Random, Values, compare, magnitude, tolerance};
use warptape::{DType, Tape, Tensor, op};

use crate::support::devices;

#[test]
fn every_case_agrees_with_its_reference() {
    let devices = devices();
    let mut failures = Vec::new();
    for case in op::cases().into_iter().flat_map(|(_, cases)| cases) {
        let inputs = case.draw(1);
        let expected = case.expected(&inputs);
        let upstream = upstream(&case, expected.len());
        let gradients = if case.differentiable { case.expected_gradients(&inputs, &upstream) } else { Vec::new() };
        for (label, device) in &devices {
            if let Err(what) = check(&case, device, &inputs, &upstream, &expected, &gradients) {
                failures.push(format!("[{label}] {what}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// Integers where everything must be exact, else values of both signs; never a constant.
fn upstream(case: &Case, n: usize) -> Vec<f64> {
    let mut random = Random(0x5eed_5eed);
    let draw = |r: &mut Random| if case.exact() { (r.unit() * 5.0).floor() - 2.0 } else { r.unit() * 2.0 - 1.0 };
    (0..n).map(|_| draw(&mut random) as f32 as f64).collect()
}

fn check(
    case: &Case,
    device: &warptape::Device,
    inputs: &[Vec<f64>],
    upstream: &[f64],
    expected: &[f64],
    gradients: &[Vec<f64>],
) -> Result<(), String> {
    let name = &case.name;
    let (output, found) = case.run(device, inputs, upstream).map_err(|e| format!("{name}: {e}"))?;
    let within = |reference: &[f64]| if case.exact() { 0.0 } else { tolerance(case.terms, magnitude(reference)) };
    compare(name, &output, expected, within(expected))?;
    for (i, (found, wanted)) in found.iter().zip(gradients).enumerate() {
        // Finite differences of an exact case are integers but for their own rounding.
        let round = |v: &f64| if case.exact() { v.round() } else { *v };
        let wanted: Vec<f64> = wanted.iter().map(round).collect();
        if matches!(case.inputs[i].values, Values::Labels(_)) {
            continue;
        }
        let slack = if case.exact() { 0.0 } else { 1e-8 };
        compare(&format!("{name}, gradient of input {i}"), found, &wanted, within(&wanted) + slack)?;
    }
    device.check_guards().map_err(|e| format!("{name}: {e}"))
}

#[test]
fn elementwise_ops_refuse_what_is_not_f32_or_not_of_one_shape() {
    let (_, device) = &devices()[0];
    let floats = Tensor::zeros(device, [6], DType::F32).unwrap();
    let integers = Tensor::zeros(device, [6], DType::I32).unwrap();
    let add = |a: &Tensor, b: &Tensor| op::add::add(&mut Tape::new(), a, b).map_err(|e| e.to_string());
    assert_eq!(add(&floats, &floats.reshape([2, 3]).unwrap()).unwrap_err(), "add: f32 [6] and f32 [2, 3] differ");
    assert_eq!(add(&floats, &integers).unwrap_err(), "add: f32 [6] and i32 [6] differ");
    assert_eq!(add(&integers, &integers).unwrap_err(), "elementwise: i32 [6] is not f32");
    assert!(op::relu::relu(&mut Tape::new(), &integers).is_err());
}
