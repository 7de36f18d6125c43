//! Explaining passes: networks run on a tape that carries relevance backward where it usually carries gradients.
//!
//! What a layer hands back is told by its [`Operation`], in one match: by layer-wise relevance propagation (LRP) or by guided
//! backpropagation. Where a kind of layer has no rule, that is an error, never a gradient without notice. Ordinary passes know
//! nothing of this.

mod rule;
mod weighted;

use std::collections::HashMap;

pub use rule::{Composite, Rule, STABILIZER};
use weighted::Weighted;

use super::{Layer, Operation, Pass, State};
use crate::error::{Error, Result};
use crate::op::add::add;
use crate::op::batchnorm::Norm;
use crate::op::conv2d::Conv2dParams;
use crate::op::relevance::{Outputs, product, shares};
use crate::op::relu::{guided_relu, relu};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// What goes backward through an explaining pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Rules {
    /// Gradients, of which ReLUs let those above 0 through alone (Springenberg et al. 2015).
    Guided,
    /// Relevance, by these rules. Normalization that follows a layer with weights at once is folded into it, as Zennit's
    /// `SequentialMergeBatchNorm` does.
    Layerwise(Composite),
}

/// What `model` computes of `x [N, H, W, C]` in inference, recorded on `tape` so that its backward pass from an output's
/// relevance (of [`Rules::Guided`], gradient) leads to that of `x`, which is to be watched.
///
/// The output is that of an ordinary pass but for rounding: folded weights are rounded once more.
///
/// # Errors
/// A layer that has no rule, by name; an `x` that is not f32; those of an ordinary pass.
pub fn explain(tape: &mut Tape, model: &dyn Layer, x: &Tensor, rules: &Rules) -> Result<Tensor> {
    if x.dtype() != DType::F32 {
        return Err(Error::shape("relevance", format!("{} {} is not f32", x.dtype(), x.shape())));
    }
    let first = if let Rules::Layerwise(composite) = rules { composite.first.as_ref() } else { None };
    let value = Value { tensor: x.clone(), signed: true };
    Ok(Explaining { tape, rules, first, picture: x.id() }.chain("", model, value)?.tensor)
}

/// What layers hand on.
#[derive(Clone)]
struct Value {
    tensor: Tensor,
    /// Whether it may have values below 0.
    signed: bool,
}

struct Explaining<'a> {
    tape: &'a mut Tape,
    rules: &'a Rules,
    /// The first layer's rule, while that has not come.
    first: Option<&'a Rule>,
    /// The network's input.
    picture: u64,
}

impl<'a> Explaining<'a> {
    /// Runs `layer`, of a sequence all layers inside, with what is folded into them.
    fn chain(&mut self, name: &str, layer: &dyn Layer, mut x: Value) -> Result<Value> {
        let mut layers = Vec::new();
        unroll(name.to_owned(), layer, &mut layers);
        let mut rest = &layers[..];
        while let [(name, layer), after @ ..] = rest {
            let composite = if let Rules::Layerwise(composite) = self.rules { Some(composite) } else { None };
            rest = after;
            x = match (layer.operation(), composite) {
                (Operation::Conv2d(params), Some(composite)) => {
                    let norm = following_norm(&mut rest);
                    let rule = self.rule(&composite.convolution, true, &x);
                    self.weighted(*layer, Some(params), norm, x, rule)?
                }
                (Operation::Linear, Some(composite)) => {
                    let norm = following_norm(&mut rest);
                    let rule = self.rule(&composite.linear, false, &x);
                    self.weighted(*layer, None, norm, x, rule)?
                }
                (operation, composite) => self.without_weights(name, *layer, operation, composite.is_some(), x)?,
            };
        }
        Ok(x)
    }

    /// The rule of the layer that comes now: `usual`, or the first one's.
    fn rule<'b>(&mut self, usual: &'b Rule, convolution: bool, x: &Value) -> &'b Rule
    where
        'a: 'b,
    {
        match self.first {
            Some(Rule::Box { .. }) if !convolution => usual,
            Some(Rule::Box { .. }) if x.tensor.id() != self.picture => {
                self.first = None;
                usual
            }
            Some(first) => {
                self.first = None;
                first
            }
            None => usual,
        }
    }

    fn weighted(
        &mut self,
        layer: &dyn Layer,
        params: Option<Conv2dParams>,
        norm: Option<&dyn Layer>,
        x: Value,
        rule: &Rule,
    ) -> Result<Value> {
        let mut state = state(layer);
        let weight = state.remove("weight").expect("a layer with weights shows them");
        let mut weighted = Weighted { params, weight, bias: state.remove("bias") };
        if let Some(layer) = norm
            && let Operation::BatchNorm { eps } = layer.operation()
        {
            let state = self::state(layer);
            let [weight, bias, running_mean, running_var] =
                ["weight", "bias", "running_mean", "running_var"].map(|name| &state[name]);
            weighted = weighted.folded(&Norm { weight, bias, running_mean, running_var, eps })?;
        }
        Ok(Value { tensor: weighted.forward(self.tape, &x.tensor, x.signed, rule)?, signed: true })
    }

    /// Runs a layer that is no product with weights, `layerwise` or guided.
    fn without_weights(
        &mut self,
        name: &str,
        layer: &dyn Layer,
        operation: Operation,
        layerwise: bool,
        x: Value,
    ) -> Result<Value> {
        let Value { tensor: x, signed } = x;
        let value = |tensor, signed| Ok(Value { tensor, signed });
        let plain = |tape: &mut Tape| layer.forward(&mut Pass::inference(tape), &x);
        match operation {
            Operation::Relu if layerwise => value(self.passing(&x, plain)?, false),
            Operation::Relu => value(guided_relu(self.tape, &x)?, false),
            Operation::Gelu | Operation::Scale(_) | Operation::BatchNorm { .. } if layerwise => {
                value(self.passing(&x, plain)?, true)
            }
            Operation::AvgPool { .. } | Operation::GlobalAvgPool | Operation::AdaptiveAvgPool(_) if layerwise => {
                value(shared(self.tape, &x, STABILIZER, plain)?, signed)
            }
            // Their gradient is the rule: of maxima the winner takes all, and what only reshapes hands on. Guided, so does
            // everything that is linear.
            Operation::MaxPool(_) | Operation::AdaptiveMaxPool(_) | Operation::Flatten | Operation::Dropout => {
                value(plain(self.tape)?, signed)
            }
            Operation::Conv2d(_)
            | Operation::Linear
            | Operation::BatchNorm { .. }
            | Operation::Scale(_)
            | Operation::AvgPool { .. }
            | Operation::GlobalAvgPool
            | Operation::AdaptiveAvgPool(_) => value(plain(self.tape)?, true),
            Operation::Residual { branch, shortcut } => {
                let x = Value { tensor: x, signed };
                let left = self.chain(name, branch, x.clone())?.tensor;
                let right = match shortcut {
                    Some((inner, layer)) => self.chain(&joined(name, inner), layer, x)?.tensor,
                    None => x.tensor,
                };
                let sum = if layerwise { self.sum(&left, &right)? } else { add(self.tape, &left, &right)? };
                let relu = |tape: &mut Tape| relu(tape, &sum);
                value(if layerwise { self.passing(&sum, relu)? } else { guided_relu(self.tape, &sum)? }, false)
            }
            Operation::Sequence => unreachable!("its layers are run in its place"),
            Operation::Gelu => Err(no_rule(name, layer, "guided backpropagation is of ReLUs: use gradcam or lrp")),
            Operation::Other => Err(no_rule(name, layer, "relevance has no rule for it: use gradcam")),
        }
    }

    /// A layer to whose input relevance passes as it is.
    fn passing(&mut self, x: &Tensor, run: impl Fn(&mut Tape) -> Result<Tensor>) -> Result<Tensor> {
        let y = run(&mut Tape::new())?;
        let input = x.clone();
        self.tape.record("relevance", &[x], &y, move |relevance, gradients| gradients.add(&input, relevance.clone()));
        Ok(y)
    }

    /// `a + b`, whose relevance is shared in proportion to them: Zennit's `Sum` under its rule `Norm`.
    fn sum(&mut self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let y = add(&mut Tape::new(), a, b)?;
        let (left, right, sum) = (a.clone(), b.clone(), y.clone());
        self.tape.record("relevance", &[a, b], &y, move |relevance, gradients| {
            let shares = shares(relevance, &sum, Outputs::All, 1.0, STABILIZER)?;
            gradients.add(&left, product(&left, &shares, None)?)?;
            gradients.add(&right, product(&right, &shares, None)?)
        });
        Ok(y)
    }
}

/// What `run` computes of `x` without a decision, a sum of multiples of it, on the tape with the relevance of `x` in proportion
/// to its terms.
fn shared(tape: &mut Tape, x: &Tensor, epsilon: f32, run: impl Fn(&mut Tape) -> Result<Tensor>) -> Result<Tensor> {
    let mut inner = Tape::new();
    inner.watch(x);
    let y = run(&mut inner)?;
    let (input, output) = (x.clone(), y.clone());
    tape.record("relevance", &[x], &y, move |relevance, gradients| {
        let shares = shares(relevance, &output, Outputs::All, 1.0, epsilon)?;
        let gradient = inner.backward_from(&output, shares)?.get(&input).expect("the output depends on it");
        gradients.add(&input, product(&input, &gradient, None)?)
    });
    Ok(y)
}

/// The layers that run one after the other, those of a sequence in its place, under their full names.
fn unroll<'a>(name: String, layer: &'a dyn Layer, layers: &mut Vec<(String, &'a dyn Layer)>) {
    match layer.operation() {
        Operation::Sequence => {
            layer.children().into_iter().for_each(|(child, layer)| unroll(joined(&name, child), layer, layers))
        }
        _ => layers.push((name, layer)),
    }
}

fn joined(name: &str, child: &str) -> String {
    if name.is_empty() { child.to_owned() } else { format!("{name}.{child}") }
}

/// Takes the next layer if it is a normalization.
fn following_norm<'a>(rest: &mut &[(String, &'a dyn Layer)]) -> Option<&'a dyn Layer> {
    let [(_, next), after @ ..] = *rest else { return None };
    let norm = matches!(next.operation(), Operation::BatchNorm { .. });
    norm.then(|| {
        *rest = after;
        *next
    })
}

/// A layer's tensors by name.
fn state(layer: &dyn Layer) -> HashMap<String, Tensor> {
    let mut found = HashMap::new();
    layer.visit("", &mut |name, state| match state {
        State::Parameter(tensor, _) | State::Fixed(tensor, _) | State::Statistic(tensor) => {
            found.insert(name, tensor.clone());
        }
        State::Counter(_) => {}
    });
    found
}

fn no_rule(name: &str, layer: &dyn Layer, fix: &str) -> Error {
    Error::usage(format!("layer '{name}' is {}, and {fix}", layer.describe()))
}
