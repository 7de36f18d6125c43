//! Sizes of an augmented batch, and how its channels are scaled.

use std::fmt;
use std::str::FromStr;

use crate::device::Arg;
use crate::error::{Error, Result};

/// A batch and how many steps each of its images takes: stages of its map, or colour transforms. As text, `b64 h32 w32 k2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sizes {
    /// Images.
    pub b: usize,
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
    /// Steps.
    pub k: usize,
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b{} h{} w{} k{}", self.b, self.h, self.w, self.k)
    }
}

impl FromStr for Sizes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut words = text.split(' ');
        let mut size = |name: char| words.next()?.strip_prefix(name)?.parse().ok().filter(|&size: &usize| size > 0);
        let mut sizes = || Some(Self { b: size('b')?, h: size('h')?, w: size('w')?, k: size('k')? });
        sizes().ok_or_else(|| Error::usage(format!("augmentation '{text}': write b64 h32 w32 k2")))
    }
}

/// Mean and standard deviation of each channel, of values in [0, 1]: what a network gets has mean 0 and deviation 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channels {
    /// Means.
    pub mean: [f32; 3],
    /// Standard deviations.
    pub std: [f32; 3],
}

impl Channels {
    /// Values in [0, 1] as they are.
    pub const PLAIN: Self = Self { mean: [0.0; 3], std: [1.0; 3] };

    /// The kernels' scales and shifts for values in [0, `full`].
    ///
    /// # Errors
    /// A standard deviation that is not positive.
    pub(super) fn args(&self, full: f64) -> Result<[Arg; 6]> {
        if !self.std.iter().all(|&std| std > 0.0) {
            let what = format!("normalization: standard deviations must be positive, not {:?}", self.std);
            return Err(Error::usage(what));
        }
        let channels: [_; 3] = std::array::from_fn(|c| (f64::from(self.mean[c]), f64::from(self.std[c])));
        let [r, g, b] = channels.map(|(_, std)| Arg::F32((1.0 / (full * std)) as f32));
        let [shift_r, shift_g, shift_b] = channels.map(|(mean, std)| Arg::F32((-mean / std) as f32));
        Ok([r, g, b, shift_r, shift_g, shift_b])
    }
}
