//! Weights that torchvision publishes, of networks that are here: `IMAGENET1K_V1`, whose file names carry the first eight digits of
//! their SHA-256.

use std::path::{Path, PathBuf};

use crate::download::{Digest, Published, Size, bring, verify};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::files;

/// Where torchvision's files are.
const BASE: &str = "https://download.pytorch.org/models";

/// Weights that can be fetched by their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// What they are called: the network's name in torchvision.
    pub name: &'static str,
    /// The network, as `train` takes it.
    pub model: &'static str,
    /// The file's name.
    pub file: &'static str,
    /// Its size in thousandths of a mebibyte.
    pub size: u64,
}

/// All of them.
#[rustfmt::skip]
pub const KNOWN: [Known; 11] = [
    Known { name: "resnet18", model: "resnet18:stem=imagenet", file: "resnet18-f37072fd.pth", size: 44_661 },
    Known { name: "resnet34", model: "resnet34:stem=imagenet", file: "resnet34-b627a593.pth", size: 83_275 },
    Known { name: "resnet50", model: "resnet50:stem=imagenet", file: "resnet50-0676ba61.pth", size: 97_781 },
    Known { name: "vgg11", model: "vgg11:head=imagenet", file: "vgg11-8a719046.pth", size: 506_840 },
    Known { name: "vgg13", model: "vgg13:head=imagenet", file: "vgg13-19584684.pth", size: 507_545 },
    Known { name: "vgg16", model: "vgg16:head=imagenet", file: "vgg16-397923af.pth", size: 527_796 },
    Known { name: "vgg19", model: "vgg19:head=imagenet", file: "vgg19-dcbb9e9d.pth", size: 548_051 },
    Known { name: "vgg11_bn", model: "vgg11_bn:head=imagenet", file: "vgg11_bn-6002323d.pth", size: 506_881 },
    Known { name: "vgg13_bn", model: "vgg13_bn:head=imagenet", file: "vgg13_bn-abd245e5.pth", size: 507_590 },
    Known { name: "vgg16_bn", model: "vgg16_bn:head=imagenet", file: "vgg16_bn-6c64b313.pth", size: 527_866 },
    Known { name: "vgg19_bn", model: "vgg19_bn:head=imagenet", file: "vgg19_bn-c79401a0.pth", size: 548_143 },
];

/// The weights that are called `name`, in any spelling of it.
pub fn find(name: &str) -> Option<&'static Known> {
    let plain = |name: &str| name.to_lowercase().replace(['-', '_'], "");
    KNOWN.iter().find(|known| plain(known.name) == plain(name))
}

/// The folder in which fetched weights are kept: `warptape-weights` below `XDG_CACHE_HOME` or `~/.cache`.
///
/// # Errors
/// An environment that names neither.
pub fn folder(environment: &Environment) -> Result<PathBuf> {
    let caches = environment.path("XDG_CACHE_HOME").filter(|folder| folder.is_absolute());
    let caches = caches.or_else(|| environment.path("HOME").map(|home| home.join(".cache")));
    let caches =
        caches.ok_or_else(|| Error::usage("neither XDG_CACHE_HOME nor HOME names a folder for weights: set one"))?;
    Ok(caches.join("warptape-weights"))
}

/// How weights came to be where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They were there.
    AlreadyThere,
    /// From a file of this machine.
    Taken(PathBuf),
    /// From the server, all or the rest of it.
    Fetched,
}

impl Known {
    /// The first digits of the file's SHA-256.
    pub fn digits(&self) -> &'static str {
        let stem = self.file.trim_end_matches(".pth");
        stem.rsplit_once('-').map_or("", |(_, digits)| digits)
    }

    /// Bytes, nearly.
    pub fn bytes(&self) -> u64 {
        Size::About(self.size).most()
    }

    /// The published file; `from` is another folder of a server to get it from, or the file's own address there.
    fn published(&self, from: Option<&str>) -> Published {
        let base = from.unwrap_or(BASE).trim_end_matches('/');
        let url = if base.ends_with(".pth") { base.to_owned() } else { format!("{base}/{}", self.file) };
        let digest = Digest::Sha256(self.digits().to_owned());
        Published { name: self.file.into(), url, size: Size::About(self.size), digest }
    }

    /// The file in the cache, if one of its name is there.
    pub fn cached(&self, environment: &Environment) -> Option<PathBuf> {
        Some(folder(environment).ok()?.join(self.file)).filter(|path| path.is_file())
    }

    /// The file in the cache, as long as the published one. Whether it is that, [`Weights::sha256`](super::Weights::sha256) sees,
    /// so that a file is read for it once.
    ///
    /// # Errors
    /// None there, or one of another length; with what to do.
    pub fn whole(&self, environment: &Environment) -> Result<PathBuf> {
        let (name, fetch) = (self.name, format!("‹weights fetch {}›", self.name));
        let Some(file) = self.cached(environment) else {
            let what = format!("{name}: these weights are not on this machine yet; fetch them: {fetch}");
            return Err(Error::Training(what));
        };
        let length = file.metadata().map_err(|e| Error::file(&file, e))?.len();
        if Size::About(self.size).fits(length) { Ok(file) } else { Err(self.other(&file)) }
    }

    /// Refuses the file at `path`, which has this `sha256`, if it is called as published weights are and is not those.
    ///
    /// # Errors
    /// If it is so, with what to do.
    pub(super) fn check(path: &Path, sha256: &str) -> Result<()> {
        match Self::called(path).filter(|known| !sha256.starts_with(known.digits())) {
            Some(known) => Err(known.other(path)),
            None => Ok(()),
        }
    }

    /// The weights whose file is called as that at `path`.
    pub(super) fn called(path: &Path) -> Option<&'static Self> {
        KNOWN.iter().find(|known| path.file_name().is_some_and(|name| name == known.file))
    }

    fn other(&self, path: &Path) -> Error {
        let (digits, name) = (self.digits(), self.name);
        let what =
            format!("is not the published file, whose SHA-256 begins with {digits}: remove it or call it otherwise");
        Error::file(path, format!("{what}, and fetch it again: ‹weights fetch {name}›"))
    }

    /// Brings the file into the cache: from `file` if it is given, else from one of that name in the current folder or in PyTorch's
    /// own cache, else from the server, or from `from` instead. `progress` is called with bytes so far. Returns where it is.
    ///
    /// # Errors
    /// A file that is not the published one; what goes wrong with a download, with what to do without one.
    pub fn fetch(
        &self,
        environment: &Environment,
        from: Option<&str>,
        file: Option<&Path>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(PathBuf, Outcome)> {
        let to = folder(environment)?;
        std::fs::create_dir_all(&to).map_err(|e| Error::file(&to, e))?;
        let (path, published) = (to.join(self.file), self.published(from));
        let beside = [Some(environment.current.clone()), torch_cache(environment)].into_iter().flatten();
        let beside =
            file.map(Path::to_path_buf).or_else(|| beside.map(|at| at.join(self.file)).find(|at| at.is_file()));
        if let (Some(source), false) = (beside, path.exists()) {
            if let Err(what) = verify(&published, &source)? {
                return Err(Error::file(source, format!("{what}: it is not torchvision's {}", self.file)));
            }
            let copy = |target: &mut std::fs::File| std::io::copy(&mut files::open(&source)?, target).map(drop);
            files::replace(&path, copy).map_err(|e| {
                Error::file(&path, format!("cannot be written: {e}; set XDG_CACHE_HOME to a folder that can be"))
            })?;
            return Ok((path, Outcome::Taken(source)));
        }
        let fetched = bring(&published, &to, progress).map_err(|error| {
            let without =
                format!("without a connection put {} at {}, or name it with ‹file›", published.url, path.display());
            if path.exists() { error } else { Error::Training(format!("{error}; {without}")) }
        })?;
        Ok((path, if fetched { Outcome::Fetched } else { Outcome::AlreadyThere }))
    }
}

/// Where PyTorch keeps what it downloads.
fn torch_cache(environment: &Environment) -> Option<PathBuf> {
    let home = environment.path("TORCH_HOME").or_else(|| {
        let caches = environment.path("XDG_CACHE_HOME");
        caches.or_else(|| environment.path("HOME").map(|home| home.join(".cache"))).map(|caches| caches.join("torch"))
    });
    home.map(|home| home.join("hub/checkpoints"))
}
