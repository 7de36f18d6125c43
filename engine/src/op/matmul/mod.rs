//! Matrix product: C = op(A) · op(B).
//!
//! With G the gradient of C: dA = G · op(B)ᵀ, dB = op(A)ᵀ · G, each again one of the three products NN, NT, TN.

mod examples;
mod kernels;

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::launch::element;
use crate::op::Op;
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};
use examples::{cases, job, workloads};
pub use kernels::LADDER;
use kernels::Product;

/// Its entry.
pub static OP: Op = Op {
    cases,
    workloads,
    ladders: || vec![LADDER.summary("matmul", job)],
    // Every tile of every form, for rows that whole accesses divide and for others; then the last rung's large tile.
    sizes: &[
        ("matmul", &[&[64], &[31, 32, 63, 64, 127, 128], &[31, 32, 63, 64, 127, 128]]),
        ("matmul", &[&[4], &[2051, 2052], &[2052]]),
        ("matmul", &[&[2052], &[3, 4], &[2052]]),
        ("matmul", &[&[2052], &[2051, 2052], &[4]]),
    ],
    ..Op::named("matmul")
};

/// Which operands are read transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `A [M, K] · B [K, N]`
    NN,
    /// `A [M, K] · B [N, K]ᵀ`
    NT,
    /// `A [K, M]ᵀ · B [K, N]`
    TN,
}

/// One product: C is m × n, its elements are sums of k products. As text, `NT m128 n10 k256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sizes {
    /// Which operands are read transposed.
    pub form: Form,
    /// Rows of C.
    pub m: usize,
    /// Columns of C.
    pub n: usize,
    /// Products per element.
    pub k: usize,
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, m, n, k } = self;
        write!(f, "{form:?} m{m} n{n} k{k}")
    }
}

impl FromStr for Sizes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = || {
            let mut words = text.split(' ');
            let form = [Form::NN, Form::NT, Form::TN].into_iter().zip(["NN", "NT", "TN"]);
            let name = words.next()?;
            let (form, _) = form.into_iter().find(|(_, other)| *other == name)?;
            let mut size = |name: char| words.next()?.strip_prefix(name)?.parse().ok().filter(|&size: &usize| size > 0);
            Some(Self { form, m: size('m')?, n: size('n')?, k: size('k')? })
        };
        parts().ok_or_else(|| Error::usage(format!("product '{text}': write NN m128 n64 k256, or NT or TN")))
    }
}

/// `C [M, N] = op(A) · op(B)`.
///
/// # Errors
/// Operands that are not matrices, whose inner dimensions or whose types differ.
pub fn matmul(tape: &mut Tape, form: Form, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let c = product(form, a, b, None, a.dtype())?;
    let (left, right) = (a.clone(), b.clone());
    tape.record("matmul", &[a, b], &c, move |g, gradients| {
        if gradients.needs(&left) {
            let gradient = match form {
                Form::NN => product(Form::NT, g, &right, None, g.dtype())?,
                Form::NT => product(Form::NN, g, &right, None, g.dtype())?,
                Form::TN => product(Form::NT, &right, g, None, g.dtype())?,
            };
            gradients.add(&left, gradient)?;
        }
        if gradients.needs(&right) {
            let gradient = match form {
                Form::NN => product(Form::TN, &left, g, None, g.dtype())?,
                Form::NT => product(Form::TN, g, &left, None, g.dtype())?,
                Form::TN => product(Form::NN, &left, g, None, g.dtype())?,
            };
            gradients.add(&right, gradient)?;
        }
        Ok(())
    });
    Ok(c)
}

/// The product alone, of type `result`, which is the operands' or f32, with `bias [N]` added to every row: what `matmul`,
/// `linear` and their gradients launch.
pub(crate) fn product(form: Form, a: &Tensor, b: &Tensor, bias: Option<&Tensor>, result: DType) -> Result<Tensor> {
    let [a_dims, b_dims] = [a, b].map(|t| t.shape().dims());
    let (&[a0, a1], &[b0, b1]) = (a_dims, b_dims) else {
        return Err(Error::shape("matmul", format!("operands {} and {} must be matrices", a.shape(), b.shape())));
    };
    let (m, k) = if form == Form::TN { (a1, a0) } else { (a0, a1) };
    let (n, inner) = if form == Form::NT { (b0, b1) } else { (b1, b0) };
    if k != inner {
        let what = format!("inner dimensions of {} and {} differ in form {form:?}", a.shape(), b.shape());
        return Err(Error::shape("matmul", what));
    }
    let element = element("matmul", [a, b].into_iter().chain(bias))?;
    if let Some(bias) = bias.filter(|bias| bias.elements() != n) {
        return Err(Error::shape("linear", format!("bias {} for {n} columns", bias.shape())));
    }
    let sizes = Sizes { form, m, n, k };
    let rung = LADDER.pick(a.device(), &sizes, element);
    (rung.run)(rung.file, &Product { sizes, operands: [a, b], bias, result })
}
