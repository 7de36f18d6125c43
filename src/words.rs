//! Choices that people write as words.

/// Makes an enum readable from words, in any case, and writable as them. A word that is none of them is an error that begins with
/// `$unknown`, in which `{text}` is that word, and names them all.
macro_rules! words {
    ($choice:ident, $unknown:literal, $($variant:ident $word:literal),+) => {
        impl std::fmt::Display for $choice {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $( Self::$variant => $word, )+
                })
            }
        }

        impl std::str::FromStr for $choice {
            type Err = crate::error::Error;

            fn from_str(text: &str) -> crate::error::Result<Self> {
                match text.to_lowercase().as_str() {
                    $( $word => Ok(Self::$variant), )+
                    _ => {
                        let known = crate::words::listed(&[$( $word ),+]);
                        Err(crate::error::Error::usage(format!(concat!($unknown, ": use {known}"), text = text, known = known)))
                    }
                }
            }
        }
    };
}

/// `keep, replace or add`.
pub(crate) fn listed(words: &[&str]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => words.concat(),
    }
}
