//! Where a picture is from, and a digest by which it is known again under any name.

use std::fmt;
use std::str::FromStr;

use image::RgbImage;
use sha2::{Digest as _, Sha256};

use super::Size;
use super::picture::Conversion;

/// The first 128 bits of SHA-256 of a decoded picture: equal for equal pixels in one size, whatever the file's format or name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Of a decoded picture.
    pub fn of_picture(picture: &RgbImage) -> Self {
        Self::of(Size { height: picture.height() as usize, width: picture.width() as usize }, picture)
    }

    /// Of `height * width * 3` bytes, upright and in the picture's own size.
    pub fn of(size: Size, pixels: &[u8]) -> Self {
        let sides = [size.height, size.width].map(|side| (side as u64).to_le_bytes());
        let whole: [u8; 32] = Sha256::new().chain_update(sides.concat()).chain_update(pixels).finalize().into();
        Self(std::array::from_fn(|at| whole[at]))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let byte = |at: usize| text.get(2 * at..2 * at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
        let bytes: Option<Vec<u8>> = (0..16).map(byte).collect();
        let bytes = bytes.filter(|_| text.len() == 32).ok_or_else(|| format!("{text:?} is no digest of 32 digits"))?;
        Ok(Self(std::array::from_fn(|at| bytes[at])))
    }
}

/// Sums over the pixels of pictures: integers, so exact in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// Pixels.
    pub count: u64,
    /// Of each channel's values.
    pub sum: [u64; 3],
    /// Of their squares.
    pub squares: [u64; 3],
}

impl Moments {
    /// Of `[…, 3]` values.
    pub fn of(pixels: &[u8]) -> Self {
        let mut moments = Self { count: pixels.len() as u64 / 3, ..Self::default() };
        for pixel in pixels.chunks_exact(3) {
            for (channel, &value) in pixel.iter().enumerate() {
                let value = u64::from(value);
                moments.sum[channel] += value;
                moments.squares[channel] += value * value;
            }
        }
        moments
    }

    /// Of both.
    pub fn and(self, other: &Self) -> Self {
        let add = |one: [u64; 3], other: [u64; 3]| std::array::from_fn(|channel| one[channel] + other[channel]);
        Self {
            count: self.count + other.count,
            sum: add(self.sum, other.sum),
            squares: add(self.squares, other.squares),
        }
    }
}

/// What is known of a picture besides the pixels that a network gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its file, or which picture of which part it is.
    pub file: String,
    /// Of its pixels before they were resized.
    pub digest: Digest,
    /// Its own size.
    pub size: Size,
    /// What had to be converted.
    pub conversions: Vec<Conversion>,
    /// Of a picture file, in the size that a network gets.
    pub moments: Moments,
}

impl Origin {
    /// Of a picture with these `pixels`.
    pub fn new(file: String, size: Size, pixels: &[u8], conversions: Vec<Conversion>) -> Self {
        Self { file, digest: Digest::of(size, pixels), size, conversions, moments: Moments::default() }
    }
}
