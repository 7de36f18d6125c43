//! `mma`, `wmma`, `ldmatrix`, `stmatrix`, `movmatrix`.

use super::{halves, integers, product};
use crate::device::{Device, shape};
use crate::running::{ORDERS, With, fault};

#[test]
fn a_matmul_by_ldmatrix_and_mma() {
    let (m, n, k) = (64, 96, 48);
    let (a, b, c) = (integers(m * k, 1), integers(k * n, 2), integers(m * n, 3));
    let expected: Vec<f32> = product(&a, &b, n, k).iter().zip(&c).map(|(x, c)| (x + c) as f32).collect();
    for order in ORDERS {
        let mut device = Device::new(include_str!("../texts/matmul_mma.ptx"));
        let (a, b) = (device.buffer(&halves(&a)), device.buffer(&halves(&b)));
        let out = device.buffer(&c.iter().map(|c| *c as f32).collect::<Vec<f32>>());
        let sizes = [m, n, k].map(|size| (size as u32).to_le_bytes());
        let params = [a, b, out].map(u64::to_le_bytes);
        let params = [&params[0][..], &params[1], &params[2], &sizes[0], &sizes[1], &sizes[2]];
        device.run("matmul", shape([n as u32 / 32, m as u32 / 32], 128, order), &params).unwrap();
        assert_eq!(device.read::<f32>(out, m * n), expected, "{order:?}");
    }
}

#[test]
fn matrices_are_stored_by_rows_and_turned() {
    let mut device = Device::new(include_str!("../texts/matmul_mma.ptx"));
    let out = device.buffer(&[0u32; 128]);
    device.run("matrices", shape([1, 1], 32, ORDERS[0]), &[&out.to_le_bytes()]).unwrap();
    let halves: Vec<u16> = device.read(out, 256);
    // Element e of matrix m is 100 m + e; the last one's columns come one after the other.
    for (at, half) in halves.iter().enumerate() {
        let (matrix, element) = (at / 64, at % 64);
        let element = if matrix == 3 { element % 8 * 8 + element / 8 } else { element };
        assert_eq!(usize::from(*half), 100 * matrix + element, "at {at}");
    }
}

#[test]
fn matmuls_by_wmma() {
    let (m, n, k) = (32, 48, 80);
    let (a, b) = (integers(m * k, 4), integers(k * n, 5));
    let expected = product(&a, &b, n, k);
    let mut device = Device::new(include_str!("../texts/matmul_wmma.ptx"));
    let sizes = [n, k].map(|size| (size as u32).to_le_bytes());
    let out = device.buffer(&vec![0u32; m * n]);
    let grid = shape([n as u32 / 16, m as u32 / 16], 32, ORDERS[0]);
    let params = [device.buffer(&halves(&a)), device.buffer(&halves(&b)), out].map(u64::to_le_bytes);
    device.run("halves", grid, &[&params[0], &params[1], &params[2], &sizes[0], &sizes[1]]).unwrap();
    let floats: Vec<f32> = expected.iter().map(|x| *x as f32).collect();
    assert_eq!(device.read::<f32>(out, m * n), floats);
    let bytes = |values: &[i32]| values.iter().map(|x| *x as i8).collect::<Vec<i8>>();
    let params = [device.buffer(&bytes(&a)), device.buffer(&bytes(&b)), out].map(u64::to_le_bytes);
    device.run("bytes", grid, &[&params[0], &params[1], &params[2], &sizes[0], &sizes[1]]).unwrap();
    assert_eq!(device.read::<i32>(out, m * n), expected);
    let doubles = |values: &[i32]| values.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
    let (a, b) = (&a[..8 * k], &b[..8 * k]);
    let params = [device.buffer(&doubles(a)), device.buffer(&doubles(b)), out].map(u64::to_le_bytes);
    device.run("doubles", shape([1, 1], 32, ORDERS[0]), &[&params[0], &params[1], &params[2], &sizes[1]]).unwrap();
    assert_eq!(device.read::<f64>(out, 64), doubles(&product(a, b, 8, k)));
}

#[test]
fn a_part_of_a_warp_cannot_multiply() {
    let mma = "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%d1, %d2}, {%d0}, {%d0}, {%d1, %d2};";
    let body = format!(".reg .f64 %d<3>; setp.eq.u32 %p0, %t, 5; @%p0 bra END; {mma}");
    assert!(fault("", &body, With::default()).contains("does with 31 lanes what takes all 32"));
    let rows = "mov.u64 %a0, %out; ldmatrix.sync.aligned.m8n8.x1.b16 {%r1}, [%a0];";
    assert!(fault("", rows, With::default()).contains("which is not in shared memory"));
    let rows = "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r1}, [s+8];";
    assert!(fault(".shared .align 16 .b8 s[512];", rows, With::default()).contains("which is not aligned"));
    let other = "mul.wide.u32 %a0, %t, 32; wmma.load.c.sync.aligned.row.m8n8k4.shared.f64 {%d0, %d1}, [%a0];";
    let body = format!(".reg .f64 %d<3>; {other}");
    assert!(fault(".shared .align 32 .b8 s[4096];", &body, With::default()).contains("another address or stride"));
}
