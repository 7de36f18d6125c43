//! The machine, part by part, against what the manual says.

mod arithmetic;
mod device;
mod running;
mod tensor;
mod whole;
