//! PyTorch's format before 1.6: pickles of a magic number, a version, the machine, the object, and the storages' keys, one after
//! the other; then each storage, as its number of elements and the elements.
//!
//! Elements are little-endian on every machine, whatever the pickled `little_endian` says.

use std::collections::HashMap;
use std::fs::File;

use super::convert::placed;
use super::state;
use super::{Format, Found, bytes_at, pickled};
use crate::pickle::Pickle;

/// The pickled magic number, from its operation on: before it stand a protocol and a frame, by the protocol.
const MAGIC: &[u8] = &[0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];
const VERSION: i64 = 1001;
/// Bytes of all the pickles at the most.
const LONGEST: u64 = 64 << 20;

/// Where the pickle of the magic number ends, if a file that begins like this begins with it.
pub(super) fn magic(start: &[u8]) -> Option<usize> {
    let before = start.get(..24).unwrap_or(start).windows(MAGIC.len()).position(|window| window == MAGIC)?;
    Some(before + MAGIC.len())
}

/// What a file holds.
pub(super) fn read(file: &mut File, start: &[u8], length: u64) -> Result<Found, String> {
    let bytes = bytes_at(file, 0, length.min(LONGEST))?;
    let mut at = magic(start).ok_or("does not begin with PyTorch's magic number")?;
    let mut next = |what: &str| {
        let (pickle, taken) = Pickle::first(&bytes[at..]).map_err(|error| pickled(format!("its {what} {error}")))?;
        at += taken;
        Ok::<_, String>(pickle)
    };
    let version = next("version")?;
    let version = version.integer(version.root());
    if version != Some(VERSION) {
        let version = version.map_or("none".into(), |version| version.to_string());
        return Err(format!("has version {version} of PyTorch's old format; {VERSION} is read"));
    }
    next("description of a machine")?;
    let object = next("object")?;
    let (tensors, notes) = state::tensors(&object)?;
    let keys = next("list of storages")?;
    let keys = keys.texts(keys.root()).ok_or("has no list of storages")?;
    let known: HashMap<String, (u64, u64)> =
        object.storages().map(|(key, elements, size)| (key, (elements, size))).collect();
    let (mut places, mut at) = (HashMap::new(), at as u64);
    for key in keys {
        let &(elements, size) =
            known.get(&key).ok_or_else(|| format!("holds storage '{key}', which no tensor uses"))?;
        let bytes = elements.checked_mul(size).filter(|bytes| bytes.saturating_add(at + 8) <= length);
        let bytes = bytes.ok_or_else(|| format!("storage '{key}' reaches beyond its {length} bytes: truncated"))?;
        let head = bytes_at(file, at, 8)?;
        let written = head.iter().rev().fold(0u64, |word, &byte| word << 8 | u64::from(byte));
        if written != elements {
            return Err(format!(
                "storage '{key}' at offset {at} has {written} elements where {elements} are announced"
            ));
        }
        places.insert(key, at + 8);
        at += 8 + bytes;
    }
    if at != length {
        return Err(format!("too long, {length} bytes where {at} are described"));
    }
    let place = |tensor: &crate::pickle::torch::Tensor| {
        places.get(&tensor.key).copied().ok_or_else(|| format!("storage '{}' is missing", tensor.key))
    };
    Ok(Found { format: Format::Legacy, notes, tensors: placed(tensors, place)?, big_endian: false, prepared: None })
}
