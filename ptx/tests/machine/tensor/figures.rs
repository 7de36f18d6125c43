//! Layouts of fragments against figures 46 to 105 of the manual (9.7.14.5.1 to 9.7.14.5.13), typed row by row.
//!
//! `3:4-5` is `T3:{a4, a5}` of a figure. Rows that a figure leaves to dots are left out here, too.

use warptape_ptx::tensor::element::Element::*;
use warptape_ptx::tensor::fragment::{Place, a, b, c, quad, quad_a, quad_b, quad_c};

/// Holds a figure's rows, `number, cells`, against a layout.
fn rows(layout: impl Fn(usize, usize) -> Place, figure: &[(usize, &str)]) {
    for (row, cells) in figure {
        let mut column = 0;
        for cell in cells.split_whitespace() {
            let (lane, elements) = cell.split_once(':').unwrap();
            let (first, last) = elements.split_once('-').unwrap_or((elements, elements));
            for index in first.parse().unwrap()..=last.parse().unwrap() {
                assert_eq!(layout(lane.parse().unwrap(), index), (*row, column), "lane {lane}, element {index}");
                column += 1;
            }
        }
    }
}

/// Holds a figure's columns, `number, cells from top to bottom`, against a layout.
fn columns(layout: impl Fn(usize, usize) -> Place, figure: &[(usize, &str)]) {
    let turned = |lane, index| {
        let (row, column) = layout(lane, index);
        (column, row)
    };
    rows(turned, figure);
}

#[test]
fn m8n8k4_f16() {
    // Product 1's, of lanes 0 to 3 and 16 to 19; product 3's by lanes 8 to 11 and 24 to 27.
    for (first, quadruple) in [(0, 0), (8, 2)] {
        assert!((0..4).all(|lane| quad(first + lane) == quadruple && quad(first + lane + 16) == quadruple));
        let of = |layout: fn(usize, usize) -> Place| move |lane, index| layout(lane + first, index);
        let by_line = [(0, "0:0-3"), (1, "1:0-3"), (3, "3:0-3"), (4, "16:0-3"), (5, "17:0-3"), (7, "19:0-3")];
        let across = [(0, "0:0-3 16:0-3"), (1, "1:0-3 17:0-3"), (2, "2:0-3 18:0-3"), (3, "3:0-3 19:0-3")];
        rows(of(|lane, index| quad_a(true, lane, index)), &by_line);
        columns(of(|lane, index| quad_a(false, lane, index)), &across);
        rows(of(|lane, index| quad_b(true, lane, index)), &across);
        columns(of(|lane, index| quad_b(false, lane, index)), &by_line);
        let sums = [(0, "0:0-7"), (1, "1:0-7"), (3, "3:0-7"), (4, "16:0-7"), (6, "18:0-7"), (7, "19:0-7")];
        rows(of(|lane, index| quad_c(F16, lane, index)), &sums);
        let sums = [
            (0, "0:0-1 2:0-1 0:4-5 2:4-5"),
            (1, "1:0-1 3:0-1 1:4-5 3:4-5"),
            (2, "0:2-3 2:2-3 0:6-7 2:6-7"),
            (3, "1:2-3 3:2-3 1:6-7 3:6-7"),
            (4, "16:0-1 18:0-1 16:4-5 18:4-5"),
            (5, "17:0-1 19:0-1 17:4-5 19:4-5"),
            (6, "16:2-3 18:2-3 16:6-7 18:6-7"),
            (7, "17:2-3 19:2-3 17:6-7 19:6-7"),
        ];
        rows(of(|lane, index| quad_c(F32, lane, index)), &sums);
    }
}

#[test]
fn of_8_rows() {
    let singles = [(0, "0:0 1:0 2:0 3:0"), (1, "4:0 5:0 6:0 7:0"), (7, "28:0 29:0 30:0 31:0")];
    rows(|lane, index| a(F64, 8, lane, index), &singles);
    columns(|lane, index| b(F64, lane, index), &singles);
    let fours = [(0, "0:0-3 1:0-3 2:0-3 3:0-3"), (1, "4:0-3 5:0-3 6:0-3 7:0-3"), (7, "28:0-3 29:0-3 30:0-3 31:0-3")];
    rows(|lane, index| a(S8, 8, lane, index), &fours);
    columns(|lane, index| b(U8, lane, index), &fours);
    let eights = [(0, "0:0-7 1:0-7 2:0-7 3:0-7"), (1, "4:0-7 5:0-7 6:0-7 7:0-7"), (7, "28:0-7 29:0-7 30:0-7 31:0-7")];
    rows(|lane, index| a(U4, 8, lane, index), &eights);
    columns(|lane, index| b(S4, lane, index), &eights);
    let bits = [(0, "0:0-31 1:0-31 2:0-31 3:0-31"), (2, "8:0-31 9:0-31 10:0-31 11:0-31"), (7, "28:0-31 29:0-31")];
    rows(|lane, index| a(B1, 8, lane, index), &bits);
    columns(|lane, index| b(B1, lane, index), &bits);
    rows(c, &[(0, "0:0-1 1:0-1 2:0-1 3:0-1"), (1, "4:0-1 5:0-1 6:0-1 7:0-1"), (7, "28:0-1 29:0-1 30:0-1 31:0-1")]);
}

#[test]
fn sums_of_16_rows() {
    let figure = [
        (0, "0:0-1 1:0-1 2:0-1 3:0-1"),
        (1, "4:0-1 5:0-1 6:0-1 7:0-1"),
        (7, "28:0-1 29:0-1 30:0-1 31:0-1"),
        (8, "0:2-3 1:2-3 2:2-3 3:2-3"),
        (9, "4:2-3 5:2-3 6:2-3 7:2-3"),
        (15, "28:2-3 29:2-3 30:2-3 31:2-3"),
    ];
    rows(c, &figure);
}

#[test]
fn words_of_16_rows() {
    // tf32 m16n8k4 and m16n8k8, f64 m16n8k4, m16n8k8 and m16n8k16: a register an element.
    let figure = [
        (0, "0:0 1:0 2:0 3:0 0:2 1:2 2:2 3:2 0:4 1:4 2:4 3:4 0:6 1:6 2:6 3:6"),
        (1, "4:0 5:0 6:0 7:0 4:2 5:2 6:2 7:2 4:4 5:4 6:4 7:4 4:6 5:6 6:6 7:6"),
        (7, "28:0 29:0 30:0 31:0 28:2 29:2 30:2 31:2 28:4 29:4 30:4 31:4 28:6 29:6 30:6 31:6"),
        (8, "0:1 1:1 2:1 3:1 0:3 1:3 2:3 3:3 0:5 1:5 2:5 3:5 0:7 1:7 2:7 3:7"),
        (15, "28:1 29:1 30:1 31:1 28:3 29:3 30:3 31:3 28:5 29:5 30:5 31:5 28:7 29:7 30:7 31:7"),
    ];
    let down = [
        (0, "0:0 1:0 2:0 3:0 0:1 1:1 2:1 3:1 0:2 1:2 2:2 3:2 0:3 1:3 2:3 3:3"),
        (1, "4:0 5:0 6:0 7:0 4:1 5:1 6:1 7:1 4:2 5:2 6:2 7:2 4:3 5:3 6:3 7:3"),
        (7, "28:0 29:0 30:0 31:0 28:1 29:1 30:1 31:1 28:2 29:2 30:2 31:2"),
    ];
    for element in [Tf32, F64] {
        rows(|lane, index| a(element, 16, lane, index), &figure);
        columns(|lane, index| b(element, lane, index), &down);
    }
}

#[test]
fn halves_of_16_rows() {
    // f16 and bf16: m16n8k8 (a0 to a3, b0 and b1) and m16n8k16.
    let figure = [
        (0, "0:0-1 1:0-1 2:0-1 3:0-1 0:4-5 1:4-5 2:4-5 3:4-5"),
        (1, "4:0-1 5:0-1 6:0-1 7:0-1 4:4-5 5:4-5 6:4-5 7:4-5"),
        (7, "28:0-1 29:0-1 30:0-1 31:0-1 28:4-5 29:4-5 30:4-5 31:4-5"),
        (8, "0:2-3 1:2-3 2:2-3 3:2-3 0:6-7 1:6-7 2:6-7 3:6-7"),
        (9, "4:2-3 5:2-3 6:2-3 7:2-3 4:6-7 5:6-7 6:6-7 7:6-7"),
        (15, "28:2-3 29:2-3 30:2-3 31:2-3 28:6-7 29:6-7 30:6-7 31:6-7"),
    ];
    let down = [
        (0, "0:0-1 1:0-1 2:0-1 3:0-1 0:2-3 1:2-3 2:2-3 3:2-3"),
        (1, "4:0-1 5:0-1 6:0-1 7:0-1 4:2-3 5:2-3 6:2-3 7:2-3"),
        (7, "28:0-1 29:0-1 30:0-1 31:0-1 28:2-3 29:2-3 30:2-3 31:2-3"),
    ];
    for element in [F16, Bf16] {
        rows(|lane, index| a(element, 16, lane, index), &figure);
        columns(|lane, index| b(element, lane, index), &down);
    }
}

#[test]
fn bytes_of_16_rows() {
    // s8, u8, e4m3 and e5m2: m16n8k16 (a0 to a7, b0 to b3) and m16n8k32.
    let figure = [
        (0, "0:0-3 1:0-3 2:0-3 3:0-3 0:8-11 1:8-11 2:8-11 3:8-11"),
        (1, "4:0-3 5:0-3 6:0-3 7:0-3 4:8-11 5:8-11 6:8-11 7:8-11"),
        (7, "28:0-3 29:0-3 30:0-3 31:0-3 28:8-11 29:8-11 30:8-11 31:8-11"),
        (8, "0:4-7 1:4-7 2:4-7 3:4-7 0:12-15 1:12-15 2:12-15 3:12-15"),
        (15, "28:4-7 29:4-7 30:4-7 31:4-7 28:12-15 29:12-15 30:12-15 31:12-15"),
    ];
    let down = [
        (0, "0:0-3 1:0-3 2:0-3 3:0-3 0:4-7 1:4-7 2:4-7 3:4-7"),
        (1, "4:0-3 5:0-3 6:0-3 7:0-3 4:4-7 5:4-7 6:4-7 7:4-7"),
        (7, "28:0-3 29:0-3 30:0-3 31:0-3 28:4-7 29:4-7 30:4-7 31:4-7"),
    ];
    for element in [S8, U8, E4m3, E5m2] {
        rows(|lane, index| a(element, 16, lane, index), &figure);
        columns(|lane, index| b(element, lane, index), &down);
    }
}

#[test]
fn fours_and_bits_of_16_rows() {
    // s4 and u4: m16n8k32 (a0 to a15, b0 to b7) and m16n8k64.
    let figure = [
        (0, "0:0-7 1:0-7 2:0-7 3:0-7 0:16-23 1:16-23 2:16-23 3:16-23"),
        (7, "28:0-7 29:0-7 30:0-7 31:0-7 28:16-23 29:16-23 30:16-23 31:16-23"),
        (8, "0:8-15 1:8-15 2:8-15 3:8-15 0:24-31 1:24-31 2:24-31 3:24-31"),
        (15, "28:8-15 29:8-15 30:8-15 31:8-15 28:24-31 29:24-31 30:24-31 31:24-31"),
    ];
    let down = [
        (0, "0:0-7 1:0-7 2:0-7 3:0-7 0:8-15 1:8-15 2:8-15 3:8-15"),
        (7, "28:0-7 29:0-7 30:0-7 31:0-7 28:8-15 29:8-15 30:8-15 31:8-15"),
    ];
    for element in [S4, U4] {
        rows(|lane, index| a(element, 16, lane, index), &figure);
        columns(|lane, index| b(element, lane, index), &down);
    }
    // b1: m16n8k128 (a0 to a63, b0 to b31) and m16n8k256.
    let figure = [
        (0, "0:0-31 1:0-31 2:0-31 3:0-31 0:64-95 1:64-95 2:64-95 3:64-95"),
        (7, "28:0-31 29:0-31 30:0-31 31:0-31 28:64-95 29:64-95 30:64-95 31:64-95"),
        (8, "0:32-63 1:32-63 2:32-63 3:32-63 0:96-127 1:96-127 2:96-127 3:96-127"),
        (15, "28:32-63 29:32-63 30:32-63 31:32-63 28:96-127 29:96-127 30:96-127 31:96-127"),
    ];
    rows(|lane, index| a(B1, 16, lane, index), &figure);
    columns(|lane, index| b(B1, lane, index), &[(0, "0:0-31 1:0-31 2:0-31 3:0-31 0:32-63 1:32-63 2:32-63 3:32-63")]);
}
