//! Warp and block reductions (`prelude/reduce.cuh`) at block sizes that make every branch of them: one thread, part of
//! a warp, whole warps, whole warps and a part.

use warptape::device::{Defines, Function, Geometry};
use warptape::{DType, Tensor};

use crate::support::{devices, tree};

const SOURCE: &str = r#"
#include "prelude/vec.cuh"
#include "prelude/reduce.cuh"
extern "C" __global__ void reduce_all(float* out, const float* in) {
    const int t = threadIdx.x;
    // The same reduction twice in a row: one must not disturb the other.
    out[t] = block_sum(in[t]);
    out[4 * THREADS + t] = block_sum(2.0f * in[t]);
    out[THREADS + t] = block_max(in[t]);
    out[2 * THREADS + t] = warp_sum(in[t]);
    out[3 * THREADS + t] = warp_max(in[t]);
}
"#;

#[test]
fn every_thread_gets_the_reduction_at_any_block_size() {
    for threads in [1, 5, 32, 45, 96, 1024] {
        let values: Vec<f32> = (0..threads).map(|i| ((i * 37 + 11) % 101) as f32 - 50.0).collect();
        for with_nan in [false, true] {
            let mut values = values.clone();
            if with_nan {
                values[threads / 2] = f32::NAN;
            }
            let expected = expected(&values);
            for (label, device) in devices() {
                let source = tree().source("reduce_all.cu", SOURCE, &Defines::new().with("THREADS", threads));
                // SAFETY: the text initialises nothing.
                let module = unsafe { device.compile(&source.unwrap()) }.unwrap();
                let function = Function::of(&module, "reduce_all").unwrap();
                let input = Tensor::from_slice(&device, [threads], &values).unwrap();
                let output = Tensor::zeros(&device, [5 * threads], DType::F32).unwrap();
                crate::support::launch(&device, &function, Geometry::linear(1, threads), &[output.arg(), input.arg()])
                    .unwrap();
                let same = |(a, b): (&f32, &f32)| a == b || a.is_nan() && b.is_nan();
                let output = output.to_vec::<f32>().unwrap();
                let wrong = output.iter().zip(&expected).position(|pair| !same(pair));
                assert_eq!(wrong, None, "{threads} threads, NaN {with_nan} [{label}]: {output:?}");
                device.check_guards().unwrap();
            }
        }
    }
}

/// What the kernel writes; sums of small integers are exact in any order.
fn expected(values: &[f32]) -> Vec<f32> {
    let max = |v: &[f32]| v.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a || b.is_nan() { b } else { a });
    let n = values.len();
    let mut all = vec![values.iter().sum::<f32>(); n];
    all.extend(vec![max(values); n]);
    values.chunks(32).for_each(|warp| all.extend(vec![warp.iter().sum::<f32>(); warp.len()]));
    values.chunks(32).for_each(|warp| all.extend(vec![max(warp); warp.len()]));
    all.extend(vec![2.0 * values.iter().sum::<f32>(); n]);
    all
}
