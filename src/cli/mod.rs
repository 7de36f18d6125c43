//! The command line: one file per subcommand.

pub mod doctor;
pub mod kernels;
