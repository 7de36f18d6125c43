//! Which `wgmma.mma_async` instructions there are.

use super::Wgmma;
use crate::lane::Isa;
use crate::tensor::element::Element::{self, *};
use crate::tensor::fragment::Fragment;
use crate::tensor::mma::{Shape, SparseMma};
use crate::tensor::without;

/// The instruction `parts`, its name between dots (`["wgmma", "mma_async", "sync", "aligned", "m64n128k16", "f32", "f16",
/// "f16"]`): None if it is none.
pub fn find(isa: Isa, parts: &[&str]) -> Option<Wgmma> {
    let (sparse, shape, rest) = match parts {
        ["wgmma", "mma_async", "sync", "aligned", shape, rest @ ..] => (false, shape, rest),
        ["wgmma", "mma_async", "sp", "sync", "aligned", shape, rest @ ..] => (true, shape, rest),
        _ => return None,
    };
    let shape = Shape::parse(shape)?;
    let (saturate, rest) = without("satfinite", rest);
    let [d, a, b, rest @ ..] = rest else { return None };
    let (d, a, b) = (Element::parse(d)?, Element::parse(a)?, Element::parse(b)?);
    let bits = a == B1;
    let there = match (a, b) {
        (F16, F16) => matches!(d, F16 | F32),
        (Bf16, Bf16) | (Tf32, Tf32) => d == F32,
        (E4m3 | E5m2, E4m3 | E5m2) => matches!(d, F16 | F32),
        (S8 | U8, S8 | U8) => d == S32,
        (B1, B1) => d == S32 && !sparse,
        _ => false,
    };
    let whole = matches!(a, S8 | U8 | B1);
    // Sums of integers have fewer widths.
    let Shape { m, n, k } = shape;
    let widths = if whole && n > 32 { 16 } else { 8 };
    let shaped = m == 64 && (8..=256).contains(&n) && n % widths == 0 && k * a.bits() == if sparse { 512 } else { 256 };
    let operation = if bits { rest == ["and", "popc"] } else { rest.is_empty() };
    let saturates = !saturate || whole && !bits;
    let d = Fragment::of(d, m * n / 4);
    (there && shaped && operation && saturates).then(|| {
        let sparse = sparse.then(|| SparseMma::of_rows(isa, a, k));
        Wgmma { shape, a, b, d, saturate, sparse, isa }
    })
}
