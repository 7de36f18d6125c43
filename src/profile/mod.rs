//! What a kernel's counts mean on a named GPU that need not be there: how many blocks an SM holds, and how fast the
//! GPU's ceilings let the kernel be.

pub mod differences;
pub mod gpu;
mod made;
pub mod occupancy;
pub mod picture;
pub mod report;
pub mod roofline;

pub use gpu::Gpu;
