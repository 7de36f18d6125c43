//! `--near`: which pictures, and what is drawn of them.

use std::path::Path;

use crate::data::Images;
use crate::device::Device;
use crate::embed::features::Features;
use crate::embed::near::{Near, sheet};
use crate::embed::pictures::{Pictures, seen};
use crate::error::Result;
use crate::explain::report::write_picture;
use crate::nn::Layer;
use crate::train::checkpoint::Meta;
use crate::train::named::{Named, Place};

/// What of `pictures`, which are of the first of the sets, lies near those that were `named`, whether these are among them or not.
///
/// # Errors
/// A file that is no picture.
pub fn of(
    named: &Named,
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
    let one = |(at, place): (usize, &Place)| match place {
        Place::Of { set, number } => {
            let (own, number) = (*set == 0, *number as u32);
            if let Ok(among) = pictures.numbers.binary_search(&number)
                && own
            {
                return Near::of(pictures, features, among);
            }
            let images = named.sets[*set].images.select(&[number]);
            let file = images.origins.first().map_or(String::new(), |origin| format!(" {}", origin.file));
            let name = if own { number.to_string() } else { named.name(at) };
            other(name + &file, named.truth(at), &images)
        }
        Place::File(_) => {
            let mut images: Images = meta.images();
            images.push(&named.read(at)?, meta.config.resize.unwrap_or_default(), 0)?;
            other(named.name(at), None, &images)
        }
    };
    named.places.iter().enumerate().map(one).collect()
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
