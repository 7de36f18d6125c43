//! Guarded memory: what tests run on. Every buffer is filled with poison when it is allocated, so that an output that a
//! kernel forgot to write shows as NaN, and stands between two sentinel zones, so that a stray write is found.

use std::collections::HashMap;
use std::sync::Mutex;

use super::{Buffer, Device};
use crate::error::{Error, Result};

/// A NaN (as f32) that no computation yields by accident.
pub const POISON: u32 = 0x7fc0_dead;
const SENTINEL: u32 = 0x5afe_c0de;
const ZONE: usize = 1024;

/// The sentinel zones of one device's buffers.
#[derive(Default)]
pub struct Guards {
    live: Mutex<HashMap<u64, (u64, usize)>>,
    broken: Mutex<Vec<String>>,
}

impl Guards {
    /// Bytes of each of the two zones around a buffer.
    pub(super) fn zone(&self) -> usize {
        ZONE
    }

    pub(super) fn arm(&self, buffer: &Buffer) -> Result<()> {
        let backend = buffer.device().backend();
        let words = buffer.bytes().div_ceil(4);
        backend.fill(buffer.address() - ZONE as u64, SENTINEL, ZONE / 4)?;
        backend.fill(buffer.address(), POISON, words)?;
        // A last word that the buffer only partly owns belongs to the sentinel too; rounding it up is close enough.
        backend.fill(buffer.address() + 4 * words as u64, SENTINEL, ZONE / 4 - 1)?;
        self.live.lock().unwrap().insert(buffer.id(), (buffer.address(), buffer.bytes()));
        Ok(())
    }

    pub(super) fn disarm(&self, buffer: &Buffer) {
        if let Some((address, bytes)) = self.live.lock().unwrap().remove(&buffer.id()) {
            let found = inspect(buffer.device(), address, bytes);
            self.broken.lock().unwrap().extend(found);
        }
    }

    pub(super) fn check(&self, device: &Device) -> Result<()> {
        device.synchronize()?;
        let live: Vec<_> = self.live.lock().unwrap().values().copied().collect();
        let mut broken = std::mem::take(&mut *self.broken.lock().unwrap());
        broken.extend(live.into_iter().filter_map(|(address, bytes)| inspect(device, address, bytes)));
        match broken.first() {
            None => Ok(()),
            Some(first) => Err(Error::device(&device.info().name, first)),
        }
    }
}

/// A sentence about the first damaged sentinel of a buffer.
fn inspect(device: &Device, address: u64, bytes: usize) -> Option<String> {
    let end = bytes.next_multiple_of(4);
    let zones = [(address - ZONE as u64, ZONE, -(ZONE as i64)), (address + end as u64, ZONE - 4, end as i64)];
    for (start, length, offset) in zones {
        let mut zone = vec![0u8; length];
        if let Err(error) = device.backend().download(start, &mut zone) {
            return Some(error.to_string());
        }
        let bad = zone.chunks_exact(4).position(|word| word != SENTINEL.to_le_bytes());
        if let Some(word) = bad {
            return Some(format!(
                "a kernel wrote outside its buffer of {bytes} bytes, at byte offset {}",
                offset + 4 * word as i64
            ));
        }
    }
    None
}
