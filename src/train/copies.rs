//! Static augmentation: a data set written as picture files, its training part with augmented copies.

use std::path::Path;

use image::RgbImage;

use super::images::{Resident, middle_of};
use crate::data::Dataset;
use crate::device::Device;
use crate::draw::pen::png;
use crate::error::{Error, Result};
use crate::op::augment::{Augmentation, Channels};
use crate::op::random::Key;

/// Pictures per pass.
const BATCH: usize = 64;

/// Writes `data` to the new folder `to`, as `PART/CLASS/NUMBER.png` with the picture's number in its part, and beside each
/// training picture `copies` of it that `how` has changed, `NUMBER-copyK.png`; all in the size that a network sees. Copies are of training pictures alone and lie in
/// the training part; validation and test pictures stay as they are. Returns how many files that are.
///
/// # Errors
/// Mixing, whose labels no folder holds; a folder that is not empty; files that cannot be written; those of augmentation.
pub fn write(data: &Dataset, how: &Augmentation, copies: u64, seed: u64, to: &Path, device: &Device) -> Result<usize> {
    if how.mixing.is_some() {
        let what = "a file has one class, mixed pictures have two; leave mixup and cutmix to ‹train›";
        return Err(Error::usage(what));
    }
    if to.exists() {
        return Err(Error::file(to, "is there already; name a new folder"));
    }
    let above = to.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // It gets its name when it is whole.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".augment");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let folder = builder.tempdir_in(above).map_err(|error| Error::file(above, error))?;
    let mut count = 0;
    for (part, images) in [("train", &data.train), ("val", &data.val), ("test", &data.test)] {
        for (number, &label) in images.labels.iter().enumerate() {
            save(
                &folder.path().join(part),
                &data.classes,
                label,
                &format!("{number:06}"),
                &middle_of(&picture(images.height, images.width, &images.read(number)?), images, 1),
            )?;
            count += 1;
        }
    }
    let images = &data.train;
    let resident = Resident::new(device, images)?;
    let order = resident.order(&resident.all())?;
    for copy in 1..=copies {
        let how = how.clone().in_epoch(copy);
        for at in (0..images.len()).step_by(BATCH) {
            let batch = BATCH.min(images.len() - at);
            let key = Key { seed, step: copy, stream: 0 };
            let batch = resident.augmented(&order, at, batch, &how, &Channels::PLAIN, key)?;
            let bytes: Vec<u8> = batch.x.floats()?.into_iter().map(|value| (255.0 * value).round() as u8).collect();
            let [height, width] = images.input();
            for (number, pixels) in (at..).zip(bytes.chunks(3 * height * width)) {
                let (name, picture) = (format!("{number:06}-copy{copy}"), picture(height, width, pixels));
                save(&folder.path().join("train"), &data.classes, images.labels[number], &name, &picture)?;
                count += 1;
            }
        }
    }
    std::fs::rename(folder.keep(), to).map_err(|error| Error::file(to, error))?;
    Ok(count)
}

/// The picture that `pixels` are.
fn picture(height: usize, width: usize, pixels: &[u8]) -> RgbImage {
    RgbImage::from_raw(width as u32, height as u32, pixels.to_vec()).expect("a picture's bytes")
}

/// Writes `picture` of class `label` into its class's folder in `part`.
fn save(part: &Path, classes: &[String], label: i32, name: &str, picture: &RgbImage) -> Result<()> {
    let class = &classes[label as usize];
    let folder = part.join(class.replace(['/', '\\'], "-"));
    std::fs::create_dir_all(&folder).map_err(|error| Error::file(&folder, error))?;
    let file = folder.join(format!("{name}.png"));
    std::fs::write(&file, png(picture)?).map_err(|error| Error::file(&file, error))
}
