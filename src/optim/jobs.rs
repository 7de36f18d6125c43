//! Optimizers at work: problems for benches, kernels at any size.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::steps::{Problem, Update};
use super::{Optimizer, OptimizerConfig, adam, sgd};
use crate::check::{Input, Values};
use crate::device::{Device, Target};
use crate::error::{Error, Result};
use crate::op::ladder::{Job, Summary};
use crate::op::workload::{self, Workload};
use crate::op::{Variant, elementwise};
use crate::tape::Tape;
use crate::tensor::Tensor;

/// What runs on a GPU.
pub fn variants() -> Vec<Variant> {
    let files = ladders().into_iter().flat_map(|ladder| ladder.files);
    files.map(|file| Variant { file, defines: elementwise::defines(Target::Cuda) }).collect()
}

/// Their ladders.
pub fn ladders() -> Vec<Summary> {
    let sgd = |device: &Device, problem: &str| {
        let problem: Problem = problem.parse()?;
        let momentum = match problem.slots {
            0 => 0.0,
            1 => 0.5,
            _ => return Err(Error::usage(format!("optimizer step '{problem}': SGD keeps s0 or s1"))),
        };
        // Settles where w = −g: however often it ran, the weight is known, and rounding errors do not add up.
        job(device, problem, OptimizerConfig::Sgd { momentum, nesterov: momentum > 0.0, weight_decay: 1.0 }, 0.2)
    };
    let adam = |device: &Device, problem: &str| {
        let problem: Problem = problem.parse()?;
        if problem.slots != 2 {
            return Err(Error::usage(format!("optimizer step '{problem}': Adam keeps s2")));
        }
        // Settles where the decay takes what the gradient's sign adds.
        job(device, problem, OptimizerConfig::AdamW { betas: [0.5, 0.75], eps: 1e-8, weight_decay: 10.0 }, 0.02)
    };
    vec![sgd::LADDER.summary("sgd", sgd), adam::LADDER.summary("adam", adam)]
}

/// Steps of tensors that are about the same size, always with the same gradients; the result is the first tensor.
fn job(device: &Device, problem: Problem, config: OptimizerConfig, lr: f32) -> Result<Job> {
    let Problem { tensors, elements, slots } = problem;
    let sizes = (0..tensors).map(|i| elements * (i + 1) / tensors - elements * i / tensors);
    let input = |n: usize| Input::new([n], Values::AwayFromZero);
    let pairs = sizes.map(|n| workload::tensors(device, &[input(n), input(n)])).collect::<Result<Vec<_>>>()?;
    let [w, g] = &pairs[0];
    let (start, gradient, result) = (w.to_vec::<f32>()?, g.to_vec::<f32>()?, w.clone());
    let optimizer = Optimizer::new(&config, pairs.iter().map(|[w, _]| w.clone()).collect())?;
    let update = |(i, [w, g]): (usize, &[Tensor; 2])| {
        let kept = optimizer.slots.iter().map(|(_, kept)| kept[i].clone()).collect();
        Update { w: w.clone(), kept, g: g.clone() }
    };
    let updates: Vec<Update> = pairs.iter().enumerate().map(update).collect();
    let steps = Rc::new(Cell::new(0));
    let (optimizer, taken) = (RefCell::new(optimizer), steps.clone());
    Ok(Job {
        flops: if slots == 2 { 16.0 } else { 8.0 } * elements as f64,
        bytes: 4.0 * (3 + 2 * slots) as f64 * elements as f64,
        terms: 16,
        run: Box::new(move || {
            optimizer.borrow_mut().apply(&updates, lr)?;
            steps.set(steps.get() + 1);
            Ok(result.clone())
        }),
        element: Box::new(move |at| {
            let (w, g) = (f64::from(start[at]), f64::from(gradient[at]));
            weight(&config, f64::from(lr), w, g, taken.get())
        }),
    })
}

/// A weight after `steps` steps with gradient `g`, in f64.
fn weight(config: &OptimizerConfig, lr: f64, mut w: f64, g: f64, steps: i32) -> f64 {
    let [mut m, mut v] = [0.0; 2];
    // Settled to the last bit long before.
    for t in 1..=steps.min(1000) {
        match *config {
            OptimizerConfig::Sgd { momentum, nesterov, weight_decay } => {
                let d = g + weight_decay * w;
                v = momentum * v + d;
                w -= lr * if nesterov { d + momentum * v } else { v };
            }
            OptimizerConfig::Adam { betas: [b1, b2], eps, weight_decay }
            | OptimizerConfig::AdamW { betas: [b1, b2], eps, weight_decay } => {
                (m, v) = (b1 * m + (1.0 - b1) * g, b2 * v + (1.0 - b2) * g * g);
                let (m, v) = (m / (1.0 - b1.powi(t)), v / (1.0 - b2.powi(t)));
                w -= lr * (weight_decay * w + m / (v.sqrt() + eps));
            }
        }
    }
    w
}

/// Kernels at work at any size: a step of one tensor, with all that the optimizer can do.
pub fn workloads() -> Vec<Workload> {
    fn run(device: &Device, n: usize, config: &OptimizerConfig) -> Result<()> {
        let [w, g] = workload::tensors(device, &[(); 2].map(|()| Input::new([n], Values::Uniform)))?;
        let mut tape = Tape::new();
        tape.watch(&w);
        let gradients = tape.backward_from(&w, g)?;
        Optimizer::new(config, vec![w])?.step(&gradients, 0.1)
    }
    let sgd = |device: &Device, [n]: [usize; 1]| {
        run(device, n, &OptimizerConfig::Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-4 })
    };
    let adam = |device: &Device, [n]: [usize; 1]| {
        let (betas, eps, weight_decay) = (adam::betas(), adam::eps(), adam::decoupled_decay());
        run(device, n, &OptimizerConfig::AdamW { betas, eps, weight_decay })
    };
    vec![Workload::new("sgd", ["n"], [10_007], sgd), Workload::new("adam", ["n"], [10_007], adam)]
}
