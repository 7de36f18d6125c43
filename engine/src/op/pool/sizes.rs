//! Sizes of a pooling.

use std::fmt;
use std::str::FromStr;

use super::Window;
use crate::device::Arg;
use crate::error::{Error, Result};
use crate::launch::{dimension, element};
use crate::tensor::Tensor;

/// The sizes of one pooling. As text, `n64 h32 w32 c64 size2,2 stride2,2 pad0,0`, then `dilation2,2` if there are gaps and `ceil`
/// if a last window may end behind the padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sizes {
    /// Images.
    pub n: usize,
    /// Rows of an input image.
    pub h: usize,
    /// Columns of an input image.
    pub w: usize,
    /// Channels.
    pub c: usize,
    /// Rows of an output image.
    pub p: usize,
    /// Columns of an output image.
    pub q: usize,
    /// What is pooled together.
    pub window: Window,
}

impl Sizes {
    /// Those of a pooling of `x` by `op`.
    pub(super) fn of(op: &'static str, x: &Tensor, window: Window) -> Result<Self> {
        let Window { size, stride, padding, .. } = window;
        let fail = |what: &str| {
            let window = format!("window {size:?}, stride {stride:?}, padding {padding:?}");
            Error::shape(op, format!("input {}, {window}: {what}", x.shape()))
        };
        let &[n, h, w, c] = x.shape().dims() else { return Err(fail("want [N, H, W, C]")) };
        element(op, [x])?;
        Self::new([n, h, w, c], window, fail)
    }

    /// Those for input images `[n, h, w, c]`; `fail` makes an error of what is wrong.
    pub(crate) fn new([n, h, w, c]: [usize; 4], window: Window, fail: impl Fn(&str) -> Error) -> Result<Self> {
        let Window { size, stride, padding, dilation, .. } = window;
        if [n, h, w, c].contains(&0) || [size, stride, dilation].iter().any(|pair| pair.contains(&0)) {
            return Err(fail("sizes, strides and dilations must be at least 1"));
        }
        if (0..2).any(|d| padding[d] > size[d] / 2) {
            return Err(fail("padding of more than half the window leaves windows without a pixel"));
        }
        let extent = |length: usize, d: usize| {
            window.extent(length, d).ok_or_else(|| fail("the window is larger than the padded image"))
        };
        let (p, q) = (extent(h, 0)?, extent(w, 1)?);
        // A window that begins in the padding has its first pixel where its taps first come to the image.
        let misses = |length: usize, windows: usize, d: usize| {
            let before = (0..padding[d]).step_by(stride[d]).take(windows).map(|start| padding[d] - start);
            before.map(|gap| gap.next_multiple_of(dilation[d]) - gap).any(|first| first >= length)
        };
        if misses(h, p, 0) || misses(w, q, 1) {
            return Err(fail("the gaps between taps are wider than the image: windows without a pixel"));
        }
        // What the kernels hold in an int: pixels, and everything smaller. A stride longer than the image is as good as
        // any other that long.
        let all = |sizes: [usize; 3]| sizes.into_iter().try_fold(1usize, |all, size| all.checked_mul(size));
        let counted = [[n, h, w], [n, p, q], [size[0], size[1], 1], [c, 1, 1], [stride[0], 1, 1], [stride[1], 1, 1]];
        let counts = counted.map(|sizes| all(sizes).unwrap_or(usize::MAX));
        counts.into_iter().chain(size).try_for_each(|size| dimension(size).map(drop))?;
        Ok(Self { n, h, w, c, p, q, window })
    }

    /// The shape of the input.
    pub fn input(&self) -> [usize; 4] {
        [self.n, self.h, self.w, self.c]
    }

    /// The shape of the output.
    pub fn output(&self) -> [usize; 4] {
        [self.n, self.p, self.q, self.c]
    }

    /// Whether a window ends behind the padding.
    pub(super) fn ends_behind(&self) -> bool {
        let Self { h, w, p, q, window: Window { size, stride, padding, .. }, .. } = *self;
        let ends =
            |windows: usize, length: usize, d: usize| (windows - 1) * stride[d] + size[d] > length + 2 * padding[d];
        ends(p, h, 0) || ends(q, w, 1)
    }

    /// The kernels' `Pool`: of a tensor of `pixels`, blocks write `span` each by threads that stand `width` side by side.
    pub(super) fn arg(&self, pixels: usize, span: usize, width: usize) -> Arg {
        let Window { size, stride, padding, dilation, .. } = self.window;
        let sizes = [self.h, self.w, self.c, self.p, self.q, size[0], size[1], stride[0], stride[1]];
        let rest = [padding[0], padding[1], pixels, span, width, dilation[0], dilation[1]];
        let mut ints = [0; 16];
        ints.iter_mut().zip(sizes.into_iter().chain(rest)).for_each(|(int, size)| *int = size as i32);
        Arg::Ints(ints)
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n, h, w, c, window: Window { size, stride, padding, dilation, ceil }, .. } = *self;
        write!(f, "n{n} h{h} w{w} c{c}")?;
        let pairs = [("size", size), ("stride", stride), ("pad", padding)];
        pairs.into_iter().try_for_each(|(name, [a, b])| write!(f, " {name}{a},{b}"))?;
        if dilation != [1, 1] {
            write!(f, " dilation{},{}", dilation[0], dilation[1])?;
        }
        if ceil { f.write_str(" ceil") } else { Ok(()) }
    }
}

impl FromStr for Sizes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fail = |what: &str| {
            let example = "n64 h32 w32 c64 size2,2 stride2,2 pad0,0";
            Error::usage(format!("pooling '{text}': {what}; write {example}"))
        };
        let mut words = text.split(' ');
        let mut word = |name: &str| words.next().and_then(|word| word.strip_prefix(name));
        let mut size = |name| word(name).and_then(|word| word.parse().ok()).ok_or_else(|| fail(&format!("no {name}")));
        let input = [size("n")?, size("h")?, size("w")?, size("c")?];
        let mut pair = |name| {
            let both = word(name).and_then(|word| word.split_once(','));
            let both = both.and_then(|(a, b)| Some([a.parse().ok()?, b.parse().ok()?]));
            both.ok_or_else(|| fail(&format!("no {name}")))
        };
        let mut window = Window::new(pair("size")?, pair("stride")?, pair("pad")?);
        let mut rest: Vec<&str> = words.collect();
        if let Some(gaps) = rest.first().and_then(|word| word.strip_prefix("dilation")) {
            let both = gaps.split_once(',').and_then(|(a, b)| Some([a.parse().ok()?, b.parse().ok()?]));
            window.dilation = both.ok_or_else(|| fail("no dilation"))?;
            rest.remove(0);
        }
        window.ceil = rest.first() == Some(&"ceil");
        if let Some(odd) = rest.get(usize::from(window.ceil)) {
            return Err(fail(&format!("'{odd}' is too much")));
        }
        Self::new(input, window, fail)
    }
}
