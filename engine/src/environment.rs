//! What a process is told from outside. The environment's variables are read here and nowhere else, once, and handed on as a
//! value: a device takes its [`Environment`] with it, and a test can make one up.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

/// Environment variables, and where the file system is to be looked at.
#[derive(Clone)]
pub struct Environment {
    /// The variables by name.
    pub variables: Arc<HashMap<OsString, OsString>>,
    /// The folder that `.nvrtc` is looked for in.
    pub current: PathBuf,
    /// The program that runs, above which `.nvrtc` is looked for, too; none where that is not known.
    pub program: Option<PathBuf>,
    /// The root of the file system.
    pub root: PathBuf,
}

impl Environment {
    /// That of this process, as it was when it was first asked for.
    pub fn of_process() -> Self {
        static VARIABLES: LazyLock<Arc<HashMap<OsString, OsString>>> =
            LazyLock::new(|| Arc::new(std::env::vars_os().collect()));
        static PROGRAM: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::current_exe().ok());
        let (current, root) = (PathBuf::from("."), PathBuf::from("/"));
        Self { variables: VARIABLES.clone(), current, program: PROGRAM.clone(), root }
    }

    /// With variable `name` set to `value`, whatever it was.
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        Arc::make_mut(&mut self.variables).insert(name.into(), value.into());
        self
    }

    /// A variable that names a file or folder; none if it is unset or empty.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.variables.get(OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// A variable that is a list of folders, as `PATH` is.
    pub fn paths(&self, name: &str) -> Vec<PathBuf> {
        self.path(name).map(|value| std::env::split_paths(&value).collect()).unwrap_or_default()
    }

    /// A variable that is text; empty if it is unset, or no Unicode.
    pub fn text(&self, name: &str) -> &str {
        self.variables.get(OsStr::new(name)).and_then(|value| value.to_str()).unwrap_or_default()
    }
}

/// That of this process.
impl Default for Environment {
    fn default() -> Self {
        Self::of_process()
    }
}

/// Without the values, which may be nobody else's to see.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Environment({} variables)", self.variables.len())
    }
}
