//! The sizes of a batch normalization.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::op::epilogue::Epilogue;

/// One batch normalization and what follows it. As text, `rows8192 c64 relu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Values per channel: the pixels of all images.
    pub rows: usize,
    /// Channels.
    pub channels: usize,
    /// What is done on the way.
    pub epilogue: Epilogue,
}

impl Problem {
    /// Values in all.
    pub fn elements(&self) -> usize {
        self.rows * self.channels
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rows{} c{} {}", self.rows, self.channels, self.epilogue)
    }
}

impl FromStr for Problem {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = || {
            let mut words = text.split(' ');
            let mut size = |name| words.next()?.strip_prefix(name)?.parse().ok().filter(|&size: &usize| size > 0);
            let (rows, channels) = (size("rows")?, size("c")?);
            Some(Self { rows, channels, epilogue: words.next()?.parse().ok()? }).filter(|_| words.next().is_none())
        };
        let example = "write rows8192 c64 nothing, or relu or residual";
        parts().ok_or_else(|| Error::usage(format!("batch normalization '{text}': {example}")))
    }
}
