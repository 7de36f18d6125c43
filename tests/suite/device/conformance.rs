//! What CUDA promises about grids, shared memory, barriers and atomics, on every device and in every thread order.

use warptape::device::host::Order;
use warptape::device::{Arg, Geometry};
use warptape::{DType, Device, Result, Tensor};

use crate::support::{Kernels, host, on_fast_host, orders};

const TEXT: &str = include_str!("conformance.cu");

/// Runs `test` on every device.
fn everywhere(test: impl Fn(&Device, &Kernels) -> Result<()>) {
    for (label, device) in orders() {
        let kernels = Kernels::compile(&device, "conformance.cu", TEXT).unwrap_or_else(|e| panic!("[{label}] {e}"));
        let result = test(&device, &kernels).and_then(|()| device.check_guards());
        result.unwrap_or_else(|e| panic!("[{label}] {e}"));
    }
}

fn ints(device: &Device, values: &[i32]) -> Result<Tensor> {
    Tensor::from_slice(device, [values.len()], values)
}

fn empty(device: &Device, elements: usize) -> Result<Tensor> {
    Tensor::zeros(device, [elements], DType::I32)
}

#[test]
fn built_in_variables_in_one_to_three_dimensions() {
    everywhere(|device, kernels| {
        for (grid, block) in [([3, 1, 1], [7, 1, 1]), ([3, 2, 1], [4, 8, 1]), ([2, 3, 4], [5, 2, 3])] {
            let geometry = Geometry { grid, block, shared: 0 };
            let out = empty(device, 13 * geometry.blocks() * geometry.threads())?;
            kernels.launch("coordinates", geometry, &[out.arg()])?;
            let mut expected = Vec::new();
            let each = |[x, y, z]: [u32; 3]| {
                (0..z).flat_map(move |k| (0..y).flat_map(move |j| (0..x).map(move |i| [i, j, k])))
            };
            for block_index in each(grid) {
                for thread in each(block) {
                    expected.extend([thread, block_index, block, grid].as_flattened().iter().map(|&v| v as i32));
                    expected.push(32);
                }
            }
            assert_eq!(out.to_vec::<i32>()?, expected, "{geometry:?}");
        }
        Ok(())
    });
}

/// Every size around a warp, the largest block, and thousands of blocks.
#[test]
fn barriers_in_loops_for_all_block_sizes() {
    everywhere(|device, kernels| {
        for (blocks, threads) in [(1, 1), (3, 31), (2, 32), (3, 33), (2, 1024), (4000, 17)] {
            let input: Vec<i32> = (0..(blocks * threads) as i32).map(|i| i * 7 % 1000 - 300).collect();
            let x = ints(device, &input)?;
            let [reversed, sums] = [empty(device, input.len())?, empty(device, input.len())?];
            let geometry = Geometry { shared: 4 * threads as u32, ..Geometry::linear(blocks, threads) };
            kernels.launch("scan", geometry, &[reversed.arg(), sums.arg(), x.arg()])?;
            let expected: Vec<i32> = input.chunks(threads).flat_map(|c| c.iter().rev().copied()).collect();
            assert_eq!(reversed.to_vec::<i32>()?, expected, "{blocks} blocks of {threads}");
            let sum = |sum: &mut i32, &v: &i32| {
                *sum += v;
                Some(*sum)
            };
            let expected: Vec<i32> = input.chunks(threads).flat_map(|c| c.iter().scan(0, sum)).collect();
            assert_eq!(sums.to_vec::<i32>()?, expected, "{blocks} blocks of {threads}");
        }
        Ok(())
    });
}

#[test]
fn static_and_dynamic_shared_memory_of_several_kinds() {
    everywhere(|device, kernels| {
        let out = Tensor::zeros(device, [64], DType::F32)?;
        let misaligned = empty(device, 1)?;
        let geometry = Geometry { shared: 4 * 128, ..Geometry::linear(1, 64) };
        kernels.launch("shared_kinds", geometry, &[out.arg(), misaligned.arg()])?;
        let expected = |t: i32| (63 - t) + 2 * (63 - t) + 3 * (t ^ 1) + (t ^ 1) + 4 * (63 - t) + (63 - t);
        assert_eq!(out.to_vec::<f32>()?, (0..64).map(|t| expected(t) as f32).collect::<Vec<_>>());
        assert_eq!(misaligned.to_vec::<i32>()?, [0]);
        Ok(())
    });
}

#[test]
fn barriers_that_count_and_vote() {
    everywhere(|device, kernels| {
        for threads in [1, 33, 96] {
            for input in [vec![1; threads], vec![0; threads], (0..threads as i32).map(|i| i % 7).collect()] {
                let x = ints(device, &input)?;
                let out = empty(device, 3 * threads)?;
                kernels.launch("votes", Geometry::linear(1, threads), &[out.arg(), x.arg()])?;
                let count = input.iter().filter(|&&v| v > 0).count();
                let expected = [count as i32, (count == threads) as i32, input.iter().any(|&v| v > 5) as i32];
                assert_eq!(out.to_vec::<i32>()?, expected.repeat(threads), "{input:?}");
            }
        }
        Ok(())
    });
}

#[test]
fn blocks_that_meet_at_barriers_different_numbers_of_times() {
    everywhere(|device, kernels| {
        let (blocks, threads) = (50, 20);
        let out = empty(device, blocks * threads)?;
        kernels.launch("rounds", Geometry::linear(blocks, threads), &[out.arg()])?;
        let expected: Vec<i32> = (0..blocks as i32).flat_map(|b| vec![b * (b - 1) / 2; threads]).collect();
        assert_eq!(out.to_vec::<i32>()?, expected);
        Ok(())
    });
}

#[test]
fn atomics_between_blocks() {
    everywhere(|device, kernels| {
        let (blocks, threads) = (500, 40);
        let n = (blocks * threads) as i32;
        let counters = ints(device, &[0, 0, i32::MAX, 0, !0, 0, 0, 0, 0, 0])?;
        let wide = ints(device, &[0, 0])?;
        let floats = Tensor::zeros(device, [2], DType::F32)?;
        let tickets = ints(device, &vec![0; n as usize])?;
        let args = [counters.arg(), wide.arg(), floats.arg(), tickets.arg(), n.into()];
        kernels.launch("atomics", Geometry::linear(blocks, threads), &args)?;
        let found = counters.to_vec::<i32>()?;
        let sum: i32 = (0..n).sum();
        let last = found[8];
        let parity = (0..n).fold(0, |bits, i| bits ^ i);
        assert_eq!(found, [n, -2 * n, 1, n - 1, !31, 127, parity, sum - last, last, sum]);
        assert_eq!(tickets.to_vec::<i32>()?, vec![1; n as usize], "each ticket is handed out once");
        assert_eq!(wide.to_vec::<i32>()?, [0, 2 * n], "2^33 n");
        assert_eq!(floats.to_vec::<f32>()?, [n as f32 / 2.0, (n - 1) as f32]);
        Ok(())
    });
}

#[test]
fn the_last_block_sees_what_the_others_wrote() {
    everywhere(|device, kernels| {
        let blocks = 300;
        let (out, partial, done) = (empty(device, 1)?, empty(device, blocks)?, ints(device, &[0])?);
        kernels.launch("last_block", Geometry::linear(blocks, 32), &[out.arg(), partial.arg(), done.arg()])?;
        assert_eq!(out.to_vec::<i32>()?, [(blocks * (blocks - 1) / 2) as i32]);
        Ok(())
    });
}

#[test]
fn arguments_of_every_kind() {
    everywhere(|device, kernels| {
        let out = empty(device, 14)?;
        let pointed = ints(device, &[-7])?;
        let mut sizes = [0; 16];
        sizes[..3].copy_from_slice(&[1, 2, 3]);
        let args = [
            out.arg(),
            pointed.arg(),
            Arg::I32(-5),
            Arg::U32(u32::MAX),
            Arg::F32(0.25),
            Arg::U64(1 << 40),
            Arg::Ints(sizes),
            Arg::U64(0),
        ];
        kernels.launch("arguments", Geometry::linear(1, 1), &args)?;
        let words = out.to_vec::<i32>()?;
        let doubles = words.chunks(2).map(|w| f64::from_bits(w[0] as u32 as u64 | (w[1] as u32 as u64) << 32));
        let expected = [-7.0, -5.0, u32::MAX as f64, 0.25, (1u64 << 40) as f64, 123.0, 1.0];
        assert_eq!(doubles.collect::<Vec<_>>(), expected);
        Ok(())
    });
}

#[test]
fn an_empty_grid_does_nothing() {
    everywhere(|device, kernels| {
        let out = ints(device, &[0])?;
        for grid in [[0, 1, 1], [1, 0, 1], [1, 1, 0]] {
            kernels.launch("one", Geometry { grid, block: [1; 3], shared: 0 }, &[out.arg()])?;
        }
        assert_eq!(out.to_vec::<i32>()?, [0]);
        kernels.launch("one", Geometry::linear(1, 1), &[out.arg()])?;
        assert_eq!(out.to_vec::<i32>()?, [1]);
        Ok(())
    });
}

/// That results depend on the order where a barrier is missing is what makes the orders a test of barriers.
#[test]
fn a_missing_barrier_shows() {
    if !on_fast_host("in other modes and on a GPU a missing barrier need not change results") {
        return;
    }
    let racy = TEXT.replacen("        __syncthreads();\n        line[t] += left;", "        line[t] += left;", 1);
    assert_ne!(racy, TEXT);
    let run = |order| -> Result<Vec<i32>> {
        let device = host(order, false);
        let kernels = Kernels::compile(&device, "racy.cu", &racy)?;
        let x = ints(&device, &[1; 64])?;
        let [reversed, sums] = [empty(&device, 64)?, empty(&device, 64)?];
        let geometry = Geometry { shared: 4 * 64, ..Geometry::linear(1, 64) };
        kernels.launch("scan", geometry, &[reversed.arg(), sums.arg(), x.arg()])?;
        sums.to_vec()
    };
    let [forward, reverse, random] =
        [Order::Forward, Order::Reverse, Order::Random(1)].map(|order| run(order).unwrap());
    assert_ne!(forward, reverse);
    assert_ne!(random, reverse);
    assert_ne!(forward, (1..=64).collect::<Vec<_>>());
}

/// What one launch leaves in shared memory must not look like what the next one forgot to write.
#[test]
fn shared_memory_is_poisoned_between_blocks() {
    if !cfg!(target_os = "linux")
        || !on_fast_host("only there shared memory is poisoned: checked mode knows what is written")
    {
        return;
    }
    let text = "extern \"C\" __global__ void peek(int* out) {
        __shared__ int word;
        out[blockIdx.x] = word;
        __syncthreads();
        if (threadIdx.x == 0) word = 5;
    }";
    for order in [Order::Reverse, Order::Random(3)] {
        let device = host(order, false);
        let kernels = Kernels::compile(&device, "peek.cu", text).unwrap();
        let out = ints(&device, &[0; 100]).unwrap();
        kernels.launch("peek", Geometry::linear(100, 2), &[out.arg()]).unwrap();
        let poison = warptape::device::guard::POISON as i32;
        assert_eq!(out.to_vec::<i32>().unwrap(), vec![poison; 100], "{order:?}");
    }
}
