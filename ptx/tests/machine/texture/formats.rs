//! What texels of each format are read as, value by value.

use warptape_ptx::texture::{Format, Geometry, Sampler};

use super::{array, device, run, texture, words};

const FLOATS: &str = "tex.2d.v4.f32.s32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1}];";
const INTEGERS: &str = "tex.2d.v4.s32.s32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1}];";

/// The first channel of all texels of a plane, 256 to a row, of which texel number `n` holds the pattern `n`.
fn first<T: Copy + Default>(format: Format, rows: u32, as_float: bool, pattern: impl Fn(u32) -> T) -> Vec<u32> {
    let mut device = device(if format.gives_floats(as_float) { FLOATS } else { INTEGERS });
    let size = [256, rows, 1];
    let array = array(&mut device, (format, 1, Geometry::Plane), size, 1, |[x, y, _], _| vec![pattern(256 * y + x)]);
    let handle = texture(&mut device, &array, Sampler { as_float, ..Sampler::default() });
    let rows = (0..rows).map(|row| {
        let given: Vec<_> = (0..256).map(|x| words([x, row])).collect();
        run(&mut device, handle, &given).unwrap()
    });
    rows.collect::<Vec<_>>().into_iter().flatten().map(|texel| texel[0]).collect()
}

#[test]
fn all_of_eight_and_sixteen_bits() {
    let float = |value: f64| (value as f32).to_bits();
    let [signed, unsigned] = [Format::S8, Format::U8].map(|format| first(format, 1, true, |n| n as u8));
    let [extended, plain] = [Format::S8, Format::U8].map(|format| first(format, 1, false, |n| n as u8));
    for n in 0..256usize {
        // -128 and -127 are both -1.
        assert_eq!(signed[n], float((f64::from(n as u8 as i8) / 127.0).max(-1.0)), "{n}");
        assert_eq!(unsigned[n], float(n as f64 / 255.0), "{n}");
        assert_eq!((plain[n], extended[n]), (n as u32, n as u8 as i8 as i32 as u32));
    }
    let [signed, unsigned] = [Format::S16, Format::U16].map(|format| first(format, 256, true, |n| n as u16));
    let halves = first(Format::F16, 256, false, |n| n as u16);
    let [plain, extended] = [Format::U16, Format::S16].map(|format| first(format, 256, false, |n| n as u16));
    for n in 0..65536usize {
        assert_eq!(signed[n], float((f64::from(n as u16 as i16) / 32767.0).max(-1.0)), "{n}");
        assert_eq!(unsigned[n], float(n as f64 / 65535.0), "{n}");
        assert_eq!((plain[n], extended[n]), (n as u32, n as u16 as i16 as i32 as u32));
        let (sign, exponent, fraction) = (n >> 15, n >> 10 & 31, (n & 1023) as f64);
        let magnitude = match exponent {
            0 => fraction * 2f64.powi(-24),
            31 if fraction > 0.0 => {
                assert!(f32::from_bits(halves[n]).is_nan());
                continue;
            }
            31 => f64::INFINITY,
            _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent as i32 - 15),
        };
        assert_eq!(f64::from(f32::from_bits(halves[n])), if sign == 1 { -magnitude } else { magnitude }, "{n:#x}");
    }
}

#[test]
fn words_are_read_as_they_are() {
    let pattern = |n: u32| n.wrapping_mul(0x9E37_79B9) & !(1 << 30);
    let expected: Vec<u32> = (0..256).map(pattern).collect();
    for format in [Format::U32, Format::S32, Format::F32] {
        // Integers of 32 bits never become floats.
        assert_eq!(first(format, 1, true, pattern), expected, "{format:?}");
    }
}

#[test]
fn channels_that_are_not_there_are_zeros() {
    for channels in [1, 2, 4] {
        let mut device = device(INTEGERS);
        let array = array(&mut device, (Format::U8, channels, Geometry::Plane), [4, 2, 1], 1, |[x, y, _], _| {
            (1..=channels).map(|channel| (100 * y + 10 * x + channel) as u8).collect()
        });
        let handle = texture(&mut device, &array, Sampler::default());
        let found = run(&mut device, handle, &[words([3, 1])]).unwrap()[0];
        let all = [131, 132, 133, 134];
        let expected: [u32; 4] = std::array::from_fn(|at| if at < channels as usize { all[at] } else { 0 });
        assert_eq!(found, expected);
    }
}
