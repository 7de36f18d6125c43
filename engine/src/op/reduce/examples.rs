//! Problems for benches, kernels at work, and examples for tests.

use super::{Count, Matrix, column_sums, mean, sum, sum_rows};
use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::Result;
use crate::launch::ladder::Job;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::DType;

/// Sets up a sum for benches.
pub(super) fn sum_job(device: &Device, problem: &str, element: DType) -> Result<Job> {
    let Count(n) = problem.parse()?;
    let [x] = workload::tensors(device, &[Input::new([n], Values::Uniform)], element)?;
    let elements = x.floats()?;
    Ok(Job {
        flops: n as f64,
        bytes: (element.bytes() * n) as f64,
        terms: n,
        run: Box::new(move || sum(&mut Tape::new(), &x)),
        element: Box::new(move |_| elements.iter().map(|&v| f64::from(v)).sum()),
    })
}

/// Sets up a sum of rows for benches.
pub(super) fn sum_rows_job(device: &Device, problem: &str, element: DType) -> Result<Job> {
    let Matrix { rows, channels } = problem.parse()?;
    let [x] = workload::tensors(device, &[Input::new([rows, channels], Values::Uniform)], element)?;
    let elements = x.floats()?;
    Ok(Job {
        flops: (rows * channels) as f64,
        bytes: (element.bytes() * (rows + 1) * channels) as f64,
        terms: rows,
        run: Box::new(move || column_sums(&x, rows, channels)),
        element: Box::new(move |at| elements[at..].iter().step_by(channels).map(|&v| f64::from(v)).sum()),
    })
}

/// Kernels at work at any size.
pub(super) fn workloads() -> Vec<Workload> {
    let total = |device: &Device, [n]: [usize; 1], element: DType| {
        workload::both_ways(device, [Input::new([n], Values::Uniform)], element, |tape, [x]| sum(tape, x))
    };
    let by_rows = |device: &Device, [rows, columns]: [usize; 2], element: DType| {
        let x = Input::new([rows, columns], Values::Uniform);
        workload::both_ways(device, [x], element, |tape, [x]| sum_rows(tape, x))
    };
    vec![
        Workload::new("sum", ["n"], [40_009], total),
        Workload::new("sum_rows", ["rows", "columns"], [301, 36], by_rows),
    ]
}

/// Examples for tests and benches: sizes around a vector, a group of rows, a slab and a part.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for n in [1, 3, 17, 511, 4099] {
        let (whole, real) = (Input::new([n], Values::Integers), Input::new([n], Values::Uniform));
        let total = |x: &[Vec<f64>]| vec![x[0].iter().sum::<f64>()];
        cases.push(Case::new(format!("sum {n}"), vec![whole], |tape, x| sum(tape, &x[0]), total).terms(n));
        let average = move |x: &[Vec<f64>]| vec![x[0].iter().sum::<f64>() / n as f64];
        cases.push(Case::new(format!("mean {n}"), vec![real], |tape, x| mean(tape, &x[0]), average).terms(n));
    }
    // Two launches, and too many elements for finite differences.
    for n in [32 * 1024 + 1, 300_007] {
        let x = Input::new([n], Values::Integers);
        let total = |x: &[Vec<f64>]| vec![x[0].iter().sum::<f64>()];
        cases.push(Case::new(format!("sum {n}"), vec![x], |tape, x| sum(tape, &x[0]), total).forward_only());
    }
    let add_rows = |columns: usize| {
        move |x: &[Vec<f64>]| (0..columns).map(|c| x[0].iter().skip(c).step_by(columns).sum()).collect()
    };
    for (rows, columns) in [(1, 1), (7, 3), (9, 16), (131, 5), (33, 36), (3, 131)] {
        let x = Input::new([rows, columns], Values::Integers);
        let name = format!("sum_rows {rows}x{columns}");
        cases.push(Case::new(name, vec![x], |tape, x| sum_rows(tape, &x[0]), add_rows(columns)).terms(rows));
    }
    for (rows, columns) in [(2049, 10), (4099, 1), (1100, 132)] {
        let x = Input::new([rows, columns], Values::Integers);
        let name = format!("sum_rows {rows}x{columns}");
        cases.push(Case::new(name, vec![x], |tape, x| sum_rows(tape, &x[0]), add_rows(columns)).forward_only());
    }
    cases
}
