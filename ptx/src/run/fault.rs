//! What ends a launch before its time.

use std::fmt;

use crate::text::tree::{Place, Space};

/// Something that a kernel must not do, with the instruction that does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub what: What,
    /// Function and instruction.
    pub at: (u32, u32),
    /// Block and thread: x, y, z each.
    pub block: [u32; 3],
    pub thread: [u32; 3],
    /// In the source.
    pub place: Place,
    /// In the PTX text.
    pub text_line: u32,
    /// Where others stand that it waits for.
    pub others: Vec<Place>,
}

/// Kinds of faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An access that leaves all memory, or is not aligned, or writes what is constant.
    Access { kind: Kind, space: Space, address: u64, bytes: u64, why: &'static str },
    /// A barrier or collective that cannot be completed, or is used wrongly.
    Meeting(String),
    /// Anything else, as a sentence.
    Other(String),
}

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Read,
    Write,
    Atomic,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Access { kind, address, bytes, why, .. } => {
                let does = match kind {
                    Kind::Read => "reads",
                    Kind::Write => "writes",
                    Kind::Atomic => "does an atomic operation on",
                };
                write!(f, "{does} {bytes} bytes at {address:#x}, {why}")
            }
            What::Meeting(what) | What::Other(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { what, block: [bx, by, bz], thread: [tx, ty, tz], text_line, .. } = self;
        write!(f, "thread ({tx}, {ty}, {tz}) of block ({bx}, {by}, {bz}) {what} (line {text_line} of the PTX)")
    }
}
