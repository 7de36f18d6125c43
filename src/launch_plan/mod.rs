//! A launch described in text: how a user's own kernel is to be called, without a host program around it.
//!
//! ```toml
//! # saxpy.toml, beside saxpy.cu; options of the command line win over it
//! kernel = "saxpy"          # may be left out where the file has but one
//! grid = 4                  # blocks: 4, or [4, 2], or [4, 2, 1]
//! block = 256               # threads of a block, likewise
//! shared = 0                # bytes of dynamic shared memory
//!
//! [defines]
//! TILE = 16
//!
//! [args]                    # by the kernel's parameter names; see `Value`
//! y = "f32[1024] empty"
//! x = "f32[1024]"
//! n = 1000
//! a = 0.5
//! ```

mod example;
mod prepare;
mod value;

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;

use crate::device::{Defines, Source, Tree};
use crate::error::{Error, Result};
use crate::files;
pub use example::example;
pub use prepare::{Named, Prepared};
pub use value::{Fill, Spec, Value};

/// Sizes along x, y, z, each at least 1; written `4`, `4,2` or `4,2,1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent(pub [u32; 3]);

impl Extent {
    fn new(sizes: &[i64]) -> Option<Self> {
        let mut extent = [1; 3];
        for (i, &size) in sizes.iter().enumerate() {
            *extent.get_mut(i)? = u32::try_from(size).ok().filter(|&size| size >= 1)?;
        }
        (!sizes.is_empty()).then_some(Self(extent))
    }
}

impl FromStr for Extent {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let sizes: Option<Vec<i64>> = text.split(',').map(|size| size.trim().parse().ok()).collect();
        let extent = sizes.as_deref().and_then(Self::new);
        extent
            .ok_or_else(|| Error::usage(format!("'{text}': give one to three sizes of at least 1, such as 4 or 4,2,1")))
    }
}

/// A launch as described; what is left out is none. [`Plan::prepare`] makes it ready.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The kernel's name; none where the file has but one.
    pub kernel: Option<String>,
    /// Blocks along x, y, z.
    pub grid: Option<Extent>,
    /// Threads of a block along x, y, z.
    pub block: Option<Extent>,
    /// Bytes of dynamic shared memory.
    pub shared: u32,
    /// Compile-time constants.
    pub defines: Defines,
    /// Arguments by their parameters' names.
    pub args: BTreeMap<String, Value>,
}

/// The keys of a TOML file.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Keys {
    kernel: Option<String>,
    grid: Option<toml::Value>,
    block: Option<toml::Value>,
    shared: u32,
    defines: toml::Table,
    args: toml::Table,
}

impl Plan {
    /// What the TOML file beside kernel file `file` says; nothing where there is none.
    ///
    /// # Errors
    /// Those of [`Plan::from_file`].
    pub fn beside(file: &Path) -> Result<Self> {
        let beside = file.with_extension("toml");
        if beside.is_file() { Self::from_file(&beside) } else { Ok(Self::default()) }
    }

    /// Reads a TOML file.
    ///
    /// # Errors
    /// An unreadable file; an unknown key or a value of the wrong kind, with its line or its name.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = files::read_text(path).map_err(|e| Error::file(path, e))?;
        Self::from_toml(&text).map_err(|what| Error::file(path, what))
    }

    /// Reads a TOML text.
    ///
    /// # Errors
    /// A sentence about an unknown key or a value of the wrong kind.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        let keys: Keys = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            format!("line {line}: {}", e.message().replace('\n', " "))
        })?;
        let mut plan = Self {
            kernel: keys.kernel,
            grid: keys.grid.map(|value| extent("grid", &value)).transpose()?,
            block: keys.block.map(|value| extent("block", &value)).transpose()?,
            shared: keys.shared,
            ..Self::default()
        };
        for (name, value) in keys.defines {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            plan.define(&name, text).map_err(|what| format!("[defines] {name}: {what}"))?;
        }
        for (name, value) in keys.args {
            let value = Value::from_toml(&value).map_err(|what| format!("[args] {name} = {value}: {what}"))?;
            plan.args.insert(name, value);
        }
        Ok(plan)
    }

    /// The kernel file with the plan's defines, and what it includes of `tree`.
    ///
    /// # Errors
    /// An unreadable file; an `#include` that cannot be resolved.
    pub fn source(&self, file: &Path, tree: &Tree) -> Result<Source> {
        let text = files::read_code(file).map_err(|e| Error::file(file, e))?;
        tree.source(&file.to_string_lossy(), &text, &self.defines)
    }

    /// Adds a compile-time constant.
    ///
    /// # Errors
    /// A name or a value that C++ would read as something else.
    pub fn define(&mut self, name: &str, value: String) -> Result<(), &'static str> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.starts_with(|c: char| is_word(c) && !c.is_ascii_digit()) || !name.chars().all(is_word) {
            return Err("a name has letters, digits and _, and begins with no digit");
        }
        // Of more than one line, or continued by a backslash, the rest would be code.
        if value.contains(['\n', '\r']) || value.ends_with('\\') {
            return Err("a value is one line and does not end with a backslash");
        }
        self.defines = std::mem::take(&mut self.defines).with_text(name, &value);
        Ok(())
    }

    /// Whether nothing at all says how to launch.
    pub(crate) fn is_silent(&self) -> bool {
        self.grid.is_none() && self.block.is_none() && self.args.is_empty()
    }
}

fn extent(key: &str, value: &toml::Value) -> Result<Extent, String> {
    let sizes: Option<Vec<i64>> = match value {
        toml::Value::Array(sizes) => sizes.iter().map(toml::Value::as_integer).collect(),
        value => value.as_integer().map(|size| vec![size]),
    };
    let extent = sizes.as_deref().and_then(Extent::new);
    extent.ok_or_else(|| format!("{key} = {value}: give one to three sizes of at least 1, such as 4 or [4, 2, 1]"))
}
