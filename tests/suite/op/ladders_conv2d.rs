//! The convolutions' ladders: each rung improves, by the profiler's counts with a GPU's tiles, in what its header says that it
//! measures; and rung 2 takes large batches in parts.

use warptape::check::{Input, Values};
use warptape::device::host::Order;
use warptape::device::profiled::Profile;
use warptape::launch::ladder::Summary;
use warptape::op;
use warptape::op::conv2d::{Conv2dParams, conv2d};
use warptape::tape::Tape;
use warptape::{DType, Device, Tensor};

use crate::device::profiler::profiled;
use crate::support::{device, has_compiler, on_fast_host, on_gpu, skips_long};

fn ladders() -> impl Iterator<Item = Summary> {
    let ladders: Vec<_> = op::ladders().into_iter().filter(|ladder| ladder.workload == "conv2d").collect();
    assert_eq!(ladders.len(), 3);
    ladders.into_iter()
}

/// What all kernels of a rung do for a problem.
#[derive(Debug)]
struct Costs {
    /// Requests of warps to load from global memory.
    loads: f64,
    /// Bytes that move to and from memory at least.
    moved: f64,
    /// Wavefronts of shared memory.
    wavefronts: f64,
    /// Floating-point operations that were computed, whether the result needs them or not.
    flops: f64,
    /// Of the kernel that the ladder is named after.
    blocks: f64,
}

fn costs(ladder: &Summary, rung: u32, problem: &str) -> Costs {
    let (device, profiles) = profiled(Order::Forward);
    device.choices().force(ladder.name, Some(rung));
    (ladder.job(&device, problem).unwrap().run)().unwrap();
    assert_eq!(device.choices().made_for(ladder.name, problem), Some(rung));
    let list = profiles.list();
    let sum = |of: fn(&Profile) -> u64| list.iter().map(of).sum::<u64>() as f64;
    let costs = Costs {
        loads: sum(|one| one.total.global_loads.requests),
        moved: sum(|one| one.read + one.written),
        wavefronts: sum(|one| one.total.shared().transactions),
        flops: sum(|one| one.total.operations.flops()),
        blocks: list.iter().filter(|one| one.kernel == ladder.name).map(|one| one.geometry.blocks()).sum::<usize>()
            as f64,
    };
    println!("{}:{rung} {problem}: {costs:?}", ladder.name);
    costs
}

#[test]
fn each_rung_improves_in_what_it_is_about() {
    if !has_compiler() || skips_long() {
        return;
    }
    let layer = "n1 h16 w16 c64 k64 r3 s3 stride1,1 pad1,1 dilation1,1";
    for ladder in ladders() {
        let at = |rung| costs(&ladder, rung, layer);
        let [direct, columns, implicit, register, vector] = [1, 2, 3, 4, 5].map(at);
        let name = ladder.name;
        // A tile that is fetched once and used often instead of two loads for every product.
        assert!(columns.loads < direct.loads / 10.0, "{name}: {columns:?} {direct:?}");
        // The columns, nine times the image, are neither written nor read.
        assert!(implicit.moved < columns.moved / 2.0, "{name}: {implicit:?} {columns:?}");
        // 16 loads out of shared memory for 64 products instead of two for one; less where a tile is not full.
        assert!(register.wavefronts < implicit.wavefronts / 2.5, "{name}: {register:?} {implicit:?}");
        // Four floats at a time; less where a tile is not full.
        assert!(vector.loads < register.loads / 2.5, "{name}: {vector:?} {register:?}");
        assert!(vector.wavefronts <= register.wavefronts, "{name}: {vector:?} {register:?}");
    }
}

#[test]
fn split_k_brings_more_blocks_to_small_images() {
    if !has_compiler() {
        return;
    }
    let deep = "n1 h4 w4 c256 k256 r3 s3 stride1,1 pad1,1 dilation1,1";
    let batch = "n8 h16 w16 c32 k32 r3 s3 stride1,1 pad1,1 dilation1,1";
    for ladder in ladders() {
        // The depth of the filters' gradient is pixels; that of the others is channels.
        let problem = if ladder.name == "conv2d_backward_filter" { batch } else { deep };
        let [whole, split] = [5, 6].map(|rung| costs(&ladder, rung, problem));
        assert!(split.blocks >= 2.0 * whole.blocks, "{}: {split:?} {whole:?}", ladder.name);
    }
}

/// For one output, the definition multiplies 9 times per pair of channels, F(2×2) 4 times and F(4×4) 2.25 times; the
/// transforms add to that what they add up. The price is what they move.
#[test]
fn winograd_multiplies_less_and_moves_more() {
    if !has_compiler() || skips_long() {
        return;
    }
    let layer = "n32 h8 w8 c64 k64 r3 s3 stride1,1 pad1,1 dilation1,1";
    for ladder in ladders() {
        let [gemm, two, four] = [5, 7, 8].map(|rung| costs(&ladder, rung, layer));
        let name = ladder.name;
        assert!(two.flops < gemm.flops / 1.9, "{name}: {two:?} {gemm:?}");
        assert!(four.flops < two.flops / 1.5, "{name}: {four:?} {two:?}");
        assert!(two.moved > four.moved && four.moved > gemm.moved, "{name}: {four:?} {two:?} {gemm:?}");
    }
}

/// Of 3 × 3 taps at a stride of 2, an input pixel sees 1, 2, 2 or 4: a quarter of what rung 5 multiplies. Of a 1 × 1 filter,
/// three pixels of four see none.
#[test]
fn residue_classes_multiply_no_zeros() {
    if !has_compiler() {
        return;
    }
    let ladder = ladders().find(|ladder| ladder.name == "conv2d_backward_input").unwrap();
    for (window, pad) in [(3, 1), (1, 0)] {
        let problem = format!("n8 h32 w32 c64 k64 r{window} s{window} stride2,2 pad{pad},{pad} dilation1,1");
        let [all, classes] = [5, 9].map(|rung| costs(&ladder, rung, &problem));
        assert_eq!(classes.flops, all.flops / 4.0, "{classes:?} {all:?}");
    }
}

/// The columns of one of these images take more than half of what rung 2 allows itself.
#[test]
fn im2col_takes_large_batches_in_parts() {
    if !on_gpu() && !on_fast_host("images this large take minutes in checked mode") {
        return;
    }
    let device = device();
    let shapes = [vec![3, 256, 256, 16], vec![2, 3, 3, 16], vec![2]];
    let inputs: Vec<Tensor> = (1..).zip(shapes).map(|(seed, shape)| integers(&device, seed, shape)).collect();
    let run = |rung| {
        ladders().for_each(|ladder| device.choices().force(ladder.name, Some(rung)));
        device.reset_peak();
        let mut tape = Tape::new();
        inputs.iter().for_each(|input| tape.watch(input));
        let y = conv2d(&mut tape, &inputs[0], &inputs[1], Some(&inputs[2]), Conv2dParams::new(1, 1)).unwrap();
        let upstream = integers(&device, 9, y.shape().dims().to_vec());
        let gradients = tape.backward_from(&y, upstream).unwrap();
        let mut all = vec![y.to_vec::<f32>().unwrap()];
        all.extend(inputs.iter().map(|input| gradients.get(input).unwrap().to_vec::<f32>().unwrap()));
        (all, device.memory().peak)
    };
    let [(whole, _), (parts, peak)] = [5, 2].map(run);
    // Sums of integers are exact in any order.
    assert!(whole == parts);
    let columns = 4 * 3 * 256 * 256 * 9 * 16;
    assert!((peak as usize) < columns, "{peak} bytes, all columns take {columns}");
}

fn integers(device: &Device, seed: u64, shape: Vec<usize>) -> Tensor {
    let input = Input::new(shape, Values::Integers);
    let values: Vec<f32> = input.draw(seed, DType::F32).into_iter().map(|value| value as f32).collect();
    Tensor::from_slice(device, input.shape.clone(), &values).unwrap()
}
