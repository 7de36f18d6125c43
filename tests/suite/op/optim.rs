//! Optimizers against PyTorch and against an f64 reference.

use serde_json::Value;
use warptape::check::{Random, compare, magnitude};
use warptape::optim::{Group, Optimizer, OptimizerConfig};
use warptape::{DType, Device, Gradients, Tape, Tensor};

use crate::support;

/// All devices with each rung of the optimizers' ladders.
fn devices() -> Vec<(String, Device)> {
    let with = |rung: u32| {
        support::devices().into_iter().map(move |(label, device)| {
            ["sgd_step", "adam_step"].iter().for_each(|name| device.choices().force(name, Some(rung)));
            (format!("{label}, rung {rung}"), device)
        })
    };
    with(1).chain(with(2)).collect()
}

pub fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// A gradient that is what we say.
pub fn gradients(w: &Tensor, of: &[f64]) -> Gradients {
    gradients_of(&[(w, of)])
}

/// Gradients of several that are what we say.
pub fn gradients_of(all: &[(&Tensor, &[f64])]) -> Gradients {
    let mut tape = Tape::new();
    all.iter().for_each(|(w, _)| tape.watch(w));
    let loss = Tensor::zeros(all[0].0.device(), [1], DType::F32).unwrap();
    let inputs: Vec<&Tensor> = all.iter().map(|(w, _)| *w).collect();
    let given: Vec<_> = all.iter().map(|(w, of)| ((*w).clone(), upload(w.device(), of))).collect();
    tape.record("given", &inputs, &loss, move |_, gradients| {
        given.into_iter().try_for_each(|(w, gradient)| gradients.add(&w, gradient))
    });
    tape.backward(&loss).unwrap()
}

pub fn upload(device: &Device, values: &[f64]) -> Tensor {
    let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
    Tensor::from_slice(device, [values.len()], &values).unwrap()
}

#[test]
fn optimizers_agree_with_pytorch() {
    let golden = golden(include_str!("../../golden/optimizers.json"));
    let rates = numbers(&golden["rates"]);
    for (name, case) in golden["optimizers"].as_object().unwrap() {
        // Our configuration has PyTorch's names and defaults.
        let mut config = case["params"].clone();
        config["name"] = case["optimizer"].as_str().unwrap().to_lowercase().into();
        let config: OptimizerConfig = serde_json::from_value(config).unwrap();
        for (label, device) in devices() {
            let w = upload(&device, &numbers(&golden["weights"]));
            let mut optimizer = Optimizer::new(&config, vec![w.clone()]).unwrap();
            for (step, rate) in rates.iter().enumerate() {
                optimizer.step(&gradients(&w, &numbers(&golden["gradients"][step])), *rate as f32).unwrap();
                let what = format!("[{label}] {name}, step {step}");
                compare(&what, &w.to_vec::<f32>().unwrap(), &numbers(&case["after"][step]), 2e-6).unwrap();
            }
            let state: Vec<&str> = case["state"].as_object().unwrap().keys().map(String::as_str).collect();
            let slots = optimizer.slots();
            assert_eq!(slots.iter().map(|(name, _)| *name).collect::<Vec<_>>(), state);
            for (slot, tensors) in &slots {
                let expected = numbers(&case["state"][slot]);
                let what = format!("[{label}] {name}, {slot}");
                compare(&what, &tensors[0].to_vec::<f32>().unwrap(), &expected, 1e-6 * magnitude(&expected)).unwrap();
            }
            device.check_guards().unwrap();
        }
    }
}

pub fn configs() -> [OptimizerConfig; 6] {
    let betas = [0.9, 0.999];
    [
        OptimizerConfig::Sgd { momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 5e-4 },
        OptimizerConfig::Sgd { momentum: 0.9, dampening: 0.0, nesterov: true, weight_decay: 5e-4 },
        OptimizerConfig::Sgd { momentum: 0.9, dampening: 0.25, nesterov: false, weight_decay: 0.0 },
        OptimizerConfig::Adam { betas, eps: 1e-8, weight_decay: 1e-3, amsgrad: false },
        OptimizerConfig::Adam { betas: [0.8, 0.5], eps: 1e-6, weight_decay: 0.0, amsgrad: true },
        OptimizerConfig::AdamW { betas, eps: 1e-8, weight_decay: 1e-2, amsgrad: false },
    ]
}

pub fn draw(n: usize, seed: u64) -> Vec<f64> {
    let mut random = Random(seed);
    (0..n).map(|_| f64::from((random.unit() * 2.0 - 1.0) as f32)).collect()
}

/// One element's step number `t` in f64; `s` is the optimizer's memory.
fn reference(config: &OptimizerConfig, lr: f64, t: i32, w: f64, g: f64, s: &mut [f64; 3]) -> f64 {
    let adam = |w: f64, g: f64, [b1, b2]: [f64; 2], eps: f64, amsgrad: bool, s: &mut [f64; 3]| {
        let square = b2 * s[1] + (1.0 - b2) * g * g;
        *s = [b1 * s[0] + (1.0 - b1) * g, square, s[2].max(square)];
        let below = if amsgrad { s[2] } else { square };
        w - lr * (s[0] / (1.0 - b1.powi(t))) / ((below / (1.0 - b2.powi(t))).sqrt() + eps)
    };
    match *config {
        OptimizerConfig::Sgd { momentum, dampening, nesterov, weight_decay } => {
            let g = g + weight_decay * w;
            s[0] = momentum * s[0] + if t == 1 { g } else { (1.0 - dampening) * g };
            w - lr * if nesterov { g + momentum * s[0] } else { s[0] }
        }
        OptimizerConfig::Adam { betas, eps, weight_decay, amsgrad } => {
            adam(w, g + weight_decay * w, betas, eps, amsgrad, s)
        }
        OptimizerConfig::AdamW { betas, eps, weight_decay, amsgrad } => {
            adam(w * (1.0 - lr * weight_decay), g, betas, eps, amsgrad, s)
        }
    }
}

#[test]
fn optimizers_agree_with_f64_on_odd_sizes() {
    let lr = 0.01f32;
    for config in configs() {
        for n in [1, 3, 17, 4099] {
            for (label, device) in devices() {
                let mut expected = draw(n, 11);
                let mut memory = vec![[0.0; 3]; n];
                let w = upload(&device, &expected);
                let mut optimizer = Optimizer::new(&config, vec![w.clone()]).unwrap();
                for t in 1..=4 {
                    let g = draw(n, 100 + t as u64);
                    optimizer.step(&gradients(&w, &g), lr).unwrap();
                    for i in 0..n {
                        expected[i] = reference(&config, lr.into(), t, expected[i], g[i], &mut memory[i]);
                    }
                }
                let what = format!("[{label}] {config:?} {n}");
                compare(&what, &w.to_vec::<f32>().unwrap(), &expected, 1e-6).unwrap();
                device.check_guards().unwrap();
            }
        }
    }
}

#[test]
fn a_restored_optimizer_continues_bit_for_bit() {
    let n = 1001;
    let (_, device) = &devices()[0];
    for config in configs() {
        // Restored before the first step and in the middle.
        for pause in [0, 3] {
            let w = upload(device, &draw(n, 1));
            let mut first = Optimizer::new(&config, vec![w.clone()]).unwrap();
            let gradient = |t: u64, w: &Tensor| gradients(w, &draw(n, 50 + t));
            (0..pause).for_each(|t| first.step(&gradient(t, &w), 0.01).unwrap());

            let copy = w.duplicate().unwrap();
            let mut second = Optimizer::new(&config, vec![copy.clone()]).unwrap();
            for ((_, from), (_, to)) in first.slots().iter().zip(&second.slots()) {
                to[0].copy_from(&from[0]).unwrap();
            }
            second.set_steps(&first.steps()).unwrap();

            for t in pause..pause + 3 {
                first.step(&gradient(t, &w), 0.01).unwrap();
                second.step(&gradient(t, &copy), 0.01).unwrap();
            }
            assert_eq!(w.to_vec::<f32>().unwrap(), copy.to_vec::<f32>().unwrap(), "{config:?} after {pause}");
            assert_eq!(second.steps(), [pause + 3]);
        }
    }
}

/// Each group moves as one that an optimizer of its own has: at its rate, and with its own count of steps, which for Adam is the
/// age of its means. PyTorch counts for each parameter.
#[test]
fn groups_move_as_under_optimizers_of_their_own() {
    let (_, device) = &devices()[0];
    for config in configs() {
        let (a, b) = (upload(device, &draw(33, 1)), upload(device, &draw(17, 2)));
        let copies = [&a, &b].map(|w| w.duplicate().unwrap());
        let group = |w: &Tensor, rate| Group { parameters: vec![w.clone()], rate, decay: 1.0 };
        let mut both = Optimizer::of_groups(&config, vec![group(&a, 1.0), group(&b, 0.25)]).unwrap();
        let mut alone = [&copies[0], &copies[1]].map(|w| Optimizer::new(&config, vec![w.clone()]).unwrap());
        for t in 0..6 {
            // The second group is frozen at first.
            let grads = [draw(33, 20 + t), draw(17, 40 + t)];
            let mut watched = vec![(&a, grads[0].as_slice())];
            alone[0].step(&gradients(&copies[0], &grads[0]), 0.02).unwrap();
            if t >= 3 {
                watched.push((&b, &grads[1]));
                alone[1].step(&gradients(&copies[1], &grads[1]), 0.005).unwrap();
            }
            both.step(&gradients_of(&watched), 0.02).unwrap();
        }
        assert_eq!(both.steps(), [6, 3]);
        for (w, copy) in [&a, &b].into_iter().zip(&copies) {
            assert_eq!(w.to_vec::<f32>().unwrap(), copy.to_vec::<f32>().unwrap(), "{config:?}");
        }
        assert!(both.set_steps(&[1]).is_err());
    }
    let odd = |rate, decay| Optimizer::of_groups(&configs()[0], vec![Group { parameters: Vec::new(), rate, decay }]);
    assert!(odd(f64::NAN, 1.0).is_err_and(|error| error.to_string().contains("rate must be at least 0, not NaN")));
    assert!(odd(1.0, -1.0).is_err_and(|error| error.to_string().contains("weight decay must be at least 0, not -1")));
}

#[test]
fn parameters_without_gradient_are_not_touched() {
    let (_, device) = &devices()[0];
    for config in configs() {
        let (w, frozen) = (upload(device, &[1.0, 2.0]), upload(device, &[3.0, 4.0]));
        let mut optimizer = Optimizer::new(&config, vec![frozen.clone(), w.clone()]).unwrap();
        optimizer.step(&gradients(&w, &[0.5, 0.5]), 0.1).unwrap();
        assert_eq!(frozen.to_vec::<f32>().unwrap(), [3.0, 4.0]);
        assert_ne!(w.to_vec::<f32>().unwrap(), [1.0, 2.0]);
        for (_, tensors) in optimizer.slots() {
            assert_eq!(tensors[0].to_vec::<f32>().unwrap(), [0.0, 0.0]);
        }
    }
}

#[test]
fn optimizer_configurations_are_checked() {
    let parse = |text: &str| serde_json::from_str::<OptimizerConfig>(text).map_err(|e| e.to_string());
    let config = parse(r#"{"name": "adamw"}"#).unwrap();
    assert_eq!(config, OptimizerConfig::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 1e-2, amsgrad: false });
    assert_eq!(parse(&serde_json::to_string(&config).unwrap()).unwrap(), config);
    assert!(parse(r#"{"name": "sgd", "momentun": 0.9}"#).unwrap_err().contains("momentun"));
    let refused = |text: &str| parse(text).unwrap().check().unwrap_err().to_string();
    assert_eq!(refused(r#"{"name": "sgd", "momentum": 1.0}"#), "optimizer: momentum must be in [0, 1), not 1");
    assert!(refused(r#"{"name": "sgd", "nesterov": true}"#).contains("momentum for Nesterov must be above 0"));
    assert_eq!(
        refused(r#"{"name": "sgd", "dampening": 0.5}"#),
        "optimizer: momentum for dampening must be above 0, not 0"
    );
    let both = refused(r#"{"name": "sgd", "momentum": 0.9, "nesterov": true, "dampening": 0.5}"#);
    assert_eq!(both, "optimizer: dampening for Nesterov must be 0, not 0.5");
    assert!(refused(r#"{"name": "adam", "betas": [0.9, 1.5]}"#).contains("beta 2"));
    assert!(refused(r#"{"name": "adam", "weight_decay": -1.0}"#).contains("weight decay"));
}
