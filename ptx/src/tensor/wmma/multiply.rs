//! `wmma.mma` (9.7.14.4.5).

use super::{Role, Tiling, fragment, has_shape};
use crate::lane::Isa;
use crate::number::round::Round;
use crate::tensor::element::Element::{self, *};
use crate::tensor::fragment::Fragment;
use crate::tensor::mma::{Kind, Mma, Shape, Types, shape_and_layouts};
use crate::tensor::{Lanes, without, without_round};

/// A multiply of whole matrices, made of one or two of `mma`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiply {
    pub shape: Shape,
    pub a: Fragment,
    pub b: Fragment,
    pub c: Fragment,
    pub d: Fragment,
    tile: Mma,
    tiling: Tiling,
}

/// The instruction `parts`, its name between dots (`["wmma", "mma", "sync", "aligned", "row", "col", "m16n16k16", "f32",
/// "f32"]`): None if it is no `wmma.mma` of up to sm_90.
pub fn find_multiply(isa: Isa, parts: &[&str]) -> Option<Multiply> {
    let (and, parts) = match parts {
        ["wmma", "mma", "sync", "aligned", rest @ ..] => (None, rest),
        ["wmma", "mma", "and", "popc", "sync", "aligned", rest @ ..] => (Some(true), rest),
        ["wmma", "mma", "xor", "popc", "sync", "aligned", rest @ ..] => (Some(false), rest),
        _ => return None,
    };
    let (shape, layouts @ ["row" | "col", "row" | "col"], rest) = shape_and_layouts(parts)? else { return None };
    let (saturate, rest) = without("satfinite", rest);
    let (round, rest) = without_round(rest);
    let [d, a, b, c] = match rest {
        [d, c] => [*d, "f16", "f16", *c],
        // f16's factors are not written.
        [d, a, b, c] if *a != "f16" => [*d, *a, *b, *c],
        _ => return None,
    };
    let types = Types { a: Element::parse(a)?, b: Element::parse(b)?, c: Element::parse(c)?, d: Element::parse(d)? };
    let kind = kind(types, and, saturate, round)?;
    let along_k = types.a.bits() >= 8 || layouts == ["row", "col"];
    if !has_shape(shape, types.a) || !along_k {
        return None;
    }
    let tiling = Tiling::of(shape);
    Some(Multiply {
        shape,
        a: fragment(shape, Role::A, types.a),
        b: fragment(shape, Role::B, types.b),
        c: fragment(shape, Role::Sum, types.c),
        d: fragment(shape, Role::Sum, types.d),
        tile: Mma::of(isa, tiling.tile, types, kind),
        tiling,
    })
}

/// How matrices of these types are multiplied, where there is such an instruction.
fn kind(types: Types, and: Option<bool>, saturate: bool, round: Option<Round>) -> Option<Kind> {
    let Types { a, b, c, d } = types;
    let kind = match (a, and) {
        (F16, None) if matches!((c, d), (F16 | F32, F16 | F32)) => Kind::Float,
        (Bf16 | Tf32, None) if (c, d) == (F32, F32) => Kind::Float,
        (F64, None) if (c, d) == (F64, F64) => Kind::Double { round: round.unwrap_or(Round::Nearest) },
        (S8 | U8 | S4 | U4, None) if (c, d) == (S32, S32) => Kind::Integer { saturate },
        (B1, Some(and)) if (c, d) == (S32, S32) => Kind::Bits { and },
        _ => return None,
    };
    let rounds = round.is_none() || a == F64;
    (a == b && rounds && (!saturate || kind == Kind::Integer { saturate })).then_some(kind)
}

impl Multiply {
    /// D = A × B + C, with sums as [`Mma::run`] has them.
    ///
    /// # Panics
    /// If a slice has fewer registers than its fragment.
    pub fn run(&self, a: &[Lanes], b: &[Lanes], c: &[Lanes], d: &mut [Lanes]) {
        let (a, b) = if self.tiling.turned { (b, a) } else { (a, b) };
        let part = |index: usize, fragment: Fragment| index * fragment.lanes()..(index + 1) * fragment.lanes();
        for index in 0..self.tiling.tiles(Role::Sum) {
            let (down, right) = if self.tiling.beside { (0, index) } else { (index, 0) };
            let Mma { a: of_a, b: of_b, c: of_c, d: of_d, .. } = self.tile;
            self.tile.run(
                &a[part(down, of_a)],
                &b[part(right, of_b)],
                &c[part(index, of_c)],
                &mut d[part(index, of_d)],
            );
        }
    }
}
