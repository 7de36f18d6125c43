//! Cross entropy for tests, benches and tools.

use super::{ClassWeights, LADDER, Sizes, Targets, cross_entropy, cross_entropy_with, softmax};
use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::Result;
use crate::launch::ladder::{Job, Summary};
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// Its ladder.
pub(super) fn ladders() -> Vec<Summary> {
    vec![LADDER.summary("cross_entropy", job)]
}

/// Sets up a problem for benches.
fn job(device: &Device, problem: &str, element: DType) -> Result<Job> {
    let Sizes { n, k } = problem.parse()?;
    let inputs = [Input::new([n, k], Values::Uniform), Input::new([n], Values::Labels(k))];
    let [x, labels] = workload::tensors(device, &inputs, element)?;
    let logits = x.floats()?.into_iter().map(f64::from).collect();
    let known = labels.to_vec::<i32>()?.into_iter().map(f64::from).collect();
    let values = [logits, known];
    Ok(Job {
        flops: 5.0 * (n * k) as f64,
        bytes: (x.bytes() + 4 * n) as f64,
        terms: n * k,
        run: Box::new(move || cross_entropy(&mut Tape::new(), &x, &labels, 0.1)),
        element: Box::new(move |_| reference(k, 0.1, &values)),
    })
}

/// Kernels at work at any size.
pub(super) fn workloads() -> Vec<Workload> {
    let loss = |device: &Device, [n, k]: [usize; 2], element: DType| {
        let inputs = [Input::new([n, k], Values::Uniform), Input::new([n], Values::Labels(k))];
        workload::both_ways(device, inputs, element, |tape, [logits, labels]| cross_entropy(tape, logits, labels, 0.1))
    };
    let probabilities = |device: &Device, [n, k]: [usize; 2], element: DType| {
        let [logits] = workload::tensors(device, &[Input::new([n, k], Values::Uniform)], element)?;
        softmax(&logits).map(drop)
    };
    let (dims, default) = (["n", "k"], [33, 50]);
    vec![Workload::new("cross_entropy", dims, default, loss), Workload::new("softmax", dims, default, probabilities)]
}

/// Examples for tests and benches: a few classes and many, fewer and more rows than a block or a warp has.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (n, k, smoothing) in
        [(1, 1, 0.0), (3, 1, 0.1), (1, 2, 0.0), (5, 10, 0.1), (9, 33, 0.0), (37, 7, 1.0), (3, 211, 0.1)]
    {
        let inputs = vec![Input::new([n, k], Values::Range(-4.0, 4.0)), Input::new([n], Values::Labels(k))];
        let name = format!("cross_entropy {n}x{k} smoothing {smoothing}");
        let run = move |tape: &mut Tape, x: &[Tensor]| cross_entropy(tape, &x[0], &x[1], smoothing);
        cases.push(Case::new(name, inputs, run, move |x| vec![reference(k, smoothing, x)]).terms(k));
    }
    for (n, k, weight, smoothing) in [(1, 1, 0.5, 0.0), (5, 10, 0.3, 0.1), (37, 7, 0.0, 0.0), (3, 211, 0.9, 0.2)] {
        let labels = || Input::new([n], Values::Labels(k));
        let inputs = vec![Input::new([n, k], Values::Range(-4.0, 4.0)), labels(), labels()];
        let name = format!("cross_entropy {n}x{k} of two labels, {weight}, smoothing {smoothing}");
        let run = move |tape: &mut Tape, x: &[Tensor]| {
            cross_entropy_with(tape, &x[0], &Targets { labels: [&x[1], &x[2]], weight, smoothing, classes: None })
        };
        let expected = move |x: &[Vec<f64>]| {
            let [first, second] = [1, 2].map(|at| reference(k, smoothing, &[x[0].clone(), x[at].clone()]));
            vec![f64::from(weight) * first + (1.0 - f64::from(weight)) * second]
        };
        cases.push(Case::new(name, inputs, run, expected).terms(k));
    }
    for (n, k, weight, smoothing) in [(1, 2, 1.0, 0.0), (5, 10, 1.0, 0.1), (37, 7, 0.25, 0.0), (3, 211, 0.75, 0.5)] {
        let labels = || Input::new([n], Values::Labels(k));
        let inputs = vec![Input::new([n, k], Values::Range(-4.0, 4.0)), labels(), labels()];
        let name = format!("cross_entropy {n}x{k} of weighted classes, {weight}, smoothing {smoothing}");
        let run = move |tape: &mut Tape, x: &[Tensor]| {
            let weights: Vec<f32> = (0..k).map(weight_of).map(|weight| weight as f32).collect();
            let classes = ClassWeights::new(x[0].device(), &weights)?;
            let labels = [&x[1], if weight < 1.0 { &x[2] } else { &x[1] }];
            cross_entropy_with(tape, &x[0], &Targets { labels, weight, smoothing, classes: Some(&classes) })
        };
        cases.push(Case::new(name, inputs, run, move |x| vec![weighted_reference(k, weight, smoothing, x)]).terms(k));
    }
    for (n, k) in [(1, 1), (9, 10), (2, 1000)] {
        let inputs = vec![Input::new([n, k], Values::Range(-4.0, 4.0))];
        let run = |_: &mut Tape, x: &[Tensor]| softmax(&x[0]);
        let expected = move |x: &[Vec<f64>]| x[0].chunks(k).flat_map(probabilities).collect();
        cases.push(Case::new(format!("softmax {n}x{k}"), inputs, run, expected).terms(k).forward_only());
    }
    cases
}

fn probabilities(row: &[f64]) -> Vec<f64> {
    let max = row.iter().fold(f64::NEG_INFINITY, |m, v| m.max(*v));
    let sum: f64 = row.iter().map(|v| (v - max).exp()).sum();
    row.iter().map(|v| (v - max).exp() / sum).collect()
}

/// The weight of class `class` in cases: exact in every type.
fn weight_of(class: usize) -> f64 {
    0.25 * (1 + class % 5) as f64
}

/// The loss by its definition, with classes of [`weight_of`].
fn weighted_reference(k: usize, weight: f32, smoothing: f32, x: &[Vec<f64>]) -> f64 {
    let (weight, smoothing) = (f64::from(weight), f64::from(smoothing));
    let (mut sum, mut count) = (0.0, 0.0);
    for ((row, &label), &other) in x[0].chunks(k).zip(&x[1]).zip(&x[2]) {
        let [label, other] = [label as usize, if weight < 1.0 { other as usize } else { label as usize }];
        let share = |i: usize| if i == label { weight } else { 0.0 } + if i == other { 1.0 - weight } else { 0.0 };
        let target = |i: usize| (1.0 - smoothing) * share(i) + smoothing / k as f64;
        let terms = probabilities(row).into_iter().enumerate();
        sum -= terms.map(|(i, p)| weight_of(i) * target(i) * p.ln()).sum::<f64>();
        count += if weight < 1.0 { 1.0 } else { weight_of(label) };
    }
    sum / count
}

fn reference(k: usize, smoothing: f32, x: &[Vec<f64>]) -> f64 {
    let smoothing = f64::from(smoothing);
    let row_loss = |(row, label): (&[f64], &f64)| -> f64 {
        let target = |i: usize| smoothing / k as f64 + if i == *label as usize { 1.0 - smoothing } else { 0.0 };
        probabilities(row).iter().enumerate().map(|(i, p)| -target(i) * p.ln()).sum()
    };
    x[0].chunks(k).zip(&x[1]).map(row_loss).sum::<f64>() / x[1].len() as f64
}
