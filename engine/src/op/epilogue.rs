//! What may be done to an op's result before it is stored.
//!
//! After normalization comes ReLU, at the end of a residual block a sum and ReLU. By themselves they are passes over memory
//! that compute next to nothing; an op that can do them on the way takes an [`Epilogue`].

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
pub enum Epilogue<R = ()> {
    /// It stays as it is.
    #[default]
    Nothing,
    /// `max(result, 0)`
    Relu,
    /// `max(result + second, 0)`
    Residual(R),
}

impl<R> Epilogue<R> {
    /// The kind alone.
    pub fn kind(&self) -> Epilogue {
        match self {
            Self::Nothing => Epilogue::Nothing,
            Self::Relu => Epilogue::Relu,
            Self::Residual(_) => Epilogue::Residual(()),
        }
    }

    /// The second tensor, if there is one.
    pub fn second(self) -> Option<R> {
        if let Self::Residual(second) = self { Some(second) } else { None }
    }
}

impl Epilogue<&Tensor> {
    /// Does it to `result` by ops of their own.
    ///
    /// # Errors
    /// A second tensor of another shape.
    pub fn apply(self, tape: &mut Tape, result: &Tensor) -> Result<Tensor> {
        match self {
            Epilogue::Nothing => Ok(result.clone()),
            Epilogue::Relu => relu(tape, result),
            Epilogue::Residual(second) => {
                let sum = add(tape, result, second)?;
                relu(tape, &sum)
            }
        }
    }

    /// The same without a tape: part of an op that records itself.
    pub(crate) fn compute(self, result: Tensor) -> Result<Tensor> {
        match self {
            Epilogue::Nothing => Ok(result),
            Epilogue::Relu => positive(&result),
            Epilogue::Residual(second) => positive(&sum(&result, second)?),
        }
    }
}

const NAMES: [(Epilogue, &str); 3] =
    [(Epilogue::Nothing, "nothing"), (Epilogue::Relu, "relu"), (Epilogue::Residual(()), "residual")];

impl fmt::Display for Epilogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(epilogue, _)| epilogue == self).expect("every kind has a name").1)
    }
}

impl FromStr for Epilogue {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = NAMES.iter().find(|(_, name)| *name == text);
        found
            .map(|(epilogue, _)| *epilogue)
            .ok_or_else(|| Error::usage(format!("'{text}': use nothing, relu or residual")))
    }
}
