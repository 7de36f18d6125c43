//! Reading textures, and asking what they and surfaces are.

use super::fault::{Kind, What};
use super::lanes;
use super::step::{Next, Step};
use super::whole::tried;
use crate::code::Run;
use crate::lane::{LANES, Width};
use crate::text::tree::Space;
use crate::texture::{Array, Footprint, Geometry, Lod, Object, Point, Sampler, Texel};

/// `tex`, `tld4`.
pub struct Reading {
    /// The register with the handle.
    pub handle: u32,
    /// What the instruction takes the texture for; lines are linear memory, too.
    pub geometry: Geometry,
    pub integers: bool,
    pub layer: Option<u32>,
    pub coordinates: Vec<u32>,
    pub offsets: Vec<u32>,
    pub level: Levels,
    /// Of `tld4`: which channel of four texels is read.
    pub channel: Option<usize>,
    pub floats: bool,
    pub to: Vec<u32>,
    /// The predicate that tells whether the texture is in memory.
    pub resident: Option<u32>,
}

/// Registers that choose levels.
pub enum Levels {
    Base,
    Level(u32),
    Gradients(Vec<u32>, Vec<u32>),
}

impl Run for Reading {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let mut footprints: [Footprint; LANES] = Default::default();
        let memory = step.launch.memory;
        let mut textures: [Option<(&Array, &Sampler)>; LANES] = [None; LANES];
        for lane in lanes(mask) {
            let (array, sampler) = match self.texture(step, memory, lane) {
                Ok(found) => found,
                Err(what) => return Next::Fault(step.fault(lane, What::Other(what))),
            };
            let point = self.point(step, lane);
            footprints[lane] = match self.channel {
                Some(_) => array.corners(sampler, &point),
                None => array.footprint(sampler, &point, self.lod(step, lane)),
            };
            for tap in &footprints[lane].taps {
                let Some(address) = tap.address else { continue };
                tried!(step.texel(lane, address, array.texel_bytes(), Kind::Read));
            }
            textures[lane] = Some((array, sampler));
        }
        tried!(tell(step, mask, &footprints, &textures));
        for lane in lanes(mask) {
            let Some((array, sampler)) = textures[lane] else { continue };
            let taps = &footprints[lane].taps;
            // SAFETY: the texels' addresses were checked.
            let texels: Vec<Texel> = taps.iter().map(|tap| unsafe { read(array, sampler, tap.address) }).collect();
            let bits = match self.channel {
                Some(channel) => std::array::from_fn(|number| bits(texels[number])[channel]),
                None => bits(footprints[lane].mixed(&texels)),
            };
            // SAFETY: the decoder placed the registers.
            unsafe {
                for (to, bits) in self.to.iter().zip(bits) {
                    step.set(*to, Width::B32, lane, bits.into());
                }
                if let Some(resident) = self.resident {
                    step.set(resident, Width::Predicate, lane, 1);
                }
            }
        }
        Next::On
    }
}

impl Reading {
    /// The texture that a lane's handle is of, once it is seen that it can be read so.
    fn texture<'m>(
        &self,
        step: &Step<'_, '_>,
        memory: &'m crate::memory::Memory,
        lane: usize,
    ) -> Result<(&'m Array, &'m Sampler), String> {
        // SAFETY: the decoder placed the register.
        let handle = unsafe { step.get(self.handle, Width::B64, lane) };
        let (array, sampler) = match memory.objects.get(handle) {
            Ok(Object::Texture(array, sampler)) => (array, sampler),
            Ok(Object::Surface(_)) => {
                return Err(format!("reads a texture by the handle {handle:#x}, which is a surface's"));
            }
            Err(why) => return Err(format!("reads a texture by the handle {handle:#x}, {why}")),
        };
        let fits = array.geometry == self.geometry
            || (array.geometry, self.geometry, self.integers) == (Geometry::Linear, Geometry::Line, true);
        if !fits {
            let by = if self.integers { "integers" } else { "floats" };
            return Err(format!("reads a texture as {:?} by {by}, but it is {:?}", self.geometry, array.geometry));
        }
        let gives_floats = array.format.gives_floats(sampler.as_float);
        if gives_floats != self.floats {
            let [wants, has] = [self.floats, gives_floats].map(|floats| if floats { "floats" } else { "integers" });
            return Err(format!("reads {wants} from a texture of {:?} that gives {has}", array.format));
        }
        if sampler.linear && !gives_floats {
            return Err(format!("mixes neighbours of a texture of {:?} that gives integers", array.format));
        }
        Ok((array, sampler))
    }

    fn point(&self, step: &Step<'_, '_>, lane: usize) -> Point {
        // SAFETY: the decoder placed the registers.
        let word = |register: u32| unsafe { step.get(register, Width::B32, lane) as u32 };
        let coordinate =
            |bits: u32| if self.integers { f64::from(bits as i32) } else { f64::from(f32::from_bits(bits)) };
        let axis = |axis: usize| self.coordinates.get(axis).map_or(0.0, |register| coordinate(word(*register)));
        let offset = |axis: usize| self.offsets.get(axis).map_or(0, |register| word(*register) as i32);
        Point {
            layer: self.layer.map_or(0, word),
            at: std::array::from_fn(axis),
            integers: self.integers,
            offset: std::array::from_fn(offset),
        }
    }

    fn lod(&self, step: &Step<'_, '_>, lane: usize) -> Lod {
        // SAFETY: the decoder placed the registers.
        let float = |register: u32| f32::from_bits(unsafe { step.get(register, Width::B32, lane) } as u32);
        let vector = |registers: &[u32]| std::array::from_fn(|axis| registers.get(axis).map_or(0.0, |r| float(*r)));
        match &self.level {
            Levels::Base => Lod::Base,
            Levels::Level(level) => Lod::Level(float(*level)),
            Levels::Gradients(right, down) => Lod::Gradients(vector(right), vector(down)),
        }
    }
}

/// Tells of the texels that lanes read: of each lane's first, then of each one's second, and so on.
fn tell(
    step: &mut Step<'_, '_>,
    mask: u32,
    footprints: &[Footprint; LANES],
    textures: &[Option<(&Array, &Sampler)>; LANES],
) -> Result<(), Next> {
    if step.is_unwatched() {
        return Ok(());
    }
    let most = footprints.iter().map(|footprint| footprint.taps.len()).max().unwrap_or(0);
    for number in 0..most {
        let address = |lane: usize| footprints[lane].taps.get(number).and_then(|tap| tap.address);
        let at = std::array::from_fn(|lane| address(lane).unwrap_or(0));
        let mut left = lanes(mask).filter(|lane| address(*lane).is_some()).fold(0u32, |mask, lane| mask | 1 << lane);
        // Lanes may read several textures at once, of different texels.
        while left != 0 {
            let bytes = |lane: usize| textures[lane].map_or(0, |(array, _)| array.texel_bytes());
            let each = bytes(left.trailing_zeros() as usize);
            let alike = lanes(left).filter(|lane| bytes(*lane) == each).fold(0u32, |mask, lane| mask | 1 << lane);
            step.undisturbed(&at, alike, each, Kind::Read)?;
            step.tell(&at, alike, each, Kind::Read, false)?;
            left &= !alike;
        }
    }
    Ok(())
}

/// What a tap reads.
///
/// # Safety
/// The address, if there is one, is that of a texel of the array.
unsafe fn read(array: &Array, sampler: &Sampler, address: Option<u64>) -> Texel {
    match address {
        // SAFETY: the caller's promise.
        Some(address) => unsafe { array.format.texel(address as *const u8, array.channels, sampler.as_float) },
        None if array.format.gives_floats(sampler.as_float) => Texel::Float(sampler.border),
        None => Texel::Integer([0; 4]),
    }
}

fn bits(texel: Texel) -> [u32; 4] {
    match texel {
        Texel::Float(values) => values.map(f32::to_bits),
        Texel::Integer(bits) => bits,
    }
}

impl Step<'_, '_> {
    /// Sees that a texel is in memory that a lane may access.
    ///
    /// # Errors
    /// Its array was freed.
    pub(super) fn texel(&self, lane: usize, address: u64, bytes: u64, kind: Kind) -> Result<(), Next> {
        let space = Space::Global;
        self.pointer(space, lane, address, bytes, kind)
            .map(|_| ())
            .map_err(|why| Next::Fault(self.fault(lane, What::Access { kind, space, address, bytes, why })))
    }
}

/// `txq`, `suq`.
pub struct Asking {
    pub handle: u32,
    pub surface: bool,
    pub query: Query,
    /// The register with the level.
    pub level: Option<u32>,
    pub to: u32,
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// Texels along x, y or z.
    Size(usize),
    Layers,
    Levels,
    Normalized,
    Linear,
    Addressing(usize),
    /// Whether texels lie in ordinary memory.
    InOrder,
}

impl Run for Asking {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            // SAFETY: the decoder placed the registers.
            let answer = unsafe {
                let handle = step.get(self.handle, Width::B64, lane);
                let level = self.level.map_or(0, |level| step.get(level, Width::B32, lane) as usize);
                self.answer(step.launch.memory, handle, level)
            };
            match answer {
                // SAFETY: as above.
                Ok(answer) => unsafe { step.set(self.to, Width::B32, lane, answer.into()) },
                Err(what) => return Next::Fault(step.fault(lane, What::Other(what))),
            }
        }
        Next::On
    }
}

impl Asking {
    fn answer(&self, memory: &crate::memory::Memory, handle: u64, level: usize) -> Result<u32, String> {
        let of = if self.surface { "surface" } else { "texture" };
        let (array, sampler) = match memory.objects.get(handle) {
            Ok(Object::Texture(array, sampler)) if !self.surface => (array, *sampler),
            Ok(Object::Surface(array)) if self.surface => (array, Sampler::default()),
            Ok(_) => return Err(format!("asks of a {of} by the handle {handle:#x}, which is none")),
            Err(why) => return Err(format!("asks of a {of} by the handle {handle:#x}, {why}")),
        };
        let lacks = || format!("asks for {:?} of a {of} that is {:?}", self.query, array.geometry);
        let found = array.levels.get(level);
        let level = found.ok_or_else(|| format!("asks for level {level} of a {of} of {}", array.levels.len()))?;
        Ok(match self.query {
            Query::Size(axis) if axis < array.geometry.axes() => level.size[axis],
            Query::Layers if matches!(array.geometry, Geometry::Lines | Geometry::Planes) => array.layers,
            Query::Size(_) | Query::Layers => return Err(lacks()),
            Query::Levels => array.levels.len() as u32,
            Query::Normalized => sampler.normalized.into(),
            Query::Linear => sampler.linear.into(),
            Query::Addressing(axis) => match sampler.addressing[axis] {
                crate::texture::Addressing::Wrap => 0,
                crate::texture::Addressing::Mirror => 1,
                crate::texture::Addressing::Clamp => 3,
                crate::texture::Addressing::Border => 4,
            },
            Query::InOrder => (array.geometry == Geometry::Linear).into(),
        })
    }
}
