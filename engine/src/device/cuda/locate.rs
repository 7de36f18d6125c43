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
/// `.nvrtc` in the current folder (see `scripts/install_nvrtc.sh`); the active virtual or conda environment;
/// `/usr/local/cuda*` and `/opt/cuda`; the Pythons on `PATH`, of pyenv, of the user and of the system; the
/// distribution's library folders.
pub fn candidates(library: &Library, places: &Environment) -> Vec<PathBuf> {
    if let Some(chosen) = places.path(library.variable) {
        return if chosen.is_dir() { in_folder(library, &chosen) } else { vec![chosen] };
    }
    let mut files = Vec::new();
    for folder in folders(library, places) {
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

/// Folders to look in, best first; not all exist.
fn folders(library: &Library, places: &Environment) -> Vec<PathBuf> {
    let mut folders = places.paths("LD_LIBRARY_PATH");
    let toolkits = ["CUDA_HOME", "CUDA_PATH"].iter().filter_map(|name| places.path(name));
    folders.extend(toolkits.flat_map(|home| in_toolkit(&home)));
    let wheels = |packages: PathBuf| library.wheels.iter().map(move |w| packages.join("nvidia").join(w));
    folders.extend(wheels(places.current.join(".nvrtc")));

    let environments = ["VIRTUAL_ENV", "CONDA_PREFIX"].iter().filter_map(|name| places.path(name));
    for prefix in environments {
        folders.push(prefix.join("lib"));
        folders.extend(packages(&prefix).into_iter().flat_map(wheels));
    }

    // The newest of `/usr/local/cuda-12.4` and `/usr/local/cuda-13.0` comes first by name, after the plain link.
    let mut installed = matching(&places.root.join("usr/local"), |name| name.starts_with("cuda"));
    installed.sort_by_key(|path| (path.file_name().is_some_and(|n| n != "cuda"), std::cmp::Reverse(path.clone())));
    installed.push(places.root.join("opt/cuda"));
    folders.extend(installed.iter().flat_map(|home| in_toolkit(home)));

    folders.extend(pythons(places).iter().flat_map(|prefix| packages(prefix)).flat_map(wheels));

    let system = ["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib", "usr/lib/wsl/lib"];
    folders.extend(system.iter().map(|folder| places.root.join(folder)));
    folders
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
