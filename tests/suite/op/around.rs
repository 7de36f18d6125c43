//! What stands around an optimizer's step, against PyTorch and against f64: clipped gradients, averaged parameters.

use warptape::check::{compare, magnitude};
use warptape::optim::{Average, Clip, Group, Optimizer, OptimizerConfig};
use warptape::{DType, Tensor};

use super::optim::{draw, golden, gradients, gradients_of, numbers, upload};
use crate::support::devices;

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.to_vec::<f32>().unwrap()
}

#[test]
fn clipped_and_averaged_steps_agree_with_pytorch() {
    let golden = golden(include_str!("../../golden/optimizers.json"));
    let (around, rates) = (&golden["around"], numbers(&golden["rates"]));
    let config = OptimizerConfig::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.125, amsgrad: false };
    for case in around["clipped"].as_array().unwrap() {
        for (label, device) in devices() {
            let weights = [upload(&device, &numbers(&golden["weights"])), upload(&device, &[1.0, -1.0, 2.0])];
            let group = |i: usize, decay| Group { parameters: vec![weights[i].clone()], rate: 1.0, decay };
            let mut optimizer = Optimizer::of_groups(&config, vec![group(0, 1.0), group(1, 0.0)]).unwrap();
            let mut clip = Clip::new(case["most"].as_f64().unwrap(), weights.to_vec()).unwrap();
            // What averages begin with does not count.
            let averages = weights.each_ref().map(|w| Tensor::full(&device, w.shape(), f32::NAN).unwrap());
            let pairs = averages.iter().cloned().zip(weights.iter().cloned()).collect();
            let mut average = Average::new(around["decay"].as_f64().unwrap(), pairs).unwrap();
            for (step, rate) in rates.iter().enumerate() {
                let grads = [&golden["gradients"][step], &around["second"][step]].map(numbers);
                let all = gradients_of(&[(&weights[0], &grads[0]), (&weights[1], &grads[1])]);
                let norm = clip.apply(&all).unwrap().unwrap().item().unwrap();
                let what = format!("[{label}] at most {}, step {step}", case["most"]);
                compare(&what, &[norm], &[case["norms"][step].as_f64().unwrap()], 1e-6 * f64::from(norm)).unwrap();
                optimizer.step(&all, *rate as f32).unwrap();
                average.step().unwrap();
                for i in 0..2 {
                    for (of, found) in [("after", &weights[i]), ("averages", &averages[i])] {
                        let expected = numbers(&case[of][step][i]);
                        compare(&format!("{what}, {of}"), &values(found), &expected, 4e-6).unwrap();
                    }
                }
            }
            assert_eq!(average.steps(), rates.len() as u64);
            device.check_guards().unwrap();
        }
    }
}

#[test]
fn norms_agree_with_f64_on_odd_sizes() {
    for sizes in [vec![1], vec![3, 17], vec![9001, 1, 4099, 70_001]] {
        for (label, device) in devices() {
            let of: Vec<Vec<f64>> = sizes.iter().enumerate().map(|(i, &n)| draw(n, 30 + i as u64)).collect();
            let weights: Vec<Tensor> = of.iter().map(|values| upload(&device, values)).collect();
            let named: Vec<(&Tensor, &[f64])> = weights.iter().zip(&of).map(|(w, g)| (w, g.as_slice())).collect();
            let exact = of.iter().flatten().map(|v| v * v).sum::<f64>().sqrt();
            for share in [0.25, 4.0] {
                let all = gradients_of(&named);
                let norm = Clip::new(share * exact, weights.clone()).unwrap().apply(&all).unwrap().unwrap();
                let what = format!("[{label}] {sizes:?}, {share} of the norm");
                compare(&what, &values(&norm), &[exact], 1e-6 * exact).unwrap();
                for (w, g) in &named {
                    let expected: Vec<f64> = g.iter().map(|v| v * f64::min(share, 1.0)).collect();
                    compare(&what, &values(&all.get(w).unwrap()), &expected, 2e-6 * magnitude(&expected)).unwrap();
                }
                device.check_guards().unwrap();
            }
        }
    }
}

#[test]
fn norms_that_are_not_finite_leave_no_gradient_as_it_was() {
    for (label, device) in devices() {
        for (odd, rest) in [(f64::NAN, f32::NAN), (f64::INFINITY, 0.0)] {
            let w = upload(&device, &[1.0, 2.0, 3.0]);
            let all = gradients(&w, &[1.0, odd, 3.0]);
            let norm = Clip::new(1.0, vec![w.clone()]).unwrap().apply(&all).unwrap().unwrap().item().unwrap();
            let found = values(&all.get(&w).unwrap());
            assert_eq!(norm.is_nan(), odd.is_nan(), "[{label}] {norm}");
            let same = |a: f32, b: f32| a == b || a.is_nan() && b.is_nan();
            assert!(found.iter().zip([rest, f32::NAN, rest]).all(|(a, b)| same(*a, b)), "[{label}] {odd}: {found:?}");
        }
    }
}

#[test]
fn averages_agree_with_f64_on_odd_sizes_and_go_on_from_where_they_were() {
    for (label, device) in devices() {
        for n in [1, 5, 9001] {
            let w = upload(&device, &draw(n, 1));
            let mut expected = Vec::new();
            let mean = Tensor::zeros(&device, [n], DType::F32).unwrap();
            for step in 0..5 {
                let next = draw(n, 60 + step);
                w.copy_from(&upload(&device, &next)).unwrap();
                // Made anew, as after a checkpoint.
                let mut average = Average::new(0.9, vec![(mean.clone(), w.clone())]).unwrap();
                average.set_steps(step);
                average.step().unwrap();
                match step {
                    0 => expected = next,
                    _ => expected.iter_mut().zip(&next).for_each(|(a, w)| *a = 0.9 * *a + 0.1 * w),
                }
                compare(&format!("[{label}] {n}, step {step}"), &values(&mean), &expected, 1e-6).unwrap();
                device.check_guards().unwrap();
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let device = devices().remove(0).1;
    let [a, b] = [2, 3].map(|n| Tensor::zeros(&device, [n], DType::F32).unwrap());
    let said = |result: warptape::Result<Average>| result.map(drop).unwrap_err().to_string();
    assert!(said(Average::new(1.0, Vec::new())).contains("must be at least 0 and below 1, not 1"));
    assert!(said(Average::new(0.9, vec![(a.clone(), b)])).contains("f32 [2]"));
    for most in [0.0, -1.0, f64::NAN] {
        assert!(Clip::new(most, vec![a.clone()]).is_err());
    }
    // Nothing to clip.
    let (w, other) = (a, Tensor::zeros(&device, [1], DType::F32).unwrap());
    assert!(Clip::new(1.0, vec![other]).unwrap().apply(&gradients(&w, &[1.0, 2.0])).unwrap().is_none());
}
