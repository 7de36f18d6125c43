//! NaN, infinities and batches that lie far from 0, against what PyTorch makes of them (tests/golden/special.py), on every
//! rung.

use serde_json::Value;
use warptape::op::batchnorm::{Norm, batchnorm_train};
use warptape::op::epilogue::Epilogue;
use warptape::op::relu::relu;
use warptape::{Device, Tape, Tensor};

use crate::op::generated::uniform;
use crate::support::devices;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../golden/special.json")).unwrap()
}

/// Numbers, or `nan`, `inf`, `-inf`.
fn numbers(value: &Value) -> Vec<f64> {
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap());
    value.as_array().unwrap().iter().map(number).collect()
}

/// Asserts that what is not finite is the same, and the rest within `tolerance`.
fn agrees(what: &str, got: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (at, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let got = f64::from(got);
        let same = if expected.is_finite() {
            (got - expected).abs() <= tolerance
        } else {
            got == expected || got.is_nan() && expected.is_nan()
        };
        assert!(same, "{what}, element {at}: {got}, PyTorch has {expected}");
    }
}

fn upload(device: &Device, shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::from_slice(device, shape, values).unwrap()
}

/// A training step of batch normalization: y, dx, dweight, dbias, running mean and variance.
fn step(
    device: &Device,
    channels: usize,
    [x, dy, weight, bias]: [&[f32]; 4],
    second: Option<&[f32]>,
    epilogue: Epilogue,
) -> [Vec<f32>; 6] {
    let shape = [x.len() / channels, channels];
    let [x, dy] = [x, dy].map(|values| upload(device, &shape, values));
    let [weight, bias] = [weight, bias].map(|values| upload(device, &[channels], values));
    let [mean, var] = [0.0, 1.0].map(|value| Tensor::full(device, [channels], value).unwrap());
    let second = second.map(|values| upload(device, &shape, values));
    let norm = Norm { weight: &weight, bias: &bias, running_mean: &mean, running_var: &var, eps: 1e-5 };
    let epilogue = match (&second, epilogue) {
        (Some(second), _) => Epilogue::Residual(second),
        (None, Epilogue::Relu) => Epilogue::Relu,
        _ => Epilogue::Nothing,
    };
    let mut tape = Tape::new();
    [&x, &weight, &bias].into_iter().for_each(|leaf| tape.watch(leaf));
    let y = batchnorm_train(&mut tape, &x, &norm, 0.1, epilogue).unwrap();
    let gradients = tape.backward_from(&y, dy).unwrap();
    let [dx, dweight, dbias] = [&x, &weight, &bias].map(|leaf| gradients.get(leaf).unwrap());
    [&y, &dx, &dweight, &dbias, &mean, &var].map(|tensor| tensor.to_vec().unwrap())
}

/// Every rung that can do it, forward and backward.
fn rungs(epilogue: Epilogue) -> Vec<u32> {
    match epilogue {
        Epilogue::Nothing => vec![1, 2, 3, 4],
        Epilogue::Relu => vec![1, 2, 3, 4, 5],
        Epilogue::Residual(()) => vec![1, 2, 3, 4, 6],
    }
}

fn force(device: &Device, rung: u32) {
    ["batchnorm_forward", "batchnorm_backward"].iter().for_each(|ladder| device.choices().force(ladder, Some(rung)));
}

#[test]
fn relu_passes_nan_both_ways() {
    let case = &golden()["relu"];
    let of = |name: &str| numbers(&case[name]);
    let narrow = |name: &str| of(name).into_iter().map(|v| v as f32).collect::<Vec<_>>();
    for (label, device) in devices() {
        let (x, dy) = (upload(&device, &[11], &narrow("x")), upload(&device, &[11], &narrow("dy")));
        let mut tape = Tape::new();
        tape.watch(&x);
        let y = relu(&mut tape, &x).unwrap();
        agrees(&format!("y [{label}]"), &y.to_vec::<f32>().unwrap(), &of("y"), 0.0);
        let dx = tape.backward_from(&y, dy).unwrap().get(&x).unwrap();
        agrees(&format!("dx [{label}]"), &dx.to_vec::<f32>().unwrap(), &of("dx"), 0.0);
    }
}

#[test]
fn normalized_nan_and_infinities_are_pytorchs() {
    const CHANNELS: usize = 3;
    let draw = |name: &str| uniform(0, name, 40 * CHANNELS, 1.0, 0.0);
    let (dy, other) = (draw("dy"), draw("other"));
    let (weight, bias) = (uniform(0, "weight", CHANNELS, 0.5, 1.0), uniform(0, "bias", CHANNELS, 1.0, 0.0));
    let cases = golden()["planted"].as_array().unwrap().clone();
    assert_eq!(cases.len(), 24);
    for case in cases {
        let mut x = draw("x");
        for (row, value) in case["rows"].as_object().unwrap() {
            x[row.parse::<usize>().unwrap() * CHANNELS + 1] = value.as_str().unwrap().parse().unwrap();
        }
        let epilogue: Epilogue = case["then"].as_str().unwrap().parse().unwrap();
        let second = epilogue.second().map(|()| &other[..]);
        for (label, device) in devices() {
            for rung in rungs(epilogue) {
                force(&device, rung);
                let got = step(&device, CHANNELS, [&x, &dy, &weight, &bias], second, epilogue);
                let names = ["y", "dx", "dweight", "dbias", "running_mean", "running_var"];
                for (name, got) in names.into_iter().zip(got) {
                    let what = format!("{} epilogue {epilogue}, {name}, rung {rung} [{label}]", case["name"]);
                    agrees(&what, &got, &numbers(&case[name]), 2e-5);
                }
            }
        }
    }
}

/// dx, dweight and the running variance in f64.
fn wide(channels: usize, [x, dy, weight]: [&[f32]; 3]) -> [Vec<f64>; 3] {
    let rows = (x.len() / channels) as f64;
    let means = |of: &dyn Fn(usize) -> f64| {
        let mut sums = vec![0.0; channels];
        (0..x.len()).for_each(|i| sums[i % channels] += of(i));
        sums.into_iter().map(|sum| sum / rows).collect::<Vec<f64>>()
    };
    let mean = means(&|i| f64::from(x[i]));
    let var = means(&|i| (f64::from(x[i]) - mean[i % channels]).powi(2));
    let normal = |i: usize| (f64::from(x[i]) - mean[i % channels]) / (var[i % channels] + 1e-5).sqrt();
    let (level, slope) = (means(&|i| f64::from(dy[i])), means(&|i| f64::from(dy[i]) * normal(i)));
    let input = |i: usize| {
        let c = i % channels;
        f64::from(weight[c]) / (var[c] + 1e-5).sqrt() * (f64::from(dy[i]) - level[c] - normal(i) * slope[c])
    };
    let running = var.iter().map(|var| 0.9 + 0.1 * var * rows / (rows - 1.0)).collect();
    [(0..x.len()).map(input).collect(), slope.iter().map(|mean| mean * rows).collect(), running]
}

#[test]
fn far_from_0_errors_are_at_most_half_as_large_again_as_pytorchs() {
    for case in golden()["far"].as_array().unwrap() {
        let [rows, channels] = ["rows", "channels"].map(|name| case[name].as_u64().unwrap() as usize);
        let offset = case["offset"].as_f64().unwrap();
        let x = uniform(0, "x", rows * channels, 3f64.sqrt(), offset);
        let dy = uniform(0, "dy", rows * channels, 1.0, 0.0);
        let (weight, bias) = (uniform(0, "weight", channels, 0.5, 1.0), uniform(0, "bias", channels, 1.0, 0.0));
        let expected = wide(channels, [&x, &dy, &weight]);
        for (label, device) in devices() {
            for rung in rungs(Epilogue::Nothing) {
                force(&device, rung);
                let [_, dx, dweight, _, _, var] =
                    step(&device, channels, [&x, &dy, &weight, &bias], None, Epilogue::Nothing);
                for ((name, got), expected) in
                    [("dx", dx), ("dweight", dweight), ("running_var", var)].into_iter().zip(&expected)
                {
                    let largest = expected.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
                    let errors = got.iter().zip(expected).map(|(got, e)| (f64::from(*got) - e).abs() / largest);
                    let (worst, squares) = errors.fold((0.0f64, 0.0), |(w, s), e| (w.max(e), s + e * e));
                    let pytorchs = numbers(&case["errors"][name]);
                    for (got, pytorchs) in [worst, (squares / got.len() as f64).sqrt()].into_iter().zip(pytorchs) {
                        let what = format!("{rows}x{channels} around {offset:e}, {name}, rung {rung} [{label}]");
                        assert!(got <= 1.5 * pytorchs, "{what}: {got:e}, PyTorch {pytorchs:e}");
                    }
                }
            }
        }
    }
}
