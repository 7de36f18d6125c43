use crate::error::Result;
use crate::tensor::Tensor;

/// How a tensor here relates to PyTorch's of the same name. Only files see PyTorch's layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The same.
    Same,
    /// Filters: `[K, R, S, C]` here, `[K, C, R, S]` there.
    Filters,
    /// Weights behind a flattened image: `[out, pixels · C]` here, `[out, C · pixels]` there.
    Flattened {
        /// Height times width of the image.
        pixels: usize,
    },
}

impl Layout {
    /// The shape that PyTorch gives `tensor`.
    pub fn shape(self, tensor: &Tensor) -> Vec<usize> {
        match (self, tensor.shape().dims()) {
            (Layout::Filters, &[k, r, s, c]) => vec![k, c, r, s],
            (_, dims) => dims.to_vec(),
        }
    }

    /// Shape and elements as PyTorch has them.
    ///
    /// # Errors
    /// A tensor that is not f32; device errors.
    pub fn outward(self, tensor: &Tensor) -> Result<(Vec<usize>, Vec<f32>)> {
        let values = tensor.to_vec::<f32>()?;
        let values = match self.inner(tensor) {
            Some([outer, pixels, channels]) => swap_inner(&values, outer, pixels, channels),
            None => values,
        };
        Ok((self.shape(tensor), values))
    }

    /// Elements as `tensor` has them, from PyTorch's order.
    pub fn inward(self, values: &[f32], tensor: &Tensor) -> Vec<f32> {
        match self.inner(tensor) {
            Some([outer, pixels, channels]) => swap_inner(values, outer, channels, pixels),
            None => values.to_vec(),
        }
    }

    /// Rows, pixels and channels, where the last two change places.
    fn inner(self, tensor: &Tensor) -> Option<[usize; 3]> {
        match (self, tensor.shape().dims()) {
            (Layout::Filters, &[k, r, s, c]) => Some([k, r * s, c]),
            (Layout::Flattened { pixels }, &[out, inputs]) => Some([out, pixels, inputs / pixels]),
            _ => None,
        }
    }
}

/// `[outer, a, b]` to `[outer, b, a]`.
fn swap_inner(values: &[f32], outer: usize, a: usize, b: usize) -> Vec<f32> {
    (0..outer * a * b).map(|i| values[i / (a * b) * a * b + i % a * b + i / a % b]).collect()
}
