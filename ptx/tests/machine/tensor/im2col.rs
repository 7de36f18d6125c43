//! Copies of im2col: pixels that published examples show, and convolutions.
//!
//! Images of 4 × 4 pixels hold 1, 2, 3, … row by row, image after image; outside lies 0. The first five cases are those of
//! Triton's Gluon tutorial on tensor copies of im2col, of which its tests hold the results on H100.

use warptape_ptx::tensor::map::{Encode, Start, TensorMap, im2col};

use super::map::IMAGE;

/// What each pixel of a column holds.
fn pixels(map: &TensorMap, coordinates: [i32; 5], offsets: [u16; 3]) -> Vec<u64> {
    let mut pixels = Vec::new();
    let per_pixel = map.row_bytes() / 16;
    let mut seen = 0;
    map.units(&Start { coordinates, offsets }, 0, |unit| {
        let inside = unit.first == 0 && unit.end == 16;
        assert!(inside || unit.end == 0);
        // A pixel has 128 bytes; its units lie at places of its row that the swizzle gives.
        let (row, within) = (unit.shared / 128, seen % per_pixel * 16);
        assert_eq!((row, unit.shared % 128), (seen / per_pixel, within ^ (row % 8 * 16)));
        let value = if inside { (unit.global - map.address - u64::from(within)) / 128 + 1 } else { 0 };
        if within == 0 {
            pixels.push(value)
        } else {
            assert_eq!(pixels.last(), Some(&value))
        }
        seen += 1;
    })
    .unwrap();
    pixels
}

fn map(corner: [i32; 2], upper: [i32; 2], pixels: u32) -> TensorMap {
    im2col(&IMAGE, &corner, &upper, 32, pixels).unwrap()
}

#[test]
fn examples_that_ran_on_hardware() {
    let image: Vec<u64> = (1..=16).collect();
    assert_eq!(pixels(&map([0, 0], [0, 0], 16), [0, 0, 0, 0, 0], [0, 0, 0]), image);
    let padded = map([-1, -1], [-1, -1], 16);
    let shifted = [0, 0, 0, 0, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11];
    assert_eq!(pixels(&padded, [0, -1, -1, 0, 0], [0, 0, 0]), shifted);
    assert_eq!(pixels(&padded, [0, -1, -1, 0, 0], [1, 1, 0]), image);
    let on = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23];
    assert_eq!(pixels(&map([0, 0], [0, 0], 16), [0, 3, 1, 0, 0], [0, 0, 0]), on);
    let into_the_next = [7, 0, 9, 10, 11, 0, 0, 0, 0, 0, 17, 18, 19, 0, 21, 22];
    assert_eq!(pixels(&padded, [0, 2, 1, 0, 0], [0, 0, 0]), into_the_next);
}

#[test]
fn beyond_the_last_image_lies_nothing() {
    let found = pixels(&map([0, 0], [0, 0], 8), [0, 1, 3, 1, 0], [0, 0, 0]);
    assert_eq!(found, [30, 31, 32, 0, 0, 0, 0, 0]);
}

#[test]
fn columns_are_a_convolutions_matrix() {
    // 3 × 3 taps, padding 1, steps 1 and 2: each tap's column holds what it meets for every output of two images.
    for step in [1, 2] {
        let parameters = Encode { element_strides: &[1, step, step, 1], ..IMAGE };
        let outputs = 4 / step as i32;
        let count = (2 * outputs * outputs) as u32;
        let map = im2col(&parameters, &[-1, -1], &[-1, -1], 32, count).unwrap();
        for (down, right) in (0..3).flat_map(|down| (0..3).map(move |right| (down, right))) {
            let mut expected = Vec::new();
            for (image, y, x) in
                (0..2).flat_map(|i| (0..outputs).flat_map(move |y| (0..outputs).map(move |x| (i, y, x))))
            {
                let (row, column) = (y * step as i32 - 1 + down, x * step as i32 - 1 + right);
                let inside = (0..4).contains(&row) && (0..4).contains(&column);
                expected.push(if inside { (16 * image + 4 * row + column + 1) as u64 } else { 0 });
            }
            let found = pixels(&map, [0, -1, -1, 0, 0], [right as u16, down as u16, 0]);
            assert_eq!(found, expected, "step {step}, tap {down}, {right}");
        }
    }
}

#[test]
fn lines_and_solids() {
    let line = Encode { rank: 3, dimensions: &[32, 5, 2], strides: &[128, 640], element_strides: &[1; 3], ..IMAGE };
    let map = im2col(&line, &[-1], &[-1], 32, 7).unwrap();
    // From pixel 2 on, in the window from -1 to 3, of tap 2.
    assert_eq!(pixels(&map, [0, 2, 0, 0, 0], [2, 0, 0]), [5, 0, 7, 8, 9, 10, 0]);
    let solid = Encode {
        rank: 5,
        dimensions: &[32, 2, 2, 2, 2],
        strides: &[128, 256, 512, 1024],
        element_strides: &[1; 5],
        ..IMAGE
    };
    let map = im2col(&solid, &[0, 0, -1], &[0, 0, -1], 32, 6).unwrap();
    // W from -1 to 0; then H, then D, then the next solid.
    assert_eq!(pixels(&map, [0, 0, 1, 0, 0], [0, 0, 0]), [3, 0, 5, 0, 7, 0]);
    assert_eq!(pixels(&map, [0, 0, 1, 1, 0], [0, 0, 0]), [7, 0, 9, 0, 11, 0]);
    assert_eq!(pixels(&map, [0, 0, 0, 0, 0], [1, 1, 1]), [8, 0, 0, 0, 0, 0]);
}

#[test]
fn starts_outside_are_errors() {
    let map = map([-1, -1], [-1, -1], 4);
    let error = |coordinates, offsets| map.units(&Start { coordinates, offsets }, 0, |_| ()).unwrap_err();
    assert!(error([0, 3, 0, 0, 0], [0; 3]).contains("the coordinate in W is 3, outside the bounding box from -1 to 2"));
    assert!(error([0, 0, -2, 0, 0], [0; 3]).contains("the coordinate in H is -2"));
    assert!(error([0; 5], [0, 256, 0]).contains("the im2col offset in H is 256, but must be 0 to 255"));
}
