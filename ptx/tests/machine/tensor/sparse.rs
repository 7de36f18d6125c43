//! `mma.sp.sync` against a plain product with A's zeros written out.

use warptape_ptx::lane::Isa;
use warptape_ptx::tensor::element::Element::*;
use warptape_ptx::tensor::fragment::{a, b, c};
use warptape_ptx::tensor::mma::{SparseMma, find_sparse};

use super::{Random, encode, get, put, registers};

fn named(name: &str) -> Option<SparseMma> {
    find_sparse(Isa::detect(), &format!("mma.{name}").split('.').collect::<Vec<_>>())
}

/// Where CuTe's layout of metadata (row + rows × column of A, by lane's two low bits, its three high bits and the bits'
/// chunks in the word) has a chunk: lane and first bit. `ELayout_64x64`, `ELayout_64x32` and `ELayout_64x16` for one warp, with
/// selector 0 where two lanes of four count. Of the shorter shapes TVM's tests of `m16n8k16` have both rows' in one lane
/// (`test_tir_ptx_mma_sp.py`), and the manual a pair of lanes for 8 and 4 bits (9.7.14.6.1).
pub fn place_of(bits: usize, k: usize, row: usize, chunk: usize, selector: usize) -> (usize, usize) {
    let (group, lower) = (row % 8, row / 8);
    if bits * k == 256 {
        return match bits {
            8 | 4 => (4 * group + lower + 2 * selector, 4 * chunk),
            _ => (4 * group + selector, 4 * chunk + 16 * lower),
        };
    }
    match bits {
        // ((2, 2, 8), 32) : ((8, 2048, 1), 64), so bit 0 of the lane is 8 rows, bit 1 half of the columns.
        8 | 4 => (4 * group + lower + 2 * (chunk / 8), 4 * (chunk % 8)),
        // ((2, 2, 8), (16, 2)) : ((1024, 0, 1), (64, 8)), so bit 0 of the lane is half of the columns, the word's half 8 rows.
        _ => (4 * group + chunk / 4 + 2 * selector, 4 * (chunk % 4) + 16 * lower),
    }
}

#[test]
fn sparse_products_are_the_dense_ones() {
    let mut random = Random(31);
    let names = [
        "m16n8k32.row.col.f32.f16.f16.f32",
        "m16n8k32.row.col.f16.f16.f16.f16",
        "m16n8k32.row.col.f32.bf16.bf16.f32",
        "m16n8k16.row.col.f32.tf32.tf32.f32",
        "m16n8k64.row.col.f32.e4m3.e5m2.f32",
        "m16n8k64.row.col.f32.e5m2.e4m3.f32",
        "m16n8k64.row.col.s32.s8.s8.s32",
        "m16n8k64.row.col.satfinite.s32.u8.s8.s32",
        "m16n8k64.row.col.s32.s8.u8.s32.satfinite",
        "m16n8k128.row.col.s32.u4.u4.s32",
        "m16n8k128.row.col.satfinite.s32.s4.u4.s32",
        "m16n8k16.row.col.f32.f16.f16.f32",
        "m16n8k16.row.col.f16.f16.f16.f16",
        "m16n8k16.row.col.f32.bf16.bf16.f32",
        "m16n8k8.row.col.f32.tf32.tf32.f32",
        "m16n8k32.row.col.s32.s8.u8.s32",
        "m16n8k32.row.col.satfinite.s32.u8.s8.s32",
        "m16n8k64.row.col.s32.u4.s4.s32",
    ];
    for (name, ordered) in names.into_iter().flat_map(|name| [(name, true), (name, false)]) {
        let sparse =
            named(&format!("{}.sync.aligned.{name}", if ordered { "sp::ordered_metadata" } else { "sp" })).expect(name);
        let (dense, bits) = (sparse.dense, sparse.dense.a.element.bits());
        let k = dense.shape.k;
        let count = bits * k / 128;
        assert_eq!([dense.a, dense.b].map(|fragment| fragment.registers), [count; 2], "{name}");
        let selectors = if bits >= 16 { 8 } else { 4 } / count;
        assert_eq!((sparse.ordered, sparse.selectors()), (ordered, selectors as u32));
        let mut of = [registers(dense.a), registers(dense.b), registers(dense.c), registers(dense.d)];
        for selector in 0..sparse.selectors() {
            of.iter_mut().flatten().for_each(|register| *register = [0; 32]);
            // Metadata of lanes that do not count are noise.
            let mut metadata: [u32; 32] = std::array::from_fn(|_| random.word());
            let (wide, there) = match bits {
                32 => (2, 1),
                4 => (8, 4),
                _ => (4, 2),
            };
            let mut whole = vec![0i64; 16 * k];
            let mut packed = vec![0i64; 16 * k / 2];
            for (row, chunk) in (0..16).flat_map(|row| (0..k / wide).map(move |chunk| (row, chunk))) {
                // Two of four places.
                let (mut first, mut second) = (random.next() % 4, random.next() % 4);
                if bits == 32 {
                    (first, second) = if first < 2 { (0, 1) } else { (2, 3) };
                }
                while second == first {
                    second = random.next() % 4;
                }
                if ordered && second < first {
                    (first, second) = (second, first);
                }
                let (lane, bit) = place_of(bits, k, row, chunk, selector as usize);
                metadata[lane] = metadata[lane] & !(15 << bit) | ((first | second << 2) as u32) << bit;
                for index in 0..there {
                    let value = random.integer(dense.a.element);
                    let place = match bits {
                        32 => first as usize / 2,
                        4 => 2 * [first, second][index / 2] as usize + index % 2,
                        _ => [first, second][index] as usize,
                    };
                    packed[row * k / 2 + chunk * there + index] = value;
                    whole[row * k + chunk * wide + place] = value;
                }
            }
            let factor: Vec<i64> = (0..8 * k).map(|_| random.integer(dense.b.element)).collect();
            let before: Vec<i64> = (0..128).map(|_| random.integer(F16)).collect();
            for lane in 0..32 {
                for index in 0..count * dense.a.element.per_register() {
                    let (row, column) = a(dense.a.element, 16, lane, index);
                    put(
                        &mut of[0],
                        dense.a.element,
                        lane,
                        index,
                        encode(dense.a.element, packed[row * k / 2 + column]),
                    );
                    let (row, column) = b(dense.b.element, lane, index);
                    put(&mut of[1], dense.b.element, lane, index, encode(dense.b.element, factor[row * 8 + column]));
                }
                for index in 0..4 {
                    let (row, column) = c(lane, index);
                    put(&mut of[2], dense.c.element, lane, index, encode(dense.c.element, before[row * 8 + column]));
                }
            }
            let [a_registers, b_registers, c_registers, d] = &mut of;
            sparse.run([a_registers, b_registers, c_registers], &metadata, selector, d).unwrap();
            for (lane, index) in (0..32).flat_map(|lane| (0..4).map(move |index| (lane, index))) {
                let (row, column) = c(lane, index);
                let sum: i64 = (0..k).map(|i| whole[row * k + i] * factor[i * 8 + column]).sum();
                let expected = encode(dense.d.element, before[row * 8 + column] + sum);
                assert_eq!(get(d, dense.d.element, lane, index), expected, "{name}: {row}, {column}");
            }
        }
        let [a_registers, b_registers, c_registers, d] = &mut of;
        let mut run = |metadata: u32, selector| {
            sparse
                .run([a_registers, b_registers, c_registers], &[metadata; 32], selector, d)
                .map_err(|error| error.to_string())
        };
        let last = sparse.selectors();
        assert!(
            run(0x4444_4444, last).unwrap_err().contains(&format!("selector is {last}, but must be less than {last}"))
        );
        assert!(run(0x4444_5444, 0).unwrap_err().contains("chunk 3 of row 0 of sparse A, 0b0101, have no meaning"));
        assert!(run(0x4444_4444, 0).is_ok());
        assert_eq!(run(0x4444_4441, 0).is_err(), ordered || bits == 32);
    }
}

#[test]
fn what_is_no_instruction_or_not_known_is_not_found() {
    for name in [
        "sync.aligned.m16n8k32.row.col.f32.f16.f16.f32",
        "sp.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32",
        "sp.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32",
        "sp.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32",
        "sp.sync.aligned.m16n8k32.row.col.s32.s4.s4.s32",
        "sp.sync.aligned.m16n8k64.row.col.f16.e4m3.e4m3.f16",
        "sp.sync.aligned.m16n8k32.row.col.f16.bf16.bf16.f16",
        "sp.sync.aligned.m16n8k32.row.col.satfinite.f32.f16.f16.f32",
        "sp.sync.aligned.m16n8k32.row.row.f32.f16.f16.f32",
        "sp.sync.aligned.m16n8k32.row.col.f32.f16.f16.f16",
    ] {
        assert_eq!(named(name), None, "{name}");
    }
}
