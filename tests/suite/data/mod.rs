//! Finding, decoding and splitting data sets.

pub mod fetch;
pub mod files;
pub mod folder;
mod info;
mod load_size;
mod pictures;
mod python;
mod record;
mod split;
mod table;
mod tiny;
mod zip;
