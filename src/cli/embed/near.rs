//! `--near`: which pictures, and what is drawn of them.

use std::path::Path;

use crate::data::{Images, picture};
use crate::device::Device;
use crate::embed::features::Features;
use crate::embed::near::{Near, sheet};
use crate::embed::pictures::{Pictures, seen};
use crate::error::{Error, Result};
use crate::explain::report::write_picture;
use crate::nn::Layer;
use crate::train::checkpoint::Meta;

/// What lies near the pictures that `names` name: files, or numbers in the part.
///
/// # Errors
/// A file that is no picture; a number that no picture has.
pub fn of(
    names: &[String],
    pictures: &Pictures,
    features: &Features,
    model: &dyn Layer,
    device: &Device,
    meta: &Meta,
) -> Result<Vec<Near>> {
    let one = |name: &String| {
        let path = Path::new(name);
        let Some(number) = name.parse::<u32>().ok().filter(|_| !path.exists()) else {
            let mut images: Images = meta.images();
            images.push(&picture::open(path)?, meta.config.resize.unwrap_or_default(), 0)?;
            let own = Features::of(model, device, &images, meta, Some(&features.layer))?;
            return Ok(Near::other(name, seen(&images, 0)?, own.points.row(0), features));
        };
        let Ok(at) = pictures.numbers.binary_search(&number) else {
            let last = pictures.of - 1;
            let what = match number as usize > last {
                true => format!("is neither a file nor a number from 0 to {last}"),
                false => "is not among the pictures that are drawn: raise --limit".into(),
            };
            return Err(Error::usage(format!("--near {name}: {what}")));
        };
        Near::of(pictures, features, at)
    };
    names.iter().map(one).collect()
}

/// Draws `near.png` in `folder`.
///
/// # Errors
/// A folder that cannot be written to; more pictures than a sheet holds.
pub fn draw(
    near: &[Near],
    pictures: &Pictures,
    classes: &[String],
    title: String,
    note: String,
    folder: &Path,
) -> Result<()> {
    write_picture(&folder.join("near.png"), &sheet(near, pictures, classes, title, note)?.draw()?)
}
