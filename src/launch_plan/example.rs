//! A description to begin with, made from what the kernel takes.

use std::fmt::Write as _;

use crate::device::signature::{Element, Kind, Parameter, Signature};

/// A whole TOML file that launches a kernel: one block for each 256 of 1024 elements, every parameter given something that
/// fits its type. Sizes are guesses.
pub fn example(signature: &Signature) -> String {
    let mut text = format!("kernel = \"{}\"\ngrid = 4\nblock = 256\n", signature.kernel);
    if !signature.parameters.is_empty() {
        text += "\n[args]\n";
    }
    for parameter in &signature.parameters {
        let note = match parameter.kind {
            Kind::Pointer { read_only: true, .. } => "random; or zeros, ones, index, below K",
            Kind::Pointer { .. } => "empty: nothing wrote it before the kernel",
            Kind::Scalar(_) => "",
            Kind::Struct => "its integers",
        };
        let note = if note.is_empty() { String::new() } else { format!("  # {}: {note}", parameter.text) };
        let _ = writeln!(text, "{} = {}{note}", parameter.name, value(parameter, signature));
    }
    text
}

/// A value, in TOML, that fits a parameter.
pub(super) fn value(parameter: &Parameter, signature: &Signature) -> String {
    match parameter.kind {
        Kind::Pointer { to, read_only } => {
            let element = to.map_or(Element::F32, |(element, _)| element).name();
            format!("\"{element}[1024]{}\"", if read_only { "" } else { " empty" })
        }
        Kind::Scalar(element) if element.is_float() => "0.5".into(),
        Kind::Scalar(_) => {
            // One whole number is most often a length; several are rows and columns.
            let ints = |p: &&Parameter| matches!(p.kind, Kind::Scalar(element) if !element.is_float());
            if signature.parameters.iter().filter(ints).count() == 1 { "1024".into() } else { "32".into() }
        }
        Kind::Struct => "[1, 2, 3]".into(),
    }
}
