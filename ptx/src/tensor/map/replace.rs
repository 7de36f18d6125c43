//! `tensormap.replace` (9.7.9.28): changes one field of a tiled map. What fields say together is looked at when the map is
//! used, not before: they are replaced one after the other.

use super::{Data, Mode, TensorMap};
use crate::tensor::swizzle::Swizzle;

/// Which field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    GlobalAddress,
    Rank,
    BoxDim,
    GlobalDim,
    GlobalStride,
    ElementStride,
    Elemtype,
    InterleaveLayout,
    SwizzleMode,
    FillMode,
}

impl Field {
    /// The field of the instruction `parts`, its name between dots (`["tensormap", "replace", "tile", "rank", "shared::cta",
    /// "b1024", "b32"]`): None if there is none such in sm_90.
    pub fn find(parts: &[&str]) -> Option<Self> {
        let ["tensormap", "replace", "tile", field, space @ .., "b1024", width] = parts else { return None };
        let (field, wide) = match *field {
            "global_address" => (Field::GlobalAddress, true),
            "rank" => (Field::Rank, false),
            "box_dim" => (Field::BoxDim, false),
            "global_dim" => (Field::GlobalDim, false),
            "global_stride" => (Field::GlobalStride, true),
            "element_stride" => (Field::ElementStride, false),
            "elemtype" => (Field::Elemtype, false),
            "interleave_layout" => (Field::InterleaveLayout, false),
            "swizzle_mode" => (Field::SwizzleMode, false),
            "fill_mode" => (Field::FillMode, false),
            _ => return None,
        };
        let there = matches!(space, [] | ["global" | "shared::cta"]) && *width == if wide { "b64" } else { "b32" };
        there.then_some(field)
    }

    /// Whether the operand `ord` is written: the dimension, 0 to 4 (of strides that after, 0 to 3).
    pub const fn has_ordinal(self) -> bool {
        matches!(self, Field::BoxDim | Field::GlobalDim | Field::GlobalStride | Field::ElementStride)
    }
}

/// Elements as the instruction numbers them (table 33): not in the driver's order.
const ELEMENTS: [Data; 13] = [
    Data::U8,
    Data::U16,
    Data::U32,
    Data::S32,
    Data::U64,
    Data::S64,
    Data::F16,
    Data::F32,
    Data::F32Ftz,
    Data::F64,
    Data::Bf16,
    Data::Tf32,
    Data::Tf32Ftz,
];

/// Replaces a field of a map's 128 bytes; `ordinal` only where the field has one. Strides are in bytes.
///
/// # Errors
/// Bytes that are no map, or im2col's; a value that the field cannot hold.
pub fn replace(bytes: &mut [u8; 128], field: Field, ordinal: u32, value: u64) -> Result<(), String> {
    let mut map = TensorMap::decode(bytes)?;
    let Mode::Tiled { extent } = &mut map.mode else {
        return Err("tensormap.replace.tile changes tiled maps; this one is im2col".into());
    };
    let wrong = || format!("tensormap.replace cannot put {value} at ordinal {ordinal} of {field:?}");
    let ordinal = if field.has_ordinal() { ordinal as usize } else { 0 };
    let narrow = u32::try_from(value).ok();
    match field {
        Field::GlobalAddress => map.address = value,
        Field::Rank if value < 5 => map.rank = value as usize + 1,
        Field::BoxDim if value <= 256 => *extent.get_mut(ordinal).ok_or_else(wrong)? = value as u32,
        Field::GlobalDim if narrow.is_some() => *map.dimensions.get_mut(ordinal).ok_or_else(wrong)? = value,
        Field::GlobalStride => *map.strides.get_mut(ordinal).ok_or_else(wrong)? = value,
        Field::ElementStride if value <= 8 => *map.steps.get_mut(ordinal).ok_or_else(wrong)? = value as u32,
        Field::Elemtype => map.data = *ELEMENTS.get(value as usize).ok_or_else(wrong)?,
        Field::InterleaveLayout if value == 0 => (),
        Field::SwizzleMode => map.swizzle = *Swizzle::ALL.get(value as usize).ok_or_else(wrong)?,
        Field::FillMode if value <= 1 => map.fill_nan = value == 1,
        _ => return Err(wrong()),
    }
    *bytes = map.encode();
    Ok(())
}
