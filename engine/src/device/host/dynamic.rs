//! `extern __shared__ T name[];`: the launcher's dynamic shared memory, of which all names are the same, as on a GPU.
//!
//! To a C++ compiler such a declaration is a thread-local variable of unknown size that some other file defines, which
//! it reaches by a call that nothing answers. So each is written anew: outside functions as an alias of one array, and
//! within them as a reference to it, whose type may be a template's. Lines stay where they are. In a macro it becomes the
//! reference, and a message where the macro is used outside functions, where one reference would serve all threads.

use std::ops::Range;

/// The array, in symbols.
pub(super) const DYNAMIC: &str = "warptape_dynamic_shared";

/// What the compiler says of a macro that declares it outside functions.
const OUTSIDE: &str = "a macro declares extern __shared__ outside a function: write the declaration out there";

/// The most that a block can have on any GPU so far (Hopper): 227 KiB.
const BYTES: usize = 227 << 10;

/// The array's definition, which stands before the kernel's text.
pub(super) fn definition() -> String {
    format!("extern \"C\" {{ __shared__ char {DYNAMIC}[{BYTES}] __attribute__((aligned(1024), used)); }}\n")
}

/// A declaration in a text.
struct Declaration {
    span: Range<usize>,
    /// The namespaces around it; none in a function, class or macro.
    namespace: Option<String>,
    in_macro: bool,
    kind: String,
    name: String,
    /// Further dimensions: `[32]`.
    rest: String,
}

/// Names of dynamic shared memory in `text`, each once.
pub(super) fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = declarations(text).into_iter().map(|declaration| declaration.name).collect();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// `text` with its declarations written anew; None if it has none.
pub(super) fn rewritten(text: &str) -> Option<String> {
    let found = declarations(text);
    let mut done = Vec::new();
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for Declaration { span, namespace, in_macro, kind, name, rest } in &found {
        out.push_str(&text[at..span.start]);
        let place = (namespace, name);
        if namespace.is_none() {
            if *in_macro {
                // Outside functions it has no name to tell.
                out += &format!("static_assert(*__builtin_FUNCTION(), \"{OUTSIDE}\"); ");
            }
            // A macro's semicolon stays, or stands where the macro is used.
            let end = if *in_macro { "" } else { ";" };
            out += &format!("{kind} (&{name})[]{rest} = *({kind} (*)[]{rest})::{DYNAMIC}{end}");
        } else if !done.contains(&place) {
            // `constinit`: no other file has anything to run before the first access.
            let count = format!("{BYTES} / sizeof({kind}{rest})");
            out += &format!(
                "extern constinit thread_local {kind} {name}[{count}]{rest} __attribute__((alias(\"{DYNAMIC}\")));"
            );
            done.push(place);
        }
        let end = if *in_macro { "\\\n" } else { "\n" };
        out.extend(text[span.clone()].matches('\n').map(|_| end));
        at = span.end;
    }
    out.push_str(&text[at..]);
    (!found.is_empty()).then_some(out)
}

fn declarations(text: &str) -> Vec<Declaration> {
    let code = blanked(text);
    let mut found = Vec::new();
    // What opened each brace that is still open: a namespace's name (empty for `extern "C"`), or something else.
    let mut scopes: Vec<Option<String>> = Vec::new();
    let mut start = 0;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => scopes.push(opened(&code[start..at])),
            b'}' => _ = scopes.pop(),
            b';' => {
                if let Some((kind, name, rest)) = parsed(&code[start..at]) {
                    let namespace = scopes.iter().cloned().collect::<Option<Vec<_>>>().map(|names| names.join("::"));
                    let blank = code[start..at].len() - code[start..at].trim_start().len();
                    let span = start + blank..at + 1;
                    found.push(Declaration { span, namespace, in_macro: false, kind, name, rest });
                }
            }
            _ => continue,
        }
        start = at + 1;
    }
    found.extend(in_macros(text));
    found.sort_by_key(|declaration| declaration.span.start);
    found
}

/// Declarations in the bodies of macros, without the semicolon that may follow.
fn in_macros(text: &str) -> Vec<Declaration> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let line = &text[at..at + ends_of_line(&text.as_bytes()[at..]).max(1)];
        let directive = line.trim_start().strip_prefix('#').map_or("", str::trim_start);
        let macros = Some(line).filter(|_| directive.starts_with("define"));
        let mut start = at;
        for piece in macros.into_iter().flat_map(|line| line.split_inclusive([';', '{', '}'])) {
            let begins = ["extern", "__shared__"].iter().filter_map(|word| piece.find(word)).min();
            if let Some(begins) = begins
                && let Some((kind, name, rest)) = parsed(&piece[begins..].replace("\\\n", " ").replace(';', ""))
            {
                let end = start + piece.trim_end().trim_end_matches(';').len();
                found.push(Declaration {
                    span: start + begins..end,
                    namespace: None,
                    in_macro: true,
                    kind,
                    name,
                    rest,
                });
            }
            start += piece.len();
        }
        at += line.len();
    }
    found
}

/// The name of the namespace that begins with `head`; None if that begins something else.
fn opened(head: &str) -> Option<String> {
    let mut words = head.split_whitespace().skip_while(|&word| word == "inline");
    match (words.next(), words.next()) {
        (Some("namespace"), name) => Some(name.unwrap_or("(unnamed)").into()),
        // What stood in quotes is blank.
        (Some("extern"), None) => Some(String::new()),
        _ => None,
    }
}

/// Type, name and further dimensions of a declaration of dynamic shared memory; None if `statement` is none.
fn parsed(statement: &str) -> Option<(String, String, String)> {
    let (head, dimensions) = statement.split_once('[')?;
    let mut words = without_alignment(head);
    // Every qualifier may stand before or behind the type.
    for qualifier in ["extern", "__shared__"] {
        let at = words.iter().position(|word| word == qualifier)?;
        words.remove(at);
    }
    let declared = words.join(" ");
    // `##` pastes names together in macros.
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '#';
    let (kind, name) = declared.split_at(declared.trim_end_matches(is_word).len());
    let rest = dimensions.split_once(']')?.1.trim();
    let plain = !name.is_empty() && !kind.trim().is_empty() && !kind.contains(['(', '=']) && !rest.contains([',', '=']);
    plain.then(|| (kind.trim().into(), name.into(), rest.into()))
}

/// The words of a declaration without what aligns it, since the array is aligned for anything.
fn without_alignment(head: &str) -> Vec<String> {
    let mut text = head.to_owned();
    for word in ["__align__", "alignas", "__attribute__"] {
        while let Some(at) = text.find(word) {
            let mut depth = 0;
            let end = text[at..].find(|c| {
                depth += (c == '(') as i32 - (c == ')') as i32;
                c == ')' && depth == 0
            });
            text.replace_range(at..end.map_or(text.len(), |end| at + end + 1), " ");
        }
    }
    text.split_whitespace().map(str::to_owned).collect()
}

/// The text with blanks for comments, strings, characters and lines of the preprocessor; every other byte stays in place.
fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let before = bytes[..at].iter().rev().find(|b| !matches!(b, b' ' | b'\t'));
        let line_begins = before.is_none_or(|&b| b == b'\n');
        let after_word = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
        let length = match rest {
            [b'#', ..] if line_begins => ends_of_line(rest),
            [b'/', b'/', ..] => ends_of_line(rest),
            [b'/', b'*', ..] => rest[2..].windows(2).position(|w| w == b"*/").map_or(rest.len(), |end| end + 4),
            [b'"', ..] => quoted(rest),
            // Between digits it only groups them.
            [b'\'', ..] if !after_word => quoted(rest),
            _ => 0,
        };
        code[at..at + length].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        at += length.max(1);
    }
    String::from_utf8(code).expect("whole characters were replaced, by ASCII")
}

/// Bytes up to the end of a line that no backslash continues.
fn ends_of_line(text: &[u8]) -> usize {
    let end = (0..text.len()).find(|&i| text[i] == b'\n' && (i == 0 || text[i - 1] != b'\\'));
    end.unwrap_or(text.len())
}

/// Bytes of a literal, to its end or that of the line.
fn quoted(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != text[0] && text[at] != b'\n' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}
