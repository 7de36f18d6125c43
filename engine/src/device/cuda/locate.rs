//! Finds shared libraries of the CUDA toolkit: NVRTC, and for benches cuBLAS and cuDNN.
//!
//! The toolkit need not be installed. `pip install nvidia-cuda-nvrtc` or any PyTorch brings the same libraries in a
//! folder that no loader knows, and NVIDIA's runtime containers carry `libnvrtc.so.12` without the plain
//! `libnvrtc.so`. So every usual place is looked at, by file name, and no process is started for it.

use std::path::{Path, PathBuf};

use crate::environment::Environment;

/// A library of the toolkit, and what it is called in the places where it is found.
#[derive(Clone, Copy, Debug)]
pub struct Library {
    /// The name between `lib` and `.so`.
    pub stem: &'static str,
    /// Major versions of the file name that will do, best first.
    pub versions: &'static [&'static str],
    /// An environment variable that names the file, or its folder, and silences every other place.
    pub variable: &'static str,
    /// Folders below a Python's `site-packages/nvidia`.
    pub wheels: &'static [&'static str],
}

/// The run-time compiler.
pub const NVRTC: Library = Library {
    stem: "nvrtc",
    versions: &["13", "12"],
    variable: "WARPTAPE_NVRTC",
    wheels: &["cu13/lib", "cuda_nvrtc/lib"],
};

/// NVIDIA's matrix library, for comparison in benches.
pub const CUBLAS: Library = Library {
    stem: "cublas",
    versions: &["13", "12"],
    variable: "WARPTAPE_CUBLAS",
    wheels: &["cu13/lib", "cublas/lib"],
};

/// NVIDIA's convolution library, for comparison in benches.
pub const CUDNN: Library =
    Library { stem: "cudnn", versions: &["9"], variable: "WARPTAPE_CUDNN", wheels: &["cudnn/lib"] };

/// The files that `library` could be loaded from, best first. Where nothing is found by path, bare names follow
/// (`libnvrtc.so.13`) for the loader to resolve from its own cache.
///
/// The order is: the library's variable, and then nothing else; `LD_LIBRARY_PATH`; `CUDA_HOME` and `CUDA_PATH`;
/// `.nvrtc` in the current folder (see `scripts/install_nvrtc.sh`), or above the program as far as cargo builds one below its
/// checkout; the active virtual or conda environment; `/usr/local/cuda*` and `/opt/cuda`; the Pythons on `PATH`, of pyenv, of
/// the user and of the system; the distribution's library folders.
pub fn candidates(library: &Library, places: &Environment) -> Vec<PathBuf> {
    if let Some(chosen) = places.path(library.variable) {
        return if chosen.is_dir() { in_folder(library, &chosen) } else { vec![chosen] };
    }
    let mut files = Vec::new();
    for (_, folder) in folders(library, places) {
        for file in in_folder(library, &folder) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    let names = library.versions.iter().map(|v| format!(".{v}")).chain([String::new()]);
    files.extend(names.map(|suffix| PathBuf::from(format!("lib{}.so{suffix}", library.stem))));
    files
}

/// Which of the places of [`candidates`] `file` was found in, in words; none for a bare name, which the loader knows.
pub fn place(library: &Library, places: &Environment, file: &Path) -> Option<&'static str> {
    if places.path(library.variable).is_some() {
        return Some(library.variable);
    }
    folders(library, places).into_iter().find(|(_, folder)| file.parent() == Some(folder)).map(|(place, _)| place)
}

/// Folders of a checkout between it and a program that cargo has built: `target/release/deps`.
const BELOW: usize = 3;

/// The folders above `program` that hold a `.nvrtc`. What everybody can write to is passed over: its libraries would run here.
fn above(program: &Path) -> impl Iterator<Item = PathBuf> {
    let folders = program.ancestors().skip(1).take(BELOW + 1).filter(|folder| !is_open_to_all(folder));
    folders.map(|folder| folder.join(".nvrtc")).filter(|folder| folder.is_dir() && !is_open_to_all(folder))
}

#[cfg(unix)]
fn is_open_to_all(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    folder.metadata().is_ok_and(|found| found.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn is_open_to_all(_: &Path) -> bool {
    false
}

/// Folders to look in with the place that each is of, best first; not all exist.
fn folders(library: &Library, places: &Environment) -> Vec<(&'static str, PathBuf)> {
    let mut all = Vec::new();
    let mut add = |place, folders: Vec<PathBuf>| all.extend(folders.into_iter().map(|folder| (place, folder)));
    let wheels = |packages: PathBuf| library.wheels.iter().map(move |w| packages.join("nvidia").join(w));
    add("LD_LIBRARY_PATH", places.paths("LD_LIBRARY_PATH"));
    for name in ["CUDA_HOME", "CUDA_PATH"] {
        add(name, places.path(name).into_iter().flat_map(|home| in_toolkit(&home)).collect());
    }
    add(".nvrtc in the current folder", wheels(places.current.join(".nvrtc")).collect());
    add(
        ".nvrtc above the program",
        places.program.iter().flat_map(|program| above(program)).flat_map(wheels).collect(),
    );
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        let Some(prefix) = places.path(name) else { continue };
        add(name, [prefix.join("lib")].into_iter().chain(packages(&prefix).into_iter().flat_map(wheels)).collect());
    }

    // The newest of `/usr/local/cuda-12.4` and `/usr/local/cuda-13.0` comes first by name, after the plain link.
    let mut installed = matching(&places.root.join("usr/local"), |name| name.starts_with("cuda"));
    installed.sort_by_key(|path| (path.file_name().is_some_and(|n| n != "cuda"), std::cmp::Reverse(path.clone())));
    installed.push(places.root.join("opt/cuda"));
    add("an installed toolkit", installed.iter().flat_map(|home| in_toolkit(home)).collect());
    add("a Python", pythons(places).iter().flat_map(|prefix| packages(prefix)).flat_map(wheels).collect());

    let system = ["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib", "usr/lib/wsl/lib"];
    add("the system's libraries", system.iter().map(|folder| places.root.join(folder)).collect());
    all
}

fn in_toolkit(home: &Path) -> [PathBuf; 3] {
    [home.join("lib64"), home.join("lib"), home.join("targets/x86_64-linux/lib")]
}

/// Prefixes of the Python installations within reach: `PREFIX/lib/python3.N/site-packages`.
fn pythons(places: &Environment) -> Vec<PathBuf> {
    let mut prefixes = Vec::new();
    for folder in places.paths("PATH") {
        let python = folder.join("python3");
        if python.exists() {
            prefixes.extend(folder.parent().map(Path::to_path_buf));
            // An environment's python3 is a link to the installation it was made from.
            let real = python.canonicalize().ok();
            prefixes.extend(real.and_then(|p| Some(p.parent()?.parent()?.to_path_buf())));
        }
    }
    let home = places.path("HOME");
    let pyenv = places.path("PYENV_ROOT").or_else(|| home.as_ref().map(|h| h.join(".pyenv")));
    prefixes.extend(pyenv.into_iter().flat_map(|root| matching(&root.join("versions"), |_| true)));
    prefixes.extend(home.map(|h| h.join(".local")));
    prefixes.extend(["usr/local", "usr"].iter().map(|p| places.root.join(p)));
    prefixes
}

/// Package folders of the Python installed at `prefix`. Debian's own `python3` keeps one `dist-packages` for all.
fn packages(prefix: &Path) -> Vec<PathBuf> {
    let versions = matching(&prefix.join("lib"), |name| name.starts_with("python3"));
    versions.iter().rev().flat_map(|v| [v.join("site-packages"), v.join("dist-packages")]).collect()
}

/// Entries of `folder` whose name passes, in order of their names; none if there is no such folder.
fn matching(folder: &Path, passes: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<_> = entries.filter(|p| p.file_name().and_then(|n| n.to_str()).is_some_and(&passes)).collect();
    found.sort();
    found
}

/// Files of the library in `folder`: the wanted versions in order, then the plain name, then longer versions
/// (`libnvrtc.so.13.0.88`), of which a folder may hold no shorter link.
fn in_folder(library: &Library, folder: &Path) -> Vec<PathBuf> {
    let plain = format!("lib{}.so", library.stem);
    let rank = |path: &PathBuf| -> Option<usize> {
        let version = path.file_name()?.to_str()?.strip_prefix(&plain)?;
        if version.is_empty() {
            return Some(library.versions.len());
        }
        let version = version.strip_prefix('.')?;
        let exact = library.versions.iter().position(|v| *v == version);
        let longer = || {
            let major = library.versions.iter().position(|v| version.split('.').next() == Some(*v));
            major.map(|place| library.versions.len() + 1 + place)
        };
        exact.or_else(longer)
    };
    let mut found: Vec<_> = matching(folder, |name| name.starts_with(&plain))
        .into_iter()
        .filter_map(|path| Some((rank(&path)?, path)))
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// The files beside `file` whose names begin with `prefix`, followed through links.
pub fn beside(file: &Path, prefix: &str) -> Vec<PathBuf> {
    let real = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    real.parent().map(|folder| matching(folder, |name| name.starts_with(prefix))).unwrap_or_default()
}
