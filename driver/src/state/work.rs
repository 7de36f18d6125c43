//! What can be queued on a stream.

use std::ops::Range;
use std::sync::Arc;

use super::modules::Loaded;
use super::queue::Point;

/// Work of a stream.
#[derive(Clone)]
pub enum Work {
    Copy(Copy),
    Fill(Fill),
    Launch(Box<Launch>),
    /// An event is recorded.
    Record(u64),
    /// Nothing follows before that is done.
    Wait(Point),
    /// An allocation goes.
    Free(u64),
    /// A function of the program.
    Call(Call),
}

/// Rows of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of a row.
    pub width: usize,
    pub rows: usize,
}

impl Shape {
    /// The bytes from the first to the last where rows begin `pitch` bytes apart.
    pub fn span(self, pitch: usize) -> usize {
        if self.rows == 0 || self.width == 0 { 0 } else { pitch * (self.rows - 1) + self.width }
    }
}

/// What is copied from.
#[derive(Clone)]
pub enum Source {
    Memory(u64),
    /// What was in memory that the program may change, row behind row as it lay.
    Bytes(Vec<u8>),
}

/// A copy.
#[derive(Clone)]
pub struct Copy {
    pub to: u64,
    pub to_pitch: usize,
    pub from: Source,
    pub from_pitch: usize,
    pub shape: Shape,
    /// What page-locked memory held when the copy was queued, if nothing but the program can change it until the copy runs.
    pub digest: Option<u64>,
}

impl Copy {
    /// Addresses that are read.
    pub fn reads(&self) -> Range<u64> {
        match self.from {
            Source::Memory(from) => from..from + self.shape.span(self.from_pitch) as u64,
            Source::Bytes(_) => 0..0,
        }
    }

    /// Addresses that are written.
    pub fn writes(&self) -> Range<u64> {
        self.to..self.to + self.shape.span(self.to_pitch) as u64
    }
}

/// Memory is filled with a pattern.
#[derive(Clone)]
pub struct Fill {
    pub to: u64,
    pub pitch: usize,
    /// Bytes of the pattern: 1, 2 or 4.
    pub bytes: usize,
    pub pattern: u32,
    pub shape: Shape,
}

/// A kernel is run.
#[derive(Clone)]
pub struct Launch {
    pub module: Arc<Loaded>,
    pub kernel: u32,
    pub name: String,
    pub grid: [u32; 3],
    pub block: [u32; 3],
    /// Blocks of a cluster; [1, 1, 1] leaves it to the kernel.
    pub cluster: [u32; 3],
    pub shared: u32,
    pub params: Vec<u8>,
}

/// A function of the program, of either interface that there is.
#[derive(Clone, Copy)]
pub enum Call {
    /// `cuLaunchHostFunc`
    Function { run: unsafe extern "C" fn(*mut libc::c_void), data: usize },
    /// `cuStreamAddCallback`
    Callback { run: unsafe extern "C" fn(*mut libc::c_void, u32, *mut libc::c_void), stream: usize, data: usize },
}

/// Whether two stretches have a byte in common.
pub fn overlap(a: &Range<u64>, b: &Range<u64>) -> bool {
    a.start < b.end && b.start < a.end
}

impl Work {
    /// Addresses that it reads and writes, as far as a call named them.
    pub fn touches(&self) -> [Range<u64>; 2] {
        match self {
            Work::Copy(copy) => [copy.reads(), copy.writes()],
            Work::Fill(fill) => [0..0, fill.to..fill.to + fill.shape.span(fill.pitch) as u64],
            _ => [0..0, 0..0],
        }
    }
}

/// A number that depends on all of the bytes (FNV-1a by words; no protection against anybody).
pub fn digest(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(29);
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(0xCBF2_9CE4_8422_2325, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    rest.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
}
