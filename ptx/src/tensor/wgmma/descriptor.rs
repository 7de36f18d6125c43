//! Where `wgmma` finds a matrix in shared memory (9.7.15.5.1.2).

use crate::tensor::element::Element;
use crate::tensor::swizzle::Swizzle;

/// Which of a matrix's dimensions lies together in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Major {
    K,
    /// Rows of A, columns of B.
    Mn,
}

/// A matrix descriptor (9.7.15.5.1.2.2): 64 bits of a register. Addresses and offsets are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    pub start: u32,
    pub leading: u32,
    pub stride: u32,
    /// Rows of 128 bytes that the swizzle's pattern begins above a multiple of its period.
    pub base: u32,
    pub swizzle: Swizzle,
}

impl Descriptor {
    /// # Errors
    /// Bits that no field has; a base offset without a swizzle.
    pub fn decode(bits: u64) -> Result<Self, String> {
        let field = |low: u32| (bits >> low) as u32 & 0x3fff;
        let fields = 0x3fff | 0x3fff << 16 | 0x3fff << 32 | 7 << 49 | 3 << 62;
        if bits & !fields != 0 {
            return Err(format!(
                "a matrix descriptor has bits set that belong to no field: {:#x} of {bits:#x}",
                bits & !fields
            ));
        }
        let swizzle = [Swizzle::None, Swizzle::B128, Swizzle::B64, Swizzle::B32][(bits >> 62) as usize];
        let base = (bits >> 49) as u32 & 7;
        if swizzle == Swizzle::None && base != 0 {
            return Err(format!(
                "a matrix descriptor without swizzle has base offset {base}, which only swizzles have"
            ));
        }
        Ok(Descriptor { start: field(0) << 4, leading: field(16) << 4, stride: field(32) << 4, base, swizzle })
    }

    /// The bits that [`Descriptor::decode`] reads. What is no multiple of 16 or exceeds 18 bits loses bits.
    pub const fn encode(&self) -> u64 {
        const fn field(bytes: u32) -> u64 {
            (bytes as u64 & 0x3ffff) >> 4
        }
        let swizzle: u64 = match self.swizzle {
            Swizzle::None => 0,
            Swizzle::B128 => 1,
            Swizzle::B64 => 2,
            Swizzle::B32 => 3,
        };
        let base = self.base as u64 & 7;
        field(self.start) | field(self.leading) << 16 | field(self.stride) << 32 | base << 49 | swizzle << 62
    }
}

/// A matrix of `mn` rows (A) or columns (B) in shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    descriptor: Descriptor,
    element: Element,
    major: Major,
    mn: usize,
    /// Bytes of k in each row or column: 32, or 64.
    depth: usize,
}

impl Operand {
    /// The matrix of a descriptor.
    ///
    /// # Errors
    /// What [`Descriptor::decode`] finds; elements of other than 16 bits across k; a start that is not the beginning of the
    /// swizzle's pattern (along the dimension that lies together it may be further on, as long as the matrix does not leave
    /// the pattern's row); rows that are longer than the pattern's.
    pub fn new(bits: u64, element: Element, major: Major, mn: usize, depth: usize) -> Result<Self, String> {
        let descriptor = Descriptor::decode(bits)?;
        if major == Major::Mn && element.bits() != 16 {
            return Err(format!(
                "elements of {} bits lie along k; only those of 16 bits may lie across it",
                element.bits()
            ));
        }
        let Descriptor { start, swizzle, base, .. } = descriptor;
        if swizzle != Swizzle::None {
            let (row, period) = (16 * swizzle.units(), swizzle.period());
            if (start - start % row) % period != 128 * base % period {
                return Err(format!(
                    "a matrix that begins at shared address {start:#x} with base offset {base} does not begin where a \
                     {row}-byte swizzle does, which repeats every {period} bytes"
                ));
            }
            let bytes = if major == Major::K { depth } else { mn * element.bits() / 8 } as u32;
            // Across k, rows of the pattern follow each other.
            if start % row + bytes > row && (start % row != 0 || major == Major::K) {
                return Err(format!(
                    "a matrix that begins {} bytes into a row of a {row}-byte swizzle needs {bytes} bytes, more than are left",
                    start % row
                ));
            }
        }
        Ok(Operand { descriptor, element, major, mn, depth })
    }

    /// The shared memory address of element (row of A or column of B, k): its byte, and for elements of less than a byte the
    /// one that they share. The layouts are those of 9.7.15.5.1.2.1; a unit has 16 bytes, a core matrix eight units.
    ///
    /// - along k, no swizzle: units of a core matrix beside each other; the next 16 bytes of k `leading` on
    /// - along k, swizzled: rows of the swizzle's bytes, eight to a pattern; `leading` is not looked at
    /// - across k, no swizzle: units of 8 elements, a k each; the next 8 elements `stride`, the next 8 k `leading` on
    /// - across k, swizzled: rows of the swizzle's bytes, a k each; the next elements `leading`, the next 8 k `stride` on
    ///
    /// Along k, the next 8 rows are `stride` on.
    pub fn address(&self, mn: usize, k: usize) -> u32 {
        let Descriptor { start, leading, stride, base, swizzle } = self.descriptor;
        let (mn, bytes) = (mn as u32, (k * self.element.bits() / 8) as u32);
        let row = 16 * swizzle.units();
        let offset = match (self.major, swizzle) {
            (Major::K, Swizzle::None) => mn % 8 * 16 + mn / 8 * stride + bytes / 16 * leading + bytes % 16,
            (Major::K, _) => mn % 8 * row + mn / 8 * stride + bytes,
            (Major::Mn, Swizzle::None) => {
                let k = k as u32;
                mn % 8 * 2 + mn / 8 * stride + k % 8 * 16 + k / 8 * leading
            }
            (Major::Mn, _) => {
                let (k, per_row) = (k as u32, row / 2);
                mn % per_row * 2 + mn / per_row * leading + k % 8 * row + k / 8 * stride
            }
        };
        swizzle.apply(start + offset, base)
    }

    /// The units of 16 bytes that hold the matrix: the first element's row or column and k, and the shared memory address.
    /// Further elements of the unit follow along the dimension that lies together.
    pub fn units(&self) -> impl Iterator<Item = (usize, usize, u32)> {
        let (per, depth) = (128 / self.element.bits(), 8 * self.depth / self.element.bits());
        let (mn_step, k_step) = if self.major == Major::K { (1, per) } else { (per, 1) };
        let (operand, steps) = (*self, depth / k_step);
        (0..self.mn / mn_step * steps).map(move |unit| {
            let (mn, k) = (unit / steps * mn_step, unit % steps * k_step);
            (mn, k, operand.address(mn, k))
        })
    }

    pub const fn major(&self) -> Major {
        self.major
    }
}
