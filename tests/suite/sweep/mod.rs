//! Sweeps and fractions: what is searched, who ends early, what matters, the commands.

mod bad_files;
mod command;
mod decisions;
mod fractions;
mod search;
