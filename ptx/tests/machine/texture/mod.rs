//! Textures and surfaces: filters against the guide's formulas in integers, formats value by value, everything that can be asked
//! wrongly.

mod compiled;
mod cube;
mod faults;
mod filter;
mod formats;
mod levels;
mod surface;
mod watched;

use warptape_ptx::run::Order;
use warptape_ptx::texture::{Array, Format, Geometry, Level, Object, Sampler};

use crate::device::{Device, shape};

/// A device whose kernel does one instruction: `%c0` to `%c3`, `%e0` to `%e3` and `%r0` to `%r3` are a thread's words of `in`,
/// `%t` is the handle, and `%d0` to `%d3` go to `out`.
pub fn device(instruction: &str) -> Device {
    Device::new(&format!(
        ".version 9.0\n.target sm_90a\n.address_size 64
        .visible .entry k(.param .u64 t, .param .u64 in, .param .u64 out) {{
            .reg .b32 %c<4>, %e<4>, %r<4>, %d<4>, %i; .reg .b16 %h<2>; .reg .b64 %t, %in, %out, %from, %to; .reg .pred %p;
            ld.param.u64 %t, [t]; ld.param.u64 %in, [in]; ld.param.u64 %out, [out];
            mov.u32 %i, %tid.x;
            mad.wide.u32 %from, %i, 48, %in; mad.wide.u32 %to, %i, 16, %out;
            mov.u32 %d0, 0; mov.u32 %d1, 0; mov.u32 %d2, 0; mov.u32 %d3, 0;
            ld.global.v4.u32 {{%c0, %c1, %c2, %c3}}, [%from]; ld.global.v4.u32 {{%e0, %e1, %e2, %e3}}, [%from+16];
            ld.global.v4.u32 {{%r0, %r1, %r2, %r3}}, [%from+32];
            {instruction}
            st.global.v4.u32 [%to], {{%d0, %d1, %d2, %d3}}; ret;
        }}"
    ))
}

/// Words of a thread: coordinates, then what else the instruction takes.
pub type Words = [u32; 12];

/// Runs the kernel, a thread for each of `given` (at most 1024); what each leaves, or the fault as a sentence.
pub fn run(device: &mut Device, handle: u64, given: &[Words]) -> Result<Vec<[u32; 4]>, String> {
    let (from, out) = (device.buffer(given), device.buffer(&vec![[0u32; 4]; given.len()]));
    let params = [&handle.to_le_bytes()[..], &from.to_le_bytes(), &out.to_le_bytes()];
    let ran = device.run("k", shape([1, 1], given.len() as u32, Order::Forward), &params);
    ran.map(|()| device.read(out, given.len())).map_err(|fault| fault.to_string())
}

/// Coordinates as words, zeros behind them.
pub fn words<const N: usize>(given: [u32; N]) -> Words {
    std::array::from_fn(|at| given.get(at).copied().unwrap_or(0))
}

/// Likewise, of floats.
pub fn floats<const N: usize>(given: [f32; N]) -> Words {
    words(given.map(f32::to_bits))
}

/// An array of one level whose rows have three texels of room behind them and whose layers have a row.
pub fn array<T: Copy + Default>(
    device: &mut Device,
    (format, channels, geometry): (Format, u32, Geometry),
    size: [u32; 3],
    layers: u32,
    texel: impl Fn([u32; 3], u32) -> Vec<T>,
) -> Array {
    let levels = vec![level(device, channels, size, layers, texel)];
    Array { format, channels, geometry, layers, levels }
}

/// Its level: `texel` gives the channels at x, y, z of a layer.
pub fn level<T: Copy + Default>(
    device: &mut Device,
    channels: u32,
    size: [u32; 3],
    layers: u32,
    texel: impl Fn([u32; 3], u32) -> Vec<T>,
) -> Level {
    let [width, rows, planes] = size;
    let row = ((width + 3) * channels) as usize;
    let slice = row * (rows as usize + 1);
    let mut all = vec![T::default(); slice * (planes * layers) as usize];
    for plane in 0..planes * layers {
        for (y, x) in (0..rows).flat_map(|y| (0..width).map(move |x| (y, x))) {
            // Of a solid there is one layer, and layers have one plane.
            let channels_of = texel([x, y, plane % planes], plane / planes);
            let at = plane as usize * slice + y as usize * row + (x * channels) as usize;
            all[at..at + channels as usize].copy_from_slice(&channels_of);
        }
    }
    let each = size_of::<T>();
    Level { address: device.buffer(&all), size, pitch: (row * each) as u64, slice: (slice * each) as u64 }
}

/// A texture of it.
pub fn texture(device: &mut Device, array: &Array, sampler: Sampler) -> u64 {
    device.object(Object::Texture(array.clone(), sampler))
}
