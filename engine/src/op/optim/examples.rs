//! Optimizers at work: problems for benches, kernels at any size.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{Adam, Problem, Sgd, Table, Update, average, clip, unscale};
use crate::check::{Input, Values};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::launch::ladder::Job;
use crate::op::workload::{self, Workload};
use crate::tensor::{DType, Tensor};

/// SGD's problems.
pub(super) fn sgd_job(device: &Device, problem: &str, _: DType) -> Result<Job> {
    let problem: Problem = problem.parse()?;
    let momentum = match problem.slots {
        0 => 0.0,
        1 => 0.5,
        _ => return Err(Error::usage(format!("optimizer step '{problem}': SGD keeps s0 or s1"))),
    };
    // Settles where w = −g: however often it ran, the weight is known, and rounding errors do not add up.
    let sgd = Sgd { lr: 0.2, t: 1, momentum, dampening: 0.0, nesterov: momentum > 0.0, weight_decay: 1.0 };
    job(
        device,
        problem,
        move |_, updates, table| sgd.step(updates, table),
        move |w, g, steps| after_sgd(&sgd, w, g, steps),
    )
}

/// Adam's problems.
pub(super) fn adam_job(device: &Device, problem: &str, _: DType) -> Result<Job> {
    let problem: Problem = problem.parse()?;
    if problem.slots < 2 {
        return Err(Error::usage(format!("optimizer step '{problem}': Adam keeps s2, AMSGrad s3")));
    }
    // Settles where the decay takes what the gradient's sign adds. The mean square of a gradient that stays the same only grows,
    // so that AMSGrad's are the same weights.
    let adam = Adam { lr: 0.02, t: 1, betas: [0.5, 0.75], eps: 1e-8, weight_decay: 10.0, decoupled: true };
    let step = move |t, updates: &[Update], table: &mut Table| Adam { t, ..adam }.step(updates, table);
    job(device, problem, step, move |w, g, steps| after_adam(&adam, w, g, steps))
}

/// Steps of tensors that are about the same size, always with the same gradients; the result is the first tensor. `step` is
/// told its number, from 1; `weight` is what some steps make of a weight and its gradient, in f64.
fn job(
    device: &Device,
    problem: Problem,
    step: impl Fn(u64, &[Update], &mut Table) -> Result<()> + 'static,
    weight: impl Fn(f64, f64, u64) -> f64 + 'static,
) -> Result<Job> {
    let Problem { tensors, elements, slots } = problem;
    let sizes = (0..tensors).map(|i| elements * (i + 1) / tensors - elements * i / tensors);
    let input = |n: usize| Input::new([n], Values::AwayFromZero);
    let update = |n: usize| {
        let [w, g] = workload::tensors(device, &[input(n), input(n)], DType::F32)?;
        updated(w, g, slots)
    };
    let updates = sizes.map(update).collect::<Result<Vec<_>>>()?;
    let Update { w, g, .. } = &updates[0];
    let (start, gradient, result) = (w.to_vec::<f32>()?, g.to_vec::<f32>()?, w.clone());
    let table = RefCell::new(Table::new(updates.iter().map(|update| &update.w))?);
    let steps = Rc::new(Cell::new(0));
    let taken = steps.clone();
    Ok(Job {
        flops: if slots >= 2 { 16.0 } else { 9.0 } * elements as f64,
        bytes: 4.0 * (3 + 2 * slots) as f64 * elements as f64,
        terms: 16,
        run: Box::new(move || {
            steps.set(steps.get() + 1);
            step(steps.get(), &updates, &mut table.borrow_mut())?;
            Ok(result.clone())
        }),
        element: Box::new(move |at| weight(start[at].into(), gradient[at].into(), taken.get())),
    })
}

/// `w` with gradient `g` and `slots` tensors of zeros.
fn updated(w: Tensor, g: Tensor, slots: usize) -> Result<Update> {
    let zeros = |slot| (slot < slots).then(|| Tensor::zeros(w.device(), w.shape(), DType::F32)).transpose();
    let kept = [zeros(0)?, zeros(1)?, zeros(2)?];
    Ok(Update { w, kept, g })
}

/// Settled to the last bit long before.
const ENOUGH: u64 = 1000;

/// A weight after `steps` steps with gradient `g`, in f64.
fn after_sgd(sgd: &Sgd, mut w: f64, g: f64, steps: u64) -> f64 {
    let mut v = 0.0;
    for _ in 0..steps.min(ENOUGH) {
        let d = g + sgd.weight_decay * w;
        v = sgd.momentum * v + d;
        w -= f64::from(sgd.lr) * if sgd.nesterov { d + sgd.momentum * v } else { v };
    }
    w
}

/// The same of AdamW.
fn after_adam(adam: &Adam, mut w: f64, g: f64, steps: u64) -> f64 {
    let (lr, [b1, b2], [mut m, mut v]) = (f64::from(adam.lr), adam.betas, [0.0; 2]);
    for t in 1..=steps.min(ENOUGH) as i32 {
        (m, v) = (b1 * m + (1.0 - b1) * g, b2 * v + (1.0 - b2) * g * g);
        let (m, v) = (m / (1.0 - b1.powi(t)), v / (1.0 - b2.powi(t)));
        w -= lr * (adam.weight_decay * w + m / (v.sqrt() + adam.eps));
    }
    w
}

/// Kernels at work at any size: a step of one tensor, with all that the optimizer can do.
pub(super) fn workloads() -> Vec<Workload> {
    fn run(device: &Device, n: usize, slots: usize, step: impl Fn(&[Update], &mut Table) -> Result<()>) -> Result<()> {
        let [w, g] = workload::tensors(device, &[(); 2].map(|()| Input::new([n], Values::Uniform)), DType::F32)?;
        let mut table = Table::new([&w])?;
        step(&[updated(w, g, slots)?], &mut table)
    }
    let sgd = |device: &Device, [n]: [usize; 1], _: DType| {
        let sgd = Sgd { lr: 0.1, t: 1, momentum: 0.9, dampening: 0.0, nesterov: true, weight_decay: 1e-4 };
        run(device, n, 1, |updates, table| sgd.step(updates, table))
    };
    fn adam(device: &Device, n: usize, slots: usize) -> Result<()> {
        let adam = Adam { lr: 0.1, t: 1, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 1e-2, decoupled: true };
        run(device, n, slots, |updates, table| adam.step(updates, table))
    }
    let back = |device: &Device, [n]: [usize; 1], _: DType| {
        let [g] = workload::tensors(device, &[Input::new([n], Values::Uniform)], DType::F32)?;
        unscale(&[g], 0.5).map(drop)
    };
    let clipped = |device: &Device, [n]: [usize; 1], _: DType| {
        run(device, n, 0, |updates, table| clip(updates, table, 0.5).map(drop))
    };
    let averaged =
        |device: &Device, [n]: [usize; 1], _: DType| run(device, n, 0, |updates, table| average(updates, table, 0.125));
    let work = |name, run| Workload::new(name, ["n"], [10_007], run);
    vec![
        work("sgd", sgd),
        Workload::new("adam", ["n"], [10_007], |device, [n], _| adam(device, n, 2)),
        Workload::new("amsgrad", ["n"], [10_007], |device, [n], _| adam(device, n, 3)),
        work("unscale", back),
        work("clip", clipped),
        work("average", averaged),
    ]
}
