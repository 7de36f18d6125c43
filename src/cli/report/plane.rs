//! Where the last layer but one puts the pictures.

use std::path::Path;

use super::empty;
use crate::cli::print;
use crate::device::Device;
use crate::embed::features::Features;
use crate::embed::pictures::Pictures;
use crate::embed::projection::{Options, Projection};
use crate::embed::report::Scores;
use crate::embed::{Method, umap};
use crate::error::Result;
use crate::nn::Layer;
use crate::page::{Perhaps, Plane};
use crate::train::checkpoint::Meta;
use crate::train::judged::{self, Judged};

/// Points that a page can hold and a reader can tell apart.
const MOST: usize = 1000;
const SEED: u64 = 0;

/// The plane of the pictures `judged`, or why there is none.
pub fn gather(model: &dyn Layer, path: &Path, judged: &Judged, meta: &Meta, device: &Device) -> Perhaps<Plane> {
    plane(model, path, judged, meta, device).map_err(|error| empty(&error))
}

fn plane(model: &dyn Layer, path: &Path, judged: &Judged, meta: &Meta, device: &Device) -> Result<Plane> {
    let record = judged::record(path)?;
    let pictures = Pictures::of(judged, record.as_deref(), MOST, SEED);
    let features = Features::of(model, device, &pictures.images, meta, None)?;
    let (colors, _) = pictures.looks()?;
    features.points.check_different()?;
    // Of fewer pictures than it asks neighbors of, UMAP knows nothing.
    let method = if pictures.len() > 2 * umap::Options::default().neighbors { Method::Umap } else { Method::Pca };
    let projection = Projection::of(&features.points, method, &Options::default())?;
    let scores = Scores::of(&pictures, meta.classes.len(), &features, &colors, &projection.points, None)?;
    print(format_args!("brought {} pictures onto a plane by {}", pictures.len(), method.title()))?;
    Ok(Plane {
        places: projection.points.rows().map(|row| [row[0], row[1]]).collect(),
        numbers: pictures.numbers.iter().map(|&number| number as usize).collect(),
        truth: pictures.labels.clone(),
        predicted: features.predicted.clone(),
        of: pictures.of,
        classes: meta.classes.clone(),
        layer: features.layer,
        method: projection.line,
        grouping: scores.grouping.to_string(),
    })
}
