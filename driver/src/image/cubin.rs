//! What the assembler made of kernels: registers, shared and local memory.

use std::collections::BTreeMap;

use super::elf::Section;
use crate::state::limits::SHARED_RESERVED;

/// What a kernel needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Registers of a thread.
    pub registers: u32,
    /// Static shared memory of a block, bytes.
    pub shared: u32,
    /// Local memory of a thread, bytes.
    pub local: u32,
    /// Constant bank 0, in which parameters are, bytes.
    pub constant: u32,
}

/// What the kernels of a cubin need, by name.
#[derive(Clone, Debug, Default)]
pub struct Cubin {
    pub kernels: BTreeMap<String, Needs>,
}

/// Attributes of functions in `.nv.info`, each a symbol's number and a value.
const REGCOUNT: u8 = 0x2F;
const FRAME_SIZE: u8 = 0x11;
/// How an attribute of any length begins.
const SIZED: u8 = 4;

impl Cubin {
    /// Reads a cubin's sections.
    pub fn read(sections: &[Section<'_>]) -> Self {
        let mut kernels = BTreeMap::new();
        let find = |name: &str| sections.iter().find(|section| section.name == name);
        let symbols = find(".symtab").map_or(&[][..], |section| section.contents);
        // A symbol says in which section it lies, and functions lie in their own.
        let section_of = |symbol: u32| {
            let at = symbol as usize * 24 + 6;
            let bytes = symbols.get(at..at + 2)?;
            sections.get(usize::from(u16::from_le_bytes([bytes[0], bytes[1]])))
        };
        for section in sections {
            if let Some(name) = section.name.strip_prefix(".text.") {
                let bytes = |of: &str| find(&format!("{of}.{name}")).map_or(0, |found| found.size as u32);
                // Assemblers before that of CUDA 13 put the number of registers here as well.
                let registers = section.info >> 24;
                // The kernel's part begins with what the driver keeps in each block.
                let shared = bytes(".nv.shared").saturating_sub(SHARED_RESERVED);
                let constant = bytes(".nv.constant0");
                kernels.insert(name.to_owned(), Needs { registers, shared, local: 0, constant });
            }
        }
        for (attribute, symbol, value) in find(".nv.info").into_iter().flat_map(|info| attributes(info.contents)) {
            let Some(name) = section_of(symbol).and_then(|section| section.name.strip_prefix(".text.")) else {
                continue;
            };
            let Some(needs) = kernels.get_mut(name) else { continue };
            match attribute {
                REGCOUNT => needs.registers = value,
                FRAME_SIZE => needs.local = value,
                _ => {}
            }
        }
        Self { kernels }
    }
}

/// The attributes that are a symbol's number and a value.
fn attributes(mut bytes: &[u8]) -> Vec<(u8, u32, u32)> {
    let mut found = Vec::new();
    while let [format, attribute, low, high, rest @ ..] = bytes {
        bytes = rest;
        if *format != SIZED {
            continue;
        }
        let size = usize::from(u16::from_le_bytes([*low, *high]));
        let Some((value, rest)) = bytes.split_at_checked(size) else { break };
        bytes = rest;
        if let [a, b, c, d, e, f, g, h] = *value {
            found.push((*attribute, u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])));
        }
    }
    found
}
