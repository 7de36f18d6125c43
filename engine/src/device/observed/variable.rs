//! Variables of a module, and their names in symbols.

use std::ops::Range;

/// A variable with its addresses.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    /// Empty for CUDA's built-in variables, which some code has among others.
    pub(crate) name: String,
    pub(crate) range: Range<u64>,
}

/// The name of a variable in a symbol of the C++ ABI: `_ZZ4scanPfE5cells` is `cells` of `scan(float*)`. The last of the
/// names, each of which has its length before it.
pub(crate) fn name(symbol: &str) -> &str {
    if !symbol.starts_with("_Z") {
        return symbol;
    }
    // Variables of the same name in one function are told apart by `_0`, `_1`, … at the end.
    let ends = [Some(symbol), symbol.rsplit_once('_').map(|(start, _)| start)];
    for end in ends.into_iter().flatten() {
        for at in (0..end.len()).rev().filter(|&at| end.is_char_boundary(at)) {
            let length = end.len() - at;
            let before = end[..at].trim_end_matches(|c: char| c.is_ascii_digit());
            let starts = !end[at..].starts_with(|c: char| c.is_ascii_digit());
            let written = &end[before.len()..at];
            // A length may follow another digit, as in `…E15cells`: it is read from its end.
            if starts && !written.is_empty() && written.ends_with(&length.to_string()) {
                return &end[at..];
            }
        }
    }
    symbol
}
