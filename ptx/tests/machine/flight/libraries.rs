//! What the libraries of CUDA C++ make of barriers, pipelines, copies and grids.

use crate::device::{Device, Shape, shape};
use crate::running::ORDERS;

const TEXT: &str = include_str!("../texts/pipelines.ptx");

#[test]
fn a_pipeline_of_two_stages() {
    let tiles = 7;
    let values: Vec<f32> = (0..tiles * 128).map(|at| (at % 100) as f32).collect();
    for order in ORDERS {
        let mut device = Device::new(TEXT);
        let (from, out) = (device.buffer(&values).to_le_bytes(), device.buffer(&[0f32; 128]));
        let params = [&from[..], &out.to_le_bytes(), &(tiles as u32).to_le_bytes()];
        device.run("pipeline", shape([1, 1], 128, order), &params).unwrap_or_else(|fault| panic!("{order:?}: {fault}"));
        for (thread, sum) in device.read::<f32>(out, 128).into_iter().enumerate() {
            let expected: f32 = (0..tiles).map(|tile| values[tile * 128 + 127 - thread]).sum();
            assert_eq!(sum, expected, "{order:?}: thread {thread}");
        }
    }
}

#[test]
fn copies_of_a_block_at_once_and_in_bulk() {
    let values: Vec<u32> = (0..64).map(|at| at * 5 + 1).collect();
    for order in ORDERS {
        let mut device = Device::new(TEXT);
        let (from, out) = (device.buffer(&values).to_le_bytes(), device.buffer(&[0u32; 64]));
        device.run("bulk", shape([1, 1], 64, order), &[&from, &out.to_le_bytes()]).unwrap();
        assert_eq!(device.read::<u32>(out, 64), values.iter().map(|x| 2 * x).collect::<Vec<_>>(), "{order:?}");
        device.run("together", shape([1, 1], 64, order), &[&from, &out.to_le_bytes()]).unwrap();
        let sums = (0..64).map(|thread| values[48 - thread / 16 * 16..][..16].iter().sum::<u32>());
        assert_eq!(device.read::<u32>(out, 64), sums.collect::<Vec<_>>(), "{order:?}");
    }
}

#[test]
fn a_grid_meets_as_often_as_it_likes() {
    for order in ORDERS {
        let mut device = Device::new(TEXT);
        let (words, workspace) = (device.buffer(&(0..20).collect::<Vec<u32>>()), device.buffer(&[0u64]));
        let params = [&words.to_le_bytes()[..], &7u32.to_le_bytes()];
        let shape = shape([20, 1], 64, order);
        device
            .run("rounds", Shape { workspace, ..shape }, &params)
            .unwrap_or_else(|fault| panic!("{order:?}: {fault}"));
        let expected = (0..20).map(|block| (block + 7) % 20 + 7);
        assert_eq!(device.read::<u32>(words, 20), expected.collect::<Vec<_>>(), "{order:?}");
        // Without a cooperative launch the library traps.
        assert!(device.run("rounds", shape, &params).unwrap_err().to_string().contains("__trap"));
    }
}
