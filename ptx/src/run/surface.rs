//! Reading and writing surfaces: bytes of arrays by coordinates, of which the first counts bytes.

use super::fault::{Kind, What};
use super::lanes;
use super::step::{Next, Step};
use super::whole::tried;
use crate::code::Run;
use crate::lane::{LANES, Width};
use crate::texture::{Array, Geometry, Object};
use crate::watch::{LONGEST, Span};

/// `suld.b`, `sust.b`.
pub struct Accessing {
    /// The register with the handle.
    pub handle: u32,
    /// What the instruction takes the surface for; planes are cubes' faces, too.
    pub geometry: Geometry,
    pub layer: Option<u32>,
    pub coordinates: Vec<u32>,
    pub outside: Outside,
    pub stores: bool,
    pub registers: Vec<u32>,
    pub width: Width,
    /// Bytes of each register that are transferred.
    pub each: u32,
}

/// What is done outside of a surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    Trap,
    /// The nearest place of the surface is taken.
    Clamp,
    /// Zeros are read, and nothing is written.
    Zero,
}

impl Run for Accessing {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let bytes = self.each * self.registers.len() as u32;
        let kind = if self.stores { Kind::Write } else { Kind::Read };
        let (mut at, mut inside) = ([0; LANES], 0u32);
        for lane in lanes(mask) {
            match self.place(step, lane, bytes.into()) {
                Err(what) => return Next::Fault(step.fault(lane, What::Other(what))),
                Ok(None) => {}
                Ok(Some(address)) => {
                    tried!(step.texel(lane, address, bytes.into(), kind));
                    at[lane] = address;
                    inside |= 1 << lane;
                }
            }
        }
        if !step.is_unwatched() && inside != 0 {
            tried!(step.undisturbed(&at, inside, bytes.into(), kind));
            let words = self.stores.then(|| std::array::from_fn::<_, LANES, _>(|lane| self.bytes(step, lane)));
            match &words {
                Some(words) => {
                    let values = |lane: usize| words[lane];
                    let span = Span::of(&at, inside, bytes.into());
                    tried!(step.tell_values(&at, inside, bytes.into(), (kind, false), Some(&values), span));
                }
                None => tried!(step.tell(&at, inside, bytes.into(), kind, false)),
            }
        }
        for lane in step.launch.order.lanes(mask) {
            let there = inside >> lane & 1 == 1;
            let mut value = [0; LONGEST];
            // SAFETY: addresses were checked for as many bytes, and the decoder placed the registers.
            unsafe {
                if self.stores {
                    if there {
                        value = self.bytes(step, lane);
                        std::ptr::copy_nonoverlapping(value.as_ptr(), at[lane] as *mut u8, bytes as usize);
                    }
                    continue;
                }
                if there {
                    std::ptr::copy_nonoverlapping(at[lane] as *const u8, value.as_mut_ptr(), bytes as usize);
                }
                for (register, part) in self.registers.iter().zip(value.chunks_exact(self.each as usize)) {
                    let mut word = [0; 8];
                    word[..part.len()].copy_from_slice(part);
                    step.set(*register, self.width, lane, u64::from_le_bytes(word));
                }
            }
        }
        Next::On
    }
}

impl Accessing {
    /// What a lane stores.
    fn bytes(&self, step: &Step<'_, '_>, lane: usize) -> [u8; LONGEST] {
        let mut value = [0; LONGEST];
        for (register, part) in self.registers.iter().zip(value.chunks_exact_mut(self.each as usize)) {
            // SAFETY: the decoder placed the registers.
            let word = unsafe { step.get(*register, self.width, lane) }.to_le_bytes();
            part.copy_from_slice(&word[..part.len()]);
        }
        value
    }

    /// The address of what a lane accesses; None where that is nothing.
    fn place(&self, step: &Step<'_, '_>, lane: usize, bytes: u64) -> Result<Option<u64>, String> {
        // SAFETY: the decoder placed the registers.
        let (handle, word) = unsafe {
            let handle = step.get(self.handle, Width::B64, lane);
            (handle, |register: u32| step.get(register, Width::B32, lane) as u32)
        };
        let array = match step.launch.memory.objects.get(handle) {
            Ok(Object::Surface(array)) => array,
            Ok(_) => return Err(format!("accesses a surface by the handle {handle:#x}, which is a texture's")),
            Err(why) => return Err(format!("accesses a surface by the handle {handle:#x}, {why}")),
        };
        let faces = array.geometry.is_cube() && self.geometry == Geometry::Planes;
        if array.geometry != self.geometry && !faces {
            return Err(format!("accesses a surface as {:?}, but it is {:?}", self.geometry, array.geometry));
        }
        let level = array.levels[0];
        let row = u64::from(level.size[0]) * array.texel_bytes();
        // How many places there are along each coordinate, the first counted in bytes.
        let ends = [(row + 1).saturating_sub(bytes), level.size[1].into(), level.size[2].into(), array.layers.into()];
        let given = |axis: usize| self.coordinates.get(axis).map_or(0, |register| i64::from(word(*register) as i32));
        let at = [given(0), given(1), given(2), self.layer.map_or(0, |layer| word(layer).into())];
        if at[0].rem_euclid(bytes as i64) != 0 {
            return Err(format!("accesses {bytes} bytes at byte {} of a surface's row, which is not aligned", at[0]));
        }
        let inside = at.iter().zip(ends).all(|(at, end)| (0..end as i64).contains(at));
        let at: [u64; 4] = match self.outside {
            _ if inside => at.map(|at| at as u64),
            Outside::Zero => return Ok(None),
            Outside::Clamp if ends[0] > 0 => std::array::from_fn(|axis| {
                at[axis].clamp(0, ends[axis] as i64 - 1) as u64 / unit(axis, bytes) * unit(axis, bytes)
            }),
            _ => return Err(left(array, at, bytes, row)),
        };
        // Of a solid and of layers one number is 0.
        Ok(Some(level.address + (at[2] + at[3]) * level.slice + at[1] * level.pitch + at[0]))
    }
}

/// Places along the first axis are multiples of what is accessed.
fn unit(axis: usize, bytes: u64) -> u64 {
    if axis == 0 { bytes } else { 1 }
}

fn left(array: &Array, [x, y, z, layer]: [i64; 4], bytes: u64, row: u64) -> String {
    let [_, rows, planes] = array.levels[0].size;
    let layers = array.layers;
    format!(
        "accesses {bytes} bytes of a surface at byte {x}, row {y}, plane {z}, layer {layer}, outside of its \
         {row} bytes, {rows} rows, {planes} planes, {layers} layers"
    )
}
