//! PyTorch's format since 1.6: a zip archive with a pickle, `data.pkl`, and an entry for each storage, none of them compressed.
//!
//! The list of entries is read here: libraries for archives ask for memory by the count that a file claims, and the file is not
//! to be believed. PyTorch writes no entry that is compressed or encrypted, so there is little else to a zip.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use flate2::Crc;

use super::convert::placed;
use super::{Format, Found, bytes_at, pickled, said, state};
use crate::pickle::Pickle;
use crate::pickle::torch::Tensor as Pickled;

/// Bytes of the list of entries at the most; 1000 tensors take 0.1 MB.
const LONGEST_LIST: u64 = 16 << 20;
/// Bytes of the pickle at the most.
const LONGEST_PICKLE: u64 = 64 << 20;
/// Bytes of the end record, and of the comment behind it at the most.
const END: usize = 22;
const LONGEST_COMMENT: u64 = 0xffff;

/// One entry.
#[derive(Clone, Copy)]
struct Entry {
    /// Where its own header is.
    header: u64,
    /// Its bytes in the archive.
    packed: u64,
    crc: u32,
    /// Whether they are what was put in: neither compressed nor encrypted.
    plain: bool,
}

/// What a file holds.
pub(super) fn read(file: &mut File, length: u64) -> Result<Found, String> {
    let entries = entries(file, length)?;
    let program =
        entries.iter().find(|(name, _)| name.split_once('/').map_or(&***name, |(_, rest)| rest) == "data.pkl");
    let Some((name, program)) = program else {
        return Err("is a zip archive, but none of PyTorch's: it has no data.pkl".into());
    };
    let folder = name.strip_suffix("data.pkl").unwrap_or_default().to_owned();
    if entries.contains_key(&format!("{folder}constants.pkl")) {
        return Err("is a TorchScript program, not weights: save model.state_dict()".into());
    }
    let bytes = contents(file, program, LONGEST_PICKLE).map_err(|what| format!("data.pkl {what}"))?;
    let (pickle, _) = Pickle::first(&bytes).map_err(|what| pickled(format!("data.pkl {what}")))?;
    let (tensors, notes) = state::tensors(&pickle)?;
    let order = entries.get(&format!("{folder}byteorder")).map(|entry| contents(file, entry, 16)).transpose()?;
    let big_endian = match order.as_deref() {
        None | Some(b"little") => false,
        Some(b"big") => true,
        Some(_) => return Err("its byteorder is neither little nor big".into()),
    };
    // Each storage is read once here, whether its checksum is right, however many tensors lie in it.
    let mut places = HashMap::new();
    for (_, tensor) in &tensors {
        if !places.contains_key(&tensor.key) {
            let wrong = |what: String| format!("storage '{}' {what}", tensor.key);
            let entry = entries.get(&format!("{folder}data/{}", tensor.key));
            let entry = entry.ok_or_else(|| wrong("is missing".into()))?;
            if entry.packed < tensor.bytes {
                return Err(wrong(format!("has {} bytes where {} are announced", entry.packed, tensor.bytes)));
            }
            let at = start(file, entry).and_then(|at| verify(file, at, entry).map(|()| at)).map_err(wrong)?;
            places.insert(tensor.key.clone(), (at, entry.packed));
        }
    }
    let place = |tensor: &Pickled| {
        let (at, bytes) = places[&tensor.key];
        if bytes < tensor.bytes { Err(format!("storage '{}' has {bytes} bytes", tensor.key)) } else { Ok(at) }
    };
    Ok(Found { format: Format::Zip, notes, tensors: placed(tensors, place)?, big_endian, prepared: None })
}

/// A number of `size` bytes, least significant first.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    Some(bytes.get(at..at + size)?.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)))
}

/// All entries by name.
fn entries(file: &mut File, length: u64) -> Result<BTreeMap<String, Entry>, String> {
    let broken = |what: &str| format!("is no whole zip archive: {what}");
    let (count, first, size) = list(file, length)?;
    if first.checked_add(size).is_none_or(|end| end > length) {
        return Err(broken("its list of entries reaches beyond its end"));
    }
    if size > LONGEST_LIST {
        return Err(format!("has a list of entries of {size} bytes, of which at most {LONGEST_LIST} are read"));
    }
    let bytes = bytes_at(file, first, size)?;
    let (mut entries, mut at, mut sum) = (BTreeMap::new(), 0, 0u64);
    for _ in 0..count {
        let (name, entry, next) = entry(&bytes, at).ok_or_else(|| broken("its list of entries is cut off"))?;
        sum = sum.saturating_add(entry.packed);
        entries.insert(name, entry);
        at = next;
    }
    // More than the file means entries that lie across each other.
    if sum > length {
        return Err(format!("its entries are {sum} bytes, of which its {length} cannot hold that many"));
    }
    Ok(entries)
}

/// How many entries the list has, where it begins and how many bytes it has.
fn list(file: &mut File, length: u64) -> Result<(u64, u64, u64), String> {
    let missing = || "is no whole zip archive: its end is missing (truncated)".to_owned();
    let tail = (END as u64 + LONGEST_COMMENT).min(length);
    let bytes = bytes_at(file, length - tail, tail)?;
    let is_end = |&at: &usize| {
        bytes[at..].starts_with(b"PK\x05\x06") && number(&bytes, at + 20, 2) == Some((bytes.len() - at - END) as u64)
    };
    let at = (0..=bytes.len().checked_sub(END).ok_or_else(missing)?).rev().find(is_end).ok_or_else(missing)?;
    let [count, size, first] = [(10, 2), (12, 4), (16, 4)].map(|(field, size)| number(&bytes, at + field, size));
    let (Some(count), Some(size), Some(first)) = (count, size, first) else { return Err(missing()) };
    if count != 0xffff && size != 0xffff_ffff && first != 0xffff_ffff {
        return Ok((count, first, size));
    }
    // Numbers that do not fit stand in a record of their own, which another one before the end leads to.
    let locator = at.checked_sub(20).filter(|&at| bytes[at..].starts_with(b"PK\x06\x07")).ok_or_else(missing)?;
    let record = number(&bytes, locator + 8, 8).filter(|record| record.saturating_add(56) <= length);
    let record = bytes_at(file, record.ok_or_else(missing)?, 56)?;
    if !record.starts_with(b"PK\x06\x06") {
        return Err(missing());
    }
    let [count, size, first] = [32, 40, 48].map(|field| number(&record, field, 8).unwrap_or(u64::MAX));
    Ok((count, first, size))
}

/// The entry in the list at `at`: its name, and where the next one begins. None if the list is over.
fn entry(list: &[u8], at: usize) -> Option<(String, Entry, usize)> {
    let field = |field: usize, size: usize| number(list, at + field, size);
    if !list.get(at..)?.starts_with(b"PK\x01\x02") {
        return None;
    }
    let [name, extra, comment] = [field(28, 2)? as usize, field(30, 2)? as usize, field(32, 2)? as usize];
    let next = at + 46 + name + extra + comment;
    let extra = list.get(at + 46 + name..at + 46 + name + extra)?;
    let name = String::from_utf8_lossy(list.get(at + 46..at + 46 + name)?).into_owned();
    let (flags, method, crc) = (field(8, 2)?, field(10, 2)?, field(16, 4)? as u32);
    let mut large = wide(extra);
    let mut wide = |short: u64| if short == 0xffff_ffff { large.next() } else { Some(short) };
    let (bytes, packed, header) = (wide(field(24, 4)?)?, wide(field(20, 4)?)?, wide(field(42, 4)?)?);
    let plain = flags & 1 == 0 && method == 0 && packed == bytes;
    Some((name, Entry { header, packed, crc, plain }, next))
}

/// The 64-bit numbers in an entry's extra fields.
fn wide(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut found: &[u8] = &[];
    while let (Some(tag), Some(size)) = (number(extra, 0, 2), number(extra, 2, 2)) {
        let Some(field) = extra.get(4..4 + size as usize) else { break };
        if tag == 1 {
            found = field;
        }
        extra = &extra[4 + size as usize..];
    }
    found.chunks_exact(8).filter_map(|word| number(word, 0, 8))
}

/// Where the bytes of `entry` begin.
fn start(file: &mut File, entry: &Entry) -> Result<u64, String> {
    if !entry.plain {
        let what = "is compressed or encrypted, which PyTorch does not do";
        return Err(format!("{what}: load the file in PyTorch and save it again"));
    }
    let broken = || "has no header of its own where the archive's list says".to_owned();
    let header = bytes_at(file, entry.header, 30).map_err(|_| broken())?;
    let sizes = number(&header, 26, 2).zip(number(&header, 28, 2)).filter(|_| header.starts_with(b"PK\x03\x04"));
    let (name, extra) = sizes.ok_or_else(broken)?;
    Ok(entry.header + 30 + name + extra)
}

/// The bytes of `entry`, at most `most`.
fn contents(file: &mut File, entry: &Entry, most: u64) -> Result<Vec<u8>, String> {
    if entry.packed > most {
        return Err(format!("has {} bytes, of which at most {most} are read", entry.packed));
    }
    let at = start(file, entry)?;
    let bytes = bytes_at(file, at, entry.packed)?;
    let mut crc = Crc::new();
    crc.update(&bytes);
    if crc.sum() == entry.crc { Ok(bytes) } else { Err(DAMAGED.into()) }
}

const DAMAGED: &str = "has another checksum than the archive says: damaged, or saved under set_crc32_options(False)";

/// Refuses an entry, which begins at `at`, whose bytes are not those that were written.
fn verify(file: &mut File, at: u64, entry: &Entry) -> Result<(), String> {
    file.seek(SeekFrom::Start(at)).map_err(|e| said(&e))?;
    let (mut crc, mut buffer, mut left) = (Crc::new(), vec![0; 1 << 16], entry.packed);
    while left > 0 {
        let room = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        match file.read(&mut buffer[..room]).map_err(|e| said(&e))? {
            0 => return Err("ends too early: truncated".into()),
            count => {
                crc.update(&buffer[..count]);
                left -= count as u64;
            }
        }
    }
    if crc.sum() == entry.crc { Ok(()) } else { Err(DAMAGED.into()) }
}
