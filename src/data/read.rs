//! Decoding and resizing many pictures at once, straight into one array, in bounded memory.
//!
//! Each thread holds one picture at a time and writes into that picture's own place, so the result does not depend on
//! the number of threads.

use std::path::Path;
use std::sync::Mutex;

use serde::Serialize;

use super::origin::{Moments, Origin};
use super::source::{Entry, Part};
use super::{Files, Images, Loading, Size, picture};
use crate::error::{Error, Result};

/// A file that cannot be read as a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Where it is.
    pub file: String,
    /// Why.
    pub reason: String,
}

impl Broken {
    pub(super) fn new(file: &Entry, reason: String) -> Self {
        Self { file: file.path.display().to_string(), reason }
    }
}

/// The pictures of `part`, which is called `name`, in size `size`; `broken` gets those that are left out.
///
/// # Errors
/// The first file, in their order, that cannot be decoded.
pub(super) fn load(
    part: Part,
    name: &str,
    root: &Path,
    size: Size,
    loading: &Loading,
    hold: bool,
    broken: &mut Vec<Broken>,
) -> Result<Images> {
    match part {
        Part::Pixels(images) => resized(named(images, name), size, loading),
        Part::Files(files) => decoded(&files, root, size, loading, hold, broken),
    }
}

/// `images` with origins: which picture of part `name` each is.
fn named(images: Images, name: &str) -> Images {
    let size = Size { height: images.height, width: images.width };
    let origin = |at| Origin::new(format!("{name} picture {at}"), size, images.image(at), Vec::new());
    let origins = (0..images.len()).map(origin).collect();
    Images { origins, ..images }
}

/// `images` in another size; as they are if they have it.
fn resized(images: Images, size: Size, loading: &Loading) -> Result<Images> {
    if (images.height, images.width) == (size.height, size.width) {
        return Ok(images);
    }
    fits(images.len(), size, loading)?;
    let (pixels, _) = fill(images.len(), size, true, loading, |index, target| {
        let (width, height) = (images.width as u32, images.height as u32);
        let picture = image::RgbImage::from_raw(width, height, images.image(index).to_vec());
        let picture = picture.expect("a picture's bytes");
        target.copy_from_slice(&loading.fitted(&picture, size)?);
        Ok(())
    })?;
    Ok(Images { pixels, height: size.height, width: size.width, ..images })
}

/// The pictures in `files`, which are called as from `root`, in that order, decoded as `loading` says; `broken` gets those that it leaves out. Unless `hold`,
/// all is known of them but their pixels.
///
/// # Errors
/// Unless they are left out, the first file, in their order, that cannot be decoded; an array larger than there is memory for.
pub fn decoded(
    files: &[Entry],
    root: &Path,
    size: Size,
    loading: &Loading,
    hold: bool,
    broken: &mut Vec<Broken>,
) -> Result<Images> {
    let (pixels, found) = fill(files.len(), size, hold, loading, |index, target| {
        let path = &files[index].path;
        match picture::inspect(path) {
            Ok((picture, conversions)) => {
                target.copy_from_slice(&loading.fitted(&picture, size)?);
                let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
                let size = Size { height: picture.height() as usize, width: picture.width() as usize };
                let moments = Moments::of(target);
                Ok(Ok(Origin { moments, ..Origin::new(name, size, &picture, conversions) }))
            }
            Err(Error::File { what, .. }) if loading.skip_broken => Ok(Err(what)),
            Err(Error::File { path, what }) => {
                let fix = "`warptape data info` lists all broken files, ‹skip_broken› leaves them out";
                Err(Error::file(path, format!("{what} ({fix})")))
            }
            Err(other) => Err(other),
        }
    })?;
    let (mut images, mut whole) = (Images::new(size.height, size.width), Vec::new());
    let fit = loading.resize.unwrap_or_default();
    images.files = Some(Files { root: root.into(), fit, workers: loading.workers });
    for ((index, file), found) in files.iter().enumerate().zip(found) {
        match found {
            Ok(origin) => {
                images.labels.push(file.label);
                images.origins.push(origin);
                whole.push(index);
            }
            Err(reason) => broken.push(Broken::new(file, reason)),
        }
    }
    images.pixels = pixels;
    if !hold {
        return Ok(images);
    }
    // Those that were left out left their places empty.
    for (to, &from) in whole.iter().enumerate().filter(|(to, from)| to != *from) {
        images.pixels.copy_within(from * size.bytes()..(from + 1) * size.bytes(), to * size.bytes());
    }
    images.pixels.truncate(whole.len() * size.bytes());
    Ok(images)
}

/// Runs `work` on each of `count` pictures' places in a new array, on the threads of `loading`. Returns the array and what
/// each call returned, in order. Unless they are to be held, all pictures of a thread have one place, and the array is empty.
///
/// # Errors
/// That of the first picture, in their order, that fails; no thread takes a new picture after a failure.
fn fill<T: Send>(
    count: usize,
    size: Size,
    hold: bool,
    loading: &Loading,
    work: impl Fn(usize, &mut [u8]) -> Result<T> + Sync,
) -> Result<(Vec<u8>, Vec<T>)> {
    let mut pixels = Vec::new();
    let held = if hold { count } else { 0 };
    let total = held.checked_mul(size.bytes()).filter(|&total| pixels.try_reserve_exact(total).is_ok());
    pixels.resize(total.ok_or_else(|| too_large(count, size, None, loading))?, 0u8);
    let mut done: Vec<Option<Result<T>>> = Vec::new();
    done.resize_with(count, || None);
    // Handed out in ascending order: every picture before a failed one has been taken, so the first failure is the same
    // however threads are scheduled.
    let mut places = pixels.chunks_exact_mut(size.bytes());
    let places = std::iter::from_fn(|| Some(places.next()));
    let next = Mutex::new(Some(places.zip(&mut done).enumerate()));
    let take = || next.lock().expect("no thread panics with it").as_mut()?.next();
    std::thread::scope(|scope| {
        let worker = || {
            let mut own = vec![0; if hold { 0 } else { size.bytes() }];
            while let Some((index, (target, slot))) = take() {
                let result = work(index, target.unwrap_or(&mut own));
                if result.is_err() {
                    *next.lock().expect("no thread panics with it") = None;
                }
                *slot = Some(result);
            }
        };
        for _ in 1..Loading::threads(loading.workers).min(count) {
            scope.spawn(worker);
        }
        worker();
    });
    let results = done.into_iter().map_while(|slot| slot).collect::<Result<Vec<T>>>()?;
    Ok((pixels, results))
}

/// Refuses `count` pictures of `size` if the machine's free memory does not hold them.
fn fits(count: usize, size: Size, loading: &Loading) -> Result<()> {
    let free = free_memory();
    match count.checked_mul(size.bytes()) {
        Some(bytes) if free.is_none_or(|free| bytes as u64 <= free) => Ok(()),
        _ => Err(too_large(count, size, free, loading)),
    }
}

fn too_large(count: usize, size: Size, free: Option<u64>, loading: &Loading) -> Error {
    let gib = |bytes: f64| format!("{:.1} GiB", bytes / (1u64 << 30) as f64);
    let free = free.map_or(String::new(), |free| format!(", {} are free", gib(free as f64)));
    let needed = gib(count as f64 * size.bytes() as f64);
    // A network's input has a size already.
    let smaller = if loading.classes.is_none() { "a smaller ‹image_size› or " } else { "" };
    Error::usage(format!("{count} pictures of {size} need {needed} of memory{free}: choose {smaller}fewer pictures"))
}

/// The most bytes of pixels to hold where nothing else is asked for: a quarter of the memory, where the system tells.
pub fn share() -> u64 {
    kilobytes("MemTotal:").map_or(u64::MAX, |total| limit().map_or(total, |limit| total.min(limit)) / 4)
}

/// Bytes that may still be taken, where the system tells: Linux's estimate, within a container's limit.
fn free_memory() -> Option<u64> {
    kilobytes("MemAvailable:").map(|free| limit().map_or(free, |limit| free.min(limit)))
}

/// Bytes that a line of the system's table of memory says.
fn kilobytes(name: &str) -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

/// The limit of the container, if there is one.
fn limit() -> Option<u64> {
    std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?.trim().parse().ok()
}
