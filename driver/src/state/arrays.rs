//! Arrays of texels, and the textures and surfaces that kernels see of them.

use warptape_ptx::texture::{self, Array, Format, Geometry, Level};

use super::Driver;
use super::allocations::Place;
use super::handles::Kind;
use crate::status::{Answer, Status, wrong};

/// `CUDA_ARRAY3D_DESCRIPTOR`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Descriptor {
    /// Width, height, depth; 0 for axes that there are not. Depth counts layers, and faces of cubes.
    pub size: [usize; 3],
    /// `CUarray_format`
    pub format: u32,
    pub channels: u32,
    pub flags: u32,
}

/// `CUDA_ARRAY3D_LAYERED`, `_SURFACE_LDST`, `_CUBEMAP`, `_TEXTURE_GATHER`
const LAYERED: u32 = 1;
pub const SURFACES: u32 = 2;
const CUBE: u32 = 4;
const GATHER: u32 = 8;

/// An array that a program made, or a level of mipmaps.
pub struct Held {
    pub context: u64,
    pub descriptor: Descriptor,
    pub array: Array,
    /// The mipmaps that it is a level of.
    pub of: Option<u64>,
}

/// A mipmapped array.
pub struct Mipmaps {
    pub context: u64,
    pub descriptor: Descriptor,
    pub array: Array,
    /// Handles of levels that were asked for.
    pub levels: Vec<Option<u64>>,
}

/// A texture or surface, with the descriptors that it was made by.
pub struct Object {
    pub context: u64,
    pub resource: [u64; 18],
    /// Of textures.
    pub sampling: Option<[u32; 26]>,
}

/// Bytes between rows are multiples of so many, and so are arrays' addresses.
const PITCH: u64 = 512;

/// The format of a number of `CUarray_format`.
pub fn format(number: u32) -> Answer<Format> {
    Ok(match number {
        0x01 => Format::U8,
        0x02 => Format::U16,
        0x03 => Format::U32,
        0x08 => Format::S8,
        0x09 => Format::S16,
        0x0A => Format::S32,
        0x10 => Format::F16,
        0x20 => Format::F32,
        _ => return wrong(Status::NOT_SUPPORTED, format!("the array format {number:#x} is not there")),
    })
}

/// Whether texels can have so many channels.
pub fn check_channels(channels: u32) -> Answer {
    match channels {
        1 | 2 | 4 => Ok(()),
        _ => wrong(Status::INVALID_VALUE, format!("{channels} channels, where texels have 1, 2 or 4")),
    }
}

impl Descriptor {
    /// Geometry, and layers.
    fn geometry(&self) -> Answer<(Geometry, u32)> {
        let ([width, height, depth], flags) = (self.size, self.flags);
        if flags & !(LAYERED | SURFACES | CUBE | GATHER) != 0 {
            return wrong(Status::NOT_SUPPORTED, format!("arrays with flags {flags:#x} are not there"));
        }
        let told = |what: &str| {
            wrong(Status::INVALID_VALUE, format!("an array of {:?} with flags {flags:#x} {what}", self.size))
        };
        let geometry = match (flags & LAYERED != 0, flags & CUBE != 0) {
            (true, true) if depth > 0 && depth % 6 == 0 => Geometry::Cubes,
            (false, true) if depth == 6 => Geometry::Cube,
            (_, true) => return told("has no six faces of each cube"),
            (true, false) if depth == 0 => return told("has no layers"),
            (true, false) if height == 0 => Geometry::Lines,
            (true, false) => Geometry::Planes,
            (false, false) if depth > 0 && height == 0 => return told("has planes without rows"),
            (false, false) if depth > 0 => Geometry::Solid,
            (false, false) if height > 0 => Geometry::Plane,
            (false, false) => Geometry::Line,
        };
        if geometry.is_cube() && width != height {
            return told("has faces that are no squares");
        }
        // The device's attributes of the same name.
        let most = match geometry {
            Geometry::Linear | Geometry::Line => [131_072, 0, 0],
            Geometry::Plane => [131_072, 65_536, 0],
            Geometry::Solid => [16_384; 3],
            Geometry::Lines => [32_768, 0, 2048],
            Geometry::Planes => [32_768, 32_768, 2048],
            Geometry::Cube => [32_768, 32_768, 6],
            Geometry::Cubes => [32_768, 32_768, 2046],
        };
        if width == 0 || self.size.iter().zip(most).any(|(has, most)| *has > most) {
            return told(&format!("leaves the sizes from [1, 0, 0] to {most:?}"));
        }
        Ok((geometry, if flags & (LAYERED | CUBE) == 0 { 1 } else { depth as u32 }))
    }

    /// The descriptor of a level.
    fn of_level(&self, level: u32) -> Self {
        let half = |size: usize| if size == 0 { 0 } else { (size >> level).max(1) };
        let [width, height, depth] = self.size;
        let depth = if self.flags & (LAYERED | CUBE) == 0 { half(depth) } else { depth };
        Self { size: [half(width), half(height), depth], ..*self }
    }
}

impl Driver {
    /// Makes the memory of an array with so many levels.
    fn levels(&mut self, context: u64, descriptor: Descriptor, levels: u32, by: &'static str) -> Answer<Array> {
        let Descriptor { channels, .. } = descriptor;
        let (format, (geometry, layers)) = (format(descriptor.format)?, descriptor.geometry()?);
        check_channels(channels)?;
        let mut array = Array { format, channels, geometry, layers, levels: Vec::new() };
        let mut bytes = 0;
        for level in 0..levels {
            let [width, height, depth] = descriptor.of_level(level).size.map(|size| size.max(1) as u32);
            let size = [width, height, if geometry == Geometry::Solid { depth } else { 1 }];
            let pitch = (u64::from(width) * array.texel_bytes()).next_multiple_of(PITCH);
            let slice = pitch * u64::from(height);
            array.levels.push(Level { address: bytes, size, pitch, slice });
            bytes += slice * u64::from(size[2] * layers);
        }
        let address = self.allocate(context, bytes as usize, Place::Device, by)?;
        array.levels.iter_mut().for_each(|level| level.address += address);
        Ok(array)
    }

    /// Makes an array.
    pub fn make_array(&mut self, context: u64, descriptor: Descriptor, by: &'static str) -> Answer<u64> {
        let array = self.levels(context, descriptor, 1, by)?;
        let handle = self.handles.fresh(Kind::Array);
        self.arrays.insert(handle, Held { context, descriptor, array, of: None });
        Ok(handle)
    }

    /// Makes a mipmapped array of at most as many levels as its size has halves.
    pub fn make_mipmaps(&mut self, context: u64, descriptor: Descriptor, levels: u32, by: &'static str) -> Answer<u64> {
        let longest = descriptor.size.iter().copied().max().unwrap_or(1).max(1);
        if levels == 0 {
            return wrong(Status::INVALID_VALUE, "0 levels are no mipmapped array");
        }
        let levels = levels.min(1 + longest.ilog2());
        let array = self.levels(context, descriptor, levels, by)?;
        let handle = self.handles.fresh(Kind::Mipmaps);
        let levels = vec![None; levels as usize];
        self.mipmaps.insert(handle, Mipmaps { context, descriptor, array, levels });
        Ok(handle)
    }

    /// The array that is a level of mipmaps.
    pub fn level(&mut self, handle: u64, level: u32) -> Answer<u64> {
        let unknown = self.handles.unknown(Kind::Mipmaps, handle);
        let Some(found) = self.mipmaps.get_mut(&handle) else { return wrong(Status::INVALID_HANDLE, unknown) };
        let Some(known) = found.levels.get_mut(level as usize) else {
            let what = format!("there is no level {level} of {}", found.levels.len());
            return wrong(Status::INVALID_VALUE, what);
        };
        if let Some(known) = known {
            return Ok(*known);
        }
        let made = self.handles.fresh(Kind::Array);
        *known = Some(made);
        let array = Array { levels: vec![found.array.levels[level as usize]], ..found.array.clone() };
        let (context, descriptor) = (found.context, found.descriptor.of_level(level));
        self.arrays.insert(made, Held { context, descriptor, array, of: Some(handle) });
        Ok(made)
    }

    /// An array that a program names.
    pub fn array(&self, handle: u64) -> Answer<&Held> {
        let unknown = || self.handles.unknown(Kind::Array, handle);
        self.arrays.get(&handle).map_or_else(|| wrong(Status::INVALID_HANDLE, unknown()), Ok)
    }

    /// Ends an array, whose work is done.
    pub fn end_array(&mut self, handle: u64, by: &'static str) -> Answer {
        if self.array(handle)?.of.is_some() {
            return wrong(Status::INVALID_HANDLE, "a level goes with its mipmapped array");
        }
        if let Some(held) = self.arrays.remove(&handle) {
            self.give_back(held.array.levels[0].address, by);
        }
        Ok(())
    }

    /// Ends a mipmapped array with its levels.
    pub fn end_mipmaps(&mut self, handle: u64, by: &'static str) {
        if let Some(mipmaps) = self.mipmaps.remove(&handle) {
            self.arrays.retain(|_, array| array.of != Some(handle));
            self.give_back(mipmaps.array.levels[0].address, by);
        }
    }

    /// Makes a texture or surface.
    pub fn make_object(&mut self, object: Object, seen: texture::Object) -> u64 {
        let handle = self.memory.objects.add(seen);
        self.objects.insert(handle, object);
        handle
    }

    /// A texture, or a surface, that a program names.
    pub fn object(&self, handle: u64, texture: bool) -> Answer<&Object> {
        let noun = if texture { "texture" } else { "surface" };
        match self.objects.get(&handle).filter(|object| object.sampling.is_some() == texture) {
            Some(object) => Ok(object),
            None => wrong(Status::INVALID_VALUE, format!("{handle:#x} is no {noun}, or it was destroyed")),
        }
    }

    /// Ends a texture or surface.
    pub fn end_object(&mut self, handle: u64) {
        self.objects.remove(&handle);
        self.memory.objects.remove(handle);
    }
}
