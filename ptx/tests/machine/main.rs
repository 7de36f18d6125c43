//! The machine, part by part, against what the manual says.

mod arithmetic;
mod device;
mod flight;
mod running;
mod tensor;
mod texture;
mod whole;
