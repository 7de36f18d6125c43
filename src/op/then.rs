//! What may be done to an op's result before it is stored.
//!
//! After normalization comes ReLU, at the end of a residual block a sum and ReLU. By themselves they are passes over memory
//! that compute next to nothing; an op that can do them on the way takes a [`Then`].

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::launch::elementwise::sum;
use crate::op::add::add;
use crate::op::relu::{positive, relu};
use crate::tape::Tape;
use crate::tensor::Tensor;

/// What becomes of a result; `R` is the second tensor, or nothing where only the kind matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Then<R = ()> {
    /// It stays as it is.
    #[default]
    Nothing,
    /// `max(result, 0)`
    Relu,
    /// `max(result + second, 0)`
    Residual(R),
}

impl<R> Then<R> {
    /// The kind alone.
    pub fn kind(&self) -> Then {
        match self {
            Self::Nothing => Then::Nothing,
            Self::Relu => Then::Relu,
            Self::Residual(_) => Then::Residual(()),
        }
    }

    /// The second tensor, if there is one.
    pub fn second(self) -> Option<R> {
        if let Self::Residual(second) = self { Some(second) } else { None }
    }
}

impl Then<&Tensor> {
    /// Does it to `result` by ops of their own.
    ///
    /// # Errors
    /// A second tensor of another shape.
    pub fn apply(self, tape: &mut Tape, result: &Tensor) -> Result<Tensor> {
        match self {
            Then::Nothing => Ok(result.clone()),
            Then::Relu => relu(tape, result),
            Then::Residual(second) => {
                let sum = add(tape, result, second)?;
                relu(tape, &sum)
            }
        }
    }

    /// The same without a tape: part of an op that records itself.
    pub(crate) fn compute(self, result: Tensor) -> Result<Tensor> {
        match self {
            Then::Nothing => Ok(result),
            Then::Relu => positive(&result),
            Then::Residual(second) => positive(&sum(&result, second)?),
        }
    }
}

const NAMES: [(Then, &str); 3] = [(Then::Nothing, "nothing"), (Then::Relu, "relu"), (Then::Residual(()), "residual")];

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(then, _)| then == self).expect("every kind has a name").1)
    }
}

impl FromStr for Then {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = NAMES.iter().find(|(_, name)| *name == text);
        found.map(|(then, _)| *then).ok_or_else(|| Error::usage(format!("'{text}': use nothing, relu or residual")))
    }
}
