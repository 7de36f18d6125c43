//! Pooling as nodes.

use super::graph::{At, Builder, Value, ints, join, setting};
use super::message::{Attribute, attribute};
use crate::error::Result;
use crate::op::pool::Window;

/// Windows as an operator has them.
struct Windows {
    shape: Vec<usize>,
    /// Above, to the left, below, to the right.
    pads: [usize; 4],
    /// Whether some end behind the padding.
    end_behind: bool,
}

impl Windows {
    /// Those of `window` on what goes into a layer. The operators round up otherwise than PyTorch, so what windows have behind
    /// the padding is padding, too.
    fn new(at: &At, window: Window) -> Result<Self> {
        let [channels, height, width] = at.image()?;
        let extent = |length: usize, d: usize| {
            window.extent(length, d).ok_or_else(|| at.fail("the window is larger than the padded image"))
        };
        let (rows, columns) = (extent(height, 0)?, extent(width, 1)?);
        let behind = |windows: usize, length: usize, d: usize| {
            let reach = (window.size[d] - 1) * window.dilation[d] + 1;
            ((windows - 1) * window.stride[d] + reach).saturating_sub(length + 2 * window.padding[d])
        };
        let (below, right) = (behind(rows, height, 0), behind(columns, width, 1));
        let [up, left] = window.padding;
        let end_behind = below + right > 0;
        Ok(Self { shape: vec![channels, rows, columns], pads: [up, left, up + below, left + right], end_behind })
    }
}

impl Builder {
    /// The maximum of each window.
    pub(super) fn max_pool(&mut self, at: &At, window: Window) -> Result<Value> {
        let Windows { shape, pads, .. } = Windows::new(at, window)?;
        let settings = [
            ints("kernel_shape", window.size),
            ints("strides", window.stride),
            ints("pads", pads),
            ints("dilations", window.dilation),
        ];
        Ok(self.node("MaxPool", at.path, &at.x, vec![], settings, shape))
    }

    /// The mean of each window.
    pub(super) fn avg_pool(&mut self, at: &At, window: Window, padding_counts: bool) -> Result<Value> {
        let Windows { shape, pads, end_behind } = Windows::new(at, window)?;
        if end_behind && padding_counts && window.padding != [0, 0] {
            return Err(at.fail("of windows that end behind the padding, no operator counts the padding alone"));
        }
        let counts = padding_counts && !end_behind;
        let settings = [
            ints("kernel_shape", window.size),
            ints("strides", window.stride),
            ints("pads", pads),
            Attribute { i: Some(counts.into()), ..setting("count_include_pad", attribute::INT) },
        ];
        Ok(self.node("AveragePool", at.path, &at.x, vec![], settings, shape))
    }

    /// The maximum of bins that divide the image, which are windows.
    pub(super) fn adaptive_max(&mut self, at: &At, bins: usize) -> Result<Value> {
        let [_, height, width] = at.image()?;
        if [height, width] == [bins; 2] {
            return Ok(at.x.clone());
        }
        if height % bins != 0 || width % bins != 0 {
            return Err(at.fail("there is no operator for the maximum of bins that overlap"));
        }
        let size = [height / bins, width / bins];
        self.max_pool(at, Window::new(size, size, [0, 0]))
    }

    /// Bins that divide the image are windows; others, which overlap, are products with a matrix for either side.
    pub(super) fn adaptive(&mut self, at: &At, bins: usize) -> Result<Value> {
        let [channels, height, width] = at.image()?;
        let shape = vec![channels, bins, bins];
        if [height, width] == [bins; 2] {
            return Ok(at.x.clone());
        }
        if height % bins == 0 && width % bins == 0 {
            let size = [height / bins, width / bins];
            let settings = [ints("kernel_shape", size), ints("strides", size)];
            return Ok(self.node("AveragePool", at.path, &at.x, vec![], settings, shape));
        }
        let share = |bin: usize, length: usize, pixel: usize| {
            let pixels = bin * length / bins..((bin + 1) * length).div_ceil(bins);
            if pixels.contains(&pixel) { 1.0 / pixels.len() as f32 } else { 0.0 }
        };
        let columns: Vec<f32> = (0..width * bins).map(|i| share(i % bins, width, i / bins)).collect();
        let rows: Vec<f32> = (0..bins * height).map(|i| share(i / height, height, i % height)).collect();
        let [columns, rows] = [("columns", [width, bins], columns), ("rows", [bins, height], rows)]
            .map(|(name, shape, values)| self.constant(join(at.path, name), &shape, &values));
        let narrow =
            self.node("MatMul", &join(at.path, "across"), &at.x, vec![columns], [], vec![channels, height, bins]);
        let rows = Value::new(rows, vec![bins, height]);
        Ok(self.node("MatMul", at.path, &rows, vec![narrow.name], [], shape))
    }
}
