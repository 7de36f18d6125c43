//! Which bytes of global memory are which bytes of shared memory.

use super::{Mode, TensorMap};

/// Where in the tensor a copy begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The instruction's tensor coordinates, dimension 0 first.
    pub coordinates: [i32; 5],
    /// The instruction's im2col offsets in W, H, D.
    pub offsets: [u16; 3],
}

/// 16 bytes of shared memory and what belongs there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Their address in shared memory, swizzled.
    pub shared: u32,
    /// The address in global memory that belongs to the first of them; read and write only those from `first` to before `end`.
    pub global: u64,
    /// Bytes of the unit before `first` and from `end` on lie outside the tensor: not written to global memory, and filled in
    /// shared memory. Both are multiples of the element's size.
    pub first: u8,
    pub end: u8,
}

impl TensorMap {
    /// Calls `each` for all units of a copy between shared memory at address `shared` and the tensor, row after row.
    ///
    /// # Errors
    /// A map that cannot be used ([`TensorMap::check`]); a shared address that is not aligned to 128 bytes; of im2col,
    /// offsets beyond their range and a start outside the bounding box.
    pub fn units(&self, start: &Start, shared: u32, mut each: impl FnMut(Unit)) -> Result<(), String> {
        self.check()?;
        if !shared.is_multiple_of(128) {
            return Err(format!("a tensor copy's shared memory address {shared:#x} is not aligned to 128 bytes"));
        }
        match self.mode {
            Mode::Tiled { .. } => self.tiles(start, |row, place| self.row(row, place, shared, &mut each)),
            Mode::Im2col { .. } => {
                self.check_start(start)?;
                self.pixels(start, |row, place| self.row(row, place, shared, &mut each));
            }
        }
        Ok(())
    }

    /// Calls `each` for all rows of a box: the row's number and coordinates.
    fn tiles(&self, start: &Start, mut each: impl FnMut(u32, [i64; 5])) {
        let counts = self.counts();
        for row in 0..self.rows() {
            let mut left = row;
            let mut place = start.coordinates.map(i64::from);
            for index in 0..4 {
                place[index + 1] += i64::from(left % counts[index] * self.steps[index + 1]);
                left /= counts[index];
            }
            each(row, place);
        }
    }

    /// Calls `each` for all pixels of a column: the filter's base goes through the bounding box, W first, and on into the
    /// next image; the offsets lead from it to the pixel.
    fn pixels(&self, start: &Start, mut each: impl FnMut(u32, [i64; 5])) {
        let Mode::Im2col { lower, upper, pixels, .. } = self.mode else { return };
        let (inner, mut base) = (self.rank - 2, start.coordinates.map(i64::from));
        for row in 0..pixels {
            let mut place = base;
            (0..inner).for_each(|index| place[index + 1] += i64::from(start.offsets[index]));
            each(row, place);
            let mut index = 0;
            while index < inner {
                base[index + 1] += i64::from(self.steps[index + 1]);
                if base[index + 1] < self.dimensions[index + 1] as i64 + i64::from(upper[index]) {
                    break;
                }
                base[index + 1] = lower[index].into();
                index += 1;
            }
            if index == inner {
                base[inner + 1] += i64::from(self.steps[inner + 1]);
            }
        }
    }

    fn check_start(&self, start: &Start) -> Result<(), String> {
        let Mode::Im2col { lower, upper, .. } = self.mode else { return Ok(()) };
        let most = [u16::MAX, 255, 31][self.rank - 3];
        for (index, name) in ["W", "H", "D"][..self.rank - 2].iter().enumerate() {
            if start.offsets[index] > most {
                return Err(format!(
                    "the im2col offset in {name} is {}, but must be 0 to {most}",
                    start.offsets[index]
                ));
            }
            let base = i64::from(start.coordinates[index + 1]);
            let (low, high) = (lower[index].into(), self.dimensions[index + 1] as i64 - 1 + i64::from(upper[index]));
            if base < low || base > high {
                return Err(format!(
                    "the coordinate in {name} is {base}, outside the bounding box from {low} to {high}"
                ));
            }
        }
        Ok(())
    }

    /// The units of a row that begins at `place`.
    fn row(&self, row: u32, place: [i64; 5], shared: u32, each: &mut impl FnMut(Unit)) {
        let size = i64::from(self.data.size());
        let outer = 1..self.rank;
        let inside = outer.clone().all(|index| (0..self.dimensions[index] as i64).contains(&place[index]));
        let address = outer.fold(self.address, |address, index| {
            address.wrapping_add((place[index] as u64).wrapping_mul(self.strides[index - 1]))
        });
        let bytes = self.dimensions[0] as i64 * size;
        for byte in (0..self.row_bytes()).step_by(16) {
            // The unit's place in the tensor's row.
            let from = place[0] * size + i64::from(byte);
            let (first, end) = if inside { ((-from).clamp(0, 16), (bytes - from).clamp(0, 16)) } else { (0, 0) };
            each(Unit {
                shared: self.swizzle.apply(shared + row * self.pitch() + byte, 0),
                global: address.wrapping_add(from as u64),
                first: first as u8,
                end: end as u8,
            });
        }
    }
}
