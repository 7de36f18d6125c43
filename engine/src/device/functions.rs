//! The compiled functions of a device.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use super::{Defines, Function};

/// Functions of the kernel tree by file, name and defines. Every launch looks one up, so that makes no text and no copy of
/// what it asks for.
#[derive(Default)]
pub(super) struct Functions(HashMap<u64, Vec<(Defines, Function)>, BuildHasherDefault<Fast>>);

impl Functions {
    /// Kernel `entry` of `file` compiled with `defines`.
    pub fn find(&self, file: &str, entry: &str, defines: &Defines) -> Option<&Function> {
        let alike = self.0.get(&key(file, entry, defines))?;
        let wanted = |(of, function): &&(Defines, Function)| {
            function.kernel() == entry && function.file() == Some(file) && of == defines
        };
        alike.iter().find(wanted).map(|(_, function)| function)
    }

    /// Adds a function of the tree that was compiled with `defines`; one that is there already stays.
    pub fn add(&mut self, function: Function, defines: &Defines) {
        let file = function.file().expect("a function of the tree");
        if self.find(file, function.kernel(), defines).is_none() {
            let key = key(file, function.kernel(), defines);
            self.0.entry(key).or_default().push((defines.clone(), function));
        }
    }
}

fn key(file: &str, entry: &str, defines: &Defines) -> u64 {
    BuildHasherDefault::<Fast>::default().hash_one((file, entry, defines))
}

/// A hash of a few instructions a word, for keys that nobody chooses to collide (as rustc has it: Firefox's `FxHasher`).
#[derive(Default)]
pub(crate) struct Fast(u64);

impl Hasher for Fast {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value as u64);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }

    fn finish(&self) -> u64 {
        // The table looks at the lowest bits, which a product mixes least.
        self.0.rotate_left(26)
    }
}
