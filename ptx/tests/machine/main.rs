//! The machine, part by part, against what the manual says.

mod arithmetic;
mod running;
mod tensor;
