//! A tile that a tensor copy brought to shared memory is the matrix that `wgmma` finds there by a descriptor, and what is
//! copied back is the tensor.

use warptape_ptx::lane::Isa;
use warptape_ptx::tensor::element::{Element, f32_to_f16};
use warptape_ptx::tensor::map::{Encode, Start, TensorMap, tiled};
use warptape_ptx::tensor::swizzle::Swizzle;
use warptape_ptx::tensor::wgmma::{Descriptor, Major, Operand, Source, Sums, find, place_d};

use super::{Random, get};

const ROWS: usize = 96;
const COLUMNS: usize = 160;

/// A tensor of f16 numbers in memory, rows of columns, and its numbers.
fn tensor(seed: u64) -> (Vec<u8>, Vec<i64>) {
    let mut random = Random(seed);
    let values: Vec<i64> = (0..ROWS * COLUMNS).map(|_| random.integer(Element::F16)).collect();
    (values.iter().flat_map(|value| (f32_to_f16(*value as f32) as u16).to_le_bytes()).collect(), values)
}

fn map(swizzle: Swizzle, extent: [u32; 2]) -> TensorMap {
    let parameters = Encode {
        data: 6,
        rank: 2,
        address: 0,
        dimensions: &[COLUMNS as u64, ROWS as u64],
        strides: &[2 * COLUMNS as u64],
        element_strides: &[1, 1],
        interleave: 0,
        swizzle: swizzle as u32,
        l2_promotion: 0,
        oob_fill: 0,
    };
    tiled(&parameters, &extent).unwrap()
}

fn load(map: &TensorMap, global: &[u8], start: [i32; 2], memory: &mut [u8], shared: u32) {
    let start = Start { coordinates: [start[0], start[1], 0, 0, 0], offsets: [0; 3] };
    map.units(&start, shared, |unit| {
        let mut bytes = map.fill();
        for byte in unit.first..unit.end {
            bytes[usize::from(byte)] = global[unit.global.wrapping_add(byte.into()) as usize];
        }
        memory[unit.shared as usize..][..16].copy_from_slice(&bytes);
    })
    .unwrap();
}

/// The descriptor of a tile of a row of the swizzle's bytes along k, 8 rows after 8 rows: further k by the start.
fn along_k(start: u32, swizzle: Swizzle, mn: usize) -> Operand {
    let (leading, stride) = if swizzle == Swizzle::None { (16, 256) } else { (0, swizzle.period()) };
    Operand::new(Descriptor { start, leading, stride, base: 0, swizzle }.encode(), Element::F16, Major::K, mn, 32)
        .unwrap()
}

#[test]
fn what_is_copied_is_what_is_multiplied() {
    let instruction =
        find(Isa::detect(), &"wgmma.mma_async.sync.aligned.m64n32k16.f32.f16.f16".split('.').collect::<Vec<_>>());
    let instruction = instruction.unwrap();
    let ((a_bytes, a), (b_bytes, b)) = (tensor(21), tensor(22));
    for swizzle in [Swizzle::B32, Swizzle::B64, Swizzle::B128] {
        let row = 8 * swizzle.units();
        let mut memory = vec![0xee; 0x8000];
        // A: 64 rows of k beside each other, from row 40 on (32 rows lie outside); B: the tensor's rows are k.
        let (a_map, b_map) = (map(swizzle, [row, 64]), map(swizzle, [row, 16]));
        let k0 = 32;
        load(&a_map, &a_bytes, [k0, 64], &mut memory, 0x1000);
        let slices = 32u32.div_ceil(row).max(1);
        for slice in 0..slices {
            load(&b_map, &b_bytes, [(48 + slice * row) as i32, 8], &mut memory, 0x4000 + slice * 16 * 2 * row);
        }
        for k in (0..row).step_by(16) {
            let a_operand = along_k(0x1000 + 2 * k, swizzle, 64);
            let b_descriptor =
                Descriptor { start: 0x4000, leading: 32 * row, stride: swizzle.period(), base: 0, swizzle };
            let b_operand = Operand::new(b_descriptor.encode(), Element::F16, Major::Mn, 32, 32).unwrap();
            let mut d: [Vec<[u32; 32]>; 4] = std::array::from_fn(|_| vec![[0; 32]; instruction.d.registers]);
            let registers = d.each_mut().map(|registers| registers.as_mut_slice());
            let sums = Sums { add: false, negate: false };
            instruction.run(registers, (Source::Shared(a_operand), None), &b_operand, sums, |address| {
                let words = memory[address as usize..][..16].as_chunks().0;
                std::array::from_fn(|word| u32::from_le_bytes(words[word]))
            });
            for (warp, lane, index) in (0..4).flat_map(|w| (0..32).flat_map(move |l| (0..16).map(move |i| (w, l, i)))) {
                let (row_of_d, column) = place_d(warp, lane, index);
                let expected: i64 = (0..16)
                    .map(|i| {
                        let line = 64 + row_of_d;
                        let x = if line < ROWS { a[line * COLUMNS + k0 as usize + k as usize + i] } else { 0 };
                        x * b[(8 + i) * COLUMNS + 48 + column]
                    })
                    .sum();
                let found = f32::from_bits(get(&d[warp], Element::F32, lane, index) as u32);
                assert_eq!(found, expected as f32, "{swizzle:?}, k {k}: {row_of_d}, {column}");
            }
        }
    }
}

#[test]
fn every_element_lies_where_the_descriptor_says() {
    let (bytes, values) = tensor(23);
    for (swizzle, shared) in [
        (Swizzle::B32, 0x1000),
        (Swizzle::B64, 0x1000),
        (Swizzle::B128, 0x1000),
        (Swizzle::B128, 0x1280),
        (Swizzle::B64, 0x1080),
        (Swizzle::B32, 0x1080),
    ] {
        let row = 8 * swizzle.units();
        let mut memory = vec![0; 0x8000];
        load(&map(swizzle, [row, 64]), &bytes, [16, 8], &mut memory, shared);
        // Wherever the tile begins: base offset and address say the same to both.
        let base = shared / 128 % 8;
        let half =
            |address: u32| u64::from(u16::from_le_bytes([memory[address as usize], memory[address as usize + 1]]));
        let stride = swizzle.period();
        let place = shared % stride;
        for (mn, k) in (0..64).flat_map(|mn| (0..16).map(move |k| (mn, k))) {
            let expected = u64::from(f32_to_f16(values[(8 + mn) * COLUMNS + 16 + k] as f32));
            if place == 0 {
                let descriptor = Descriptor { start: shared, leading: 0, stride, base: 0, swizzle };
                let operand = Operand::new(descriptor.encode(), Element::F16, Major::K, 64, 32).unwrap();
                assert_eq!(half(operand.address(mn, k)), expected, "{swizzle:?} {mn} {k}");
            }
            // The guide's relation: unit x of row y lies at ((y + base) mod rows) ^ x.
            let linear = (mn as u32 * 2 * row) + 2 * k as u32;
            let (y, x) = (linear / 128, linear % 128 / 16);
            let unit = ((y + base) % swizzle.units()) ^ x;
            assert_eq!(half(shared + y * 128 + unit * 16 + linear % 16), expected, "{swizzle:?} {shared:#x} {mn} {k}");
        }
    }
}

#[test]
fn copies_back_are_the_tensor_again() {
    let (bytes, _) = tensor(24);
    for swizzle in Swizzle::ALL {
        let map = map(swizzle, [16, 32]);
        let mut back = vec![0x55; bytes.len()];
        let mut memory = vec![0; 0x4000];
        // Boxes hang over the lower border.
        for (column, row) in (0..COLUMNS).step_by(16).flat_map(|c| (-16..ROWS as i32).step_by(32).map(move |r| (c, r)))
        {
            let start = [column as i32, row];
            load(&map, &bytes, start, &mut memory, 0x400);
            let start = Start { coordinates: [start[0], start[1], 0, 0, 0], offsets: [0; 3] };
            map.units(&start, 0x400, |unit| {
                for byte in unit.first..unit.end {
                    back[(unit.global + u64::from(byte)) as usize] = memory[unit.shared as usize + usize::from(byte)];
                }
            })
            .unwrap();
        }
        assert_eq!(back, bytes, "{swizzle:?}");
    }
}
