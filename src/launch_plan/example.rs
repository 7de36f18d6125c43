//! A description to begin with, made from what the kernel takes.

use std::fmt::Write as _;

use crate::device::Source;
use crate::device::signature::{Element, Kind, Parameter, Signature};
use crate::device::source::without_comments;

/// A whole TOML file that launches a kernel of `source`: one block for each 256 of 1024 elements, every parameter given
/// something that fits its type. Sizes are guesses. What the kernel only writes begins empty, so that a place that it leaves
/// out shows; what it may read as well begins as zeros.
pub fn example(signature: &Signature, source: &Source) -> String {
    let code = without_comments(&source.text);
    let body = body(&code, &signature.kernel);
    let mut text = format!("kernel = \"{}\"\ngrid = 4\nblock = 256\n", signature.kernel);
    if !signature.parameters.is_empty() {
        text += "\n[args]\n";
    }
    for parameter in &signature.parameters {
        let written = only_written(body, &parameter.name);
        let note = match parameter.kind {
            Kind::Pointer { read_only: true, .. } => "random; or zeros, ones, index, below K",
            Kind::Pointer { .. } if written => "empty: the kernel only writes it",
            Kind::Pointer { .. } => "zeros, since the kernel may read it; or empty, if it only writes it",
            Kind::Scalar(_) => "",
            Kind::Struct => "its integers",
        };
        let note = if note.is_empty() { String::new() } else { format!("  # {}: {note}", parameter.text) };
        let value = value(parameter, signature, written);
        let _ = writeln!(text, "{} = {value}{note}", parameter.name);
    }
    text
}

/// A value, in TOML, that fits a parameter; `written` if it points to what the kernel only writes.
pub(super) fn value(parameter: &Parameter, signature: &Signature, written: bool) -> String {
    match parameter.kind {
        Kind::Pointer { to, read_only } => {
            let element = to.map_or(Element::F32, |(element, _)| element).name();
            let fill = match (read_only, written) {
                (true, _) => "",
                (false, true) => " empty",
                (false, false) => " zeros",
            };
            format!("\"{element}[1024]{fill}\"")
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

/// What stands between the braces of kernel `name`; nothing where that is not to be seen.
pub(super) fn body<'a>(code: &'a str, name: &str) -> &'a str {
    let bodies = words(code, name).filter_map(|at| {
        let list = code[at + name.len()..].trim_start();
        let after = list.starts_with('(').then(|| enclosed(list))?;
        let rest = list[after?.len() + 2..].trim_start();
        rest.starts_with('{').then(|| enclosed(rest))?
    });
    bodies.last().unwrap_or("")
}

/// Whether `body` uses the pointer `name` in assignments to its elements alone: `name[…] = …`.
pub(super) fn only_written(body: &str, name: &str) -> bool {
    let mut uses = words(body, name).peekable();
    uses.peek().is_some()
        && uses.all(|at| {
            let index = body[at + name.len()..].trim_start();
            let Some(inside) = index.starts_with('[').then(|| enclosed(index)).flatten() else { return false };
            let after = index[inside.len() + 2..].trim_start();
            // What stands before decides whether the value of the assignment, or an address, is wanted.
            let before = body[..at].trim_end();
            let stands_alone =
                before.is_empty() || before.ends_with([';', '{', '}', ')', ',']) || before.ends_with("else");
            stands_alone && after.starts_with('=') && !after.starts_with("==")
        })
}

/// Where `word` stands by itself.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    let alone = move |at: usize| !code[..at].ends_with(inside) && !code[at + word.len()..].starts_with(inside);
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| alone(at))
}

/// What the bracket at the start of `text` encloses.
fn enclosed(text: &str) -> Option<&str> {
    let mut depth = 0;
    let end = text.find(|c| {
        depth += matches!(c, '(' | '[' | '{') as i32 - matches!(c, ')' | ']' | '}') as i32;
        depth == 0
    })?;
    Some(&text[1..end])
}
