//! Rounding modes (section 9.7.3, table of floating-point rounding modifiers; 9.7.9.21 for `.rna`).

/// Where a result goes that lies between two numbers of its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// `.rn`: to the nearer, to the even one of two that are as near.
    Nearest,
    /// `.rz`: towards zero.
    Zero,
    /// `.rm`: towards negative infinity.
    Down,
    /// `.rp`: towards positive infinity.
    Up,
    /// `.rna`: to the nearer, away from zero if both are as near.
    Away,
}

/// A rounding mode known when the code is compiled.
pub trait Mode {
    const ROUND: Round;
}

pub struct Rn;
pub struct Rz;
pub struct Rm;
pub struct Rp;

impl Mode for Rn {
    const ROUND: Round = Round::Nearest;
}
impl Mode for Rz {
    const ROUND: Round = Round::Zero;
}
impl Mode for Rm {
    const ROUND: Round = Round::Down;
}
impl Mode for Rp {
    const ROUND: Round = Round::Up;
}
