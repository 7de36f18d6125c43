//! `ldmatrix`, `stmatrix`, `movmatrix`, byte by byte.

use warptape_ptx::tensor::Lanes;
use warptape_ptx::tensor::matrix::{Direction, Matrices, Row, find, transposed};

fn named(name: &str) -> Option<Matrices> {
    find(&name.split('.').collect::<Vec<_>>())
}

/// Rows of matrix after matrix: half `column` of row `row` of matrix `matrix` is 0x(matrix)(row)(column) in hexadecimal digits.
fn rows(count: u32) -> Vec<Row> {
    let half = |line: u32, column: u32| (line / 8) << 8 | (line % 8) << 4 | column;
    (0..8 * count).map(|line| [0, 2, 4, 6].map(|column| half(line, column) | half(line, column + 1) << 16)).collect()
}

#[test]
fn rows_come_from_the_lanes_addresses() {
    let load = named("ldmatrix.sync.aligned.m8n8.x4.shared.b16").unwrap();
    assert_eq!((load.direction, load.count, load.transposed), (Direction::Load, 4, false));
    let mut registers = [[0; 32]; 4];
    load.load(&rows(4), &mut registers);
    // Figure "ldmatrix fragment layout": T0 (0, 0-1), T1 (0, 2-3), T4 (1, 0-1), T31 (7, 6-7).
    for (matrix, register) in registers.iter().enumerate() {
        let base = matrix as u32 * 0x0100_0100;
        assert_eq!(register[0], base + 0x0001_0000);
        assert_eq!(register[1], base + 0x0003_0002);
        assert_eq!(register[4], base + 0x0011_0010);
        assert_eq!(register[18], base + 0x0045_0044);
        assert_eq!(register[31], base + 0x0077_0076);
    }
}

#[test]
fn transposed_lanes_hold_columns() {
    let load = named("ldmatrix.sync.aligned.m8n8.x2.trans.shared::cta.b16").unwrap();
    let mut registers = [[0; 32]; 2];
    load.load(&rows(2), &mut registers);
    assert_eq!(registers[0][0], 0x0010_0000);
    assert_eq!(registers[0][1], 0x0030_0020);
    assert_eq!(registers[0][4], 0x0011_0001);
    assert_eq!(registers[1][18], 0x0154_0144);
    assert_eq!(registers[1][31], 0x0177_0167);
    assert_eq!(transposed(&transposed(&registers[1])), registers[1]);
}

#[test]
fn stores_are_loads_backwards() {
    for name in ["x1.shared", "x2.shared", "x4.shared", "x1.trans.shared", "x2.trans.shared", "x4.trans.shared"] {
        let load = named(&format!("ldmatrix.sync.aligned.m8n8.{name}.b16")).unwrap();
        let store = named(&format!("stmatrix.sync.aligned.m8n8.{name}.b16")).unwrap();
        assert_eq!((store.direction, store.count), (Direction::Store, load.count));
        let rows = rows(load.count as u32);
        let mut registers: Vec<Lanes> = vec![[0; 32]; load.count];
        load.load(&rows, &mut registers);
        let mut back = vec![[0; 4]; store.rows()];
        store.store(&registers, &mut back);
        assert_eq!(back, rows, "{name}");
    }
}

#[test]
fn other_names_are_not_found() {
    assert!(named("ldmatrix.sync.aligned.m8n8.x1.b16").is_some());
    for name in [
        "ldmatrix.sync.aligned.m8n8.x3.shared.b16",
        "ldmatrix.sync.aligned.m8n8.x1.shared.b8",
        "ldmatrix.sync.aligned.m8n8.x1.shared.trans.b16",
        "ldmatrix.sync.aligned.m8n8.x1.global.b16",
        "ldmatrix.sync.aligned.m16n16.x1.trans.shared.b8",
        "stmatrix.sync.aligned.m16n8.x1.trans.shared.b8",
        "movmatrix.sync.aligned.m8n8.trans.b16",
    ] {
        assert_eq!(named(name), None, "{name}");
    }
}
