//! Fat binaries: containers with a module for several architectures, as machine code and as PTX.
//!
//! NVIDIA does not describe them; `fatbinary` of its toolkit makes them, and this reads what it makes.

use std::io::Read;

use ruzstd::decoding::StreamingDecoder;

use super::{CAPABILITY, Image, lz4, of_elf};
use crate::status::{Answer, Status, wrong};

/// How a container begins, and how a structure that points to one (`__fatBinC_Wrapper_t`).
const CONTAINER: u32 = 0xBA55_ED50;
const WRAPPER: u32 = 0x4662_43B1;

/// Kinds of entries.
const PTX: u64 = 1;
const CUBIN: u64 = 2;
/// Flags of compressed contents.
const LZ4: u64 = 0x2000;
const ZSTD: u64 = 0x8000;

fn field(bytes: &[u8], at: usize, width: usize) -> u64 {
    let bytes = bytes.get(at..at + width).unwrap_or_default();
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// The module of the fat binary at `at`, whose first four bytes are `start`; none if it is none.
///
/// # Errors
/// It holds nothing for this device.
///
/// # Safety
/// It is whole.
pub unsafe fn read(at: *const u8, start: [u8; 4]) -> Answer<Option<Image>> {
    // SAFETY: the caller's promise: a wrapper has 24 bytes, a container 16 and what it says.
    unsafe {
        match u32::from_le_bytes(start) {
            WRAPPER => {
                let inner = field(std::slice::from_raw_parts(at, 24), 8, 8) as *const u8;
                read(inner, inner.cast::<[u8; 4]>().read_unaligned())
            }
            CONTAINER => {
                let header = std::slice::from_raw_parts(at, 16);
                let length = field(header, 6, 2) + field(header, 8, 8);
                of_container(std::slice::from_raw_parts(at, length as usize)).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// The `size` bytes that Zstandard has compressed; none if they are broken.
fn of_zstd(contents: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    StreamingDecoder::new(contents).ok()?.take(size as u64 + 1).read_to_end(&mut all).ok()?;
    (all.len() == size).then_some(all)
}

/// Machine code that carries its PTX for this device before anything else, then the newest PTX.
fn of_container(bytes: &[u8]) -> Answer<Image> {
    let own = u64::from(CAPABILITY.0 * 10 + CAPABILITY.1);
    let (mut best, mut refused): (Option<(u64, Image)>, _) = (None, None);
    let mut at = field(bytes, 6, 2) as usize;
    while at + 64 <= bytes.len() {
        let (kind, header, size) =
            (field(bytes, at, 2), field(bytes, at + 4, 4) as usize, field(bytes, at + 8, 8) as usize);
        let (arch, flags, plain) =
            (field(bytes, at + 28, 4), field(bytes, at + 40, 8), field(bytes, at + 56, 8) as usize);
        let stored = match field(bytes, at + 16, 4) as usize {
            0 => size,
            compressed => compressed,
        };
        let Some(contents) = bytes.get(at + header..at + header + stored).filter(|_| header >= 64) else { break };
        at += header + size;
        if arch > own || !matches!(kind, PTX | CUBIN) {
            continue;
        }
        let contents = match flags & (LZ4 | ZSTD) {
            0 => Some(contents.to_vec()),
            LZ4 => lz4::unpack(contents, plain),
            _ => of_zstd(contents, plain),
        };
        let Some(contents) = contents else {
            refused = Some("the fat binary is broken: its compressed contents cannot be read".into());
            continue;
        };
        let image = if kind == CUBIN {
            of_elf(&contents)
        } else {
            let text = String::from_utf8_lossy(&contents).trim_end_matches('\0').to_owned();
            Ok(Image { ptx: text, cubin: None })
        };
        let rank = arch * 2 + u64::from(kind == CUBIN && arch == own);
        match image {
            Ok(image) if best.as_ref().is_none_or(|(known, _)| rank > *known) => best = Some((rank, image)),
            Ok(_) => {}
            Err(refusal) => refused = refusal.why.or(refused),
        }
    }
    match best {
        Some((_, image)) => Ok(image),
        None => {
            let why = refused.unwrap_or_else(|| format!("the fat binary has nothing for sm_{own}"));
            wrong(Status::NO_BINARY_FOR_GPU, why)
        }
    }
}
