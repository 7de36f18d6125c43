//! Tests of the machine, from outside.

mod arithmetic;
