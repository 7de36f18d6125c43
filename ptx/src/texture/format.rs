//! What a texel holds.

use crate::number::half::from_f16;

/// Types of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    U8,
    U16,
    U32,
    S8,
    S16,
    S32,
    F16,
    F32,
}

/// The four channels that a texel is read as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Texel {
    Float([f32; 4]),
    /// With their signs extended.
    Integer([u32; 4]),
}

impl Format {
    /// Bytes of a channel.
    pub fn bytes(self) -> u32 {
        match self {
            Format::U8 | Format::S8 => 1,
            Format::U16 | Format::S16 | Format::F16 => 2,
            Format::U32 | Format::S32 | Format::F32 => 4,
        }
    }

    /// Whether floats are read; `as_float` is the sampler's.
    pub fn gives_floats(self, as_float: bool) -> bool {
        matches!(self, Format::F16 | Format::F32) || as_float && self.bytes() < 4
    }

    /// A texel of so many channels; those that it does not have are 0.
    ///
    /// # Safety
    /// `from` points to as many bytes.
    pub unsafe fn texel(self, from: *const u8, channels: u32, as_float: bool) -> Texel {
        let channel = |number: usize| -> u32 {
            if number >= channels as usize {
                return 0;
            }
            // SAFETY: the caller's promise.
            unsafe {
                match self {
                    Format::U8 => from.add(number).read().into(),
                    Format::S8 => i32::from(from.cast::<i8>().add(number).read()) as u32,
                    Format::U16 | Format::F16 => from.cast::<u16>().add(number).read_unaligned().into(),
                    Format::S16 => i32::from(from.cast::<i16>().add(number).read_unaligned()) as u32,
                    Format::U32 | Format::S32 | Format::F32 => from.cast::<u32>().add(number).read_unaligned(),
                }
            }
        };
        let bits = std::array::from_fn(channel);
        if !self.gives_floats(as_float) {
            return Texel::Integer(bits);
        }
        // The smallest negative integer is -1 as its neighbour is.
        let signed = |bits: u32, most: f32| (bits as i32 as f32 / most).max(-1.0);
        Texel::Float(bits.map(|bits| match self {
            Format::F32 => f32::from_bits(bits),
            Format::F16 => from_f16(bits as u16),
            Format::U8 => bits as f32 / 255.0,
            Format::U16 => bits as f32 / 65535.0,
            Format::S8 => signed(bits, 127.0),
            _ => signed(bits, 32767.0),
        }))
    }
}
