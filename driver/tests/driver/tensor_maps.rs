//! Tensor maps: what is made through the driver is what kernels copy by.

use std::ffi::c_void;

use crate::interface::Gpu;
use crate::process::{tells, told};

/// A map, where the driver and kernels take one.
#[repr(align(64))]
struct Map([u8; 128]);

/// `CU_TENSOR_MAP_DATA_TYPE_FLOAT16`, `_FLOAT32`
const HALVES: u32 = 6;
const FLOATS: u32 = 7;

impl Gpu {
    /// A row-major matrix in tiles of 64 rows and `width` columns.
    fn map(&self, data: u32, address: u64, [rows, columns]: [u64; 2], width: u32) -> Map {
        let (mut map, size) = (Map([0; 128]), if data == HALVES { 2 } else { 4 });
        let swizzle = if data == HALVES { 3 } else { 0 };
        let (sizes, strides, extent, steps) = ([columns, rows], [columns * size], [width, 64], [1; 2]);
        // SAFETY: arrays as long as the rank says.
        let status = unsafe {
            (self.cu.cuTensorMapEncodeTiled)(
                map.0.as_mut_ptr().cast(),
                data,
                2,
                address,
                sizes.as_ptr(),
                strides.as_ptr(),
                extent.as_ptr(),
                steps.as_ptr(),
                0,
                swizzle,
                0,
                0,
            )
        };
        assert_eq!(status, 0);
        map
    }
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_multiplies_by_maps() {
    let text = include_str!("../../../ptx/tests/machine/texts/matmul_wgmma.ptx");
    let gpu = Gpu::open_with(&text.replace(".version 9.5", ".version 9.0"));
    let (size, depth) = (64, 128);
    // Small integers as f16: from -2 to 2.
    let halves = [0xC000u16, 0xBC00, 0, 0x3C00, 0x4000];
    let value = |at: usize, seed: usize| (at * 7 + at / 64 * 3 + seed) % 5;
    let [a, b] = [1, 3].map(|seed| (0..size * depth).map(|at| halves[value(at, seed)]).collect::<Vec<_>>());
    let (bytes, out) = (2 * size * depth, gpu.alloc(4 * size * size));
    let memory = [&a, &b].map(|values| {
        let memory = gpu.alloc(bytes);
        // SAFETY: as many bytes as there are.
        unsafe { assert_eq!((gpu.cu.cuMemcpyHtoDAsync_v2)(memory, values.as_ptr().cast(), bytes, 0), 0) };
        memory
    });
    let shape = [size as u64, depth as u64];
    // One is made for other memory, and led to the right one.
    let mut elsewhere = gpu.map(HALVES, memory[0], shape, 64);
    let to = elsewhere.0.as_mut_ptr().cast();
    assert_eq!(unsafe { (gpu.cu.cuTensorMapReplaceAddress)(to, memory[1]) }, 0);
    let maps = [gpu.map(HALVES, memory[0], shape, 64), elsewhere, gpu.map(FLOATS, out, [size as u64; 2], 64)];
    let (kernel, k) = (gpu.kernel("matmul"), depth as u32);
    let mut arguments: Vec<*mut c_void> = maps.iter().map(|map| map.0.as_ptr().cast_mut().cast()).collect();
    arguments.push((&raw const k).cast_mut().cast());
    unsafe {
        assert_eq!((gpu.cu.cuFuncSetAttribute)(kernel, 8, 82_944), 0);
        let given = arguments.as_mut_ptr();
        assert_eq!((gpu.cu.cuLaunchKernel)(kernel, 1, 1, 1, 160, 1, 1, 82_944, 0, given, std::ptr::null_mut()), 0);
    }
    let found = gpu.read(out, size * size);
    for (at, bits) in found.iter().enumerate() {
        let (row, column) = (at / size, at % size);
        let product = |k: usize| {
            let [x, y] = [value(row * depth + k, 1), value(column * depth + k, 3)].map(|v| v as i32 - 2);
            x * y
        };
        assert_eq!(f32::from_bits(*bits), (0..depth).map(product).sum::<i32>() as f32, "{row}, {column}");
    }
}

#[test]
fn kernels_copy_by_maps_of_the_driver() {
    let told = told("tensor_maps::child_multiplies_by_maps", &[]);
    assert!(told.iter().all(|line| line.starts_with("at the end")), "{told:?}");
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_makes_wrong_maps() {
    let gpu = Gpu::open();
    let memory = gpu.alloc(1 << 16);
    let mut map = Map([0; 128]);
    let mut tiled = |offset: usize, address: u64, rank: u32, stride: u64, swizzle: u32| {
        let (sizes, strides, extent, steps) = ([64, 64], [stride], [64, 64], [1; 2]);
        // SAFETY: arrays as long as the rank says, or refused.
        unsafe {
            let to = map.0.as_mut_ptr().add(offset).cast();
            let (sizes, strides) = (sizes.as_ptr(), strides.as_ptr());
            let (extent, steps) = (extent.as_ptr(), steps.as_ptr());
            let call = gpu.cu.cuTensorMapEncodeTiled;
            call(to, HALVES, rank, address, sizes, strides, extent, steps, 0, swizzle, 0, 0)
        }
    };
    assert_eq!(tiled(8, memory, 2, 128, 0), 1);
    assert_eq!(tiled(0, 64, 2, 128, 0), 1);
    assert_eq!(tiled(0, memory + 8, 2, 128, 0), 1);
    assert_eq!(tiled(0, memory, 6, 128, 0), 1);
    assert_eq!(tiled(0, memory, 2, 120, 0), 1);
    assert_eq!(tiled(0, memory, 2, 128, 1), 1);
    assert_eq!(tiled(0, memory, 2, 128, 0), 0);
    let mut pixels = |rank: u32, corner: i32| {
        let (sizes, strides, steps) = ([32, 4, 4, 2], [128, 512, 2048], [1; 4]);
        let corners = [corner; 2];
        // SAFETY: as above.
        unsafe {
            let (to, sizes, strides) = (map.0.as_mut_ptr().cast(), sizes.as_ptr(), strides.as_ptr());
            let (corners, steps) = (corners.as_ptr(), steps.as_ptr());
            let call = gpu.cu.cuTensorMapEncodeIm2col;
            call(to, FLOATS, rank, memory, sizes, strides, corners, corners, 32, 16, steps, 0, 3, 0, 0)
        }
    };
    assert_eq!(pixels(2, -1), 1);
    assert_eq!(pixels(4, -200), 1);
    assert_eq!(pixels(4, -1), 0);
    let none = Map([7; 128]);
    assert_eq!(unsafe { (gpu.cu.cuTensorMapReplaceAddress)(none.0.as_ptr().cast_mut().cast(), memory) }, 1);
}

#[test]
fn every_wrong_map_is_a_line() {
    let lines = [
        "is not aligned to 64 bytes",
        "0x40 is no address of device memory",
        "is not aligned to 16 bytes",
        "tensorRank is 6, but must be 1 to 5",
        "globalStrides[0] is 120, but must be a multiple of 16",
        "swizzle",
        "tensorRank is 2, but must be 3 to 5",
        "pixelBox",
        "are no tensor map that this machine's driver made",
        "at the end",
    ];
    tells("tensor_maps::child_makes_wrong_maps", &[], &lines);
}
