//! The emulated driver as programs see it: through the functions of its library, each scenario in a process of its own with an
//! environment of its own.

#![allow(non_snake_case, reason = "the names are cuda.h's")]

mod contexts;
mod faults;
mod graphs;
mod interface;
mod launches;
mod leaks;
mod libraries;
mod memory;
mod modules;
mod nvrtc;
mod order;
mod process;
mod tensor_maps;
mod textures;
