//! Networks that users write in TOML.

mod bits;
mod misfits;
mod mistakes;
mod runs;
