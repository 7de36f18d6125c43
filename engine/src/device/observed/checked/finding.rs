//! What checked mode reports.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

pub use crate::device::observed::Line;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// Two threads access the same memory, one of them writes, and nothing orders the two.
    Race,
    /// An access outside every buffer, or every shared variable.
    OutOfBounds,
    /// A read of memory that nothing wrote.
    Uninitialized,
    /// An access at an address that is not a multiple of its size.
    Misaligned,
    /// A barrier that some threads of the block do not reach.
    Barrier,
    /// A warp collective that names lanes which do not come to it.
    Lanes,
    /// A thread that waits in a loop for what another thread does.
    Spin,
    /// `__trap`, or another end before the kernel's.
    Stopped,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Race => "race",
            Self::OutOfBounds => "out of bounds",
            Self::Uninitialized => "uninitialized",
            Self::Misaligned => "misaligned",
            Self::Barrier => "barrier",
            Self::Lanes => "lanes",
            Self::Spin => "spin",
            Self::Stopped => "stopped",
        })
    }
}

/// One access of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Where it stands in the source; then the calls that led there, as far as they were inlined.
    pub lines: Vec<Line>,
    /// `reads`, `writes`, `updates atomically`.
    pub does: &'static str,
    /// `blockIdx`.
    pub block: [u32; 3],
    /// `threadIdx`.
    pub thread: [u32; 3],
}

impl Side {
    /// The line that a person would mend: of the kernel's own file `file` if the access came from there.
    pub fn line(&self, file: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.file == file).or(self.lines.first())
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([x, y, z], [bx, by, bz]) = (self.thread, self.block);
        write!(f, "thread ({x}, {y}, {z}) of block ({bx}, {by}, {bz}) {} it at ", self.does)?;
        match &self.lines[..] {
            [] => f.write_str("a line that is not known"),
            [line, calls @ ..] => {
                write!(f, "{line}")?;
                calls.iter().try_for_each(|call| write!(f, " ← {call}"))
            }
        }
    }
}

/// One thing that is wrong with a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: What,
    /// The kernel.
    pub kernel: String,
    /// What messages call it: a [`Function`](crate::device::Function) as text.
    pub shown: String,
    /// The kernel's file.
    pub file: String,
    /// The buffer's parameter or the shared variable; none for barriers and lanes.
    pub name: Option<String>,
    /// One sentence: the element, the buffer's size, the rule.
    pub detail: String,
    /// Of barriers, lanes and traps: where.
    pub at: Vec<Line>,
    /// The access, of findings about memory.
    pub here: Option<Side>,
    /// The other access of a race, which came first.
    pub there: Option<Side>,
    /// How often it was seen.
    pub times: u64,
}

impl Finding {
    /// Two findings are the same if they are about the same lines of the same kernel and the same memory.
    fn key(&self) -> (What, String, Option<String>, Vec<Line>) {
        (self.what, self.shown.clone(), self.name.clone(), self.lines())
    }

    /// The source lines it is about, in the kernel's file where that is where they come from; in ascending order, each
    /// once.
    pub fn lines(&self) -> Vec<Line> {
        let sides = [&self.here, &self.there].into_iter().flatten();
        let mut lines: Vec<Line> = sides.filter_map(|side| side.line(&self.file)).chain(&self.at).cloned().collect();
        lines.sort();
        lines.dedup();
        lines
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.what, self.shown, self.detail)?;
        if let Some(at) = self.at.first() {
            write!(f, ", at {at}")?;
        }
        if let Some(here) = &self.here {
            write!(f, ": {here}")?;
        }
        if let Some(there) = &self.there {
            write!(f, "; before that {there}")?;
        }
        if self.times > 1 {
            write!(f, " ({} times)", self.times)?;
        }
        Ok(())
    }
}

/// A list of findings that devices share; clones are the same list. Each finding stands there once.
#[derive(Clone, Debug, Default)]
pub struct Findings(Arc<Mutex<Vec<Finding>>>);

impl Findings {
    /// What has been found so far, in order of appearance.
    pub fn list(&self) -> Vec<Finding> {
        self.0.lock().unwrap().clone()
    }

    /// Adds what is new and counts what is not.
    pub fn add(&self, found: Vec<Finding>) {
        let mut list = self.0.lock().unwrap();
        let mut places: HashMap<_, usize> = list.iter().enumerate().map(|(i, finding)| (finding.key(), i)).collect();
        for finding in found {
            match places.get(&finding.key()) {
                Some(&place) => list[place].times += finding.times,
                None => {
                    places.insert(finding.key(), list.len());
                    list.push(finding);
                }
            }
        }
    }
}
