//! What a watch is told of textures and surfaces: each texel, as an access of the lanes that it is for.

use warptape_ptx::run::{Kind, Order};
use warptape_ptx::texture::{Addressing, Format, Geometry, Object, Sampler};
use warptape_ptx::watch::{Access, Watch};

use super::{Words, array, device, floats, texture, words};
use crate::device::{Device, shape};

/// Remembers accesses to an array: what, lanes, bytes, and places of the first lane's texel; of stores the first byte.
struct Remember {
    array: std::ops::Range<u64>,
    seen: Vec<(Kind, u32, u32, u64, Option<u8>)>,
}

impl Watch for Remember {
    fn block(&mut self, _block: u32, _shared: u64) {}

    fn access(&mut self, access: &Access<'_>) -> bool {
        let lane = access.mask.trailing_zeros() as usize;
        if self.array.contains(&access.addresses[lane]) {
            let place = access.addresses[lane] - self.array.start;
            self.seen.push((
                access.kind,
                access.mask,
                access.bytes,
                place,
                access.values.map(|values| values(lane)[0]),
            ));
        }
        true
    }

    fn barrier(&mut self, _at: (u32, u32)) {}

    fn collective(&mut self, _warp: u32, _mask: u32, _syncs: bool, _at: (u32, u32)) {}

    fn fence(&mut self, _warp: u32, _mask: u32) {}

    fn counts(&self) -> bool {
        false
    }

    fn executed(&mut self, _at: (u32, u32), _lanes: u32) {}

    fn end_block(&mut self) {}
}

fn seen(device: &mut Device, address: u64, handle: u64, given: &[Words]) -> Vec<(Kind, u32, u32, u64, Option<u8>)> {
    let (from, out) = (device.buffer(given), device.buffer(&vec![[0u32; 4]; given.len()]));
    let params = [&handle.to_le_bytes()[..], &from.to_le_bytes(), &out.to_le_bytes()];
    let mut watch = Remember { array: address..address + 4096, seen: Vec::new() };
    let shape = shape([1, 1], given.len() as u32, Order::Forward);
    device.run_watched("k", shape, &params, Some(&mut watch)).unwrap();
    watch.seen
}

#[test]
fn texels_are_told_side_by_side() {
    let mut device = device("tex.2d.v4.f32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1}];");
    let array = array(&mut device, (Format::F32, 2, Geometry::Plane), [5, 6, 1], 1, |_, _| vec![1f32; 2]);
    let sampler = Sampler { linear: true, addressing: [Addressing::Border; 3], ..Sampler::default() };
    let handle = texture(&mut device, &array, sampler);
    // Four texels of 8 bytes from column 1, row 2 on; the right ones of the left edge; the middle of a texel.
    let given = [floats([2.0, 3.0]), floats([0.0, 3.0]), floats([3.5, 4.5])];
    let pitch = array.levels[0].pitch;
    let row = |y: u64, x: u64| y * pitch + 8 * x;
    let told = seen(&mut device, array.levels[0].address, handle, &given);
    let read = |mask, place| (Kind::Read, mask, 8, place, None);
    assert_eq!(told, [read(0b101, row(2, 1)), read(0b11, row(2, 2)), read(0b1, row(3, 1)), read(0b11, row(3, 2))]);
}

#[test]
fn bytes_of_surfaces_are_told_with_what_is_written() {
    let mut device = device("suld.b.2d.b32.zero %d0, [%t, {%c0, %c1}]; sust.b.2d.b32.zero [%t, {%c0, %c1}], %c2;");
    let array = array(&mut device, (Format::U32, 1, Geometry::Plane), [5, 6, 1], 1, |_, _| vec![0u32]);
    let (address, pitch) = (array.levels[0].address, array.levels[0].pitch);
    let handle = device.object(Object::Surface(array));
    // The first lies outside, and is none.
    let given = [words([20, 0, 7]), words([4, 2, 8]), words([8, 2, 9])];
    let told = seen(&mut device, address, handle, &given);
    let place = 2 * pitch + 4;
    assert_eq!(told, [(Kind::Read, 0b110, 4, place, None), (Kind::Write, 0b110, 4, place, Some(8))]);
}
