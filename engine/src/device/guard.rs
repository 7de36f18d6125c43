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
        let words = buffer.bytes() / 4;
        let end = buffer.address() + 4 * words as u64;
        // SAFETY: `Buffer` asked for a zone before its bytes and one behind them.
        unsafe {
            backend.fill(buffer.address() - ZONE as u64, SENTINEL, ZONE / 4)?;
            backend.fill(buffer.address(), POISON, words)?;
            // A last word that the buffer owns only in part starts as poison and ends as sentinel.
            backend.fill(end, SENTINEL, ZONE / 4)?;
            if !buffer.bytes().is_multiple_of(4) {
                backend.upload(end, &POISON.to_le_bytes()[..buffer.bytes() % 4])?;
            }
        }
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
        let mut broken = std::mem::take(&mut *self.broken.lock().unwrap());
        // What has been reported is not looked at again, neither at the next check nor when the buffer goes.
        self.live.lock().unwrap().retain(|_, &mut (address, bytes)| match inspect(device, address, bytes) {
            Some(found) => {
                broken.push(found);
                false
            }
            None => true,
        });
        match broken.first() {
            None => Ok(()),
            Some(first) => Err(Error::device(&device.info().name, first)),
        }
    }
}

/// A sentence about the first damaged sentinel of a buffer.
fn inspect(device: &Device, address: u64, bytes: usize) -> Option<String> {
    // The zone after the buffer runs to the end of the last whole sentinel word.
    let after = bytes / 4 * 4 + ZONE - bytes;
    for (start, length) in [(-(ZONE as i64), ZONE), (bytes as i64, after)] {
        let mut zone = vec![0u8; length];
        // SAFETY: the zones are there for as long as the buffer is, and `arm` wrote them.
        if let Err(error) = unsafe { device.backend().download(address.wrapping_add_signed(start), &mut zone) } {
            return Some(error.to_string());
        }
        // A zone starts on a word but for the buffer's odd bytes.
        let sentinel = SENTINEL.to_le_bytes().into_iter().cycle().skip(start.rem_euclid(4) as usize);
        if let Some(byte) = zone.iter().zip(sentinel).position(|(&found, wanted)| found != wanted) {
            let offset = start + byte as i64;
            return Some(format!("a kernel wrote outside its buffer of {bytes} bytes, at byte offset {offset}"));
        }
    }
    None
}
