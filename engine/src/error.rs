//! One error type for the library: every variant says what happened and, where there is one, the fix.
//!
//! A setting stands in angle quotes under its name in the library, alone or with a value (`‹batch_size›`, `‹device=host›`), and so
//! does a command with settings (`‹train resume=RUN lr=1e-4›`). The command line shows them as its options: `--batch-size`,
//! `--device host`, `warptape train --resume RUN --lr 1e-4`. Backticks would not do: other libraries' messages have them.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. The text of each variant is one line (compiler logs excepted), ready to be shown to a person.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An op got tensors whose shapes it cannot combine.
    #[error("{op}: {what}")]
    Shape {
        /// The op or tensor method that refuses: `conv2d`, `reshape`.
        op: &'static str,
        /// The shapes it got, and which it takes.
        what: String,
    },

    /// A kernel did not compile. `log` is the compiler's own text followed by numbered source lines.
    #[error("{kernel} does not compile with {compiler}:\n{log}")]
    Compile {
        /// The source file, with its defines if it has any.
        kernel: String,
        /// The C++ compiler's version line, or NVRTC's version and target.
        compiler: String,
        /// Error lines, then an excerpt of the source around the first.
        log: String,
    },

    /// The C++ compiler for the host device is missing.
    #[error(
        "no C++ compiler found ({tried}): install one (Debian/Ubuntu: `apt install g++`, Fedora: `dnf install gcc-c++`, macOS: `xcode-select --install`) or set CXX to its path"
    )]
    NoCompiler {
        /// Where it was looked for: what `CXX` says, or the usual names.
        tried: String,
    },

    /// A kernel misbehaved while it ran: divergent barrier, absent lane, bad launch.
    #[error("{kernel}: {what}")]
    Kernel {
        /// Kernel and file: a [`Function`](crate::device::Function) as text.
        kernel: String,
        /// What it did, with source line and thread where they are known.
        what: String,
    },

    /// A device is missing or failed; `what` carries the fix.
    #[error("device {device}: {what}")]
    Device {
        /// `host`, `cuda` (the driver or NVRTC) or one GPU, `cuda:0`.
        device: String,
        /// What failed, in the driver's words if it was the driver, and what to do.
        what: String,
    },

    /// A kernel source file or an `#include` in it is unknown.
    #[error("kernel source {file}: {what}")]
    Source {
        /// Path below `kernels/`, or the user's file.
        file: String,
        /// What is missing or not allowed, with the line of an `#include`.
        what: String,
    },

    /// Nothing says how to launch a kernel of a user's file.
    #[error("{file}: nothing says how to launch it; put this into {} (sizes are guesses) or use ‹grid›, ‹block› and ‹arg›:\n\n{example}", Path::new(file).with_extension("toml").display())]
    NoLaunch {
        /// The user's file.
        file: String,
        /// A TOML text that launches the kernel; see [`crate::launch_plan`].
        example: String,
    },

    /// A data file, checkpoint or configuration is not what it should be.
    #[error("{}: {what}", path.display())]
    File {
        /// The file or folder, as the user or the program named it.
        path: PathBuf,
        /// What is wrong with it; together with the path, one sentence.
        what: String,
    },

    /// A value given by the user is out of range or unknown.
    #[error("{0}")]
    Usage(String),

    /// Asked to stop while a kernel was compiled; see [`Device::compile_until`](crate::device::Device::compile_until).
    #[error("interrupted while kernels were compiled; run the same command again")]
    Interrupted,

    /// Training cannot go on (a loss that is not finite, say).
    #[error("{0}")]
    Training(String),
}

impl Error {
    /// A shape error of op `op`.
    pub fn shape(op: &'static str, what: impl Into<String>) -> Self {
        Error::Shape { op, what: what.into() }
    }

    /// An error about the file at `path`.
    pub fn file(path: impl Into<PathBuf>, what: impl ToString) -> Self {
        Error::File { path: path.into(), what: plain(what) }
    }

    /// An error about device `device`.
    pub fn device(device: impl Into<String>, what: impl ToString) -> Self {
        Error::Device { device: device.into(), what: plain(what) }
    }

    /// A value that the user must change.
    pub fn usage(what: impl Into<String>) -> Self {
        Error::Usage(what.into())
    }
}

const WHOLE: &str = "expected a whole number, 0 or more";
/// What Rust says of a text that is no number, and what a person has to do.
const NO_NUMBER: [(&str, &str); 8] = [
    ("invalid digit found in string", WHOLE),
    ("cannot parse integer from empty string", WHOLE),
    ("number too large to fit in target type", "expected a smaller number"),
    ("number too small to fit in target type", WHOLE),
    ("number would be zero for non-zero type", "expected a whole number, 1 or more"),
    ("invalid float literal", "expected a number"),
    ("cannot parse float from empty string", "expected a number"),
    ("provided string was not `true` or `false`", "expected true or false"),
];

/// What libraries and the system say, without what only programmers read: numbers of the system's errors, names of Rust's types.
pub fn plain(said: impl ToString) -> String {
    let mut text = said.to_string();
    while let Some(start) = text.find(" (os error ") {
        let end = text[start..].find(')').map_or(text.len(), |end| start + end + 1);
        let number = text[start..end].trim_start_matches(" (os error ").trim_end_matches(')').parse();
        let error = number.map(io::Error::from_raw_os_error);
        // The system's own words for it stand before the number.
        let before =
            error.as_ref().ok().and_then(|error| error.to_string().strip_suffix(&text[start..end]).map(str::len));
        match (error, before.filter(|&before| before <= start)) {
            (Ok(error), Some(before)) => {
                text.replace_range(start - before..end, &words(&error, before, &text[..start]))
            }
            _ => text.replace_range(start..end, ""),
        }
    }
    for number in ["f32", "f64"] {
        text = text.replace(&format!("expected {number}"), "expected a number");
    }
    for whole in ["u8", "u16", "u32", "u64", "usize"] {
        text = text.replace(&format!("expected {whole}"), WHOLE);
    }
    for (rust, ours) in NO_NUMBER {
        text = text.replace(rust, ours);
    }
    text
}

/// The kind of a system's error, alike on every system; for a rare one, the system's own words, the last `length` bytes of `text`.
fn words(error: &io::Error, length: usize, text: &str) -> String {
    let words = match error.kind() {
        ErrorKind::NotFound => "no such file or folder",
        ErrorKind::PermissionDenied => "no permission",
        ErrorKind::IsADirectory => "it is a directory, not a file",
        ErrorKind::NotADirectory => "a part of the path is a file, not a directory",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "no space is left",
        ErrorKind::ReadOnlyFilesystem => "nothing can be written to its file system",
        ErrorKind::OutOfMemory => "memory ran out",
        _ => &text[text.len() - length..],
    };
    words.into()
}
