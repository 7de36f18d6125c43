//! Copies of rows and planes, and into and out of arrays (`cuda.h`: "Memory Management").

use std::ffi::c_void;

use super::In;
use super::copy::{Rows, Side, Waits, copy};
use crate::state::Driver;
use crate::state::enter::in_context;
use crate::state::work::Shape;
use crate::status::{Answer, Status, wrong};

/// One side of a copy.
#[derive(Clone, Copy)]
struct Part {
    /// `CUmemorytype`
    kind: u32,
    host: u64,
    device: u64,
    array: u64,
    /// Where it begins: x in bytes.
    at: [usize; 3],
    pitch: usize,
    /// Rows from a plane to the next.
    rows: usize,
}

/// Where a plane of a side lies.
impl Part {
    /// Rows of a plane of a copy of `width` bytes, so many rows and planes.
    fn rows(&self, driver: &Driver, [width, rows, planes]: [usize; 3], plane: usize) -> Answer<Rows> {
        let [x, y, z] = self.at;
        // CU_MEMORYTYPE_HOST, DEVICE, ARRAY, UNIFIED
        if self.kind == 3 {
            let held = driver.array(self.array)?;
            let (level, layers) = (held.array.levels[0], held.array.layers as usize);
            let row = level.size[0] as usize * held.array.texel_bytes() as usize;
            let has = [row, level.size[1] as usize, level.size[2] as usize * layers];
            let (size, texel) = ([width, rows, planes], held.array.texel_bytes() as usize);
            let leaves = (0..3).any(|axis| self.at[axis].saturating_add(size[axis]) > has[axis]);
            if leaves || x % texel != 0 || width % texel != 0 {
                let what = format!("{size:?} at {:?} of an array of {has:?} with texels of {texel} bytes", self.at);
                return wrong(Status::INVALID_VALUE, what);
            }
            let offset = (z + plane) * level.slice as usize + y * level.pitch as usize + x;
            return Ok(Rows { side: Side::Device(level.address + offset as u64), pitch: level.pitch as usize });
        }
        let pitch = if self.pitch == 0 { width } else { self.pitch };
        let between = if self.rows == 0 && planes == 1 { rows } else { self.rows };
        if pitch < width + x || between < rows && planes > 1 {
            let what = format!("rows of {width} bytes, {pitch} bytes apart, in planes {between} rows apart");
            return wrong(Status::INVALID_VALUE, what);
        }
        let offset = (((z + plane) * between + y) * pitch + x) as u64;
        let side = match self.kind {
            1 => Side::Host(self.host + offset),
            2 => Side::Device(self.device + offset),
            4 => Side::Any(self.device + offset),
            kind => return wrong(Status::INVALID_VALUE, format!("there is no kind {kind} of memory")),
        };
        Ok(Rows { side, pitch })
    }
}

/// Copies planes, one after the other.
fn planes(
    driver: &mut Driver,
    context: u64,
    (to, from): (Part, Part),
    size: [usize; 3],
    stream: u64,
    (waits, by): (Waits, &'static str),
) -> Answer {
    let shape = Shape { width: size[0], rows: size[1] };
    for plane in 0..size[2] {
        let rows = (to.rows(driver, size, plane)?, from.rows(driver, size, plane)?, shape);
        copy(driver, context, rows, stream, waits, by)?;
    }
    Ok(())
}

/// One side of `CUDA_MEMCPY2D`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Flat {
    x: usize,
    y: usize,
    kind: u32,
    host: u64,
    device: u64,
    array: u64,
    pitch: usize,
}

/// `CUDA_MEMCPY2D`
#[derive(Clone, Copy)]
#[repr(C)]
struct Copy2d {
    from: Flat,
    to: Flat,
    width: usize,
    rows: usize,
}

impl From<Flat> for Part {
    fn from(Flat { x, y, kind, host, device, array, pitch }: Flat) -> Self {
        Part { kind, host, device, array, at: [x, y, 0], pitch, rows: 0 }
    }
}

fn rectangle(given: &In<Copy2d>, stream: u64, waits: Waits, by: &'static str) -> u32 {
    in_context(by, |driver, context| {
        let Copy2d { from, to, width, rows } = given.get()?;
        planes(driver, context, (to.into(), from.into()), [width, rows, 1], stream, (waits, by))
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpy2D_v2(given: In<Copy2d>) -> u32 {
    rectangle(&given, 0, Waits::Yes, "cuMemcpy2D")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpy2DUnaligned_v2(given: In<Copy2d>) -> u32 {
    rectangle(&given, 0, Waits::Yes, "cuMemcpy2DUnaligned")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpy2DAsync_v2(given: In<Copy2d>, stream: u64) -> u32 {
    rectangle(&given, stream, Waits::No, "cuMemcpy2DAsync")
}

/// One side of `CUDA_MEMCPY3D`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Deep {
    at: [usize; 3],
    level: usize,
    kind: u32,
    host: u64,
    device: u64,
    array: u64,
    reserved: u64,
    pitch: usize,
    rows: usize,
}

/// `CUDA_MEMCPY3D`
#[derive(Clone, Copy)]
#[repr(C)]
struct Copy3d {
    from: Deep,
    to: Deep,
    size: [usize; 3],
}

impl Deep {
    fn part(self) -> Answer<Part> {
        let Deep { at, level, kind, host, device, array, reserved, pitch, rows } = self;
        match (level, reserved) {
            (0, 0) => Ok(Part { kind, host, device, array, at, pitch, rows }),
            _ => {
                wrong(Status::INVALID_VALUE, format!("level {level} and a reserved word of {reserved}: both must be 0"))
            }
        }
    }
}

fn solid(given: &In<Copy3d>, stream: u64, waits: Waits, by: &'static str) -> u32 {
    in_context(by, |driver, context| {
        let Copy3d { from, to, size } = given.get()?;
        planes(driver, context, (to.part()?, from.part()?), size, stream, (waits, by))
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpy3D_v2(given: In<Copy3d>) -> u32 {
    solid(&given, 0, Waits::Yes, "cuMemcpy3D")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpy3DAsync_v2(given: In<Copy3d>, stream: u64) -> u32 {
    solid(&given, stream, Waits::No, "cuMemcpy3DAsync")
}

/// A row of an array that has no more.
fn row(array: u64, offset: usize) -> Part {
    Part { kind: 3, host: 0, device: 0, array, at: [offset, 0, 0], pitch: 0, rows: 0 }
}

/// Memory of a kind.
fn memory(kind: u32, address: u64) -> Part {
    Part { kind, host: address, device: address, array: 0, at: [0; 3], pitch: 0, rows: 0 }
}

fn line(to: Part, from: Part, bytes: usize, stream: u64, waits: Waits, by: &'static str) -> u32 {
    in_context(by, |driver, context| planes(driver, context, (to, from), [bytes, 1, 1], stream, (waits, by)))
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyHtoA_v2(to: u64, offset: usize, from: *const c_void, bytes: usize) -> u32 {
    line(row(to, offset), memory(1, from as u64), bytes, 0, Waits::Yes, "cuMemcpyHtoA")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyHtoAAsync_v2(to: u64, offset: usize, from: *const c_void, bytes: usize, stream: u64) -> u32 {
    line(row(to, offset), memory(1, from as u64), bytes, stream, Waits::No, "cuMemcpyHtoAAsync")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyAtoH_v2(to: *mut c_void, from: u64, offset: usize, bytes: usize) -> u32 {
    line(memory(1, to as u64), row(from, offset), bytes, 0, Waits::Yes, "cuMemcpyAtoH")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyAtoHAsync_v2(to: *mut c_void, from: u64, offset: usize, bytes: usize, stream: u64) -> u32 {
    line(memory(1, to as u64), row(from, offset), bytes, stream, Waits::No, "cuMemcpyAtoHAsync")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoA_v2(to: u64, offset: usize, from: u64, bytes: usize) -> u32 {
    line(row(to, offset), memory(2, from), bytes, 0, Waits::Yes, "cuMemcpyDtoA")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyAtoD_v2(to: u64, from: u64, offset: usize, bytes: usize) -> u32 {
    line(memory(2, to), row(from, offset), bytes, 0, Waits::Yes, "cuMemcpyAtoD")
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyAtoA_v2(to: u64, offset: usize, from: u64, at: usize, bytes: usize) -> u32 {
    line(row(to, offset), row(from, at), bytes, 0, Waits::Yes, "cuMemcpyAtoA")
}
