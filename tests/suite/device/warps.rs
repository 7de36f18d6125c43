//! What CUDA promises about shuffles and votes within a warp, on every device and in every thread order.

use warptape::device::Geometry;
use warptape::{DType, Device, Result, Tensor};

use crate::support::{Kernels, orders};

fn everywhere(test: impl Fn(&Device, &Kernels) -> Result<()>) {
    for (label, device) in orders() {
        let text = include_str!("warps.cu");
        let kernels = Kernels::compile(&device, "warps.cu", text).unwrap_or_else(|e| panic!("[{label}] {e}"));
        let result = test(&device, &kernels).and_then(|()| device.check_guards());
        result.unwrap_or_else(|e| panic!("[{label}] {e}"));
    }
}

fn empty(device: &Device, elements: usize) -> Result<Tensor> {
    Tensor::zeros(device, [elements], DType::I32)
}

/// From the CUDA programming guide: the lane whose value each of the four shuffles returns.
fn sources(lane: i32, width: i32, operand: i32) -> [i32; 4] {
    let start = lane & !(width - 1);
    let up = lane - operand;
    let down = lane + operand;
    let crossed = lane ^ operand;
    [
        start | (operand & (width - 1)),
        if up < start { lane } else { up },
        if down >= start + width { lane } else { down },
        if crossed >= start + width { lane } else { crossed },
    ]
}

#[test]
fn shuffles_of_every_width() {
    everywhere(|device, kernels| {
        for width in [32, 16, 8, 4, 2, 1] {
            for operand in [0, 1, 3, 6, 8, 16, 31] {
                let out = empty(device, 64 * 4)?;
                let geometry = Geometry { grid: [1; 3], block: [16, 4, 1], shared: 0 };
                kernels.launch("shuffles", geometry, &[out.arg(), width.into(), operand.into()])?;
                let lane = |t: i32| sources(t % 32, width, operand).map(|source| t / 32 * 32 + source);
                let expected: Vec<i32> = (0..64).flat_map(lane).collect();
                assert_eq!(out.to_vec::<i32>()?, expected, "width {width}, operand {operand}");
            }
        }
        Ok(())
    });
}

/// The last warp of a block of 40 threads has eight lanes, and a full mask means those.
#[test]
fn shuffles_in_a_partial_warp() {
    everywhere(|device, kernels| {
        for (threads, width, operand) in [(40, 8, 5), (40, 4, 3), (40, 8, 7), (1, 32, 0), (1, 8, 0)] {
            let out = empty(device, threads * 4)?;
            let geometry = Geometry::linear(1, threads);
            kernels.launch("shuffles", geometry, &[out.arg(), width.into(), operand.into()])?;
            let lane = |t: i32| sources(t % 32, width, operand).map(|source| t / 32 * 32 + source);
            let expected: Vec<i32> = (0..threads as i32).flat_map(lane).collect();
            assert_eq!(out.to_vec::<i32>()?, expected, "{threads} threads, width {width}, operand {operand}");
        }
        Ok(())
    });
}

#[test]
fn shuffles_of_wide_types() {
    everywhere(|device, kernels| {
        let floats = Tensor::zeros(device, [64], DType::F32)?;
        let [wide, doubles] = [empty(device, 128)?, empty(device, 128)?];
        let args = [floats.arg(), wide.arg(), doubles.arg()];
        kernels.launch("shuffle_types", Geometry::linear(1, 64), &args)?;
        let read = |tensor: &Tensor| -> Result<Vec<u64>> {
            let words = tensor.to_vec::<i32>()?;
            Ok(words.chunks(2).map(|w| w[0] as u32 as u64 | (w[1] as u32 as u64) << 32).collect())
        };
        let first = |t: u64| t / 32 * 32;
        let expected: Vec<f32> = (0..64).map(|t| 0.5 * (first(t) + 31 - t % 32) as f32).collect();
        assert_eq!(floats.to_vec::<f32>()?, expected);
        let expected: Vec<u64> = (0..64).map(|t| (first(t) + t % 32 * 7 % 32) << 40).collect();
        assert_eq!(read(&wide)?, expected);
        let expected: Vec<u64> = (0..64u64).map(|t| ((t ^ 3) as f64 * 0.125).to_bits()).collect();
        assert_eq!(read(&doubles)?, expected);
        Ok(())
    });
}

#[test]
fn halves_of_a_warp_meet_independently() {
    everywhere(|device, kernels| {
        let out = empty(device, 64)?;
        kernels.launch("halves", Geometry::linear(1, 64), &[out.arg()])?;
        let expected = |t: i32| match t % 32 {
            // The sum over the lower half; the value nine lanes on, plus one per round.
            lane @ 0..16 => 16 * (t - lane) + 120,
            lane => t - lane + 16 + (lane + 9) % 16 + 9,
        };
        assert_eq!(out.to_vec::<i32>()?, (0..64).map(expected).collect::<Vec<_>>());
        Ok(())
    });
}

#[test]
fn votes_of_whole_partial_and_masked_warps() {
    everywhere(|device, kernels| {
        for threads in [64, 40, 1] {
            for input in [vec![1; threads], vec![0; threads], (0..threads as i32).map(|t| t % 3).collect()] {
                let x = Tensor::from_slice(device, [threads], &input)?;
                let out = empty(device, 4 * threads)?;
                kernels.launch("ballots", Geometry::linear(1, threads), &[out.arg(), x.arg()])?;
                let mut expected = Vec::new();
                for (t, warp) in (0..threads).map(|t| (t, input.chunks(32).nth(t / 32).unwrap())) {
                    let ballot = (0..).zip(warp).fold(0u32, |bits, (lane, &v)| bits | ((v != 0) as u32) << lane);
                    let even = if t % 2 == 0 { ballot & 0x5555_5555 } else { 0xabcd_ef01 };
                    let [any, all] = [ballot != 0, warp.iter().all(|&v| v != 0)];
                    expected.extend([ballot as i32, any as i32, all as i32, even as i32]);
                }
                assert_eq!(out.to_vec::<i32>()?, expected, "{input:?}");
            }
        }
        Ok(())
    });
}

#[test]
fn syncwarp_orders_shared_memory() {
    everywhere(|device, kernels| {
        for threads in [32, 256] {
            let out = empty(device, threads)?;
            kernels.launch("warp_reverse", Geometry::linear(1, threads), &[out.arg()])?;
            assert_eq!(out.to_vec::<i32>()?, (0..threads as i32).map(|t| t ^ 31).collect::<Vec<_>>());
        }
        Ok(())
    });
}

#[test]
fn warps_meet_at_a_barrier_after_different_collectives() {
    everywhere(|device, kernels| {
        let out = empty(device, 256)?;
        kernels.launch("mixed", Geometry::linear(1, 256), &[out.arg()])?;
        let expected: Vec<i32> = (0..256).map(|t| 1 << ((t / 32 + 1) % 8)).collect();
        assert_eq!(out.to_vec::<i32>()?, expected);
        Ok(())
    });
}
