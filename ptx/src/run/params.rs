//! A kernel's parameters.

use std::ops::Deref;

/// As much as any parameter may want to be aligned to: more than a tensor map's 64 bytes.
const ALIGN: usize = 128;

/// Their bytes, aligned, zeros behind them up to a multiple of 16.
pub struct Params {
    bytes: Vec<u8>,
    start: usize,
}

impl Params {
    pub fn new(params: &[u8]) -> Self {
        let length = params.len().next_multiple_of(16);
        let mut bytes = vec![0; length + ALIGN];
        let start = (bytes.as_ptr() as usize).wrapping_neg() % ALIGN;
        bytes[start..][..params.len()].copy_from_slice(params);
        bytes.truncate(start + length);
        Self { bytes, start }
    }
}

impl Deref for Params {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}
