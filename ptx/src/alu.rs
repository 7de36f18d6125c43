//! Instructions that compute each lane's result from that lane's operands alone: arithmetic, logic, comparisons, conversions.

use crate::lane::{Alu, Isa, Slot};

/// How an instruction is done, and what it takes.
#[derive(Clone, Debug)]
pub struct Found {
    pub run: Alu,
    /// Its operands in the order in which they are written, the carry flag last.
    pub slots: Vec<Slot>,
}

/// The instruction `name`, its parts between dots (`["fma", "rn", "f32"]`), with `operands` operands as written, of which the
/// first is `d|p` if `pair`. None if it is no instruction of this kind, or none at all.
pub fn find(_isa: Isa, _name: &[&str], _operands: usize, _pair: bool) -> Option<Found> {
    None
}
