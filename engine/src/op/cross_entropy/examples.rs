//! Cross entropy for tests, benches and tools.

use super::{ClassWeights, LADDER, Reduction, Sizes, Targets, cross_entropy, cross_entropy_with, softmax};
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
            let labels = [&x[1], &x[2]];
            cross_entropy_with(tape, &x[0], &Targets { labels, weight, ..Targets::of(&x[1], smoothing) })
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
            let classes = weights(x[0].device(), k)?;
            let (labels, classes) = ([&x[1], if weight < 1.0 { &x[2] } else { &x[1] }], Some(&classes));
            cross_entropy_with(tape, &x[0], &Targets { labels, weight, classes, ..Targets::of(&x[1], smoothing) })
        };
        cases.push(Case::new(name, inputs, run, move |x| vec![weighted_reference(k, weight, smoothing, x)]).terms(k));
    }
    cases.extend(reduced());
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

fn weights(device: &Device, k: usize) -> Result<ClassWeights> {
    let weights: Vec<f32> = (0..k).map(weight_of).map(|weight| weight as f32).collect();
    ClassWeights::new(device, &weights)
}

/// Every reduction, with a label that is ignored and without, with weights and without.
fn reduced() -> Vec<Case> {
    let mut cases = Vec::new();
    for (n, k, smoothing, ignore, weighted) in [
        (5, 3, 0.0, Some(1), false),
        (37, 4, 0.1, Some(3), true),
        (9, 33, 0.2, Some(-100), true),
        (3, 211, 0.0, None, false),
        (300, 2, 0.1, Some(0), false),
    ] {
        for reduction in [Reduction::Mean, Reduction::Sum, Reduction::None] {
            let inputs = vec![Input::new([n, k], Values::Range(-4.0, 4.0)), Input::new([n], Values::Labels(k))];
            let of_classes = if weighted { " of weighted classes" } else { "" };
            let name = format!("cross_entropy {n}x{k}{of_classes}, {reduction:?} without {ignore:?}, {smoothing}");
            let run = move |tape: &mut Tape, x: &[Tensor]| {
                let classes = if weighted { Some(weights(x[0].device(), k)?) } else { None };
                let targets = Targets { classes: classes.as_ref(), ignore, reduction, ..Targets::of(&x[1], smoothing) };
                cross_entropy_with(tape, &x[0], &targets)
            };
            let expected = move |x: &[Vec<f64>]| {
                let rows = rows(k, smoothing, weighted, ignore, x);
                let [sum, count] = rows.iter().fold([0.0; 2], |[sum, count], row| [sum + row[0], count + row[1]]);
                match reduction {
                    Reduction::Mean => vec![sum / count],
                    Reduction::Sum => vec![sum],
                    Reduction::None => rows.into_iter().map(|[loss, _]| loss).collect(),
                }
            };
            // A mean of nothing is NaN.
            let some = move |x: &[Vec<f64>]| x[1].iter().any(|&label| Some(label as i32) != ignore);
            cases.push(Case::new(name, inputs, run, expected).terms(n.max(k)).only_if(some));
        }
    }
    cases
}

/// Loss and weight of each row, by their definition.
fn rows(k: usize, smoothing: f32, weighted: bool, ignore: Option<i32>, x: &[Vec<f64>]) -> Vec<[f64; 2]> {
    let (smoothing, weight) = (f64::from(smoothing), |i: usize| if weighted { weight_of(i) } else { 1.0 });
    let row = |(row, label): (&[f64], &f64)| {
        if Some(*label as i32) == ignore {
            return [0.0; 2];
        }
        let target = |i: usize| smoothing / k as f64 + if i == *label as usize { 1.0 - smoothing } else { 0.0 };
        let terms = probabilities(row).into_iter().enumerate().map(|(i, p)| -weight(i) * target(i) * p.ln());
        [terms.sum(), weight(*label as usize)]
    };
    x[0].chunks(k).zip(&x[1]).map(row).collect()
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
    rows(k, smoothing, false, None, x).iter().map(|[loss, _]| loss).sum::<f64>() / x[1].len() as f64
}
