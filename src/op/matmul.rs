//! Matrix product: C = op(A) · op(B).
//!
//! With G the gradient of C: dA = G · op(B)ᵀ, dB = op(A)ᵀ · G, each again one of the three products NN, NT, TN.

use std::fmt;
use std::str::FromStr;

use crate::check::{Case, Input, Values};
use crate::device::{Device, Geometry, Target};
use crate::error::{Error, Result};
use crate::op::ladder::{Job, Ladder, Rung, Summary};
use crate::op::tile::{Tile, access};
use crate::op::workload::{self, Workload};
use crate::op::{Variant, dimension, launch};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// The kernels of the product.
pub static LADDER: Ladder<Sizes, Run> =
    Ladder { name: "matmul_forward", rungs: &[Rung::new("matmul/5_vectorized.cu", tiled)], default: |_, _| 5 };

type Run = fn(&'static str, &Sizes, [&Tensor; 2], Option<&Tensor>) -> Result<Tensor>;

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
/// Operands that are not matrices, or whose inner dimensions differ.
pub fn matmul(tape: &mut Tape, form: Form, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let c = product(form, a, b, None)?;
    let (left, right) = (a.clone(), b.clone());
    tape.record(&[a, b], &c, move |g, gradients| {
        if gradients.needs(&left) {
            let gradient = match form {
                Form::NN => product(Form::NT, g, &right, None)?,
                Form::NT => product(Form::NN, g, &right, None)?,
                Form::TN => product(Form::NT, &right, g, None)?,
            };
            gradients.add(&left, gradient)?;
        }
        if gradients.needs(&right) {
            let gradient = match form {
                Form::NN => product(Form::TN, &left, g, None)?,
                Form::NT => product(Form::TN, g, &left, None)?,
                Form::TN => product(Form::NN, &left, g, None)?,
            };
            gradients.add(&right, gradient)?;
        }
        Ok(())
    });
    Ok(c)
}

/// The product alone, with `bias [N]` added to every row: what `matmul`, `linear` and their gradients launch.
pub(crate) fn product(form: Form, a: &Tensor, b: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
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
    if let Some(bias) = bias.filter(|bias| bias.elements() != n) {
        return Err(Error::shape("linear", format!("bias {} for {n} columns", bias.shape())));
    }
    let sizes = Sizes { form, m, n, k };
    let rung = LADDER.pick(a.device(), &sizes)?;
    (rung.run)(rung.file, &sizes, [a, b], bias)
}

/// A block tile of C, fed through shared memory.
fn tiled(file: &'static str, sizes: &Sizes, [a, b]: [&Tensor; 2], bias: Option<&Tensor>) -> Result<Tensor> {
    let (target, &Sizes { form, m, n, k }) = (a.device().target(), sizes);
    let tile = Tile::pick(target, m, n, k);
    let lengths = [a.shape().last(), b.shape().last(), n];
    let variant = variant(file, tile, form, lengths.map(|length| access(target, length)));
    let c = Tensor::empty(a.device(), [m, n], DType::F32)?;
    let args =
        [c.arg(), a.arg(), b.arg(), bias.map_or(0u64.into(), Tensor::arg), dimension(m)?, dimension(n)?, dimension(k)?];
    let geometry = Geometry::grid(n.div_ceil(tile.bn), m.div_ceil(tile.bm), 1, tile.threads());
    launch(a.device(), &variant, "matmul_forward", geometry, &args)?;
    Ok(c)
}

fn variant(file: &'static str, tile: Tile, form: Form, access: [usize; 3]) -> Variant {
    let defines = tile
        .defines()
        .with("TRANSPOSE_A", (form == Form::TN) as u8)
        .with("TRANSPOSE_B", (form == Form::NT) as u8)
        .with("AVEC", access[0])
        .with("BVEC", access[1])
        .with("CVEC", access[2]);
    Variant { file, defines }
}

/// What a GPU compiles: every form and tile, with whole and with single accesses.
pub fn variants() -> Vec<Variant> {
    let mut variants = Vec::new();
    for form in [Form::NN, Form::NT, Form::TN] {
        for columns in [32, 64, 128] {
            for length in [4, 1] {
                let access = [access(Target::Cuda, length); 3];
                variants.push(variant(
                    "matmul/5_vectorized.cu",
                    Tile::pick(Target::Cuda, 128, columns, 128),
                    form,
                    access,
                ));
            }
        }
    }
    variants
}

/// Its ladder.
pub fn ladders() -> Vec<Summary> {
    vec![LADDER.summary("matmul", job)]
}

/// Sets up a problem for benches.
fn job(device: &Device, problem: &str) -> Result<Job> {
    let sizes: Sizes = problem.parse()?;
    let Sizes { form, m, n, k } = sizes;
    let shapes = [if form == Form::TN { [k, m] } else { [m, k] }, if form == Form::NT { [n, k] } else { [k, n] }];
    let [a, b] = workload::tensors(device, &shapes.map(|shape| Input::new(shape, Values::Uniform)))?;
    let (left, right) = (a.to_vec::<f32>()?, b.to_vec::<f32>()?);
    Ok(Job {
        flops: 2.0 * (m * n * k) as f64,
        bytes: 4.0 * (m * k + k * n + m * n) as f64,
        terms: k,
        run: Box::new(move || product(form, &a, &b, None)),
        element: Box::new(move |at| element(&sizes, &left, &right, at)),
    })
}

/// Kernels at work at any size.
pub fn workloads() -> Vec<Workload> {
    let run = |device: &Device, [m, n, k]: [usize; 3]| {
        let inputs = [Input::new([m, k], Values::Uniform), Input::new([k, n], Values::Uniform)];
        workload::both_ways(device, inputs, |tape, [a, b]| matmul(tape, Form::NN, a, b))
    };
    vec![Workload::new("matmul", ["m", "n", "k"], [70, 52, 33], run)]
}

/// Examples for tests and benches: tiles of every device are larger and smaller than these sizes.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for form in [Form::NN, Form::NT, Form::TN] {
        for (m, n, k) in [(1, 1, 1), (7, 5, 3), (13, 33, 130), (65, 64, 17), (3, 131, 8)] {
            for values in [Values::Uniform, Values::Integers] {
                let a = Input::new(if form == Form::TN { [k, m] } else { [m, k] }, values);
                let b = Input::new(if form == Form::NT { [n, k] } else { [k, n] }, values);
                let name = format!("matmul {form:?} {m}x{n}x{k} {values:?}");
                let run = move |tape: &mut Tape, x: &[Tensor]| matmul(tape, form, &x[0], &x[1]);
                cases.push(
                    Case::new(name, vec![a, b], run, move |x| reference(&Sizes { form, m, n, k }, x))
                        .terms(m.max(n).max(k)),
                );
            }
        }
    }
    cases
}

fn reference(sizes: &Sizes, x: &[Vec<f64>]) -> Vec<f64> {
    (0..sizes.m * sizes.n).map(|at| element(sizes, &x[0], &x[1], at)).collect()
}

/// Element `at` of C.
fn element<T: Copy + Into<f64>>(sizes: &Sizes, a: &[T], b: &[T], at: usize) -> f64 {
    let &Sizes { form, m, n, k } = sizes;
    let (i, j) = (at / n, at % n);
    let left = |l: usize| a[if form == Form::TN { l * m + i } else { i * k + l }].into();
    let right = |l: usize| b[if form == Form::NT { j * k + l } else { l * n + j }].into();
    (0..k).map(|l| left(l) * right(l)).sum()
}
