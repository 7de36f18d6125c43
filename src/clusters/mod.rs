//! What a class hangs on: the maps of a whole part of the data, grouped class by class.
//!
//! After spectral relevance analysis (Lapuschkin et al. 2019, "Unmasking Clever Hans predictors and assessing what machines really
//! learn"), which found that a network knew horses by the photographer's tag in a corner: maps for the pictures' own class, shrunk and
//! normalized, fall into groups, and a group that looks at a border or a corner shows something that is not the object. Here the maps
//! are any of [`explain`](crate::explain)'s, the grouping is Ward's, and a group speaks for itself ([`Verdict`]).

pub mod grouping;
pub mod maps;
pub mod places;
pub mod sheet;
pub mod table;
mod verdict;

use serde::Serialize;

use crate::data::Images;
use crate::device::Device;
use crate::embed::Points;
use crate::embed::neighbors::nearest;
use crate::embed::pictures::Pictures;
use crate::error::{Error, Result};
use crate::explain::{Method, Request, layers};
use crate::nn::{Layer, Pass};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};
use crate::train::checkpoint::Meta;
use grouping::{Grouping, grouped};
use maps::Maps;
use places::{SIDE, looked_at};
use verdict::ENOUGH;
pub use verdict::Verdict;

/// Members of a cluster that are shown.
const SHOWN: usize = 6;

/// The clusters of a part of the data, for programs, sheets and reports.
#[derive(Clone, Debug, Serialize)]
pub struct Clusters {
    /// How the maps were made.
    pub method: String,
    /// The layer that was looked at.
    pub layer: String,
    /// Height and width of a map as it is made, and channels of the layer.
    pub layer_shape: [usize; 3],
    /// Rows and columns of the shrunk maps.
    pub grid: [usize; 2],
    /// The classes that have pictures.
    pub classes: Vec<OfClass>,
    /// Every picture.
    pub members: Vec<Member>,
    /// Which classes look at a border or corner.
    pub verdicts: Vec<Verdict>,
    /// What limits the verdicts, in sentences.
    pub notes: Vec<String>,
}

/// What one class looks at.
#[derive(Clone, Debug, Serialize)]
pub struct OfClass {
    /// Its name.
    pub class: String,
    /// Its index.
    pub index: usize,
    /// Its pictures on whose map something is to be seen.
    pub pictures: usize,
    /// The others.
    pub blank: usize,
    /// How well the clusters are apart, 1 at best; none of a single one.
    pub silhouette: Option<f64>,
    /// The largest first.
    pub clusters: Vec<Cluster>,
}

/// Pictures of a class whose maps are alike.
#[derive(Clone, Debug, Serialize)]
pub struct Cluster {
    /// Its members.
    pub pictures: usize,
    /// Their share of those of the class that have maps.
    pub share: f64,
    /// The mean of their maps, row by row on the grid, all together 1.
    pub mean: Vec<f64>,
    /// The border or corner with half of that at least.
    pub place: Option<&'static str>,
    /// How much lies there.
    pub mass: Option<f64>,
    /// The members nearest to the mean, as indices into [`Clusters::members`].
    pub nearest: Vec<usize>,
}

/// A picture.
#[derive(Clone, Debug, Serialize)]
pub struct Member {
    /// Its number in the part.
    pub number: u32,
    /// Its file, or which picture of the data set it is.
    pub file: String,
    /// The class that it is of.
    pub class: usize,
    /// Its cluster, from 0; none if nothing is to be seen on its map.
    pub cluster: Option<usize>,
    /// Why nothing is to be seen.
    pub blank: Option<String>,
}

/// The method unless somebody chooses. Of six sets with a planted mark, HiResCAM and LayerCAM, which weigh each pixel by its own gradient,
/// found all at 16×16 pixels and at 8×8; Grad-CAM, which weighs a channel by its mean gradient, two and two, and none did at 4×4, where
/// a pixel has seen all of the picture. On the six sets without one Grad-CAM named a corner once, the others never.
pub const METHOD: Method = Method::HiResCam;

/// The layer whose maps are grouped unless somebody chooses: the last whose maps are as fine as the grid that they are shrunk to. Deeper
/// ones see too much of a picture at once to say where something is.
///
/// # Errors
/// Those of the forward pass; a model without layers that have a map.
pub fn default_layer(model: &dyn Layer, device: &Device, meta: &Meta) -> Result<String> {
    let [height, width] = meta.input;
    let mut tape = Tape::new();
    tape.mark_layers();
    let x = Tensor::zeros(device, [1, height, width, 3], DType::F32)?;
    model.forward(&mut Pass::inference(&mut tape), &x)?;
    Ok(layers::fine(model, tape.marks(), SIDE)?.0)
}

impl Clusters {
    /// Whether there were maps enough for a verdict on any class; else [`notes`](Self::notes) say what was missing.
    pub fn is_judged(&self) -> bool {
        let maps: usize = self.classes.iter().map(|class| class.pictures).sum();
        self.classes.iter().any(|class| class.pictures >= ENOUGH && maps - class.pictures >= ENOUGH)
    }

    /// Of `pictures`, whose maps are made as `request` says, each for the class that it is of.
    ///
    /// # Errors
    /// Pictures whose classes are not known; those of [`cam`](crate::explain::cam()): a layer that is unknown or has no extent.
    pub fn of(model: &dyn Layer, device: &Device, pictures: &Pictures, meta: &Meta, request: &Request) -> Result<Self> {
        let Some(labels) = &pictures.labels else {
            return Err(Error::usage("these pictures have no folders of classes: nobody knows whose logit to explain"));
        };
        if pictures.is_empty() {
            return Err(Error::usage("there are no pictures whose maps could be grouped"));
        }
        let maps = Maps::of(model, device, &pictures.images, meta, request)?;
        let member = |(at, &class): (usize, &usize)| {
            let (number, file) = (pictures.numbers[at], pictures.files[at].clone());
            Member { number, file, class, cluster: None, blank: maps.of[at].as_ref().err().cloned() }
        };
        let mut members: Vec<Member> = labels.iter().enumerate().map(member).collect();
        let mut classes = Vec::new();
        for (index, class) in meta.classes.iter().enumerate() {
            let (seen, blank): (Vec<usize>, Vec<usize>) =
                (0..members.len()).filter(|&at| members[at].class == index).partition(|&at| maps.of[at].is_ok());
            if seen.len() + blank.len() > 0 {
                let (silhouette, clusters) = clusters(&maps, &seen, &mut members);
                let (pictures, blank) = (seen.len(), blank.len());
                classes.push(OfClass { class: class.clone(), index, pictures, blank, silhouette, clusters });
            }
        }
        let (verdicts, notes) = verdict::of(&classes, &members, &maps);
        let Maps { layer, shape: layer_shape, .. } = maps;
        let (method, grid) = (request.method.to_string(), [SIDE; 2]);
        Ok(Self { method, layer, layer_shape, grid, classes, members, verdicts, notes })
    }

    /// The pictures that sheets show, each once, as indices into [`Clusters::members`].
    fn shown(&self) -> Vec<usize> {
        let clusters = self.classes.iter().flat_map(|class| &class.clusters);
        clusters.flat_map(|cluster| cluster.nearest.iter().copied()).collect()
    }
}

/// The clusters of the pictures `seen`, which are told of theirs.
fn clusters(maps: &Maps, seen: &[usize], members: &mut [Member]) -> (Option<f64>, Vec<Cluster>) {
    let points = maps.points(seen);
    let Grouping { of, count, silhouette } = grouped(&points);
    seen.iter().zip(&of).for_each(|(&at, &cluster)| members[at].cluster = Some(cluster));
    let cluster = |cluster: usize| {
        let places: Vec<usize> = (0..seen.len()).filter(|&at| of[at] == cluster).collect();
        let own: Vec<usize> = places.iter().map(|&at| seen[at]).collect();
        let rows = Points::new(points.dimension(), places.iter().flat_map(|&at| points.row(at)).copied().collect());
        let near = nearest(&rows.mean(), &rows, SHOWN, None);
        let mean = maps.mean(&own);
        let place = looked_at(&mean);
        Cluster {
            pictures: own.len(),
            share: own.len() as f64 / seen.len() as f64,
            place: place.map(|(place, _)| place.name),
            mass: place.map(|(_, mass)| mass),
            nearest: near.iter().map(|near| own[near.index]).collect(),
            mean,
        }
    };
    (silhouette, (0..count).map(cluster).collect())
}

/// The images of `pictures` at these places, for a second look.
fn some(pictures: &Pictures, at: &[usize]) -> Images {
    pictures.images.select(&at.iter().map(|&at| at as u32).collect::<Vec<u32>>())
}
