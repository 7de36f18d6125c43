use super::{Builder, Layer, Layout, Operation, Pass, State};
use crate::error::{Error, Result};
use crate::op::cast::cast;
use crate::op::conv2d::{Conv2dParams, conv2d};
use crate::tensor::{DType, Tensor};

/// Added to eigenvalues, so that what hardly varies is not blown up; airbench's.
const EPS: f64 = 5e-4;

/// A first convolution whose filters come from the pictures: each is an eigenvector of their patches' covariance, over the root of
/// its eigenvalue, so that outputs are uncorrelated and vary alike; and each of these negated, which an activation treats otherwise
/// (Page: "How to train your ResNet", 2019). The filters `[2·P, S, S, C]`, P = S · S · C, are fixed, the bias `[2·P]` is learned.
pub struct Whitening {
    weight: Tensor,
    bias: Tensor,
}

impl Whitening {
    /// Of patches of `size` × `size` pixels of `channels` channels. Until [`Whitening::set`] filters are drawn as PyTorch's
    /// convolutions are; biases are 0.
    pub fn new(builder: &mut Builder, channels: usize, size: usize) -> Result<Self> {
        let filters = 2 * channels * size * size;
        let (weight, _) = builder.convolution(channels, filters, [size; 2], false)?;
        Ok(Self { weight, bias: Tensor::zeros(&builder.device, [filters], DType::F32)? })
    }

    /// Rows (and columns) and channels of a patch.
    pub fn patch(&self) -> [usize; 2] {
        [self.weight.dim(1), self.weight.dim(3)]
    }

    /// Takes filters from the eigenvalues and eigenvectors of length 1 `pairs` of the covariance of patches `[S, S, C]`, in this order.
    /// Of a vector and its negative, the one whose largest element is above 0 comes among the first half.
    ///
    /// # Errors
    /// Another number of pairs or elements; what the device says.
    pub fn set(&self, pairs: &[(f64, Vec<f64>)]) -> Result<()> {
        let patch = self.weight.elements() / self.weight.dim(0);
        if pairs.len() != patch || pairs.iter().any(|(_, vector)| vector.len() != patch) {
            return Err(Error::shape("whitening", format!("patches of {patch} numbers have as many eigenvectors")));
        }
        let filter = |sign: f64, (value, vector): &(f64, Vec<f64>)| -> Vec<f32> {
            let largest = vector.iter().fold(0.0f64, |most, &one| if one.abs() > most.abs() { one } else { most });
            let sign = if largest < 0.0 { -sign } else { sign };
            let factor = sign / (value.max(0.0) + EPS).sqrt();
            vector.iter().map(|one| (factor * one) as f32).collect()
        };
        let filters: Vec<f32> =
            [1.0, -1.0].iter().flat_map(|&sign| pairs.iter().flat_map(move |pair| filter(sign, pair))).collect();
        self.weight.write(&filters)
    }
}

impl Layer for Whitening {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        let [weight, bias] = [&self.weight, &self.bias].map(|state| cast(pass.tape, state, x.dtype()));
        conv2d(pass.tape, x, &weight?, Some(&bias?), Conv2dParams::new(1, 0))
    }

    fn describe(&self) -> String {
        let [size, channels] = self.patch();
        format!("Whitening {channels} → {}, {size}×{size}, filters fixed", self.weight.dim(0))
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Conv2d(Conv2dParams::new(1, 0))
    }

    fn as_whitening(&self) -> Option<&Whitening> {
        Some(self)
    }

    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(String, State<'a>)) {
        visitor(format!("{path}weight"), State::Fixed(&self.weight, Layout::Filters));
        visitor(format!("{path}bias"), State::Parameter(&self.bias, Layout::Same));
    }
}
