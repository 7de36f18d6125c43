//! Textures and surfaces (`cuda.h`: "Texture Object Management", "Surface Object Management").

use warptape_ptx::texture::{self, Addressing, Array, Geometry, Level, Sampler};

use super::{In, Out};
use crate::state::Driver;
use crate::state::arrays::{Object, SURFACES, check_channels, format};
use crate::state::enter::in_context;
use crate::status::{Answer, Status, wrong};

/// `CUDA_RESOURCE_DESC` as words: the kind, 16 words of which each kind takes its own, and flags.
type Resource = [u64; 18];

/// `CUDA_TEXTURE_DESC` as words: addressing along three axes, filter, flags, anisotropy; filter, bias, least and most of levels;
/// the border's four channels; twelve that mean nothing.
type Sampling = [u32; 26];

/// Alignment of textures in ordinary memory, and of their rows (`CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT`,
/// `_TEXTURE_PITCH_ALIGNMENT`).
const ALIGNMENT: u64 = 512;
const PITCH: u64 = 32;

/// `CU_TRSF_READ_AS_INTEGER`, `_NORMALIZED_COORDINATES`, `_DISABLE_TRILINEAR_OPTIMIZATION`, which is about speed.
const AS_INTEGER: u32 = 1;
const NORMALIZED: u32 = 2;
const NOT_FASTER: u32 = 32;

/// The texels that a resource is.
fn array(driver: &Driver, resource: &Resource) -> Answer<Array> {
    let [kind, first, packed, third, fourth, fifth, ..] = *resource;
    // Format and channels share a word.
    let texels = |geometry, level| -> Answer<Array> {
        let (format, channels) = (format(packed as u32)?, (packed >> 32) as u32);
        check_channels(channels)?;
        Ok(Array { format, channels, geometry, layers: 1, levels: vec![level] })
    };
    match kind as u32 {
        0 => Ok(driver.array(first)?.array.clone()),
        1 => match driver.mipmaps.get(&first) {
            Some(mipmaps) => Ok(mipmaps.array.clone()),
            None => wrong(Status::INVALID_HANDLE, driver.handles.unknown(crate::state::handles::Kind::Mipmaps, first)),
        },
        2 => {
            aligned(first)?;
            driver.on_device(first, third)?;
            let level = Level { address: first, size: [0, 1, 1], pitch: third, slice: third };
            let mut array = texels(Geometry::Linear, level)?;
            array.levels[0].size[0] = (third / array.texel_bytes()) as u32;
            Ok(array)
        }
        3 => {
            let (width, height, pitch) = (third, fourth, fifth);
            aligned(first)?;
            let size = [width as u32, height as u32, 1];
            let array = texels(Geometry::Plane, Level { address: first, size, pitch, slice: pitch * height })?;
            let row = width * array.texel_bytes();
            if pitch % PITCH != 0 || pitch < row || width == 0 || height == 0 {
                let what =
                    format!("{height} rows of {row} bytes, {pitch} bytes apart, where multiples of {PITCH} are wanted");
                return wrong(Status::INVALID_VALUE, what);
            }
            driver.on_device(first, pitch * (height - 1) + row)?;
            Ok(array)
        }
        kind => wrong(Status::INVALID_VALUE, format!("there is no kind {kind} of resources")),
    }
}

fn aligned(address: u64) -> Answer {
    match address % ALIGNMENT {
        0 => Ok(()),
        _ => wrong(Status::INVALID_VALUE, format!("the texture's address {address:#x} is no multiple of {ALIGNMENT}")),
    }
}

/// How it is sampled.
fn sampler(sampling: &Sampling, array: &Array) -> Answer<Sampler> {
    let [along_x, along_y, along_z, filter, flags, anisotropy, level_filter, bias, least, most, ..] = *sampling;
    let addressing = |number: u32| match number {
        0 => Ok(Addressing::Wrap),
        1 => Ok(Addressing::Clamp),
        2 => Ok(Addressing::Mirror),
        3 => Ok(Addressing::Border),
        _ => wrong(Status::INVALID_VALUE, format!("there is no address mode {number}")),
    };
    let linear = |number: u32| match number {
        0 | 1 => Ok(number == 1),
        _ => wrong(Status::INVALID_VALUE, format!("there is no filter mode {number}")),
    };
    // Colours of screens, seams of cubes and samples that are longer than wide are not there.
    if flags & !(AS_INTEGER | NORMALIZED | NOT_FASTER) != 0 || anisotropy > 1 {
        return Err(Status::NOT_SUPPORTED.into());
    }
    let border = std::array::from_fn(|channel| f32::from_bits(sampling[10 + channel]));
    let sampler = Sampler {
        normalized: flags & NORMALIZED != 0,
        linear: linear(filter)? && array.geometry != Geometry::Linear,
        addressing: [addressing(along_x)?, addressing(along_y)?, addressing(along_z)?],
        as_float: flags & AS_INTEGER == 0,
        border,
        mixes_levels: linear(level_filter)?,
        level_bias: f32::from_bits(bias),
        level_range: [f32::from_bits(least), f32::from_bits(most)],
    };
    if !array.format.gives_floats(sampler.as_float) {
        if sampler.linear {
            let what = format!("a linear filter of {:?}, which are read as integers", array.format);
            return wrong(Status::INVALID_VALUE, what);
        }
        // What a border of integers is made of, nothing says.
        if border != [0.0; 4] && sampler.addressing.contains(&Addressing::Border) {
            return Err(Status::NOT_SUPPORTED.into());
        }
    }
    Ok(sampler)
}

/// A view of only a part of the texels, or as of another format, is not there.
#[unsafe(no_mangle)]
extern "C" fn cuTexObjectCreate(
    texture: Out<u64>,
    resource: In<Resource>,
    sampling: In<Sampling>,
    view: In<u8>,
) -> u32 {
    in_context("cuTexObjectCreate", |driver, context| {
        let (resource, sampling) = (resource.get()?, sampling.get()?);
        if !view.is_null() {
            return Err(Status::NOT_SUPPORTED.into());
        }
        let array = array(driver, &resource)?;
        let sampler = sampler(&sampling, &array)?;
        let object = Object { context, resource, sampling: Some(sampling) };
        texture.put(driver.make_object(object, texture::Object::Texture(array, sampler)))
    })
}

fn destroy(name: &'static str, handle: u64, texture: bool) -> u32 {
    in_context(name, |driver, _| {
        driver.object(handle, texture)?;
        driver.end_object(handle);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuTexObjectDestroy(texture: u64) -> u32 {
    destroy("cuTexObjectDestroy", texture, true)
}

#[unsafe(no_mangle)]
extern "C" fn cuTexObjectGetResourceDesc(resource: Out<Resource>, texture: u64) -> u32 {
    in_context("cuTexObjectGetResourceDesc", |driver, _| resource.put(driver.object(texture, true)?.resource))
}

#[unsafe(no_mangle)]
extern "C" fn cuTexObjectGetTextureDesc(sampling: Out<Sampling>, texture: u64) -> u32 {
    in_context("cuTexObjectGetTextureDesc", |driver, _| {
        sampling.put(driver.object(texture, true)?.sampling.ok_or(Status::INVALID_VALUE)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuSurfObjectCreate(surface: Out<u64>, resource: In<Resource>) -> u32 {
    in_context("cuSurfObjectCreate", |driver, context| {
        let resource = resource.get()?;
        if resource[0] as u32 != 0 {
            return wrong(Status::INVALID_VALUE, "surfaces are of arrays alone");
        }
        let array = array(driver, &resource)?;
        if driver.array(resource[1])?.descriptor.flags & SURFACES == 0 {
            return wrong(Status::INVALID_VALUE, "the array was made without CUDA_ARRAY3D_SURFACE_LDST");
        }
        let object = Object { context, resource, sampling: None };
        surface.put(driver.make_object(object, texture::Object::Surface(array)))
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuSurfObjectDestroy(surface: u64) -> u32 {
    destroy("cuSurfObjectDestroy", surface, false)
}

#[unsafe(no_mangle)]
extern "C" fn cuSurfObjectGetResourceDesc(resource: Out<Resource>, surface: u64) -> u32 {
    in_context("cuSurfObjectGetResourceDesc", |driver, _| resource.put(driver.object(surface, false)?.resource))
}
