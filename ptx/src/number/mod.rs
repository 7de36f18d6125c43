//! Scalar arithmetic to the letter of the ISA (sections 9.7.1 to 9.7.5 and 9.7.9): one lane of one instruction.

pub mod approx;
pub mod bits;
pub mod convert;
pub mod double;
pub mod exact;
pub mod half;
pub mod int;
pub mod odd;
pub mod round;
pub mod single;
pub mod soft;
