//! Textures and surfaces (ISA 5.3, indirect mode): arrays of texels, how they are sampled, and the handles by which kernels
//! know them.
//!
//! What a sample is made of follows "CUDA C++ Programming Guide", "Texture Fetching"; cube maps and levels, of which the guide
//! says less, follow the OpenGL specification (8.13 and 8.14), whose rules hardware has.

mod axis;
mod format;
mod sample;

use std::collections::BTreeMap;

pub use axis::Addressing;
pub use format::{Format, Texel};
pub use sample::{Footprint, Lod, Point, Tap};

/// How an array's texels are addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Geometry {
    /// A row of texels in ordinary memory, which is read by integers alone.
    Linear,
    Line,
    Plane,
    Solid,
    /// Lines and planes side by side, chosen by an index.
    Lines,
    Planes,
    /// Six planes: the faces +x, -x, +y, -y, +z, -z.
    Cube,
    Cubes,
}

impl Geometry {
    /// Axes along which texels of a layer lie.
    pub fn axes(self) -> usize {
        match self {
            Geometry::Linear | Geometry::Line | Geometry::Lines => 1,
            Geometry::Solid => 3,
            _ => 2,
        }
    }

    /// Whether the first coordinate is the index of a layer, or of a cube.
    pub fn indexed(self) -> bool {
        matches!(self, Geometry::Lines | Geometry::Planes | Geometry::Cubes)
    }

    /// Whether coordinates are a direction.
    pub fn is_cube(self) -> bool {
        matches!(self, Geometry::Cube | Geometry::Cubes)
    }
}

/// Where the texels of a level lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Of the first texel.
    pub address: u64,
    /// Texels along x, y, z; 1 along axes that there are not.
    pub size: [u32; 3],
    /// Bytes from a row to the next, and from a layer (or a plane of a solid) to the next.
    pub pitch: u64,
    pub slice: u64,
}

/// Texels in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    pub format: Format,
    /// Of a texel: 1, 2 or 4.
    pub channels: u32,
    pub geometry: Geometry,
    /// Layers; six of each cube. 1 where there are none.
    pub layers: u32,
    /// The first is the largest one; more of them are its mipmaps.
    pub levels: Vec<Level>,
}

impl Array {
    /// Bytes of a texel.
    pub fn texel_bytes(&self) -> u64 {
        u64::from(self.format.bytes() * self.channels)
    }

    /// The address of a texel of a level; `layer` counts planes of a solid, too.
    fn address(&self, level: usize, [x, y]: [u32; 2], layer: u32) -> u64 {
        let Level { address, pitch, slice, .. } = self.levels[level];
        address + u64::from(layer) * slice + u64::from(y) * pitch + u64::from(x) * self.texel_bytes()
    }
}

/// How textures are sampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Coordinates from 0 to 1 are the whole axis; otherwise texels are counted.
    pub normalized: bool,
    /// Neighbours are mixed.
    pub linear: bool,
    /// By axis. Repeating ones are for normalized coordinates; others then clamp, as CUDA's do.
    pub addressing: [Addressing; 3],
    /// Integers of 8 and 16 bits become floats from 0 or -1 to 1.
    pub as_float: bool,
    /// What lies outside of a texture with borders, where results are floats; integers are 0 there.
    pub border: [f32; 4],
    /// Levels are mixed.
    pub mixes_levels: bool,
    /// What is added to a level, and the smallest and largest that are taken.
    pub level_bias: f32,
    pub level_range: [f32; 2],
}

impl Default for Sampler {
    fn default() -> Self {
        Self {
            normalized: false,
            linear: false,
            addressing: [Addressing::Clamp; 3],
            as_float: false,
            border: [0.0; 4],
            mixes_levels: false,
            level_bias: 0.0,
            level_range: [0.0, f32::MAX],
        }
    }
}

/// What a handle is of.
#[derive(Clone, Debug)]
pub enum Object {
    Texture(Array, Sampler),
    Surface(Array),
}

/// Textures and surfaces by handle. None is ever used twice.
#[derive(Debug, Default)]
pub struct Objects {
    given: u64,
    living: BTreeMap<u64, Object>,
}

/// Handles are no addresses, nor numbers that a program would have by chance.
const HANDLES: u64 = 0x7E_0000_0000_0000;

impl Objects {
    /// Makes a handle of an object.
    pub fn add(&mut self, object: Object) -> u64 {
        self.given += 1;
        let handle = HANDLES | self.given;
        self.living.insert(handle, object);
        handle
    }

    /// Ends a handle: what it was of, if it lived.
    pub fn remove(&mut self, handle: u64) -> Option<Object> {
        self.living.remove(&handle)
    }

    /// What a handle is of.
    ///
    /// # Errors
    /// Nothing: the rest of a sentence that begins with the handle.
    pub fn get(&self, handle: u64) -> Result<&Object, &'static str> {
        let was = (HANDLES + 1..=HANDLES | self.given).contains(&handle);
        self.living.get(&handle).ok_or(if was { "which was destroyed" } else { "which is none" })
    }
}
