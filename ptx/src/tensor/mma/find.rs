//! Which `mma` instructions there are.

use super::{Kind, Mma, Shape};
use crate::lane::Isa;
use crate::number::round::Round;
use crate::tensor::element::Element::{self, *};
use crate::tensor::fragment::Fragment;
use crate::tensor::{without, without_round};

/// The instruction `parts`, its name between dots (`["mma", "sync", "aligned", "m16n8k16", "row", "col", "f32", "f16", "f16",
/// "f32"]`), of those for sm_70 to sm_90 without sparse A. None if it is none of these.
pub fn find(isa: Isa, parts: &[&str]) -> Option<Mma> {
    let (mut operation, parts) = match parts {
        ["mma", "sync", "aligned", rest @ ..] => (None, rest),
        ["mma", operation @ ("and" | "xor"), "popc", "sync", "aligned", rest @ ..] => (Some(*operation), rest),
        _ => return None,
    };
    let (shape, [a_layout, b_layout], rest) = shape_and_layouts(parts)?;
    let (a_rows, b_rows) = (is_row(a_layout)?, is_row(b_layout)?);
    let (saturate, rest) = without("satfinite", rest);
    let (round, rest) = without_round(rest);
    let [d, a, b, c, rest @ ..] = rest else { return None };
    match (rest, operation) {
        ([], _) => (),
        ([written @ ("and" | "xor"), "popc"], None) => operation = Some(*written),
        _ => return None,
    }
    let types = Types { a: Element::parse(a)?, b: Element::parse(b)?, c: Element::parse(c)?, d: Element::parse(d)? };
    let kind = types.kind(shape, a_rows, b_rows, saturate)?;
    let kind = match (kind, operation, round) {
        (Kind::Bits { .. }, Some(operation), None) => Kind::Bits { and: operation == "and" },
        (Kind::Double { .. }, None, Some(round)) => Kind::Double { round },
        (Kind::Bits { .. }, ..) | (_, Some(_), _) | (_, _, Some(_)) => return None,
        (kind, None, None) => kind,
    };
    Some(Mma::of(isa, shape, types, kind))
}

/// The shape, as many layouts as wanted, and what follows them: the manual writes the shape first or last.
pub(in crate::tensor) fn shape_and_layouts<'a, 'b, const N: usize>(
    parts: &'b [&'a str],
) -> Option<(Shape, [&'a str; N], &'b [&'a str])> {
    let (head, rest) = parts.split_at_checked(N + 1)?;
    let (shape, layouts) = match Shape::parse(head[0]) {
        Some(shape) => (shape, &head[1..]),
        None => (Shape::parse(head[N])?, &head[..N]),
    };
    Some((shape, layouts.try_into().ok()?, rest))
}

fn is_row(layout: &str) -> Option<bool> {
    match layout {
        "row" => Some(true),
        "col" => Some(false),
        _ => None,
    }
}

impl Mma {
    pub(in crate::tensor) fn of(isa: Isa, shape: Shape, types: Types, kind: Kind) -> Self {
        let Shape { m, n, k } = shape;
        let products = if matches!(kind, Kind::Quads { .. }) { 4 } else { 1 };
        Mma {
            shape,
            a: Fragment::of(types.a, products * m * k),
            b: Fragment::of(types.b, products * k * n),
            c: Fragment::of(types.c, products * m * n),
            d: Fragment::of(types.d, products * m * n),
            kind,
            isa,
        }
    }
}

/// The types of an instruction's matrices.
#[derive(Clone, Copy)]
pub(in crate::tensor) struct Types {
    pub a: Element,
    pub b: Element,
    pub c: Element,
    pub d: Element,
}

impl Types {
    /// How matrices of these types are multiplied; None where no instruction has them in this shape (9.7.14.5.14). Bits are
    /// said to differ, f64 to round to nearest.
    fn kind(self, Shape { m, n, k }: Shape, a_rows: bool, b_rows: bool, saturate: bool) -> Option<Kind> {
        let Types { a, b, c, d } = self;
        let integers = c == S32 && d == S32;
        if (a, b, m, n, k) == (F16, F16, 8, 8, 4) {
            // Of f16 into f32 there is no way back: f32 in, f32 out.
            let sums = matches!((d, c), (F16, F16) | (F32, F16) | (F32, F32));
            return (sums && !saturate).then_some(Kind::Quads { a_rows, b_rows });
        }
        if n != 8 || !a_rows || b_rows || saturate && !matches!(a, S8 | U8 | S4 | U4) {
            return None;
        }
        let (there, kind) = match (a, b) {
            (F16, F16) => ((m, k) == (16, 8) || (m, k) == (16, 16), Kind::Float),
            (Bf16, Bf16) if c == F32 => ((m, k) == (16, 8) || (m, k) == (16, 16), Kind::Float),
            (Tf32, Tf32) if c == F32 => ((m, k) == (16, 4) || (m, k) == (16, 8), Kind::Float),
            (E4m3 | E5m2, E4m3 | E5m2) => ((m, k) == (16, 16) || (m, k) == (16, 32), Kind::Float),
            (F64, F64) if c == F64 => {
                ((m, k) == (8, 4) || m == 16 && matches!(k, 4 | 8 | 16), Kind::Double { round: Round::Nearest })
            }
            (S8 | U8, S8 | U8) if integers => {
                ((m, k) == (8, 16) || m == 16 && matches!(k, 16 | 32), Kind::Integer { saturate })
            }
            (S4 | U4, S4 | U4) if integers => {
                ((m, k) == (8, 32) || m == 16 && matches!(k, 32 | 64), Kind::Integer { saturate })
            }
            (B1, B1) if integers => {
                ((m, k) == (8, 128) || m == 16 && matches!(k, 128 | 256), Kind::Bits { and: false })
            }
            _ => return None,
        };
        let sums = kind != Kind::Float || c == d && matches!(c, F16 | F32);
        (there && sums).then_some(kind)
    }
}
