//! Dropout: y = x · m, dx = dy · m, where m is 1 / (1 − p) with probability 1 − p and 0 otherwise.
//!
//! The mask is a function of the [`Key`] and the element's index, so the backward pass makes it anew: nothing is stored.

use crate::check::{Case, Input, Values};
use crate::device::{Arg, Device};
use crate::error::{Error, Result};
use crate::launch::elementwise;
use crate::op::Op;
use crate::op::random::Key;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const FILE: &str = "dropout/vectorized.cu";

/// Its entry.
pub static OP: Op = Op { cases, workloads, ..Op::named("dropout") };

/// Drops elements of `x` with probability `p` and scales the others by `1 / (1 − p)`; with `p` = 1 nothing is left to be
/// scaled. This is the training form; in evaluation dropout does nothing, so it is not called.
///
/// # Errors
/// A probability outside [0, 1].
pub fn dropout(tape: &mut Tape, x: &Tensor, p: f32, key: Key) -> Result<Tensor> {
    if !(0.0..=1.0).contains(&p) {
        return Err(Error::usage(format!("dropout: the probability must be in [0, 1], not {p}")));
    }
    if p == 0.0 {
        return Ok(x.clone());
    }
    let y = masked(x, p, key)?;
    let saved = x.clone();
    tape.record("dropout", &[x], &y, move |dy, gradients| gradients.add(&saved, masked(dy, p, key)?));
    Ok(y)
}

fn masked(x: &Tensor, p: f32, key: Key) -> Result<Tensor> {
    let y = elementwise::like(x)?;
    let [seed, step, stream] = key.args();
    let scalars = [Arg::U32(threshold(p)), scale(p).into(), seed, step, stream];
    elementwise::launch(FILE, "dropout_forward", x.elements(), &y, &[x.arg()], &scalars)?;
    Ok(y)
}

/// Random words below this are dropped. An f32 below 1 is at most 1 − 2^-24, so the product fits; of 1 it is the largest word,
/// whose owner is kept and scaled by 0.
fn threshold(p: f32) -> u32 {
    (f64::from(p) * 4_294_967_296.0) as u32
}

fn scale(p: f32) -> f32 {
    if p == 1.0 { 0.0 } else { (1.0 / (1.0 - f64::from(p))) as f32 }
}

/// Kernels at work at any size.
fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [n]: [usize; 1], element: DType| {
        let key = Key { seed: 1, step: 2, stream: 3 };
        workload::both_ways(device, [Input::new([n], Values::Uniform)], element, |tape, [x]| dropout(tape, x, 0.5, key))
    };
    vec![Workload::new("dropout", ["n"], [10_007], run)]
}

/// Examples for tests and benches.
fn cases() -> Vec<Case> {
    let key = Key { seed: 0x0123_4567_89ab_cdef, step: 0xfedc_ba98_7654_3210, stream: 3 };
    [(1, 0.5), (3, 0.2), (17, 0.9), (4096, 0.5), (4099, 0.2), (5, 0.0), (17, 1.0)]
        .map(|(n, p)| {
            let factor = move |i| if key.word(i) < threshold(p) { 0.0 } else { f64::from(scale(p)) };
            let mask: Vec<f64> = (0..n).map(|i| if p == 0.0 { 1.0 } else { factor(i) }).collect();
            Case::new(
                format!("dropout {p} of {n}"),
                vec![Input::new([n], Values::Uniform)],
                move |tape, x| dropout(tape, &x[0], p, key),
                move |x| x[0].iter().zip(&mask).map(|(v, m)| v * m).collect(),
            )
        })
        .into()
}
