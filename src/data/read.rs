//! Decoding and resizing many pictures at once, straight into one array, in bounded memory.
//!
//! Each thread holds one picture at a time and writes into that picture's own place, so the result does not depend on
//! the number of threads.

use std::sync::Mutex;

use serde::Serialize;

use super::source::{Entry, Part};
use super::{Images, Loading, Size, picture};
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

/// The pictures of `part` in size `size`; `broken` gets those that are left out.
///
/// # Errors
/// The first file, in their order, that cannot be decoded.
pub(super) fn load(part: Part, size: Size, loading: &Loading, broken: &mut Vec<Broken>) -> Result<Images> {
    match part {
        Part::Pixels(images) => resized(images, size, loading),
        Part::Files(files) => decoded(&files, size, loading, broken),
    }
}

/// `images` in another size; as they are if they have it.
pub(super) fn resized(images: Images, size: Size, loading: &Loading) -> Result<Images> {
    if (images.height, images.width) == (size.height, size.width) {
        return Ok(images);
    }
    let labels = images.labels.clone();
    let (pixels, _) = fill(images.len(), size, loading.workers, |index, target| {
        let (width, height) = (images.width as u32, images.height as u32);
        let picture = image::RgbImage::from_raw(width, height, images.image(index).to_vec());
        let picture = picture.expect("a picture's bytes");
        target.copy_from_slice(&loading.fitted(&picture, size)?);
        Ok(())
    })?;
    Ok(Images { pixels, labels, height: size.height, width: size.width })
}

/// The pictures in `files`, in that order, decoded as `loading` says; `broken` gets those that it leaves out.
///
/// # Errors
/// Unless they are left out, the first file, in their order, that cannot be decoded; an array larger than the machine's memory,
/// before any is.
pub fn decoded(files: &[Entry], size: Size, loading: &Loading, broken: &mut Vec<Broken>) -> Result<Images> {
    fits(files.len(), size)?;
    let (pixels, reasons) = fill(files.len(), size, loading.workers, |index, target| {
        match picture::open(&files[index].path) {
            Ok(decoded) => target.copy_from_slice(&loading.fitted(&decoded, size)?),
            Err(Error::File { what, .. }) if loading.skip_broken => return Ok(Some(what)),
            Err(Error::File { path, what }) => {
                let fix = "`warptape data info` lists all broken files, ‹skip_broken› leaves them out";
                return Err(Error::file(path, format!("{what} ({fix})")));
            }
            Err(other) => return Err(other),
        }
        Ok(None)
    })?;
    let labels = files.iter().map(|file| file.label).collect();
    let all = Images { pixels, labels, height: size.height, width: size.width };
    let whole: Vec<u32> = (0..).zip(&reasons).filter(|(_, reason)| reason.is_none()).map(|(index, _)| index).collect();
    let found = files.iter().zip(reasons).filter_map(|(file, reason)| Some(Broken::new(file, reason?)));
    broken.extend(found);
    Ok(if whole.len() == all.len() { all } else { all.select(&whole) })
}

/// Runs `work` on each of `count` pictures' places in a new array, on `workers` threads. Returns the array and what
/// each call returned, in order.
///
/// # Errors
/// That of the first picture, in their order, that fails; no thread takes a new picture after a failure.
pub(super) fn fill<T: Send>(
    count: usize,
    size: Size,
    workers: usize,
    work: impl Fn(usize, &mut [u8]) -> Result<T> + Sync,
) -> Result<(Vec<u8>, Vec<T>)> {
    let mut pixels = Vec::new();
    let total = count.checked_mul(size.bytes()).filter(|&total| pixels.try_reserve_exact(total).is_ok());
    pixels.resize(total.ok_or_else(|| too_large(count, size, None))?, 0u8);
    let mut done: Vec<Option<Result<T>>> = Vec::new();
    done.resize_with(count, || None);
    // Handed out in ascending order: every picture before a failed one has been taken, so the first failure is the same
    // however threads are scheduled.
    let next = Mutex::new(Some(pixels.chunks_exact_mut(size.bytes()).zip(&mut done).enumerate()));
    let take = || next.lock().expect("no thread panics with it").as_mut()?.next();
    std::thread::scope(|scope| {
        let worker = || {
            while let Some((index, (target, slot))) = take() {
                let result = work(index, target);
                if result.is_err() {
                    *next.lock().expect("no thread panics with it") = None;
                }
                *slot = Some(result);
            }
        };
        for _ in 1..Loading::threads(workers).min(count) {
            scope.spawn(worker);
        }
        worker();
    });
    let results = done.into_iter().map_while(|slot| slot).collect::<Result<Vec<T>>>()?;
    Ok((pixels, results))
}

/// Refuses `count` pictures of `size` if the machine's free memory does not hold them.
pub(super) fn fits(count: usize, size: Size) -> Result<()> {
    let free = free_memory();
    match count.checked_mul(size.bytes()) {
        Some(bytes) if free.is_none_or(|free| bytes as u64 <= free) => Ok(()),
        _ => Err(too_large(count, size, free)),
    }
}

fn too_large(count: usize, size: Size, free: Option<u64>) -> Error {
    let gib = |bytes: f64| format!("{:.1} GiB", bytes / (1u64 << 30) as f64);
    let free = free.map_or(String::new(), |free| format!(", {} are free", gib(free as f64)));
    let needed = gib(count as f64 * size.bytes() as f64);
    Error::usage(format!(
        "{count} pictures of {size} need {needed} of memory{free}: choose a smaller ‹image_size› or fewer pictures"
    ))
}

/// Bytes that may still be taken, where the system tells: Linux's estimate, within a container's limit.
fn free_memory() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let free = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10;
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    Some(limit.map_or(free, |limit: u64| free.min(limit)))
}
