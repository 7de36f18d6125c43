//! `mma.sync`: every instruction that there is against a plain triple loop on matrices of integers, exactly.

use warptape_ptx::lane::{Isa, Width};
use warptape_ptx::tensor::element::{Element, Element::*};
use warptape_ptx::tensor::fragment::{Place, a, b, c, quad, quad_a, quad_b, quad_c};
use warptape_ptx::tensor::mma::{Mma, find};

use super::{Random, encode, get, put, registers};

pub fn named(name: &str) -> Mma {
    let parts: Vec<&str> = name.split('.').collect();
    find(Isa::detect(), &parts).unwrap_or_else(|| panic!("{name} is not found"))
}

/// Every name there is, with the registers of D, A, B and C.
fn names() -> Vec<(String, [usize; 4])> {
    let mut names = Vec::new();
    for layouts in ["row.row", "row.col", "col.row", "col.col"] {
        for (d, c, counts) in [("f16", "f16", [4, 2, 2, 4]), ("f32", "f16", [8, 2, 2, 4]), ("f32", "f32", [8, 2, 2, 8])]
        {
            names.push((format!("mma.sync.aligned.m8n8k4.{layouts}.{d}.f16.f16.{c}"), counts));
        }
    }
    let mut add = |shape: &str, d: &str, a: &str, b: &str, counts: [usize; 4]| {
        names.push((format!("mma.sync.aligned.{shape}.row.col.{d}.{a}.{b}.{d}"), counts));
    };
    for (d, sums) in [("f32", 4), ("f16", 2)] {
        add("m16n8k8", d, "f16", "f16", [sums, 2, 1, sums]);
        add("m16n8k16", d, "f16", "f16", [sums, 4, 2, sums]);
        for (a, b) in [("e4m3", "e4m3"), ("e4m3", "e5m2"), ("e5m2", "e4m3"), ("e5m2", "e5m2")] {
            add("m16n8k16", d, a, b, [sums, 2, 1, sums]);
            add("m16n8k32", d, a, b, [sums, 4, 2, sums]);
        }
    }
    add("m16n8k8", "f32", "bf16", "bf16", [4, 2, 1, 4]);
    add("m16n8k16", "f32", "bf16", "bf16", [4, 4, 2, 4]);
    add("m16n8k4", "f32", "tf32", "tf32", [4, 2, 1, 4]);
    add("m16n8k8", "f32", "tf32", "tf32", [4, 4, 2, 4]);
    add("m8n8k4", "f64", "f64", "f64", [2, 1, 1, 2]);
    add("m16n8k4", "f64", "f64", "f64", [4, 2, 1, 4]);
    add("m16n8k8", "f64", "f64", "f64", [4, 4, 2, 4]);
    add("m16n8k16", "f64", "f64", "f64", [4, 8, 4, 4]);
    for (a, b) in [("s8", "s8"), ("s8", "u8"), ("u8", "s8"), ("u8", "u8")] {
        add("m8n8k16", "s32", a, b, [2, 1, 1, 2]);
        add("m16n8k16", "s32", a, b, [4, 2, 1, 4]);
        add("m16n8k32", "s32", a, b, [4, 4, 2, 4]);
    }
    for (a, b) in [("s4", "s4"), ("s4", "u4"), ("u4", "s4"), ("u4", "u4")] {
        add("m8n8k32", "s32", a, b, [2, 1, 1, 2]);
        add("m16n8k32", "s32", a, b, [4, 2, 1, 4]);
        add("m16n8k64", "s32", a, b, [4, 4, 2, 4]);
    }
    for operation in ["xor", "and"] {
        for (shape, counts) in [("m8n8k128", [2, 1, 1, 2]), ("m16n8k128", [4, 2, 1, 4]), ("m16n8k256", [4, 4, 2, 4])] {
            names.push((format!("mma.sync.aligned.{shape}.row.col.s32.b1.b1.s32.{operation}.popc"), counts));
        }
    }
    names
}

/// A matrix by rows, and how registers hold it: `place(lane, index)` is a product's number and a place.
struct Matrix {
    element: Element,
    per_lane: usize,
    columns: usize,
    place: Box<dyn Fn(usize, usize) -> (usize, Place)>,
}

impl Matrix {
    fn cells(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let index = |lane, index| {
            let (product, (row, column)) = (self.place)(lane, index);
            product * 1000 + row * self.columns + column
        };
        (0..32).flat_map(move |lane| (0..self.per_lane).map(move |i| (lane, i))).map(move |(l, i)| (l, i, index(l, i)))
    }
}

fn matrices(name: &str, mma: &Mma) -> [Matrix; 4] {
    let (m, n, k) = (mma.shape.m, mma.shape.n, mma.shape.k);
    let quads = (mma.a.element, m) == (F16, 8);
    let (a_rows, b_rows) = (
        name.contains(".row.row.") || name.contains(".row.col."),
        !name.contains("w.col.") && !name.contains("l.col."),
    );
    let (of_a, of_b, of_c, of_d) = (mma.a.element, mma.b.element, mma.c.element, mma.d.element);
    let matrix = |element: Element, size: usize, columns: usize, place: Box<dyn Fn(usize, usize) -> (usize, Place)>| {
        Matrix { element, per_lane: size / 32 * if quads { 4 } else { 1 }, columns, place }
    };
    if quads {
        return [
            matrix(of_a, m * k, k, Box::new(move |lane, i| (quad(lane), quad_a(a_rows, lane, i)))),
            matrix(of_b, k * n, n, Box::new(move |lane, i| (quad(lane), quad_b(b_rows, lane, i)))),
            matrix(of_c, m * n, n, Box::new(move |lane, i| (quad(lane), quad_c(of_c, lane, i)))),
            matrix(of_d, m * n, n, Box::new(move |lane, i| (quad(lane), quad_c(of_d, lane, i)))),
        ];
    }
    [
        matrix(of_a, m * k, k, Box::new(move |lane, i| (0, a(of_a, m, lane, i)))),
        matrix(of_b, k * n, n, Box::new(move |lane, i| (0, b(of_b, lane, i)))),
        matrix(of_c, m * n, n, Box::new(move |lane, i| (0, c(lane, i)))),
        matrix(of_d, m * n, n, Box::new(move |lane, i| (0, c(lane, i)))),
    ]
}

#[test]
fn every_instruction_multiplies_matrices_of_integers() {
    let mut random = Random(1);
    for (name, counts) in names() {
        let mma = named(&name);
        assert_eq!([mma.d, mma.a, mma.b, mma.c].map(|fragment| fragment.registers), counts, "{name}");
        assert_eq!(mma.a.width(), if mma.a.element == F64 { Width::B64 } else { Width::B32 });
        let (m, n, k) = (mma.shape.m, mma.shape.n, mma.shape.k);
        let all = matrices(&name, &mma);
        let mut values = [vec![0i64; 3000 + m * k], vec![0; 3000 + k * n], vec![0; 3000 + m * n]];
        let mut registers = [registers(mma.a), registers(mma.b), registers(mma.c), registers(mma.d)];
        for (which, values) in values.iter_mut().enumerate() {
            let element = all[which].element;
            for (lane, index, cell) in all[which].cells() {
                values[cell] = random.integer(element);
                put(&mut registers[which], element, lane, index, encode(element, values[cell]));
            }
        }
        let [a, b, c, d] = &mut registers;
        mma.run(a, b, c, d);
        for (lane, index, cell) in all[3].cells() {
            let (product, row, column) = (cell / 1000 * 1000, cell % 1000 / n, cell % 1000 % n);
            let terms = (0..k).map(|i| {
                let (x, y) = (values[0][product + row * k + i], values[1][product + i * n + column]);
                if name.contains(".xor.") { x ^ y } else { x * y }
            });
            let expected = values[2][cell] + terms.sum::<i64>();
            let found = get(d, mma.d.element, lane, index);
            assert_eq!(found, encode(mma.d.element, expected), "{name}: lane {lane}, element {index}");
        }
    }
}

#[test]
fn what_is_no_instruction_is_not_found() {
    for name in [
        "mma.sync.aligned.m8n8k4.row.row.f16.f16.f16.f32",
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f16",
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f16",
        "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e5m2.f16",
        "mma.sync.aligned.m16n8k16.col.col.f32.f16.f16.f32",
        "mma.sync.aligned.m16n8k4.row.col.f32.bf16.bf16.f32",
        "mma.sync.aligned.m16n8k8.row.col.f32.bf16.f16.f32",
        "mma.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32",
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.u4.s32",
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.f32",
        "mma.sync.aligned.m8n8k4.row.col.satfinite.f16.f16.f16.f16",
        "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32",
        "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.or.popc",
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32.and.popc",
        "mma.sync.aligned.m16n8k16.row.col.rn.f32.f16.f16.f32",
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16",
        "mma.sync.m16n8k16.row.col.f32.f16.f16.f32",
        "mma.sync.aligned.m16n16k16.row.col.f32.f16.f16.f32",
    ] {
        assert_eq!(find(Isa::Base, &name.split('.').collect::<Vec<_>>()), None, "{name}");
    }
    // The manual writes it so, too.
    named("mma.sync.aligned.row.col.m16n8k16.f32.f16.f16.f32");
    named("mma.and.popc.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32");
    named("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64.rn");
    named("mma.sync.aligned.m16n8k64.row.col.s32.s4.s4.s32.satfinite");
}
