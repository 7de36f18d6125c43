//! Tensor maps: the driver's rules, their bytes, and what tiled copies take.

use warptape_ptx::tensor::map::{Data, Encode, Field, Mode, Start, TensorMap, Unit, im2col, replace, tiled};
use warptape_ptx::tensor::swizzle::Swizzle;

/// Parameters of a matrix of 100 rows of 64 f16 (CU_TENSOR_MAP_DATA_TYPE_FLOAT16), 128-byte swizzle.
const GOOD: Encode = Encode {
    data: 6,
    rank: 2,
    address: 0x10000,
    dimensions: &[64, 100],
    strides: &[128],
    element_strides: &[1, 1],
    interleave: 0,
    swizzle: 3,
    l2_promotion: 0,
    oob_fill: 0,
};

/// An image of 4 × 4 pixels of 32 f32 channels.
pub const IMAGE: Encode = Encode {
    data: 7,
    rank: 4,
    dimensions: &[32, 4, 4, 2],
    strides: &[128, 512, 2048],
    element_strides: &[1, 1, 1, 1],
    ..GOOD
};

#[test]
fn each_rule_of_the_driver_has_its_error() {
    assert!(tiled(&GOOD, &[64, 64]).is_ok());
    let refused = |parameters: Encode, extent: &[u32], what: &str| {
        let error = tiled(&parameters, extent).expect_err(what);
        assert!(error.contains(what) && !error.contains('\n'), "{error:?} says nothing of {what:?}");
    };
    refused(Encode { data: 13, ..GOOD }, &[64, 64], "tensorDataType 13");
    refused(Encode { rank: 0, ..GOOD }, &[64, 64], "tensorRank is 0");
    refused(Encode { rank: 6, ..GOOD }, &[64, 64], "tensorRank is 6");
    refused(Encode { address: 0x10008, ..GOOD }, &[64, 64], "globalAddress 0x10008 is not aligned");
    refused(Encode { dimensions: &[64, 0], ..GOOD }, &[64, 64], "globalDim[1] is 0");
    refused(Encode { dimensions: &[64, (1 << 32) + 1], ..GOOD }, &[64, 64], "globalDim[1] is 4294967297");
    assert!(tiled(&Encode { dimensions: &[64, 1 << 32], ..GOOD }, &[64, 64]).is_ok());
    refused(Encode { strides: &[136], ..GOOD }, &[64, 64], "globalStrides[0] is 136, but must be a multiple of 16");
    refused(Encode { strides: &[1 << 40], ..GOOD }, &[64, 64], "below 2^40");
    refused(Encode { strides: &[112], ..GOOD }, &[64, 64], "less than the 128");
    refused(Encode { element_strides: &[1, 0], ..GOOD }, &[64, 64], "elementStrides[1] is 0");
    refused(Encode { element_strides: &[1, 9], ..GOOD }, &[64, 64], "elementStrides[1] is 9");
    assert!(tiled(&Encode { element_strides: &[0, 8], ..GOOD }, &[64, 64]).is_ok());
    refused(GOOD, &[64, 257], "boxDim[1] is 257");
    refused(GOOD, &[0, 64], "boxDim[0] is 0");
    refused(Encode { swizzle: 0, ..GOOD }, &[60, 64], "120 bytes, but must be a multiple of 16");
    refused(Encode { swizzle: 2, ..GOOD }, &[64, 64], "128 bytes, more than the swizzle's 64");
    refused(Encode { swizzle: 1, ..GOOD }, &[32, 64], "64 bytes, more than the swizzle's 32");
    assert!(tiled(&Encode { swizzle: 0, ..GOOD }, &[256, 64]).is_ok());
    refused(Encode { swizzle: 4, ..GOOD }, &[64, 64], "swizzle 4");
    refused(Encode { interleave: 1, ..GOOD }, &[64, 64], "interleave is 1");
    refused(Encode { l2_promotion: 4, ..GOOD }, &[64, 64], "l2Promotion 4");
    refused(Encode { oob_fill: 2, ..GOOD }, &[64, 64], "oobFill 2");
    refused(Encode { data: 1, oob_fill: 1, ..GOOD }, &[64, 64], "oobFill asks for NaN");
}

#[test]
fn each_rule_of_im2col_has_its_error() {
    let refused = |parameters: Encode, corners: [&[i32]; 2], channels, pixels, what: &str| {
        let error = im2col(&parameters, corners[0], corners[1], channels, pixels).expect_err(what);
        assert!(error.contains(what) && !error.contains('\n'), "{error:?} says nothing of {what:?}");
    };
    assert!(im2col(&IMAGE, &[-1, -1], &[-1, -1], 32, 16).is_ok());
    let flat = Encode { rank: 2, ..IMAGE };
    refused(flat, [&[-1], &[-1]], 32, 16, "tensorRank is 2, but im2col takes 3, 4 or 5");
    refused(IMAGE, [&[-129, 0], &[0, 0]], 32, 16, "pixelBoxLowerCorner[0] is -129, but must be -128 to 127");
    refused(IMAGE, [&[0, 0], &[0, 128]], 32, 16, "pixelBoxUpperCorner[1] is 128");
    let line = Encode { rank: 3, ..IMAGE };
    assert!(im2col(&line, &[-32768], &[32767], 32, 16).is_ok());
    refused(line, [&[-32769], &[0]], 32, 16, "pixelBoxLowerCorner[0] is -32769");
    let solid = Encode {
        rank: 5,
        dimensions: &[32, 4, 4, 4, 2],
        strides: &[128, 512, 2048, 8192],
        element_strides: &[1; 5],
        ..IMAGE
    };
    assert!(im2col(&solid, &[-16, 0, 0], &[15, 0, 0], 32, 16).is_ok());
    refused(solid, [&[0, 0, 0], &[0, 0, 16]], 32, 16, "pixelBoxUpperCorner[2] is 16");
    refused(IMAGE, [&[0, 2], &[0, -2]], 32, 16, "pixelBoxLowerCorner[1] 2 and pixelBoxUpperCorner[1] -2 leave nothing");
    refused(IMAGE, [&[0, 0], &[0, 0]], 257, 16, "channelsPerPixel is 257");
    refused(IMAGE, [&[0, 0], &[0, 0]], 32, 1025, "pixelsPerColumn is 1025");
    refused(IMAGE, [&[0, 0], &[0, 0]], 30, 16, "120 bytes, but must be a multiple of 16");
    refused(IMAGE, [&[0, 0], &[0, 0]], 64, 16, "256 bytes, more than the swizzle's 128");
}

#[test]
fn bytes_are_read_as_they_were_written() {
    let maps = [
        tiled(&GOOD, &[64, 256]).unwrap(),
        tiled(&Encode { dimensions: &[64, 1 << 32], swizzle: 0, oob_fill: 1, ..GOOD }, &[256, 1]).unwrap(),
        im2col(&IMAGE, &[-128, 3], &[127, 0], 32, 1024).unwrap(),
        im2col(&Encode { rank: 3, swizzle: 0, ..IMAGE }, &[-32768], &[32767], 256, 1).unwrap(),
    ];
    for map in maps {
        assert_eq!(TensorMap::decode(&map.encode()), Ok(map));
        for byte in [0, 8, 9, 11, 12, 127] {
            let mut bytes = map.encode();
            bytes[byte] = 0x99;
            assert!(TensorMap::decode(&bytes).unwrap_err().contains("no tensor map"), "byte {byte}");
        }
    }
    assert!(TensorMap::decode(&[0; 128]).is_err());
}

#[test]
fn fields_are_replaced() {
    let find = |name: &str| Field::find(&format!("tensormap.replace.tile.{name}").split('.').collect::<Vec<_>>());
    let mut bytes = tiled(&GOOD, &[64, 64]).unwrap().encode();
    for (name, ordinal, value) in [
        ("global_address.shared::cta.b1024.b64", 0, 0x20000),
        ("rank.global.b1024.b32", 0, 2),
        ("box_dim.b1024.b32", 2, 8),
        ("global_dim.shared::cta.b1024.b32", 2, 50),
        ("global_stride.shared::cta.b1024.b64", 1, 0x8000),
        ("element_stride.b1024.b32", 1, 2),
        ("elemtype.b1024.b32", 0, 10),
        ("interleave_layout.b1024.b32", 0, 0),
        ("swizzle_mode.b1024.b32", 0, 0),
        ("fill_mode.b1024.b32", 0, 1),
    ] {
        replace(&mut bytes, find(name).unwrap(), ordinal, value).unwrap();
    }
    let expected = TensorMap {
        data: Data::Bf16,
        rank: 3,
        address: 0x20000,
        dimensions: [64, 100, 50, 1, 1],
        strides: [128, 0x8000, 0, 0],
        steps: [1, 2, 1, 1, 1],
        mode: Mode::Tiled { extent: [64, 64, 8, 1, 1] },
        swizzle: Swizzle::None,
        fill_nan: true,
    };
    assert_eq!(TensorMap::decode(&bytes), Ok(expected));
    let wrong = [(Field::Rank, 0, 5), (Field::BoxDim, 5, 1), (Field::BoxDim, 0, 257), (Field::GlobalDim, 0, 1 << 32)];
    let more = [(Field::GlobalStride, 4, 16), (Field::Elemtype, 0, 13), (Field::InterleaveLayout, 0, 1)];
    for (field, ordinal, value) in wrong.into_iter().chain(more) {
        let error = replace(&mut bytes, field, ordinal, value).unwrap_err();
        assert!(error.contains(&format!("cannot put {value} at ordinal {ordinal}")), "{error}");
    }
    assert_eq!(TensorMap::decode(&bytes), Ok(expected));
    for name in ["rank.b1024.b64", "global_address.b1024.b32", "rank.local.b1024.b32", "swizzle_atomicity.b1024.b32"] {
        assert_eq!(find(name), None, "{name}");
    }
}

fn units(map: &TensorMap, coordinates: [i32; 5], shared: u32) -> Vec<Unit> {
    let mut units = Vec::new();
    map.units(&Start { coordinates, offsets: [0; 3] }, shared, |unit| units.push(unit)).unwrap();
    units
}

#[test]
fn tiles_are_what_nested_loops_take() {
    // Five dimensions, f32, steps in three of them; the box hangs over every border.
    let dimensions = [10u64, 5, 4, 3, 6];
    let strides = [48u64, 240, 960, 2880];
    let (extent, steps) = ([8u32, 4, 3, 4, 5], [1u32, 2, 1, 3, 2]);
    let parameters = Encode {
        data: 7,
        rank: 5,
        address: 0x1000,
        dimensions: &dimensions,
        strides: &strides,
        element_strides: &steps,
        swizzle: 0,
        ..GOOD
    };
    let map = tiled(&parameters, &extent).unwrap();
    for start in [[0; 5], [4, 2, 1, 0, 3], [-3, -2, -1, -3, -4], [10, 0, 0, 0, 0], [-8, 0, 0, 0, 0]] {
        let found = units(&map, start, 0x400);
        let mut at = 0;
        let steps_of = |index: usize| (0..extent[index] as i32).step_by(steps[index] as usize);
        for e in steps_of(4) {
            for d in steps_of(3) {
                for c in steps_of(2) {
                    for b in steps_of(1) {
                        for a in 0..extent[0] as i32 {
                            let place = [start[0] + a, start[1] + b, start[2] + c, start[3] + d, start[4] + e];
                            let inside = (0..5).all(|i| place[i] >= 0 && (place[i] as u64) < dimensions[i]);
                            let unit = found[at / 16];
                            assert_eq!(unit.shared as usize, 0x400 + at / 16 * 16);
                            let within = (at % 16) as u8;
                            assert_eq!(unit.first <= within && within < unit.end, inside, "{start:?} {place:?}");
                            if inside {
                                let outer: u64 = (1..5).map(|i| place[i] as u64 * strides[i - 1]).sum();
                                let address = 0x1000 + place[0] as u64 * 4 + outer;
                                assert_eq!(unit.global + u64::from(within), address);
                            }
                            at += 4;
                        }
                    }
                }
            }
        }
        assert_eq!((at, found.len()), (map.bytes() as usize, at / 16));
    }
    assert_eq!((map.rows(), map.row_bytes(), map.bytes()), (2 * 3 * 2 * 3, 32, 36 * 32));
}

#[test]
fn vectors_and_narrow_rows() {
    let line = Encode { data: 0, rank: 1, dimensions: &[100], strides: &[], element_strides: &[1], swizzle: 0, ..GOOD };
    let found = units(&tiled(&line, &[64]).unwrap(), [60, 0, 0, 0, 0], 0);
    let expected = [(0, 0x1003c, 16), (16, 0x1004c, 16), (32, 0x1005c, 8), (48, 0x1006c, 0)];
    assert_eq!(found.iter().map(|u| (u.shared, u.global, u.end - u.first)).collect::<Vec<_>>(), expected);
    // Rows of 32 bytes under a swizzle of 128 take 128 bytes each: rows 0, 1, 2 and 5.
    let map = tiled(&GOOD, &[16, 8]).unwrap();
    assert_eq!((map.pitch(), map.row_bytes(), map.bytes()), (128, 32, 256));
    let found: Vec<u32> = units(&map, [0; 5], 0x800).iter().map(|unit| unit.shared - 0x800).collect();
    assert_eq!(found[..6], [0, 16, 128 + 16, 128, 256 + 32, 256 + 48]);
    assert_eq!(found[10..12], [5 * 128 + 80, 5 * 128 + 64]);
    let error = map.units(&Start { coordinates: [0; 5], offsets: [0; 3] }, 0x840, |_| ()).unwrap_err();
    assert!(error.contains("0x840 is not aligned to 128 bytes"));
    let broken = TensorMap { rank: 0, ..map };
    assert!(broken.units(&Start { coordinates: [0; 5], offsets: [0; 3] }, 0, |_| ()).is_err());
}

#[test]
fn what_lies_outside_and_what_is_rounded() {
    let fill = |data, oob_fill| tiled(&Encode { data, oob_fill, strides: &[512], ..GOOD }, &[16, 8]).unwrap().fill();
    assert_eq!(fill(6, 0), [0; 16]);
    assert_eq!(fill(6, 1)[..4], [0xfe, 0x7f, 0xfe, 0x7f]);
    assert!(f32::from_le_bytes(fill(7, 1)[12..].try_into().unwrap()).is_nan());
    assert!(f64::from_le_bytes(fill(8, 1)[8..].try_into().unwrap()).is_nan());
    for (data, word, loaded) in [
        (Data::F32, 0x0000_0001, 0x0000_0001),
        (Data::F32Ftz, 0x8000_0001, 0x8000_0000),
        (Data::F32Ftz, 0x0080_0000, 0x0080_0000),
        (Data::Tf32, 0x3f80_1000, 0x3f80_0000),
        (Data::Tf32, 0x3f80_3000, 0x3f80_4000),
        (Data::Tf32, 0x3f80_1001, 0x3f80_2000),
        (Data::Tf32, 0x0000_1001, 0x0000_2000),
        (Data::Tf32Ftz, 0x0000_1001, 0),
        (Data::Tf32, 0x7f80_0001, 0x7f80_0001),
        (Data::Tf32, 0x7f7f_ffff, 0x7f80_0000),
    ] {
        assert_eq!(data.loaded(word), loaded, "{data:?} {word:#x}");
    }
}
