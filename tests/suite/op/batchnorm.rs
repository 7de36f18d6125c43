//! What batch normalization does besides its output: running statistics, precision with a large mean, refusals.

use warptape::check::Random;
use warptape::op::batchnorm::{Norm, batchnorm_inference, batchnorm_train};
use warptape::op::epilogue::Epilogue;
use warptape::{Device, Result, Tape, Tensor};

use crate::support::devices;

const MOMENTUM: f32 = 0.1;
const EPS: f32 = 1e-5;

/// Runs a training step on `x`, seen as rows of `channels`, from the given running statistics; returns the output and
/// the new statistics.
fn step(device: &Device, x: &[f32], channels: usize, mean: f32, var: f32) -> Result<[Vec<f32>; 3]> {
    let x = Tensor::from_slice(device, [x.len() / channels, channels], x)?;
    let [weight, bias, mean, var] = [1.0, 0.0, mean, var].map(|v| Tensor::full(device, [channels], v).unwrap());
    let norm = Norm { weight: &weight, bias: &bias, running_mean: &mean, running_var: &var, eps: EPS };
    let y = batchnorm_train(&mut Tape::new(), &x, &norm, MOMENTUM, Epilogue::Nothing)?;
    Ok([y.to_vec()?, mean.to_vec()?, var.to_vec()?])
}

/// Mean and sum of squared deviations of one channel, in f64.
fn moments(x: &[f32], channels: usize, channel: usize) -> (f64, f64) {
    let values: Vec<f64> = x.iter().skip(channel).step_by(channels).map(|&v| v as f64).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum())
}

/// Roughly normal values around `mean` with deviation 1.
fn draw(n: usize, mean: f64) -> Vec<f32> {
    let mut random = Random(99);
    (0..n).map(|_| (mean + (0..12).map(|_| random.unit()).sum::<f64>() - 6.0) as f32).collect()
}

#[test]
fn running_statistics_blend_the_unbiased_variance() {
    for (label, device) in devices() {
        for (rows, channels) in [(2, 1), (19, 5), (1031, 20), (700, 36)] {
            let x = draw(rows * channels, 2.0);
            let [_, mean, var] = step(&device, &x, channels, 3.0, 5.0).unwrap();
            for c in 0..channels {
                let (batch_mean, m2) = moments(&x, channels, c);
                let expected = [0.9 * 3.0 + 0.1 * batch_mean, 0.9 * 5.0 + 0.1 * m2 / (rows - 1) as f64];
                for (got, expected) in [mean[c], var[c]].into_iter().zip(expected) {
                    let close = (got as f64 - expected).abs() <= 1e-6 * expected.abs();
                    assert!(close, "{rows}x{channels}, channel {c} [{label}]: {got}, expected {expected}");
                }
            }
            device.check_guards().unwrap();
        }
    }
}

#[test]
fn a_large_mean_does_not_cancel_the_variance() {
    for (label, device) in devices() {
        for (rows, channels) in [(4096, 7), (20_000, 4)] {
            let x = draw(rows * channels, 1000.0);
            // Running variance 0: what is left is a tenth of the batch's.
            let [y, _, var] = step(&device, &x, channels, 0.0, 0.0).unwrap();
            for (c, &var) in var.iter().enumerate() {
                let (mean, m2) = moments(&x, channels, c);
                let error = (var as f64 * 10.0 * (rows - 1) as f64 / m2 - 1.0).abs();
                assert!(error < 1e-4, "{rows}x{channels}: relative error of the variance {error:e} [{label}]");
                let rstd = 1.0 / (m2 / rows as f64 + EPS as f64).sqrt();
                for (x, y) in x.iter().zip(&y).skip(c).step_by(channels) {
                    let error = (*y as f64 - (*x as f64 - mean) * rstd).abs();
                    assert!(error < 1e-3, "{rows}x{channels}: {y} is off by {error:e} [{label}]");
                }
            }
        }
    }
}

#[test]
fn statistics_repeat_to_the_last_bit_in_any_order_of_threads() {
    let x = draw(3000 * 6, 1.0);
    let runs: Vec<_> = devices().iter().map(|(_, device)| step(device, &x, 6, 0.0, 1.0).unwrap()).collect();
    // The devices come in groups of three thread orders with the same tiles.
    for orders in runs.chunks(3) {
        assert!(orders.iter().all(|run| run == &orders[0]));
    }
}

#[test]
fn a_constant_channel_and_a_nan_stay_in_their_channel() {
    for (label, device) in devices() {
        let x: Vec<f32> = (0..50 * 3).map(|i| if i % 3 == 0 { 7.5 } else { i as f32 }).collect();
        let mut with_nan = x.clone();
        with_nan[3 * 20 + 1] = f32::NAN;
        let [y, _, var] = step(&device, &with_nan, 3, 0.0, 1.0).unwrap();
        let [clean, ..] = step(&device, &x, 3, 0.0, 1.0).unwrap();
        for row in 0..50 {
            assert_eq!(y[3 * row], 0.0, "a constant normalizes to zero [{label}]");
            assert!(y[3 * row + 1].is_nan(), "{label}");
            assert_eq!(y[3 * row + 2], clean[3 * row + 2], "{label}");
        }
        assert!(var[0] == 0.9 && var[1].is_nan(), "{var:?} [{label}]");
    }
}

#[test]
fn what_cannot_be_normalized_is_refused_with_both_shapes() {
    let (_, device) = devices().remove(0);
    let error = step(&device, &[1.0, 2.0], 2, 0.0, 1.0).unwrap_err().to_string();
    assert_eq!(
        error,
        "batchnorm: training needs two values per channel or more, not [1, 2]: take larger batches or images"
    );
    let [x, c3, c2] = [vec![4, 2], vec![3], vec![2]].map(|dims| Tensor::full(&device, dims, 1.0).unwrap());
    let norm = Norm { weight: &c2, bias: &c3, running_mean: &c2, running_var: &c2, eps: EPS };
    let error = batchnorm_inference(&mut Tape::new(), &x, &norm, Epilogue::Nothing).unwrap_err().to_string();
    assert_eq!(error, "batchnorm: bias [3] for the 2 channels of [4, 2]");
    let norm = Norm { bias: &c2, ..norm };
    let error = batchnorm_inference(&mut Tape::new(), &x, &norm, Epilogue::Residual(&c3)).unwrap_err().to_string();
    assert_eq!(error, "batchnorm: [3] cannot be added to [4, 2]");
}
