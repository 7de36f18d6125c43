//! Loading a library of NVIDIA's by its full path.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use crate::device::cuda::locate::{self, candidates};
use crate::environment::Environment;

/// A library that stays loaded until the process ends.
pub(super) struct Loaded {
    name: &'static str,
    library: ManuallyDrop<Library>,
}

impl Loaded {
    /// The file `theirs`, if there is one and the user named no other; else the first that loads of the places where
    /// `wanted` may be. With its neighbours whose names begin with one of
    /// `before` loaded first.
    pub(super) fn find(
        wanted: &locate::Library,
        theirs: Option<&Path>,
        before: &[&str],
        environment: &Environment,
    ) -> Result<Self, String> {
        let (name, mut failure) = (wanted.stem, None);
        for file in places_of(wanted, theirs, environment) {
            // SAFETY: NVIDIA's libraries only set up state of their own when they are loaded.
            let library = unsafe {
                for neighbour in before.iter().flat_map(|prefix| locate::beside(&file, prefix)) {
                    // One that does not load is missed by the library itself, which then says so.
                    _ = Library::open(Some(neighbour), RTLD_NOW | RTLD_GLOBAL).map(ManuallyDrop::new);
                }
                Library::open(Some(&file), RTLD_NOW | RTLD_GLOBAL)
            };
            match library {
                Ok(library) => return Ok(Self { name, library: ManuallyDrop::new(library) }),
                // A bare name that the loader does not know is no news; a file that is there and fails is.
                Err(error) if file.components().count() > 1 => _ = failure.get_or_insert(error.to_string()),
                Err(_) => {}
            }
        }
        Err(failure.unwrap_or_else(|| format!("no lib{name}: pip install torch brings it, or set {}", wanted.variable)))
    }

    /// The function `name`, as the type that the caller knows it by.
    ///
    /// # Safety
    /// `F` is a function pointer of the signature that the library's header gives `name`.
    pub(super) unsafe fn get<F: Copy>(&self, name: &str) -> Result<F, String> {
        // SAFETY: the caller's promise.
        let found = unsafe { self.library.get::<F>(name.as_bytes()) };
        found.map(|symbol| *symbol).map_err(|_| format!("this lib{} has no {name}", self.name))
    }
}

/// Where `wanted` may be, best first: the file that its variable names, the one that PyTorch has loaded, the usual places.
pub fn places_of(wanted: &locate::Library, theirs: Option<&Path>, places: &Environment) -> Vec<PathBuf> {
    let theirs = theirs.filter(|_| places.path(wanted.variable).is_none());
    theirs.map(Path::to_path_buf).into_iter().chain(candidates(wanted, places)).collect()
}
