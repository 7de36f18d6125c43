//! `.safetensors`: the length of a header, the header in JSON, and the elements without a gap.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use safetensors::tensor::{Dtype, Metadata};

use super::{Element, Format, Found, Preparation, Tensor, few, said};
use crate::weights::state::OPTIMIZER;

/// Bytes of a header at the most. The format allows 100 MB, of which JSON makes a gigabyte in memory; a thousand tensors take
/// 0.1 MB.
const LONGEST_HEADER: u64 = 8 << 20;

/// The header of `file`, which has `length` bytes, and where the elements begin. Memory is asked for only when header and file
/// agree on the length, so that a file of another kind, or one that never ends, costs nothing.
///
/// # Errors
/// What is wrong, in words to which the file's name is added.
pub(crate) fn header(file: &mut File, length: u64) -> Result<(Metadata, u64), String> {
    file.seek(SeekFrom::Start(0)).map_err(|e| said(&e))?;
    let mut bytes = Vec::new();
    Read::by_ref(file).take(8).read_to_end(&mut bytes).map_err(|e| said(&e))?;
    let Ok(size) = <[u8; 8]>::try_from(&bytes[..]).map(u64::from_le_bytes) else {
        return Err(format!("it ends at offset {}, inside the header's length", bytes.len()));
    };
    if size > length.saturating_sub(8) {
        return Err(format!("a header of {size} bytes does not fit into its {length} bytes"));
    }
    if size > LONGEST_HEADER {
        return Err(format!("a header of {size} bytes, of which at most {LONGEST_HEADER} are read"));
    }
    bytes.clear();
    Read::by_ref(file).take(size).read_to_end(&mut bytes).map_err(|e| said(&e))?;
    let header: Metadata = serde_json::from_slice(&bytes).map_err(|e| format!("the header at offset 8: {e}"))?;
    let expected = (header.data_len() as u64).saturating_add(8 + size);
    if length != expected {
        let what = if length < expected { "truncated" } else { "too long" };
        return Err(format!("{what}, {length} bytes where its header describes {expected}"));
    }
    Ok((header, 8 + size))
}

/// What a file holds; an optimizer's tensors, as our checkpoints have them, are left out.
pub(super) fn read(file: &mut File, length: u64) -> Result<Found, String> {
    let (header, data) = header(file, length).map_err(|what| format!("is no readable .safetensors file: {what}"))?;
    let (names, prepared) = (header.offset_keys(), Preparation::ours(&header));
    few(names.len())?;
    let (theirs, names): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.starts_with(OPTIMIZER));
    let tensors = names.into_iter().filter_map(|name| {
        let info = header.info(&name)?;
        let (element, kind) = of(info.dtype);
        let (first, end) = info.data_offsets;
        let strides = row_by_row(&info.shape);
        let (at, span) = (data + first as u64, (end - first) as u64);
        Some(Tensor { name, element, kind, shape: info.shape.clone(), strides, at, span })
    });
    let tensors = tensors.collect();
    let mut notes = Vec::new();
    if !theirs.is_empty() {
        notes.push(format!("{} tensors of an optimizer are left out", theirs.len()));
    }
    Ok(Found { format: Format::Safetensors, notes, tensors, big_endian: false, prepared })
}

/// Strides of a tensor whose last axis is the closest.
pub(super) fn row_by_row(shape: &[usize]) -> Vec<u64> {
    let mut strides = vec![1u64; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis] as u64);
    }
    strides
}

/// What the format calls a type.
fn of(dtype: Dtype) -> (Option<Element>, String) {
    let element = match dtype {
        Dtype::F64 => Some(Element::F64),
        Dtype::F32 => Some(Element::F32),
        Dtype::F16 => Some(Element::F16),
        Dtype::BF16 => Some(Element::Bf16),
        Dtype::I64 => Some(Element::I64),
        Dtype::I32 => Some(Element::I32),
        Dtype::I16 => Some(Element::I16),
        Dtype::I8 => Some(Element::I8),
        Dtype::U8 => Some(Element::U8),
        Dtype::BOOL => Some(Element::Bool),
        _ => None,
    };
    (element, element.map_or_else(|| format!("{dtype:?}"), |element| element.to_string()))
}
