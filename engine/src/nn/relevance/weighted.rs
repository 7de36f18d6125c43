//! Rules at work, in layers that multiply by weights: each is the layer's own products over again, of other inputs with other
//! weights, and back through them.

use super::rule::{Rule, STABILIZER};
use super::shared;
use crate::error::{Error, Result};
use crate::op::add::add;
use crate::op::batchnorm::{Norm, batchnorm_inference};
use crate::op::conv2d::{Conv2dParams, conv2d};
use crate::op::epilogue::Epilogue;
use crate::op::linear::linear;
use crate::op::relevance::{Outputs, fold, product, shares, slopes};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// A layer that multiplies by weights.
pub(super) struct Weighted {
    /// Of a convolution; a linear layer has none.
    pub params: Option<Conv2dParams>,
    pub weight: Tensor,
    pub bias: Option<Tensor>,
}

/// What a number is multiplied by where it is above 0, and elsewhere.
type Slopes = [f32; 2];

const POSITIVE: Slopes = [1.0, 0.0];
const NEGATIVE: Slopes = [0.0, 1.0];

/// One of the products of a rule: what is multiplied, by which weights.
struct Term {
    input: Tensor,
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Weighted {
    /// The layer that does `norm`, too.
    pub fn folded(self, norm: &Norm) -> Result<Self> {
        let filters = self.weight.dim(0);
        let bias = match self.bias {
            Some(bias) => bias,
            None => Tensor::zeros(self.weight.device(), [filters], DType::F32)?,
        };
        let weight = fold(&self.weight, norm)?;
        let bias = batchnorm_inference(&mut Tape::new(), &bias.reshape([1, filters])?, norm, Epilogue::Nothing)?;
        Ok(Self { weight, bias: Some(bias.reshape([filters])?), ..self })
    }

    /// What the layer computes of `x`, with the relevance of its input by `rule` on the tape. `x` has no value below 0 unless it
    /// is `signed`.
    pub fn forward(self, tape: &mut Tape, x: &Tensor, signed: bool, rule: &Rule) -> Result<Tensor> {
        if let Rule::Epsilon(epsilon) = *rule {
            return shared(tape, x, epsilon, |tape| self.product(tape, x, &self.weight, self.bias.as_ref()));
        }
        if let Rule::Box { low, high } = rule
            && [low, high].iter().any(|bounds| bounds.len() != x.shape().last())
        {
            let what = format!("bounds of {} channels for pictures {}", low.len(), x.shape());
            return Err(Error::shape("relevance", what));
        }
        let y = self.product(&mut Tape::new(), x, &self.weight, self.bias.as_ref())?;
        let (input, output, rule) = (x.clone(), y.clone(), rule.clone());
        tape.record("relevance", &[x], &y, move |relevance, gradients| {
            gradients.add(&input, self.relevance(&rule, &input, signed, &output, relevance)?)
        });
        Ok(y)
    }

    fn product(&self, tape: &mut Tape, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        match self.params {
            Some(params) => conv2d(tape, x, weight, bias, params),
            None => linear(tape, x, weight, bias),
        }
    }

    /// The relevance of `x`, given that of `y`.
    fn relevance(&self, rule: &Rule, x: &Tensor, signed: bool, y: &Tensor, relevance: &Tensor) -> Result<Tensor> {
        let all = |terms: &[Term]| self.share(terms, relevance, Outputs::All, 1.0);
        let signs = |above, below| self.signs(x, signed, above, below);
        match *rule {
            Rule::Epsilon(_) => unreachable!("its products are those of the forward pass"),
            Rule::ZPlus => all(&signs(POSITIVE, NEGATIVE)?),
            Rule::Gamma(gamma) => {
                let [more_above, more_below] = [[1.0 + gamma, 1.0], [1.0, 1.0 + gamma]];
                let above = self.share(&signs(more_above, more_below)?, relevance, Outputs::Above(y), 1.0)?;
                let below = self.share(&signs(more_below, more_above)?, relevance, Outputs::Below(y), 1.0)?;
                add(&mut Tape::new(), &above, &below)
            }
            Rule::AlphaBeta { alpha, beta } => {
                let positive = self.share(&signs(POSITIVE, NEGATIVE)?, relevance, Outputs::All, alpha)?;
                let negative = self.share(&signs(NEGATIVE, POSITIVE)?, relevance, Outputs::All, -beta)?;
                add(&mut Tape::new(), &positive, &negative)
            }
            Rule::Box { ref low, ref high } => {
                let [high_weight, low_weight] = [slopes(&self.weight, 0.0, 1.0)?, slopes(&self.weight, 1.0, 0.0)?];
                let term = |input, weight| Term { input, weight, bias: None };
                // The bias is in all three terms, and falls out.
                let pixels = term(x.clone(), self.weight.clone());
                all(&[pixels, term(minus(low, x)?, low_weight), term(minus(high, x)?, high_weight)])
            }
            Rule::Flat => {
                let ones = |of: &Tensor| Tensor::full(of.device(), of.shape(), 1.0);
                all(&[Term { input: ones(x)?, weight: ones(&self.weight)?, bias: None }])
            }
        }
    }

    /// The products of the inputs above 0 with the weights at slopes `above`, and of those below 0 with the weights at slopes
    /// `below`. The bias counts as the weight of an input that is 1.
    fn signs(&self, x: &Tensor, signed: bool, above: Slopes, below: Slopes) -> Result<Vec<Term>> {
        let weight = |[above, below]: Slopes| slopes(&self.weight, above, below);
        let bias = self.bias.as_ref().map(|bias| slopes(bias, above[0], above[1])).transpose()?;
        let input = if signed { slopes(x, 1.0, 0.0)? } else { x.clone() };
        let mut terms = vec![Term { input, weight: weight(above)?, bias }];
        if signed {
            terms.push(Term { input: slopes(x, 0.0, 1.0)?, weight: weight(below)?, bias: None });
        }
        Ok(terms)
    }

    /// `factor` times the relevance of `outputs`, shared out in proportion to `terms`.
    fn share(&self, terms: &[Term], relevance: &Tensor, outputs: Outputs, factor: f32) -> Result<Tensor> {
        let mut tape = Tape::new();
        let mut sum: Option<Tensor> = None;
        for Term { input, weight, bias } in terms {
            tape.watch(input);
            let product = self.product(&mut tape, input, weight, bias.as_ref())?;
            sum = Some(match sum {
                Some(sum) => add(&mut tape, &sum, &product)?,
                None => product,
            });
        }
        let sum = sum.expect("a rule has terms");
        let shares = shares(relevance, &sum, outputs, factor, STABILIZER)?;
        let gradients = tape.backward_from(&sum, shares)?;
        let mut of_input: Option<Tensor> = None;
        for Term { input, .. } in terms {
            let gradient = gradients.get(input).expect("the sum depends on all terms");
            of_input = Some(product(input, &gradient, of_input.as_ref())?);
        }
        Ok(of_input.expect("a rule has terms"))
    }
}

/// An image like `x` whose channels have the values `bounds`, negated.
fn minus(bounds: &[f32], x: &Tensor) -> Result<Tensor> {
    let values: Vec<f32> = bounds.iter().map(|bound| -bound).cycle().take(x.elements()).collect();
    Tensor::from_slice(x.device(), x.shape(), &values)
}
