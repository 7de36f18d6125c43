//! Finding, decoding and splitting data sets.

mod fetch;
pub mod files;
pub mod folder;
mod info;
mod pictures;
mod python;
mod split;
mod tiny;
