//! Tensor maps (`cuda.h`: "Tensor Map Object Management"), as the machine reads them.

use warptape_ptx::tensor::map::{Encode, TensorMap, im2col, tiled};

use super::{In, Out};
use crate::state::Driver;
use crate::state::enter::call;
use crate::status::{Answer, Refusal, Status, wrong};

/// `CUtensorMap`
type Map = [u8; 128];

/// The parameters that both calls have, as they lie in the program.
struct Given {
    data: u32,
    rank: u32,
    address: u64,
    dimensions: In<u64>,
    strides: In<u64>,
    steps: In<u32>,
    interleave: u32,
    swizzle: u32,
    promotion: u32,
    fill: u32,
}

/// So many values.
fn row<T>(from: &In<T>, count: usize) -> Answer<Vec<T>> {
    (0..count).map(|index| from.nth(index)).collect()
}

impl Given {
    /// Makes the map that `of` makes of them, and puts it where maps may lie: at multiples of 64 bytes.
    fn make(
        &self,
        driver: &Driver,
        to: &Out<Map>,
        of: impl FnOnce(&Encode) -> Answer<Result<TensorMap, String>>,
    ) -> Answer {
        let rank = self.rank as usize;
        if !(1..=5).contains(&rank) {
            return wrong(Status::INVALID_VALUE, format!("tensorRank is {rank}, but must be 1 to 5"));
        }
        if !(to.0 as usize).is_multiple_of(64) {
            return wrong(Status::INVALID_VALUE, format!("the map at {:p} is not aligned to 64 bytes", to.0));
        }
        driver.on_device(self.address, 1)?;
        let (dimensions, strides) = (row(&self.dimensions, rank)?, row(&self.strides, rank - 1)?);
        let element_strides = row(&self.steps, rank)?;
        let encode = Encode {
            data: self.data,
            rank: self.rank,
            address: self.address,
            dimensions: &dimensions,
            strides: &strides,
            element_strides: &element_strides,
            interleave: self.interleave,
            swizzle: self.swizzle,
            l2_promotion: self.promotion,
            oob_fill: self.fill,
        };
        let map = of(&encode)?.or_else(|why| wrong(Status::INVALID_VALUE, why))?;
        to.put(map.encode())
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuTensorMapEncodeTiled(
    map: Out<Map>,
    data: u32,
    rank: u32,
    address: u64,
    dimensions: In<u64>,
    strides: In<u64>,
    extent: In<u32>,
    steps: In<u32>,
    interleave: u32,
    swizzle: u32,
    promotion: u32,
    fill: u32,
) -> u32 {
    call("cuTensorMapEncodeTiled", |driver| {
        let given = Given { data, rank, address, dimensions, strides, steps, interleave, swizzle, promotion, fill };
        given.make(driver, &map, |encode| Ok(tiled(encode, &row(&extent, rank as usize)?)))
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuTensorMapEncodeIm2col(
    map: Out<Map>,
    data: u32,
    rank: u32,
    address: u64,
    dimensions: In<u64>,
    strides: In<u64>,
    lower: In<i32>,
    upper: In<i32>,
    channels: u32,
    pixels: u32,
    steps: In<u32>,
    interleave: u32,
    swizzle: u32,
    promotion: u32,
    fill: u32,
) -> u32 {
    call("cuTensorMapEncodeIm2col", |driver| {
        let given = Given { data, rank, address, dimensions, strides, steps, interleave, swizzle, promotion, fill };
        given.make(driver, &map, |encode| {
            if rank < 3 {
                return wrong(Status::INVALID_VALUE, format!("tensorRank is {rank}, but must be 3 to 5"));
            }
            let corners = rank as usize - 2;
            Ok(im2col(encode, &row(&lower, corners)?, &row(&upper, corners)?, channels, pixels))
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuTensorMapReplaceAddress(map: Out<Map>, address: u64) -> u32 {
    call("cuTensorMapReplaceAddress", |driver| {
        driver.on_device(address, 1)?;
        let told = |why| Refusal { status: Status::INVALID_VALUE, why: Some(why) };
        let changed = TensorMap { address, ..TensorMap::decode(&map.get()?).map_err(told)? };
        changed.check().map_err(told)?;
        map.put(changed.encode())
    })
}
