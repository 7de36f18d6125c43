//! Points and neighbours of textures of floats, in all geometries, with all that may lie outside. The reference counts
//! coordinates in 4096ths of a texel and shares in 256ths, as integers.

use warptape_ptx::texture::{Addressing, Format, Geometry, Sampler};

use super::{Words, array, device, run, texture, words};
use crate::tensor::Random;

/// What a texel of the reference holds, in its first channel; the second is twice as much.
fn value([x, y, z]: [i64; 3], layer: i64) -> i64 {
    (37 * x + 101 * y + 59 * z + 83 * layer + 5) % 241 - 100
}

/// The texel that an index means, found by walking; -1 outside.
fn walked(addressing: Addressing, index: i64, size: i64) -> i64 {
    let (mut at, mut step) = (0, 1);
    match addressing {
        Addressing::Border => return if (0..size).contains(&index) { index } else { -1 },
        Addressing::Clamp => return index.max(0).min(size - 1),
        Addressing::Wrap => (0..index.abs()).for_each(|_| at = (at + size + index.signum()) % size),
        Addressing::Mirror => {
            // To the left of texel 0 it lies once more.
            let steps = if index < 0 { -1 - index } else { index };
            for _ in 0..steps {
                let next = at + step;
                if (0..size).contains(&next) { at = next } else { step = -step }
            }
        }
    }
    at
}

/// The exact sample times 256 to the power of the axes, of a point in 4096ths of texels.
fn reference(sampler: &Sampler, axes: usize, size: [i64; 3], at: [i64; 3], layer: i64) -> i64 {
    let usual = |addressing| match addressing {
        Addressing::Wrap | Addressing::Mirror if !sampler.normalized => Addressing::Clamp,
        other => other,
    };
    let taps = |axis: usize| -> Vec<(i64, i64)> {
        let (addressing, size) = (usual(sampler.addressing[axis]), size[axis]);
        let texel = |index| walked(addressing, index, size);
        match axis < axes {
            false => vec![(0, 1)],
            true if !sampler.linear => vec![(texel(at[axis].div_euclid(4096)), 256)],
            true => {
                let between = at[axis] - 2048;
                let (first, share) = (between.div_euclid(4096), (between.rem_euclid(4096) + 8) / 16);
                vec![(texel(first), 256 - share), (texel(first + 1), share)]
            }
        }
    };
    let mut sum = 0;
    for (z, deep) in taps(2) {
        for (y, down) in taps(1) {
            for (x, along) in taps(0) {
                let outside = x < 0 || y < 0 || z < 0;
                // The border's first channel.
                sum += deep * down * along * if outside { 7 } else { value([x, y, z], layer) };
            }
        }
    }
    sum
}

fn instruction(geometry: Geometry) -> &'static str {
    match geometry {
        Geometry::Line => "tex.1d.v4.f32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c1}];",
        Geometry::Lines => "tex.a1d.v4.f32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1}];",
        Geometry::Plane => "tex.2d.v4.f32.f32 {%d0, %d1, %d2, %d3}|%p, [%t, {%c1, %c2}]; @!%p mov.u32 %d0, 9;",
        Geometry::Planes => "tex.a2d.v4.f32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1, %c2, %c2}];",
        _ => "tex.base.3d.v4.f32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c1, %c2, %c3, %c3}];",
    }
}

const ALL: [Addressing; 4] = [Addressing::Wrap, Addressing::Mirror, Addressing::Clamp, Addressing::Border];

/// Samples random points of an array and compares the first two channels.
fn compare(geometry: Geometry, sampler: Sampler, random: &mut Random) {
    let axes = geometry.axes();
    let size: [u32; 3] = std::array::from_fn(|axis| if axis < axes { [5, 6, 3][axis] } else { 1 });
    let layers = if geometry.indexed() { 4 } else { 1 };
    let mut device = device(instruction(geometry));
    let array = array(&mut device, (Format::F32, 2, geometry), size, layers, |at, layer| {
        let value = value(at.map(i64::from), layer.into()) as f32;
        vec![value, 2.0 * value]
    });
    let handle = texture(&mut device, &array, sampler);
    // In 4096ths of a texel, or of the whole axis.
    let points: Vec<(u32, [i64; 3])> = (0..200)
        .map(|_| {
            let span = if sampler.normalized { 3 * 4096 } else { 12 * 4096 };
            let layer = random.next() % if geometry.indexed() { 6 } else { 1 };
            (layer as u32, std::array::from_fn(|_| (random.next() % (2 * span)) as i64 - span as i64))
        })
        .collect();
    let coordinate = |at: i64| (at as f32 / 4096.0).to_bits();
    let given: Vec<Words> = points
        .iter()
        .map(|(layer, [x, y, z])| words([*layer, coordinate(*x), coordinate(*y), coordinate(*z)]))
        .collect();
    let size = size.map(i64::from);
    for ((layer, at), found) in points.iter().zip(run(&mut device, handle, &given).unwrap()) {
        let texels = std::array::from_fn(|axis| if sampler.normalized { at[axis] * size[axis] } else { at[axis] });
        // An index beyond the last layer is the last one's.
        let sum = reference(&sampler, axes, size, texels, i64::from(*layer).min(i64::from(layers) - 1));
        let exact = (sum as f64 / 256f64.powi(axes as i32)) as f32;
        assert_eq!(f32::from_bits(found[0]), exact, "{geometry:?}, {sampler:?}, layer {layer}, {at:?}/4096");
        let twice = 2.0 * exact;
        let inside = sampler.addressing != [Addressing::Border; 3];
        assert!(
            !inside || f32::from_bits(found[1]) == twice && found[2..] == [0, 0],
            "{geometry:?}, {at:?}: {found:?}"
        );
    }
}

#[test]
fn samples_are_the_guides_formulas() {
    let mut random = Random(11);
    let geometries = [Geometry::Line, Geometry::Plane, Geometry::Solid, Geometry::Lines, Geometry::Planes];
    for geometry in geometries {
        for addressing in ALL {
            for (normalized, linear) in [(false, false), (false, true), (true, false), (true, true)] {
                let border = [7.0, 7.0, 0.0, 0.0];
                let addressing = [addressing; 3];
                compare(
                    geometry,
                    Sampler { normalized, linear, addressing, border, ..Sampler::default() },
                    &mut random,
                );
            }
        }
        // Another rule along each axis.
        let addressing = [Addressing::Mirror, Addressing::Wrap, Addressing::Clamp];
        compare(geometry, Sampler { normalized: true, linear: true, addressing, ..Sampler::default() }, &mut random);
    }
}

#[test]
fn integers_count_texels_whatever_the_sampler_says() {
    let mut device = device("tex.2d.v4.f32.s32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1}], {%r0, %r1};");
    let array =
        array(&mut device, (Format::F32, 1, Geometry::Plane), [5, 6, 1], 1, |[x, y, _], _| vec![(10 * x + y) as f32]);
    let sampler = Sampler { normalized: true, linear: true, ..Sampler::default() };
    let handle = texture(&mut device, &array, sampler);
    let at = |x: i32, y: i32, dx: i32, dy: i32| {
        let mut all = words([x as u32, y as u32]);
        all[8..10].copy_from_slice(&[dx as u32, dy as u32]);
        all
    };
    let given = [at(0, 0, 0, 0), at(4, 5, 0, 0), at(2, 3, -1, 2), at(-7, 9, 0, 0), at(1, 1, -8, 7)];
    let found = run(&mut device, handle, &given).unwrap();
    let found: Vec<f32> = found.iter().map(|texel| f32::from_bits(texel[0])).collect();
    assert_eq!(found, [0.0, 45.0, 15.0, 5.0, 5.0]);
}

#[test]
fn corners_come_counter_clockwise() {
    for (name, channel) in [("r", 0), ("g", 1)] {
        let mut device = device(&format!("tld4.{name}.2d.v4.f32.f32 {{%d0, %d1, %d2, %d3}}, [%t, {{%c0, %c1}}];"));
        let array = array(&mut device, (Format::F32, 2, Geometry::Plane), [5, 6, 1], 1, |[x, y, _], _| {
            vec![(10 * x + y) as f32, (100 * x + y) as f32]
        });
        let border =
            Sampler { addressing: [Addressing::Border; 3], border: [-1.0, -2.0, 0.0, 0.0], ..Sampler::default() };
        let handle = texture(&mut device, &array, border);
        let given = [super::floats([2.25, 3.75]), super::floats([0.0, 6.0])];
        let found = run(&mut device, handle, &given).unwrap();
        let each = if channel == 0 { 10.0 } else { 100.0 };
        let [outside, texel] = [-1.0 - channel as f32, each];
        // Between columns 1 and 2, rows 3 and 4.
        let first = [texel + 4.0, 2.0 * texel + 4.0, 2.0 * texel + 3.0, texel + 3.0];
        assert_eq!(found[0].map(f32::from_bits), first);
        assert_eq!(found[1].map(f32::from_bits), [outside, outside, 5.0, outside]);
    }
}
