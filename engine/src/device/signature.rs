//! What a kernel takes: the parameter list of a `__global__` function, read from its source.
//!
//! A launcher needs to know only which parameters are pointers, to what, and which are numbers. So this reads one list of
//! declarations and no more of C++: qualifiers are dropped, simple aliases (`using`, `typedef`, `#define`) are followed.

use super::Source;
use super::source::without_comments;
use crate::error::{Error, Result};

/// The parameters of a kernel, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The kernel's name.
    pub kernel: String,
    /// What it takes.
    pub parameters: Vec<Parameter>,
}

/// One parameter of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in the source; `arg0`, `arg1`, … where it has none.
    pub name: String,
    /// Its type in the source, without qualifiers: `float*`, `unsigned long long`, `Conv`.
    pub text: String,
    /// What a launcher has to pass.
    pub kind: Kind,
}

/// What a launcher has to pass for a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A device address.
    Pointer {
        /// What it points to, and how many of them make one element (`float4*`: four f32); none for a type that is not
        /// known here.
        to: Option<(Element, usize)>,
        /// Whether the kernel only reads through it (`const float*`).
        read_only: bool,
    },
    /// A number.
    Scalar(Element),
    /// A type that is not known here: a struct, passed by value.
    Struct,
}

/// A type of number that kernels know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Element {
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

impl Element {
    /// Every element type.
    pub const ALL: [Self; 10] =
        [Self::F32, Self::F64, Self::I8, Self::I16, Self::I32, Self::I64, Self::U8, Self::U16, Self::U32, Self::U64];

    /// Its short name: `f32`, `u8`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
        }
    }

    /// The element type with the short name `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|element| element.name() == name)
    }

    /// Size in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// Whether it is a floating-point type.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// The type that C++ spells `text`, its words in any order.
    fn spelled(text: &str) -> Option<Self> {
        let count = |word: &str| text.split(' ').filter(|w| *w == word).count();
        let unsigned = count("unsigned") > 0;
        let plain = ["unsigned", "signed", "int", "long", "short", "char"];
        if text.split(' ').all(|word| plain.contains(&word)) {
            return Some(match (count("char"), count("short"), count("long")) {
                (1.., ..) => {
                    if unsigned {
                        Self::U8
                    } else {
                        Self::I8
                    }
                }
                (_, 1.., _) => {
                    if unsigned {
                        Self::U16
                    } else {
                        Self::I16
                    }
                }
                (_, _, 1..) => {
                    if unsigned {
                        Self::U64
                    } else {
                        Self::I64
                    }
                }
                _ => {
                    if unsigned {
                        Self::U32
                    } else {
                        Self::I32
                    }
                }
            });
        }
        Some(match text {
            "float" => Self::F32,
            "double" => Self::F64,
            "bool" | "uchar" | "uint8_t" => Self::U8,
            "int8_t" => Self::I8,
            "ushort" | "uint16_t" => Self::U16,
            "int16_t" => Self::I16,
            "uint" | "uint32_t" => Self::U32,
            "int32_t" => Self::I32,
            "size_t" | "uint64_t" | "uintptr_t" => Self::U64,
            "ptrdiff_t" | "int64_t" => Self::I64,
            _ => return None,
        })
    }

    /// A type of CUDA's short vectors, such as `float4`, and how many numbers it holds.
    pub fn vector(text: &str) -> Option<(Self, usize)> {
        let lanes = text.chars().last()?.to_digit(10).filter(|lanes| (1..=4).contains(lanes))?;
        let bases = [
            ("float", Self::F32),
            ("double", Self::F64),
            ("char", Self::I8),
            ("uchar", Self::U8),
            ("short", Self::I16),
            ("ushort", Self::U16),
            ("int", Self::I32),
            ("uint", Self::U32),
            ("longlong", Self::I64),
            ("ulonglong", Self::U64),
        ];
        let base = bases.iter().find(|(name, _)| *name == &text[..text.len() - 1])?;
        Some((base.1, lanes as usize))
    }
}

impl Signature {
    /// The parameters of kernel `kernel` of `source`.
    ///
    /// # Errors
    /// A kernel that the source does not have; a template, which has no parameters until it is instantiated.
    pub fn of(source: &Source, kernel: &str) -> Result<Self> {
        let failed = |what: String| Error::Source { file: source.file.clone(), what };
        let code = without_comments(&source.text);
        let mut found: Option<(&str, bool)> = None;
        for (at, word) in code.match_indices("__global__") {
            let rest = &code[at + word.len()..];
            let header = &rest[..rest.find(['{', ';']).unwrap_or(rest.len())];
            let Some(list) = parameter_list(header, kernel) else { continue };
            let before = code[..at].rsplit([';', '}', '\n']).find(|part| !part.trim().is_empty()).unwrap_or("");
            if before.trim_start().starts_with("template") {
                let fix = "write one with fixed types that calls it, or make its parameters #defines";
                return Err(failed(format!(
                    "kernel '{kernel}' is a template, which cannot be launched by its name: {fix}"
                )));
            }
            // A definition has the parameters' names, which a declaration before it may lack.
            let defined = rest[header.len()..].starts_with('{');
            if found.is_none_or(|(_, whole)| !whole && defined) {
                found = Some((list, defined));
            }
        }
        let (list, _) =
            found.ok_or_else(|| failed(format!("has no kernel '{kernel}'; it has {}", source.kernels().join(", "))))?;
        let declarations = split(list).into_iter().filter(|d| !matches!(d.trim(), "" | "void"));
        let parameters = declarations.enumerate().map(|(i, text)| parameter(text, i, &code, source)).collect();
        Ok(Self { kernel: kernel.into(), parameters })
    }
}

/// What stands between the parentheses after the word `kernel`.
fn parameter_list<'a>(header: &'a str, kernel: &str) -> Option<&'a str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    header.match_indices(kernel).find_map(|(at, _)| {
        let rest = header[at + kernel.len()..].trim_start();
        let whole = !header[..at].ends_with(is_word) && rest.starts_with('(');
        let mut depth = 0;
        let end = rest.find(|c| {
            depth += (c == '(') as i32 - (c == ')') as i32;
            depth == 0
        });
        whole.then_some(rest.get(1..end?)).flatten()
    })
}

/// Splits a parameter list at the commas that are not inside brackets.
fn split(list: &str) -> Vec<&str> {
    let mut depth = 0;
    list.split(|c| {
        depth += matches!(c, '(' | '[' | '<' | '{') as i32 - matches!(c, ')' | ']' | '>' | '}') as i32;
        c == ',' && depth == 0
    })
    .collect()
}

fn parameter(declaration: &str, index: usize, code: &str, source: &Source) -> Parameter {
    let declaration = declaration.split('=').next().unwrap_or("");
    let spaced = declaration.replace('*', " * ").replace('[', " [ ").replace('&', " & ");
    let qualifiers =
        ["const", "volatile", "__restrict__", "__restrict", "restrict", "__grid_constant__", "struct", "&"];
    // A qualifier before the first star says what is pointed to; one after it, something about the pointer itself.
    let read_only = spaced.split('*').next().unwrap_or("").split_whitespace().any(|word| word == "const");
    let words: Vec<&str> = spaced.split_whitespace().filter(|word| !qualifiers.contains(word)).collect();
    let array = words.iter().position(|word| *word == "[");
    let mut words = words[..array.unwrap_or(words.len())].to_vec();
    let stars = words.iter().filter(|word| **word == "*").count() + array.is_some() as usize;
    let named = words.len() > 1 && words.last().is_some_and(|last| *last != "*" && Element::spelled(last).is_none());
    let name = if named { words.pop().unwrap_or("").to_owned() } else { format!("arg{index}") };
    words.retain(|word| *word != "*");
    let base = words.join(" ");

    let known = resolve(&base, code, source);
    let element = Element::spelled(&known);
    let kind = match (stars, element) {
        (0, Some(element)) => Kind::Scalar(element),
        (0, None) => Kind::Struct,
        (1, _) => Kind::Pointer { to: element.map(|e| (e, 1)).or_else(|| Element::vector(&known)), read_only },
        _ => Kind::Pointer { to: None, read_only },
    };
    Parameter { name, text: base + &"*".repeat(stars), kind }
}

/// What a name stands for, by the source's defines, `#define`, `using` and `typedef`; itself if it is no alias.
fn resolve(name: &str, code: &str, source: &Source) -> String {
    let alias = |name: &str| {
        let mut lines = code.lines().flat_map(|line| line.split(';')).map(str::trim);
        let defined = source.defines.iter().find(|d| d.0 == name).map(|d| d.1.to_string());
        defined.or_else(|| {
            lines.find_map(|line| {
                let meaning = match line.split_once(char::is_whitespace)? {
                    ("#define", rest) => rest.trim().strip_prefix(name)?.strip_prefix(char::is_whitespace)?,
                    ("using", rest) => rest.trim().strip_prefix(name)?.trim_start().strip_prefix('=')?,
                    ("typedef", rest) => rest.trim().strip_suffix(name)?.strip_suffix(char::is_whitespace)?,
                    _ => return None,
                };
                Some(meaning.split_whitespace().collect::<Vec<_>>().join(" "))
            })
        })
    };
    let mut name = name.to_owned();
    // A few steps: aliases of aliases are rare, and a circle of them must end.
    for _ in 0..4 {
        match alias(&name) {
            Some(meaning) => name = meaning,
            None => break,
        }
    }
    name
}
