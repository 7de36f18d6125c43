//! Instructions that compute each lane's result from that lane's operands alone: arithmetic, logic, comparisons, conversions
//! (sections 9.7.1 to 9.7.8 of the manual, and of 9.7.9 what stays between registers).

mod bits;
mod carry;
mod compare;
mod convert;
mod convert_common;
mod convert_pairs;
mod float;
mod half;
mod integer;
mod kind;
mod level;
mod logic;
mod mixed;
mod pair;
mod relation;
mod run;
mod select;
mod shift;
mod stochastic;
mod table;
mod vector;
mod video;
mod wide;
mod words;

use crate::lane::{Alu, Isa, Place, Slot, Width};
pub use video::Written;
use words::Words;

/// How an instruction is done, and what it takes.
#[derive(Clone, Debug)]
pub struct Found {
    pub run: Alu,
    /// Its operands in the order in which they are written, the carry flag last.
    pub slots: Vec<Slot>,
    /// What [`crate::lane::Operands::control`] must be.
    pub control: u32,
}

impl Found {
    fn new(run: Alu, slots: impl IntoIterator<Item = Slot>) -> Self {
        Found { run, slots: slots.into_iter().collect(), control: 0 }
    }

    fn with_control(self, control: u32) -> Self {
        Found { control, ..self }
    }
}

/// An instruction as it is asked for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    isa: Isa,
    /// The first part of its name.
    op: &'a str,
    /// The other parts.
    words: Words<'a>,
    /// Its operands, of which the first is `d|p` if `pair`.
    operands: usize,
    pair: bool,
}

/// The instruction `name`, its parts between dots (`["fma", "rn", "f32"]`), with `operands` operands as written, of which the
/// first is `d|p` if `pair`. None if it is no instruction of this kind, or none at all.
pub fn find(isa: Isa, name: &[&str], operands: usize, pair: bool) -> Option<Found> {
    let (op, rest) = name.split_first()?;
    if op.starts_with('v') {
        return if pair { None } else { find_video(name, &vec![Written::default(); operands]) };
    }
    let rest = words::in_order(op, rest)?;
    let asked = Asked { isa, op, words: Words::new(&rest), operands, pair };
    let families = [
        integer::find,
        carry::find,
        float::find,
        half::find,
        bits::find,
        logic::find,
        shift::find,
        compare::find,
        select::find,
        convert::find,
        convert_pairs::find,
        stochastic::find,
        wide::find,
    ];
    let found = families.into_iter().find_map(|family| family(asked))?;
    // A pair is one operand as it is written, and two slots.
    let has = |place: Place| found.slots.iter().any(|slot| slot.place == place);
    let written = found.slots.len() - has(Place::Carry) as usize - pair as usize;
    (has(Place::P) == pair && written == operands).then_some(found)
}

/// The cvt `name` of one number to one number, whose destination and source lie in registers `d` and `a` that may be wider than its
/// types: the low bits of the source count, and the result is extended. Other instructions take registers of their types' widths.
pub fn find_cvt(isa: Isa, name: &[&str], d: Width, a: Width) -> Option<Found> {
    let (op, rest) = name.split_first()?;
    let rest = words::in_order(op, rest)?;
    convert::find_wide(Asked { isa, op, words: Words::new(&rest), operands: 2, pair: false }, d, a)
}

/// The video instruction `name`, with its operands' selectors and signs. None if it is none.
pub fn find_video(name: &[&str], operands: &[Written]) -> Option<Found> {
    let (op, rest) = name.split_first()?;
    video::find(op, Words::new(&words::in_order(op, rest)?), operands)
}
