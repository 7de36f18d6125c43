//! From what a source has to training, validation and test pictures: as it is divided, split by chance, or as a run recorded it.

use std::collections::HashSet;
use std::path::Path;

use super::origin::Digest;
use super::read::{self, Broken};
use super::source::Parts;
use super::{Dataset, Images, Loading, Size, split};
use crate::error::Result;

/// What a data set was divided into.
pub(super) struct Divided {
    /// Training, validation and test pictures.
    pub(super) parts: [Images; 3],
    /// Those beyond [`Loading::limit_per_class`].
    pub(super) rest: Images,
}

/// Pictures in the parts that `loading` asks for, in size `size`.
///
/// # Errors
/// More than fits into memory; a file that cannot be read as a picture, unless it is left out.
pub(super) fn divided(
    parts: Parts,
    root: &Path,
    size: Size,
    loading: &Loading,
    broken: &mut Vec<Broken>,
) -> Result<Divided> {
    let bytes = (parts.count() as u64).saturating_mul(size.bytes() as u64);
    let hold = bytes <= loading.memory.unwrap_or_else(read::share);
    let none = || Images::new(size.height, size.width);
    match parts {
        Parts::Divided(parts) => {
            let [train, val, test] = *parts;
            let mut load = |part, name| read::load(part, name, root, size, loading, hold, broken);
            let (train, rest) = limited(load(train, "train")?, loading);
            Ok(Divided { parts: [train, load(val, "val")?, load(test, "test")?], rest })
        }
        Parts::Whole(files) => {
            let all = read::decoded(&files, root, size, loading, hold, broken)?;
            if loading.whole || loading.record.is_some() {
                return Ok(Divided { parts: [none(), none(), all], rest: none() });
            }
            // Only now that pictures are decoded is it known which of them are equal.
            let (all, rest) = limited(all, loading);
            let parts = split::three(&all, loading.split.unwrap_or_default(), loading.seed);
            Ok(Divided { parts: parts.map(|part| all.select(&part)), rest })
        }
    }
}

/// `images` within the limit of each class, and the rest. What a run recorded is within it.
fn limited(images: Images, loading: &Loading) -> (Images, Images) {
    let Some(most) = loading.limit_per_class.filter(|_| loading.record.is_none() && !loading.whole) else {
        let rest = images.select(&[]);
        return (images, rest);
    };
    let [taken, rest] = split::limit(&images, most, loading.seed).map(|indices| images.select(&indices));
    (taken, rest)
}

/// A warning if pictures to judge by are to train on as well.
pub(super) fn leak(data: &Dataset) -> Option<String> {
    let trained: HashSet<Digest> = data.train.origins.iter().map(|origin| origin.digest).collect();
    let both: Vec<_> =
        data.val.origins.iter().chain(&data.test.origins).filter(|origin| trained.contains(&origin.digest)).collect();
    let first = both.first()?;
    let count = match both.len() {
        1 => "1 validation or test picture equals a training picture".to_owned(),
        count => format!("{count} validation or test pictures equal training pictures"),
    };
    Some(format!("{count} ({}): figures will be too good, `warptape eval` leaves them out", first.file))
}
