//! What must hold of a tensor map (CUDA Driver API, "Tensor Map Object Management").

use super::{Mode, TensorMap};
use crate::tensor::swizzle::Swizzle;

type Checked = Result<(), String>;

impl TensorMap {
    /// Whether the map can be used.
    ///
    /// # Errors
    /// The first rule that does not hold, by the names of the driver's parameters.
    pub fn check(&self) -> Checked {
        if !(1..=5).contains(&self.rank) {
            return Err(format!("tensorRank is {}, but must be 1 to 5", self.rank));
        }
        if !self.address.is_multiple_of(16) {
            return Err(format!("globalAddress {:#x} is not aligned to 16 bytes", self.address));
        }
        self.check_tensor()?;
        match self.mode {
            Mode::Tiled { extent } => self.check_box(&extent[..self.rank])?,
            Mode::Im2col { lower, upper, channels, pixels } => self.check_pixels(&lower, &upper, channels, pixels)?,
        }
        self.check_row()?;
        if self.fill_nan && !self.data.is_float() {
            return Err(format!("oobFill asks for NaN, which elements of type {:?} have none of", self.data));
        }
        Ok(())
    }

    fn check_tensor(&self) -> Checked {
        for (index, size) in self.dimensions[..self.rank].iter().enumerate() {
            if *size == 0 || *size > 1 << 32 {
                return Err(format!("globalDim[{index}] is {size}, but must be 1 to 2^32"));
            }
        }
        for (index, stride) in self.strides[..self.rank - 1].iter().enumerate() {
            if !stride.is_multiple_of(16) || *stride >= 1 << 40 {
                return Err(format!("globalStrides[{index}] is {stride}, but must be a multiple of 16 below 2^40"));
            }
            let least =
                if index == 0 { self.dimensions[0] * u64::from(self.data.size()) } else { self.dimensions[index] };
            if *stride < least {
                return Err(format!(
                    "globalStrides[{index}] is {stride}, less than the {least} that globalDim asks for"
                ));
            }
        }
        for (index, step) in self.steps[..self.rank].iter().enumerate().skip(1) {
            if !(1..=8).contains(step) {
                return Err(format!("elementStrides[{index}] is {step}, but must be 1 to 8"));
            }
        }
        Ok(())
    }

    fn check_box(&self, extent: &[u32]) -> Checked {
        match extent.iter().position(|size| !(1..=256).contains(size)) {
            Some(index) => Err(format!("boxDim[{index}] is {}, but must be 1 to 256", extent[index])),
            None => Ok(()),
        }
    }

    fn check_pixels(&self, lower: &[i32; 3], upper: &[i32; 3], channels: u32, pixels: u32) -> Checked {
        let range = match self.rank {
            3 => -32768..=32767,
            4 => -128..=127,
            5 => -16..=15,
            rank => return Err(format!("tensorRank is {rank}, but im2col takes 3, 4 or 5")),
        };
        // The driver's arrays begin with the outermost dimension.
        for index in 0..self.rank - 2 {
            let theirs = self.rank - 3 - index;
            for (name, corner) in [("Lower", lower[index]), ("Upper", upper[index])] {
                if !range.contains(&corner) {
                    let (first, last) = (range.start(), range.end());
                    return Err(format!("pixelBox{name}Corner[{theirs}] is {corner}, but must be {first} to {last}"));
                }
            }
            let last = self.dimensions[index + 1] as i64 - 1 + i64::from(upper[index]);
            if last < i64::from(lower[index]) {
                return Err(format!(
                    "pixelBoxLowerCorner[{theirs}] {} and pixelBoxUpperCorner[{theirs}] {} leave nothing of {} pixels",
                    lower[index],
                    upper[index],
                    self.dimensions[index + 1]
                ));
            }
        }
        if !(1..=256).contains(&channels) {
            return Err(format!("channelsPerPixel is {channels}, but must be 1 to 256"));
        }
        if !(1..=1024).contains(&pixels) {
            return Err(format!("pixelsPerColumn is {pixels}, but must be 1 to 1024"));
        }
        Ok(())
    }

    fn check_row(&self) -> Checked {
        let name = if matches!(self.mode, Mode::Tiled { .. }) { "boxDim[0]" } else { "channelsPerPixel" };
        let bytes = self.row_bytes();
        if !bytes.is_multiple_of(16) {
            return Err(format!("{name} times the size of an element is {bytes} bytes, but must be a multiple of 16"));
        }
        let most = 16 * self.swizzle.units();
        if self.swizzle != Swizzle::None && bytes > most {
            return Err(format!(
                "{name} times the size of an element is {bytes} bytes, more than the swizzle's {most}"
            ));
        }
        Ok(())
    }
}
