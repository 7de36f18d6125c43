//! What can be said of all pictures of a part together: where they lie on a plane, what classes hang on, which are worth a look.

use std::path::Path;

use crate::cli::settings::as_options;
use crate::cli::{mistakes, print};
use crate::clusters::{Clusters, METHOD, default_layer};
use crate::device::Device;
use crate::embed::features::Features;
use crate::embed::pictures::Pictures;
use crate::embed::projection::{Options, Projection};
use crate::embed::report::Scores;
use crate::embed::{Method, umap};
use crate::error::Result;
use crate::explain::Request;
use crate::mistakes::Mistakes;
use crate::nn::Sequential;
use crate::page::{Grouped, Plane};
use crate::train::checkpoint::Meta;
use crate::train::judged::{self, Judged};

/// Pictures that a page can hold and a reader can tell apart; of more some are drawn.
const MOST: usize = 1000;
const SEED: u64 = 0;

/// Pictures of a part, and the network that they are shown to.
pub struct Whole<'a> {
    model: &'a Sequential,
    path: &'a Path,
    meta: &'a Meta,
    device: &'a Device,
    pictures: Pictures,
}

impl<'a> Whole<'a> {
    /// The pictures `judged`, asked of `model`, the checkpoint at `path`.
    pub fn new(
        model: &'a Sequential,
        path: &'a Path,
        judged: &Judged,
        meta: &'a Meta,
        device: &'a Device,
    ) -> Result<Self> {
        let record = judged::record(path)?;
        let pictures = Pictures::of(judged, record.as_deref(), MOST, SEED);
        Ok(Self { model, path, meta, device, pictures })
    }

    /// Where the last layer but one puts them.
    pub fn plane(&self) -> Result<Plane> {
        let (pictures, classes) = (&self.pictures, &self.meta.classes);
        let features = Features::of(self.model, self.device, &pictures.images, self.meta, None)?;
        let (colors, _) = pictures.looks()?;
        features.points.check_different()?;
        // Of fewer pictures than it asks neighbors of, UMAP knows nothing.
        let method = if pictures.len() > 2 * umap::Options::default().neighbors { Method::Umap } else { Method::Pca };
        let projection = Projection::of(&features.points, method, &Options::default())?;
        let scores = Scores::of(pictures, classes.len(), &features, &colors, &projection.points, None)?;
        print(format_args!("brought {} pictures onto a plane by {}", pictures.len(), method.title()))?;
        Ok(Plane {
            places: projection.points.rows().map(|row| [row[0], row[1]]).collect(),
            numbers: pictures.numbers.iter().map(|&number| number as usize).collect(),
            truth: pictures.labels.clone(),
            predicted: features.predicted.clone(),
            of: pictures.of,
            classes: classes.clone(),
            layer: features.layer,
            method: projection.line,
            grouping: scores.grouping.to_string(),
        })
    }

    /// What classes hang on, by the maps that `clusters` makes unless it is told otherwise.
    pub fn grouped(&self) -> Result<Grouped> {
        let layer = default_layer(self.model, self.device, self.meta)?;
        let request = Request { target_layers: vec![layer], ..Request::new(METHOD) };
        let mut clusters = Clusters::of(self.model, self.device, &self.pictures, self.meta, &request)?;
        clusters.notes.iter_mut().for_each(|note| *note = as_options(note));
        print(format_args!("grouped heat maps of {} pictures", self.pictures.len()))?;
        Grouped::of(clusters)
    }

    /// Which are worth a look.
    pub fn doubts(&self) -> Result<Mistakes> {
        let compared = mistakes::compared(self.path, self.meta, None, &self.pictures, MOST, SEED)?;
        let found = Mistakes::of(self.model, self.device, self.meta, &self.pictures, &compared, None)?;
        print(format_args!("looked for mistakes among {} pictures", self.pictures.len()))?;
        Ok(found)
    }
}
