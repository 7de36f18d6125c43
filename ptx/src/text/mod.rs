//! PTX as text: its words, its grammar, and what they say.

mod body;
pub mod header;
pub mod lex;
mod lines;
mod scope;
pub mod tree;
mod variables;

pub use header::parse;
