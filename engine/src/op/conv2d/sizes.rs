//! The sizes of one convolution: checked, passed to kernels, and written as text.

use std::fmt;
use std::str::FromStr;

use super::Conv2dParams;
use crate::device::Arg;
use crate::error::{Error, Result};
use crate::launch::{dimension, element};
use crate::tensor::Tensor;

/// The sizes of one convolution (`Conv` in kernels/prelude/conv.cuh): input `[n, h, w, c]`, filters `[k, r, s, c / groups]`,
/// output `[n, p, q, k]`. As text, `n64 h32 w32 c64 k128 r3 s3 stride2,2 pad1,1 dilation1,1`, and `groups32` if there are
/// several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sizes {
    /// Images.
    pub n: usize,
    /// Rows of an input image.
    pub h: usize,
    /// Columns of an input image.
    pub w: usize,
    /// Channels of the input.
    pub c: usize,
    /// Filters: channels of the output.
    pub k: usize,
    /// Rows of a filter.
    pub r: usize,
    /// Columns of a filter.
    pub s: usize,
    /// Rows of an output image.
    pub p: usize,
    /// Columns of an output image.
    pub q: usize,
    /// How the filter moves.
    pub params: Conv2dParams,
}

impl Sizes {
    pub(super) fn of(x: &Tensor, filters: &Tensor, bias: Option<&Tensor>, params: Conv2dParams) -> Result<Self> {
        let fail =
            |what: &str| Error::shape("conv2d", format!("input {}, filters {}: {what}", x.shape(), filters.shape()));
        let (&[n, h, w, c], &[k, r, s, filter_c]) = (x.shape().dims(), filters.shape().dims()) else {
            return Err(fail("want [N, H, W, C] and [K, R, S, C / groups]"));
        };
        element("conv2d", [x, filters].into_iter().chain(bias))?;
        if filter_c.checked_mul(params.groups) != Some(c) {
            let groups = if params.groups == 1 { String::new() } else { format!(" in {} groups", params.groups) };
            return Err(fail(&format!("channels differ{groups}")));
        }
        if bias.is_some_and(|b| b.elements() != k) {
            return Err(fail("the bias needs one element per filter"));
        }
        Self::new([n, h, w, c], [k, r, s], params).map_err(|what| fail(&what))
    }

    /// Those of images `[N, H, W, C]` and `k` filters of `r` × `s`.
    ///
    /// # Errors
    /// A sentence: filters that do not fit into the padded image, parameters that there are not.
    pub fn new([n, h, w, c]: [usize; 4], [k, r, s]: [usize; 3], params: Conv2dParams) -> Result<Self, String> {
        if [n, h, w, c, k, r, s].contains(&0) || params.stride.contains(&0) || params.dilation.contains(&0) {
            return Err("sizes, strides and dilations must be at least 1".into());
        }
        let groups = params.groups;
        if groups == 0 || !c.is_multiple_of(groups) || !k.is_multiple_of(groups) {
            return Err(format!("{groups} groups do not divide {c} channels and {k} filters"));
        }
        let extent = |size: usize, taps: usize, d: usize| {
            // What a filter reaches is what kernels hold in an int.
            let padded = int(params.padding[d])? * 2 + int(size)?;
            let reach = int(product([int(params.dilation[d])?, taps - 1])?)? + 1;
            let room = int(padded)?.checked_sub(reach);
            room.map(|room| room / params.stride[d] + 1)
                .ok_or_else(|| "the filter is larger than the padded image".to_owned())
        };
        let (p, q) = (extent(h, r, 0)?, extent(w, s, 1)?);
        params.stride.into_iter().try_for_each(|stride| int(stride).map(drop))?;
        for elements in [&[n, h, w][..], &[n, p, q], &[k, r, s, c / groups], &[c]] {
            int(product(elements.iter().copied())?)?;
        }
        Ok(Self { n, h, w, c, k, r, s, p, q, params })
    }

    /// Channels that a filter sees: those of its group.
    pub fn channels(&self) -> usize {
        self.c / self.params.groups
    }

    /// Filters that see a channel: those of its group.
    pub fn group_filters(&self) -> usize {
        self.k / self.params.groups
    }

    /// Output pixels of the whole batch.
    pub fn pixels(&self) -> usize {
        self.n * self.p * self.q
    }

    /// Products behind one element of the output.
    pub fn depth(&self) -> usize {
        self.r * self.s * self.channels()
    }

    /// Multiplications and additions of the forward pass and of either gradient.
    pub fn flops(&self) -> f64 {
        2.0 * (self.pixels() * self.k * self.depth()) as f64
    }

    /// Elements of the input.
    pub fn input(&self) -> usize {
        self.n * self.h * self.w * self.c
    }

    /// Elements of the filters.
    pub fn filters(&self) -> usize {
        self.k * self.depth()
    }

    /// Elements of the output.
    pub fn output(&self) -> usize {
        self.pixels() * self.k
    }

    /// The kernels' `Conv`.
    pub(super) fn arg(&self, split: usize) -> Arg {
        let Conv2dParams { stride, padding, dilation, .. } = self.params;
        let sizes = [self.n, self.h, self.w, self.c, self.k, self.r, self.s, self.p, self.q];
        let moves = [stride[0], stride[1], padding[0], padding[1], dilation[0], dilation[1], split];
        let mut ints = [0; 16];
        ints.iter_mut().zip(sizes.into_iter().chain(moves)).for_each(|(int, size)| *int = size as i32);
        Arg::Ints(ints)
    }
}

/// A size that kernels can hold.
fn int(size: usize) -> Result<usize, String> {
    dimension(size).map(|_| size).map_err(|e| e.to_string())
}

fn product(sizes: impl IntoIterator<Item = usize>) -> Result<usize, String> {
    let product = sizes.into_iter().try_fold(1usize, |product, size| product.checked_mul(size));
    product.ok_or_else(|| "more elements than can be counted".into())
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n, h, w, c, k, r, s, params, .. } = self;
        write!(f, "n{n} h{h} w{w} c{c} k{k} r{r} s{s}")?;
        let pairs = [("stride", params.stride), ("pad", params.padding), ("dilation", params.dilation)];
        pairs.into_iter().try_for_each(|(name, [a, b])| write!(f, " {name}{a},{b}"))?;
        if params.groups == 1 { Ok(()) } else { write!(f, " groups{}", params.groups) }
    }
}

impl FromStr for Sizes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fail = |what: &str| {
            Error::usage(format!(
                "convolution '{text}': {what}; write n64 h32 w32 c64 k64 r3 s3 stride1,1 pad1,1 dilation1,1"
            ))
        };
        let mut words = text.split(' ');
        let mut word = |name: &str| words.next().and_then(|word| word.strip_prefix(name)).map(str::to_owned);
        let mut size = |name| word(name).and_then(|word| word.parse().ok()).ok_or_else(|| fail(&format!("no {name}")));
        let (input, filters) = ([size("n")?, size("h")?, size("w")?, size("c")?], [size("k")?, size("r")?, size("s")?]);
        let mut pair = |name| {
            let both = word(name)
                .and_then(|word| word.split_once(',').and_then(|(a, b)| Some([a.parse().ok()?, b.parse().ok()?])));
            both.ok_or_else(|| fail(&format!("no {name}")))
        };
        let (stride, padding, dilation) = (pair("stride")?, pair("pad")?, pair("dilation")?);
        let groups = match words.next() {
            None => 1,
            Some(word) => {
                let groups = word.strip_prefix("groups").and_then(|groups| groups.parse().ok());
                groups.filter(|_| words.next().is_none()).ok_or_else(|| fail(&format!("'{word}' is too much")))?
            }
        };
        let params = Conv2dParams { stride, padding, dilation, groups };
        Self::new(input, filters, params).map_err(|what| fail(&what))
    }
}
