//! Comparisons (section 9.7.6: set, setp; 9.7.7 for 16-bit floating point).
//!
//! Five relations are enough: `>` is `<` with its operands exchanged, and the rest are their opposites. What follows the
//! comparison is done on words with a bit for each lane, by `control`.

use super::kind::{Bf16, F16, F32, F64, S16, S32, S64, U16, U32, U64};
use super::level::{Run, best, plain};
use super::relation::{AND, OPPOSITE, OR, SECOND, XOR};
use super::relation::{Equal, EqualOrNan, Less, LessEqual, Number, SetPredicate, SetPredicate2, SetValue, SetValue2};
use super::{Asked, Found};
use crate::lane::{Alu, Isa, Place, Slot, Width};

/// The relations by name: which one is meant, whether with its operands exchanged, whether its opposite.
#[derive(Clone, Copy, PartialEq)]
enum Basic {
    Equal,
    Less,
    LessEqual,
    Number,
    EqualOrNan,
}

type Spelling = (&'static str, (Basic, bool, bool));

/// Those of all types.
const SIMPLE: [Spelling; 6] = [
    ("eq", (Basic::Equal, false, false)),
    ("ne", (Basic::Equal, false, true)),
    ("lt", (Basic::Less, false, false)),
    ("le", (Basic::Less, true, true)),
    ("gt", (Basic::Less, true, false)),
    ("ge", (Basic::Less, false, true)),
];

/// Those of unsigned integers beside.
const UNSIGNED: [Spelling; 4] = [
    ("lo", (Basic::Less, false, false)),
    ("ls", (Basic::Less, true, true)),
    ("hi", (Basic::Less, true, false)),
    ("hs", (Basic::Less, false, true)),
];

/// Those of floating point: without `u` they do not hold for a NaN, with it they do.
const FLOATING: [Spelling; 14] = [
    ("eq", (Basic::Equal, false, false)),
    ("ne", (Basic::EqualOrNan, false, true)),
    ("lt", (Basic::Less, false, false)),
    ("le", (Basic::LessEqual, false, false)),
    ("gt", (Basic::Less, true, false)),
    ("ge", (Basic::LessEqual, true, false)),
    ("equ", (Basic::EqualOrNan, false, false)),
    ("neu", (Basic::Equal, false, true)),
    ("ltu", (Basic::LessEqual, true, true)),
    ("leu", (Basic::Less, true, true)),
    ("gtu", (Basic::LessEqual, false, true)),
    ("geu", (Basic::Less, false, true)),
    ("num", (Basic::Number, false, false)),
    ("nan", (Basic::Number, false, true)),
];

/// The instruction for a relation of a kind.
macro_rules! relation_of {
    ($make:ident, $set:ident, $isa:expr, $basic:expr, float $kind:ty) => {
        Some(match $basic {
            Basic::Equal => $make::<$set<Equal<$kind>>>($isa),
            Basic::Less => $make::<$set<Less<$kind>>>($isa),
            Basic::LessEqual => $make::<$set<LessEqual<$kind>>>($isa),
            Basic::Number => $make::<$set<Number<$kind>>>($isa),
            Basic::EqualOrNan => $make::<$set<EqualOrNan<$kind>>>($isa),
        })
    };
    ($make:ident, $set:ident, $isa:expr, $basic:expr, equal $kind:ty) => {
        match $basic {
            Basic::Equal => Some($make::<$set<Equal<$kind>>>($isa)),
            _ => None,
        }
    };
    ($make:ident, $set:ident, $isa:expr, $basic:expr, integer $kind:ty) => {
        match $basic {
            Basic::Equal => Some($make::<$set<Equal<$kind>>>($isa)),
            Basic::Less => Some($make::<$set<Less<$kind>>>($isa)),
            _ => None,
        }
    };
}

/// For all processors in one form: set, which compilers no longer write.
fn rare<R: Run>(_isa: Isa) -> Alu {
    plain::<R>()
}

/// The instruction for a relation of the type `$last`, and the width of its operands.
macro_rules! by_compared {
    ($make:ident, $set:ident, $set2:ident, $isa:expr, $basic:expr, $last:expr, $ftz:expr) => {{
        let (run, width) = match ($last, $ftz) {
            ("b16", false) => (relation_of!($make, $set, $isa, $basic, equal U16), Width::B16),
            ("b32", false) => (relation_of!($make, $set, $isa, $basic, equal U32), Width::B32),
            ("b64", false) => (relation_of!($make, $set, $isa, $basic, equal U64), Width::B64),
            ("u16", false) => (relation_of!($make, $set, $isa, $basic, integer U16), Width::B16),
            ("u32", false) => (relation_of!($make, $set, $isa, $basic, integer U32), Width::B32),
            ("u64", false) => (relation_of!($make, $set, $isa, $basic, integer U64), Width::B64),
            ("s16", false) => (relation_of!($make, $set, $isa, $basic, integer S16), Width::B16),
            ("s32", false) => (relation_of!($make, $set, $isa, $basic, integer S32), Width::B32),
            ("s64", false) => (relation_of!($make, $set, $isa, $basic, integer S64), Width::B64),
            ("f32", false) => (relation_of!($make, $set, $isa, $basic, float F32<false>), Width::B32),
            ("f32", true) => (relation_of!($make, $set, $isa, $basic, float F32<true>), Width::B32),
            ("f64", false) => (relation_of!($make, $set, $isa, $basic, float F64), Width::B64),
            ("f16", false) => (relation_of!($make, $set, $isa, $basic, float F16<false>), Width::B16),
            ("f16", true) => (relation_of!(rare, $set, $isa, $basic, float F16<true>), Width::B16),
            ("bf16", false) => (relation_of!($make, $set, $isa, $basic, float Bf16<false>), Width::B16),
            ("f16x2", false) => (relation_of!($make, $set2, $isa, $basic, float F16<false>), Width::B32),
            ("f16x2", true) => (relation_of!(rare, $set2, $isa, $basic, float F16<true>), Width::B32),
            ("bf16x2", false) => (relation_of!($make, $set2, $isa, $basic, float Bf16<false>), Width::B32),
            _ => (None, Width::B32),
        };
        (run?, width)
    }};
}

pub fn find(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, pair, .. } = asked;
    if !matches!(op, "set" | "setp") {
        return None;
    }
    let spelling = words.take()?;
    let joined = words.choice(&[("and", AND), ("or", OR), ("xor", XOR)]);
    let ftz = words.flag("ftz");
    let result = if op == "set" { Some(words.take()?) } else { None };
    let last = words.last()?;
    let both = last.ends_with("x2");
    let known = |table: &[Spelling]| table.iter().find(|(word, _)| *word == spelling).map(|&(_, meaning)| meaning);
    let (basic, exchanged, opposite) = match last.as_bytes()[0] {
        b'f' => known(&FLOATING),
        b'b' if last.starts_with("bf") => known(&FLOATING),
        b'u' => known(&SIMPLE).or_else(|| known(&UNSIGNED)),
        _ => known(&SIMPLE),
    }?;
    let mut control = joined.unwrap_or(0) | if opposite { OPPOSITE } else { 0 };
    let (first, second) = if exchanged { (Place::B, Place::A) } else { (Place::A, Place::B) };
    let (run, width, results) = match result {
        None => {
            let (run, width) = by_compared!(best, SetPredicate, SetPredicate2, isa, basic, last, ftz);
            // Of two numbers there are two predicates; of one there may be, unless it has 16 bits.
            (pair || !both).then_some(())?;
            if pair && matches!(last, "f16" | "bf16") {
                return None;
            }
            control |= if pair { SECOND } else { 0 };
            let places = if pair { &[Place::D, Place::P][..] } else { &[Place::D] };
            (run, width, places.iter().map(|&place| Slot { place, width: Width::Predicate }).collect::<Vec<_>>())
        }
        Some(result) => {
            let (run, width) = by_compared!(rare, SetValue, SetValue2, isa, basic, last, ftz);
            if ftz && result == "bf16" {
                return None;
            }
            let (yes, width_d) = value(result, last)?;
            control |= yes << 8;
            (run, width, vec![Slot { place: Place::D, width: width_d }])
        }
    };
    let sources = [Slot { place: first, width }, Slot { place: second, width }];
    let predicate = joined.map(|_| Slot { place: Place::C, width: Width::Predicate });
    Some(Found::new(run, results.into_iter().chain(sources).chain(predicate)).with_control(control))
}

/// Where in [`super::relation::TRUE`] the value of set's result type is, and its width.
fn value(result: &str, compared: &str) -> Option<(u32, Width)> {
    let small = matches!(compared, "f16" | "bf16");
    let wide = compared.ends_with("x2");
    Some(match result {
        "u32" | "s32" => (0, Width::B32),
        "f32" if !small && !wide => (1, Width::B32),
        "u16" | "s16" if small => (2, Width::B16),
        "f16" if compared != "bf16" && !wide => (3, Width::B16),
        "bf16" if !wide => (4, Width::B16),
        "f16x2" if compared == "f16x2" => (5, Width::B32),
        "bf16x2" if compared == "bf16x2" => (6, Width::B32),
        _ => return None,
    })
}
