//! `wmma`: matrices in memory, loaded, multiplied and stored, against a plain triple loop.

use warptape_ptx::lane::Isa;
use warptape_ptx::tensor::Lanes;
use warptape_ptx::tensor::element::{Element, Element::*};
use warptape_ptx::tensor::mma::Shape;
use warptape_ptx::tensor::wmma::{Access, Direction, Role, find_access, find_multiply, place};

use super::{Random, encode, registers};

fn access(name: &str) -> Access {
    find_access(&name.split('.').collect::<Vec<_>>()).unwrap_or_else(|| panic!("{name} is not found"))
}

/// A matrix of integers and its bytes in memory, lines `stride` elements apart.
struct Stored {
    values: Vec<i64>,
    columns: usize,
    bytes: Vec<u8>,
}

fn stored(
    rows: usize,
    columns: usize,
    element: Element,
    row_major: bool,
    stride: usize,
    random: &mut Random,
) -> Stored {
    let values: Vec<i64> = (0..rows * columns).map(|_| random.integer(element)).collect();
    let mut bytes = vec![0u8; stride * rows.max(columns) * element.bits() / 8 + 8];
    for row in 0..rows {
        for column in 0..columns {
            let place = if row_major { row * stride + column } else { column * stride + row } * element.bits();
            let bits = encode(element, values[row * columns + column]);
            for bit in (0..element.bits()).filter(|bit| bits >> bit & 1 == 1) {
                bytes[(place + bit) / 8] |= 1 << ((place + bit) % 8);
            }
        }
    }
    Stored { values, columns, bytes }
}

fn load(access: &Access, bytes: &[u8], stride: u64) -> Vec<Lanes> {
    assert_eq!(access.direction, Direction::Load);
    let mut registers = registers(access.fragment);
    for piece in &access.pieces {
        let offset = access.offset(piece, stride) as usize;
        assert_eq!(offset % usize::from(piece.bytes), 0);
        for (index, byte) in bytes[offset..][..piece.bytes.into()].iter().enumerate() {
            let bit = usize::from(piece.shift) + 8 * index;
            let (register, lane) = (usize::from(piece.register), usize::from(piece.lane));
            let word =
                if access.fragment.element == F64 { 64 * register + 2 * lane + bit / 32 } else { 32 * register + lane };
            registers.as_flattened_mut()[word] |= u32::from(*byte) << (bit % 32);
        }
    }
    registers
}

fn store(access: &Access, registers: &[Lanes], bytes: &mut [u8], stride: u64) {
    assert_eq!(access.direction, Direction::Store);
    for piece in &access.pieces {
        let offset = access.offset(piece, stride) as usize;
        for (index, byte) in bytes[offset..][..piece.bytes.into()].iter_mut().enumerate() {
            let bit = usize::from(piece.shift) + 8 * index;
            let (register, lane) = (usize::from(piece.register), usize::from(piece.lane));
            let word =
                if access.fragment.element == F64 { 64 * register + 2 * lane + bit / 32 } else { 32 * register + lane };
            *byte = (registers.as_flattened()[word] >> (bit % 32)) as u8;
        }
    }
}

/// Shape, factors, C, D, what stands in the name between shape and end, and the registers of A, B, C.
type Case = (&'static str, Element, Element, Element, &'static str, [usize; 3]);

const CASES: [Case; 21] = [
    ("m16n16k16", F16, F32, F32, "f32.f32", [8, 8, 8]),
    ("m16n16k16", F16, F16, F16, "f16.f16", [8, 8, 4]),
    ("m16n16k16", F16, F16, F32, "f32.f16", [8, 8, 4]),
    ("m32n8k16", F16, F32, F16, "f16.f32", [8, 8, 8]),
    ("m8n32k16", F16, F32, F32, "f32.f32", [8, 8, 8]),
    ("m8n32k16", F16, F16, F16, "f16.f16", [8, 8, 4]),
    ("m16n16k16", Bf16, F32, F32, "f32.bf16.bf16.f32", [4, 4, 8]),
    ("m32n8k16", Bf16, F32, F32, "f32.bf16.bf16.f32", [8, 2, 8]),
    ("m8n32k16", Bf16, F32, F32, "f32.bf16.bf16.f32", [2, 8, 8]),
    ("m16n16k8", Tf32, F32, F32, "f32.tf32.tf32.f32", [4, 4, 8]),
    ("m8n8k4", F64, F64, F64, "f64.f64.f64.f64.rn", [1, 1, 2]),
    ("m16n16k16", S8, S32, S32, "s32.s8.s8.s32", [2, 2, 8]),
    ("m16n16k16", U8, S32, S32, "s32.u8.u8.s32", [2, 2, 8]),
    ("m32n8k16", S8, S32, S32, "s32.s8.s8.s32.satfinite", [4, 1, 8]),
    ("m32n8k16", U8, S32, S32, "s32.u8.u8.s32", [4, 1, 8]),
    ("m8n32k16", S8, S32, S32, "s32.s8.s8.s32", [1, 4, 8]),
    ("m8n32k16", U8, S32, S32, "satfinite.s32.u8.u8.s32", [1, 4, 8]),
    ("m8n8k32", S4, S32, S32, "s32.s4.s4.s32", [1, 1, 2]),
    ("m8n8k32", U4, S32, S32, "s32.u4.u4.s32.satfinite", [1, 1, 2]),
    ("m8n8k128", B1, S32, S32, "and.popc", [1, 1, 2]),
    ("m8n8k128", B1, S32, S32, "xor.popc", [1, 1, 2]),
];

#[test]
fn loads_multiplies_and_stores() {
    let mut random = Random(7);
    for (shape_name, factor, of_c, of_d, types, counts) in CASES {
        let Shape { m, n, k } = Shape::parse(shape_name).unwrap();
        for (a_rows, b_rows, sum_rows) in [(true, false, true), (false, true, false), (true, true, false)] {
            if factor.bits() < 8 && (!a_rows || b_rows) {
                continue;
            }
            let layout = |rows| if rows { "row" } else { "col" };
            let word = |element: Element| format!("{element:?}").to_lowercase();
            let name = |what: &str, rows, element| {
                access(&format!("wmma.{what}.sync.aligned.{}.{shape_name}.shared.{}", layout(rows), word(element)))
            };
            let of = [
                name("load.a", a_rows, factor),
                name("load.b", b_rows, factor),
                name("load.c", sum_rows, of_c),
                name("store.d", sum_rows, of_d),
            ];
            let strides = [(a_rows, k, m), (b_rows, n, k), (sum_rows, n, m), (sum_rows, n, m)];
            for (access, (rows, row, column)) in of.iter().zip(strides) {
                assert_eq!(access.stride, if rows { row } else { column } as u64);
            }
            // Lines lie as close as can be, and then further apart.
            for extra in [0, 32, 256] {
                let stride = |index: usize| of[index].stride as usize + extra;
                let a = stored(m, k, factor, a_rows, stride(0), &mut random);
                let b = stored(k, n, factor, b_rows, stride(1), &mut random);
                let c = stored(m, n, of_c, sum_rows, stride(2), &mut random);
                let [a_registers, b_registers, c_registers] =
                    [(0, &a), (1, &b), (2, &c)].map(|(index, it)| load(&of[index], &it.bytes, stride(index) as u64));
                let name = if factor == B1 {
                    format!("wmma.mma.{types}.sync.aligned.row.col.{shape_name}.s32.b1.b1.s32")
                } else {
                    format!("wmma.mma.sync.aligned.{}.{}.{shape_name}.{types}", layout(a_rows), layout(b_rows))
                };
                let multiply = find_multiply(Isa::detect(), &name.split('.').collect::<Vec<_>>()).expect(&name);
                assert_eq!([multiply.a, multiply.b, multiply.c].map(|fragment| fragment.registers), counts, "{name}");
                assert_eq!(multiply.shape, Shape { m, n, k });
                let mut d = registers(multiply.d);
                multiply.run(&a_registers, &b_registers, &c_registers, &mut d);
                let mut found = vec![0xa5; stride(3) * m.max(n) * of_d.bits() / 8];
                store(&of[3], &d, &mut found, stride(3) as u64);
                for (row, column) in (0..m).flat_map(|row| (0..n).map(move |column| (row, column))) {
                    let terms = (0..k).map(|i| {
                        let (x, y) = (a.values[row * a.columns + i], b.values[i * b.columns + column]);
                        if types == "xor.popc" { x ^ y } else { x * y }
                    });
                    let sum = c.values[row * n + column] + terms.sum::<i64>();
                    let place = if sum_rows { row * stride(3) + column } else { column * stride(3) + row };
                    let size = of_d.bits() / 8;
                    let expected = &encode(of_d, sum).to_le_bytes()[..size];
                    assert_eq!(&found[place * size..][..size], expected, "{name}: {row}, {column}");
                }
            }
        }
    }
}

#[test]
fn fragments_are_those_of_mma_beside_each_other() {
    let f16 = Shape::parse("m16n16k16").unwrap();
    // Lane 5 is in group 1, second of it.
    assert_eq!(place(f16, Role::A, F16, 5, 0), (1, 2));
    assert_eq!(place(f16, Role::A, F16, 5, 7), (9, 11));
    assert_eq!(place(f16, Role::A, F16, 5, 8), (1, 2));
    assert_eq!(place(f16, Role::B, F16, 5, 3), (11, 1));
    assert_eq!(place(f16, Role::B, F16, 5, 4), (2, 9));
    assert_eq!(place(f16, Role::B, F16, 5, 8), place(f16, Role::B, F16, 5, 0));
    assert_eq!(place(f16, Role::Sum, F32, 5, 3), (9, 3));
    assert_eq!(place(f16, Role::Sum, F32, 5, 4), (1, 10));
    let tall = Shape::parse("m32n8k16").unwrap();
    assert_eq!(place(tall, Role::A, S8, 5, 8), (17, 4));
    assert_eq!(place(tall, Role::Sum, S32, 5, 4), (17, 2));
    let wide = Shape::parse("m8n32k16").unwrap();
    assert_eq!(place(wide, Role::B, S8, 5, 8), (4, 17));
    assert_eq!(place(wide, Role::Sum, S32, 5, 4), (2, 17));
}

#[test]
fn the_shape_may_come_first() {
    let parts = ["wmma", "load", "b", "sync", "aligned", "m16n16k16", "row", "f16"];
    assert_eq!(find_access(&parts), Some(access("wmma.load.b.sync.aligned.row.m16n16k16.f16")));
    let find = |name: &str| find_multiply(Isa::Base, &name.split('.').collect::<Vec<_>>());
    let layouts_first = find("wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32");
    assert!(layouts_first.is_some());
    assert_eq!(find("wmma.mma.sync.aligned.m16n16k16.row.col.f32.f32"), layouts_first);
    let toward_zero = find("wmma.mma.sync.aligned.row.col.m8n8k4.rz.f64.f64.f64.f64");
    assert_eq!(find("wmma.mma.sync.aligned.row.col.m8n8k4.f64.f64.f64.f64.rz"), toward_zero);
    assert_ne!(find("wmma.mma.sync.aligned.row.col.m8n8k4.f64.f64.f64.f64"), toward_zero);
    assert_eq!(find("wmma.mma.sync.aligned.row.col.m16n16k16.rz.f32.f32"), None);
}

#[test]
fn what_is_no_instruction_is_not_found() {
    for name in [
        "wmma.load.a.sync.aligned.col.m8n8k32.s4",
        "wmma.load.b.sync.aligned.row.m8n8k128.b1",
        "wmma.load.a.sync.aligned.row.m16n16k16.tf32",
        "wmma.load.c.sync.aligned.row.m16n16k16.f64",
        "wmma.store.c.sync.aligned.row.m16n16k16.f32",
        "wmma.load.a.sync.aligned.row.m16n16k16.local.f16",
    ] {
        assert_eq!(find_access(&name.split('.').collect::<Vec<_>>()), None, "{name}");
    }
    for name in [
        "wmma.mma.sync.aligned.row.col.m16n16k16.f32.f16.f16.f32",
        "wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32.satfinite",
        "wmma.mma.sync.aligned.row.col.m16n16k16.s32.s8.u8.s32",
        "wmma.mma.sync.aligned.row.row.m8n8k32.s32.s4.s4.s32",
        "wmma.mma.sync.aligned.row.col.m16n16k16.f16.bf16.bf16.f16",
        "wmma.mma.sync.aligned.row.col.m8n8k128.s32.b1.b1.s32",
    ] {
        assert_eq!(find_multiply(Isa::Base, &name.split('.').collect::<Vec<_>>()), None, "{name}");
    }
}
