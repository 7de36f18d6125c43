//! Finds what a Rust text names: the paths that begin at the crate's root, and texts in quotation marks.

/// A path from the crate's root: the names after `crate::`.
pub struct Path {
    /// At least one.
    pub parts: Vec<String>,
    /// Where it begins, from 1.
    pub line: usize,
}

/// The package whose modules the program hands on as its own.
const ENGINE: &str = "warptape_engine";

/// The paths in `text`, a file of the module `module` (`["op", "conv2d"]`): `crate::…`, `warptape_engine::…`, `super::…` as
/// far as it leads to the root, and for the root itself (an empty `module`) its `use` lines. Each name in braces makes a
/// path of its own; so does a root under another name (`use crate as root`), behind which no path could be followed.
/// Comments and texts count for nothing, and `#[cfg(test)]` modules may use what they like.
pub fn paths(text: &str, module: &[&str]) -> Vec<Path> {
    let tokens = without_tests(tokens(text));
    let word = |at: usize| tokens.get(at).map_or("", |token| &token.0);
    // Where inline modules end, by the depth of braces.
    let (mut depth, mut inner) = (0, Vec::new());
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        match word(at) {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inner.pop_if(|end| *end == depth);
            }
            "mod" if word(at + 2) == "{" => inner.push(depth),
            "crate" | ENGINE if word(at + 1) == "::" => at = tree(&tokens, at + 2, &mut Vec::new(), &mut found),
            "crate" | ENGINE if ["as", ";", "self"].contains(&word(at + 1)) => {
                found.push(Path { parts: vec![word(at).to_owned()], line: tokens[at].1 });
            }
            "use" if module.is_empty() && word(at + 1) != "crate" => {
                at = tree(&tokens, at + 1, &mut Vec::new(), &mut found)
            }
            "super" if word(at + 1) == "::" => {
                let ups = (0..).take_while(|up| word(at + 2 * up) == "super" && word(at + 2 * up + 1) == "::").count();
                at += 2 * ups;
                if ups == module.len() + inner.len() {
                    at = tree(&tokens, at, &mut Vec::new(), &mut found);
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

type Token = (String, usize);

/// Adds the paths of what stands at `at`: a name, `name::…` or `{…, …}`. Returns where its last token stands.
fn tree(tokens: &[Token], mut at: usize, before: &mut Vec<String>, found: &mut Vec<Path>) -> usize {
    let length = before.len();
    let word = |at: usize| tokens.get(at).map_or("", |token| &token.0);
    loop {
        if word(at) == "{" {
            at += 1;
            while !["}", ""].contains(&word(at)) {
                if word(at) == "," {
                    at += 1;
                    continue;
                }
                at = tree(tokens, at, before, found) + 1;
                // `name as other`.
                while ![",", "}", ""].contains(&word(at)) {
                    at += 1;
                }
            }
            break;
        }
        before.push(word(at).to_owned());
        if word(at + 1) != "::" || word(at + 2) == "<" {
            found.push(Path { parts: before.clone(), line: tokens[at.min(tokens.len() - 1)].1 });
            break;
        }
        at += 2;
    }
    before.truncate(length);
    at
}

/// The tokens without modules (and other items in braces) that are for tests alone.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if tokens[at..].iter().map(|token| token.0.as_str()).take(attribute.len()).eq(attribute) {
            let mut depth = 0;
            loop {
                let word = tokens.get(at).map_or("", |token| &token.0);
                depth += i32::from(word == "{") - i32::from(word == "}");
                if word.is_empty() || depth == 0 && [";", "}"].contains(&word) {
                    break;
                }
                at += 1;
            }
        } else {
            kept.push(tokens[at].clone());
        }
        at += 1;
    }
    kept
}

/// The texts in quotation marks, with their lines.
pub fn texts(text: &str) -> Vec<(String, usize)> {
    tokens(text).into_iter().filter(|(token, _)| token.contains('"')).collect()
}

/// Words, texts, `::` and single characters, with their lines.
fn tokens(text: &str) -> Vec<Token> {
    let (mut tokens, mut rest, mut line) = (Vec::new(), text, 1);
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => text_length(rest),
            'r' if rest.starts_with("r\"") || rest.starts_with("r#") => raw_length(rest),
            '\'' => character_length(rest),
            ':' if rest.starts_with("::") => 2,
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        if !token.starts_with(['\'', ' ', '\n']) && !token.starts_with("//") && !token.starts_with("/*") {
            tokens.push((token.to_owned(), line));
        }
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

/// The length of the text that begins with a quotation mark.
fn text_length(rest: &str) -> usize {
    let mut escaped = false;
    let end = rest[1..].find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map_or(rest.len(), |end| end + 2)
}

/// The length of a text such as `r#"…"#`, or of the word that only looks like one.
fn raw_length(rest: &str) -> usize {
    let marks = rest[1..].len() - rest[1..].trim_start_matches('#').len();
    let open = 1 + marks;
    if !rest[open..].starts_with('"') {
        return open;
    }
    let end = format!("\"{}", "#".repeat(marks));
    rest[open + 1..].find(&end).map_or(rest.len(), |at| open + 1 + at + end.len())
}

/// The length of a character in quotation marks, or of the mark alone where a lifetime follows.
fn character_length(rest: &str) -> usize {
    let mut inside = rest[1..].char_indices();
    match (inside.next(), inside.next()) {
        (Some((_, '\\')), Some((_, _))) => rest[3..].find('\'').map_or(1, |end| end + 4),
        (Some(_), Some((at, '\''))) => at + 2,
        _ => 1,
    }
}
