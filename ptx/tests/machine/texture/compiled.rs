//! Textures and surfaces as NVRTC writes them.

use warptape_ptx::run::Order;
use warptape_ptx::texture::{Addressing, Array, Format, Geometry, Level, Object, Sampler};

use super::{array, level, texture};
use crate::device::{Device, Shape, shape};

const TEXT: &str = include_str!("../texts/textures.ptx");

#[test]
fn samples_of_planes_and_rows() {
    let mut device = Device::new(TEXT);
    let plane = array(&mut device, (Format::F32, 1, Geometry::Plane), [8, 4, 1], 1, |[x, y, _], _| {
        vec![(16 * x + 4 * y) as f32]
    });
    let plane = texture(&mut device, &plane, Sampler { linear: true, ..Sampler::default() });
    let values: Vec<[f32; 4]> = (0..20).map(|n| [0.0, n as f32, 0.0, 0.0]).collect();
    let levels = vec![Level { address: device.buffer(&values), size: [20, 1, 1], pitch: 320, slice: 320 }];
    let row = Array { format: Format::F32, channels: 4, geometry: Geometry::Linear, layers: 1, levels };
    let (row, out) = (texture(&mut device, &row, Sampler::default()), device.buffer(&[0f32; 64]));
    let params = [&plane.to_le_bytes()[..], &row.to_le_bytes(), &out.to_le_bytes()];
    device.run("sample", shape([1, 1], 32, Order::Forward), &params).unwrap();
    for (thread, found) in device.read::<[f32; 2]>(out, 32).into_iter().enumerate() {
        // Between rows 1 and 2, at a half of each step between columns.
        let column = (thread as f32 * 0.5 - 0.5).clamp(0.0, 7.0);
        let beside = if thread < 20 { thread as f32 } else { 0.0 };
        assert_eq!(found, [16.0 * column + 6.0, beside], "thread {thread}");
    }
}

#[test]
fn surfaces_are_turned_round() {
    let (width, rows) = (30, 7);
    for order in crate::running::ORDERS {
        let mut device = Device::new(TEXT);
        let from = array(&mut device, (Format::U8, 4, Geometry::Plane), [width, rows, 1], 1, |[x, y, _], _| {
            vec![(x + 1) as u8, y as u8, 3, 4]
        });
        let to = array(&mut device, (Format::U8, 4, Geometry::Plane), [width, rows, 1], 1, |_, _| vec![0u8; 4]);
        let (address, pitch) = (to.levels[0].address, to.levels[0].pitch as usize);
        let [from, to] = [from, to].map(|array| device.object(Object::Surface(array)).to_le_bytes());
        let outside = device.buffer(&[0u32; 256]);
        let params = [&from[..], &to, &width.to_le_bytes(), &outside.to_le_bytes()];
        device.run("turn", Shape { block: [32, 8, 1], ..shape([1, 1], 32, order) }, &params).unwrap();
        for (y, row) in device.read::<u8>(address, pitch * rows as usize).chunks(pitch).enumerate() {
            for (x, texel) in row[..4 * width as usize].chunks(4).enumerate() {
                assert_eq!(texel, [(width as usize - x) as u8, y as u8, 3, 4], "{order:?}");
            }
        }
        let told = (0..256).map(|at| u32::from(at % 32 >= width || at / 32 >= rows));
        assert_eq!(device.read::<u32>(outside, 256), told.collect::<Vec<_>>());
    }
}

#[test]
fn one_of_each() {
    let mut device = Device::new(TEXT);
    let value = |[x, y, z]: [u32; 3], layer: u32| vec![(1000 * layer + 100 * z + 10 * y + x) as f32];
    let layers = array(&mut device, (Format::F32, 1, Geometry::Planes), [4, 4, 1], 3, value);
    let solid = array(&mut device, (Format::F32, 1, Geometry::Solid), [4, 4, 4], 1, value);
    let cube = array(&mut device, (Format::F32, 1, Geometry::Cube), [4, 4, 1], 6, value);
    let levels = (0..3).map(|at| level(&mut device, 1, [4 >> at, 4 >> at, 1], 1, |_, _| vec![at as f32])).collect();
    let mipmaps = Array { format: Format::F32, channels: 1, geometry: Geometry::Plane, layers: 1, levels };
    let wrapping = Sampler { normalized: true, addressing: [Addressing::Wrap; 3], ..Sampler::default() };
    let arrays = [(layers, Sampler::default()), (solid, Sampler::default()), (cube, wrapping), (mipmaps, wrapping)];
    let handles = arrays.map(|(array, sampler)| texture(&mut device, &array, sampler).to_le_bytes());
    let out = device.buffer(&[0f32; 6]);
    let [first, second, third, fourth] = &handles;
    let params = [&first[..], second, third, fourth, &out.to_le_bytes()];
    device.run("all", shape([1, 1], 1, Order::Forward), &params).unwrap();
    // Of the cube the middle of face -y; steps as long as the whole plane are of its smallest level.
    assert_eq!(device.read::<f32>(out, 6), [2001.0, 201.0, 3022.0, 1.0, 2.0, 0.0]);
}
