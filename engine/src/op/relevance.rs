//! What rules of layer-wise relevance propagation compute between a layer's products (Bach et al. 2015; Montavon et al. 2019).
//!
//! - `slopes`:  above · x where x > 0, below · x elsewhere
//! - `shares`:  factor · r / (z + ε · sign z), where the sign of 0 is +1
//! - `product`: a · b, plus c if there is one
//! - `fold`:    filters with the scale of a normalization behind them
//!
//! The rules themselves are [`nn::relevance`](crate::nn::relevance)'s. What these compute is relevance, which nobody asks
//! gradients of, so they take no tape; and all in f32.

use crate::check::{Case, Input, Values};
use crate::device::{Arg, Device};
use crate::error::{Error, Result};
use crate::launch::{dimension, elementwise};
use crate::op::Op;
use crate::op::batchnorm::Norm;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const FILE: &str = "relevance/vectorized.cu";

/// Its entry.
pub static OP: Op = Op { cases, workloads, elements: &[DType::F32], ..Op::named("relevance") };

/// Of which outputs of a layer the relevance is shared out; of the others the share is 0.
#[derive(Clone, Copy, Debug)]
pub enum Outputs<'a> {
    /// All.
    All,
    /// Those above 0 in this tensor.
    Above(&'a Tensor),
    /// Those below 0 in this tensor.
    Below(&'a Tensor),
}

/// `above · x` where x > 0, `below · x` elsewhere, any shape: with 1 and 0 the positive part, with 0 and 1 the negative one.
///
/// # Errors
/// An `x` that is not f32.
pub fn slopes(x: &Tensor, above: f32, below: f32) -> Result<Tensor> {
    elementwise::check_f32("relevance", x)?;
    let y = elementwise::like(x)?;
    let slopes = [above.into(), below.into()];
    elementwise::launch(FILE, "relevance_forward_slopes", x.elements(), &y, &[x.arg()], &slopes)?;
    Ok(y)
}

/// `factor` times the relevance of each output of a layer over the sum `z` behind it, which `epsilon` keeps from 0: it is added
/// to sums of 0 and above, subtracted from those below.
///
/// # Errors
/// Shapes that differ, or what is not f32.
pub fn shares(relevance: &Tensor, z: &Tensor, outputs: Outputs, factor: f32, epsilon: f32) -> Result<Tensor> {
    let (gate, side) = match outputs {
        Outputs::All => (None, 0.0f32),
        Outputs::Above(gate) => (Some(gate), 1.0),
        Outputs::Below(gate) => (Some(gate), -1.0),
    };
    alike([Some(relevance), Some(z), gate])?;
    let s = elementwise::like(z)?;
    let tensors = [relevance.arg(), z.arg(), optional(gate)];
    let scalars: [Arg; 3] = [side.into(), factor.into(), epsilon.into()];
    elementwise::launch(FILE, "relevance_forward_shares", z.elements(), &s, &tensors, &scalars)?;
    Ok(s)
}

/// `a · b`, element by element, plus `c` if there is one.
///
/// # Errors
/// Shapes that differ, or what is not f32.
pub fn product(a: &Tensor, b: &Tensor, c: Option<&Tensor>) -> Result<Tensor> {
    alike([Some(a), Some(b), c])?;
    let y = elementwise::like(a)?;
    let tensors = [a.arg(), b.arg(), optional(c)];
    elementwise::launch(FILE, "relevance_forward_product", a.elements(), &y, &tensors, &[])?;
    Ok(y)
}

/// The filters or weights `w [K, …]` of a layer with the scale of the normalization that follows: what one layer would have that
/// does both. Its bias is the normalization of the layer's own.
///
/// # Errors
/// A scale or variance that is not one number for each of K; what is not f32.
pub fn fold(w: &Tensor, norm: &Norm) -> Result<Tensor> {
    elementwise::check_f32("relevance", w)?;
    let rows = w.dim(0);
    for of in [norm.weight, norm.running_var] {
        elementwise::check_f32("relevance", of)?;
        if of.shape().dims() != [rows] {
            let what = format!("normalization of {} channels behind weights {}", of.shape(), w.shape());
            return Err(Error::shape("relevance", what));
        }
    }
    let y = elementwise::like(w)?;
    let tensors = [w.arg(), norm.weight.arg(), norm.running_var.arg()];
    let scalars = [dimension(w.elements() / rows.max(1))?, norm.eps.into()];
    elementwise::launch(FILE, "relevance_forward_fold", w.elements(), &y, &tensors, &scalars)?;
    Ok(y)
}

fn optional(x: Option<&Tensor>) -> Arg {
    x.map_or(Arg::Ptr(0), Tensor::arg)
}

/// Refuses tensors that are not all f32 of as many elements; shapes may differ as those of a flattened image do.
fn alike(tensors: [Option<&Tensor>; 3]) -> Result<()> {
    let mut tensors = tensors.into_iter().flatten();
    let first = tensors.next().expect("an op has inputs");
    elementwise::check_f32("relevance", first)?;
    tensors.try_for_each(|other| {
        elementwise::check_f32("relevance", other)?;
        if other.elements() == first.elements() {
            return Ok(());
        }
        Err(Error::shape("relevance", format!("{} and {} differ", first.shape(), other.shape())))
    })
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [rows, depth]: [usize; 2], _: DType| {
        let whole = || Input::new([rows, depth], Values::Uniform);
        let row = |values| Input::new([rows], values);
        let inputs = [whole(), whole(), row(Values::Uniform), row(Values::Range(0.5, 1.5))];
        let [r, z, weight, var] = workload::tensors(device, &inputs, DType::F32)?;
        let norm = Norm { weight: &weight, bias: &weight, running_mean: &weight, running_var: &var, eps: 1e-5 };
        let y = slopes(&fold(&r, &norm)?, 1.25, 1.0)?;
        let s = shares(&y, &z, Outputs::Above(&r), 1.0, 1e-6)?;
        product(&r, &s, Some(&y)).map(drop)
    };
    vec![Workload::new("relevance", ["rows", "depth"], [37, 271], run)]
}

/// Examples for tests and benches: one element, odd sizes, more elements than a block takes; sums of 0.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for n in [1, 3, 17, 515, 4099] {
        for (above, below) in [(1.0, 0.0), (0.0, 1.0), (1.25, 1.0)] {
            let values = if above == 1.25 { Values::Uniform } else { Values::Integers };
            let run = move |_: &mut Tape, x: &[Tensor]| slopes(&x[0], above, below);
            let slope = move |v: &f64| v * f64::from(if *v > 0.0 { above } else { below });
            let exact = move |x: &[Vec<f64>]| x[0].iter().map(slope).collect();
            cases.push(Case::new(format!("slopes {above} {below} of {n}"), vec![Input::new([n], values)], run, exact));
        }
        // Whole numbers, of which a seventh are sums of 0; a large ε, so that these do not drown the others.
        for side in [0.0, 1.0, -1.0] {
            let inputs =
                [Values::Uniform, Values::Integers, Values::AwayFromZero].map(|values| Input::new([n], values));
            let run = move |_: &mut Tape, x: &[Tensor]| {
                let outputs = match side {
                    0.0 => Outputs::All,
                    1.0 => Outputs::Above(&x[2]),
                    _ => Outputs::Below(&x[2]),
                };
                shares(&x[0], &x[1], outputs, -2.0, 0.25)
            };
            let share = |r: f64, z: f64| -2.0 * r / (if z < 0.0 { z - 0.25 } else { z + 0.25 });
            let exact = move |x: &[Vec<f64>]| {
                let of = |i: usize| side == 0.0 || side * x[2][i] > 0.0;
                (0..n).map(|i| if of(i) { share(x[0][i], x[1][i]) } else { 0.0 }).collect()
            };
            cases.push(Case::new(format!("shares of {n}, side {side}"), inputs.into(), run, exact));
        }
        for terms in [2, 3] {
            let inputs = vec![Input::new([n], Values::Integers); terms];
            let run = |_: &mut Tape, x: &[Tensor]| product(&x[0], &x[1], x.get(2));
            let exact = move |x: &[Vec<f64>]| {
                (0..n).map(|i| x[0][i] * x[1][i] + x.get(2).map_or(0.0, |c| c[i])).collect::<Vec<_>>()
            };
            cases.push(Case::new(format!("product of {n}, {terms} terms"), inputs, run, exact));
        }
    }
    for [rows, depth] in [[1, 1], [3, 5], [2, 513], [67, 27], [9, 512]] {
        let row = |values| Input::new([rows], values);
        let inputs =
            vec![Input::new([rows, depth], Values::Uniform), row(Values::Uniform), row(Values::Range(0.1, 2.0))];
        let run = |_: &mut Tape, x: &[Tensor]| {
            let [weight, running_var] = [&x[1], &x[2]];
            fold(&x[0], &Norm { weight, bias: weight, running_mean: weight, running_var, eps: 0.125 })
        };
        let exact = move |x: &[Vec<f64>]| {
            let scale = |row: usize| x[1][row] / (x[2][row] + 0.125).sqrt();
            (0..rows * depth).map(|i| x[0][i] * scale(i / depth)).collect()
        };
        cases.push(Case::new(format!("fold {rows}x{depth}"), inputs, run, exact));
    }
    cases.into_iter().map(Case::forward_only).collect()
}
