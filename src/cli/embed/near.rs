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
use crate::train::judged::Judged;

/// What of `pictures` lies near those that `names` name: files, or numbers of pictures in `judged`, whether they are among these
/// or not.
///
/// # Errors
/// A file that is no picture; a number that no picture has.
pub fn of(
    names: &[String],
    judged: &Judged,
    pictures: &Pictures,
    features: &Features,
    model: &dyn Layer,
    device: &Device,
    meta: &Meta,
) -> Result<Vec<Near>> {
    let other = |name: String, class: Option<usize>, images: &Images| {
        let own = Features::of(model, device, images, meta, Some(&features.layer))?;
        Ok(Near::other(name, class, seen(images, 0)?, own.points.row(0), features))
    };
    let one = |name: &String| {
        let path = Path::new(name);
        let Some(number) = name.parse::<u32>().ok().filter(|_| !path.exists()) else {
            let mut images: Images = meta.images();
            images.push(&picture::open(path)?, meta.config.resize.unwrap_or_default(), 0)?;
            return other(name.clone(), None, &images);
        };
        if number as usize >= pictures.of {
            let (last, words) = (pictures.of - 1, judged.part.words());
            let what =
                format!("is neither a file nor a number from 0 to {last} of the {words}, drawn by --limit or not");
            return Err(Error::usage(format!("--near {name}: {what}")));
        }
        match pictures.numbers.binary_search(&number) {
            Ok(at) => Near::of(pictures, features, at),
            Err(_) => {
                let images = judged.images.select(&[number]);
                let file = images.origins.first().map_or(String::new(), |origin| format!(" {}", origin.file));
                other(format!("{number}{file}"), usize::try_from(images.labels[0]).ok(), &images)
            }
        }
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
