//! What a layer makes of pictures: its output as points, in which near means alike to the network.
//!
//! [`features`] has the points, [`pca`] their flat picture, [`scores`] and [`probe`] what can be read off them, [`colors`]
//! whether they lie together by class or by colour. Conventions are scikit-learn's. All is computed in f64 on the host, in an
//! order of additions that does not depend on the number of cores.

pub mod colors;
pub mod curve;
pub mod features;
pub mod near;
pub mod neighbors;
pub mod pca;
pub mod picture;
pub mod pictures;
pub mod probe;
pub mod projection;
pub mod projector;
mod quadtree;
pub mod report;
pub mod scores;
pub mod tsne;
pub mod umap;

use std::str::FromStr;

use crate::error::{Error, Result};

/// How points are brought onto a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The directions of the largest variance: distances far apart are kept.
    Pca,
    /// t-distributed stochastic neighbor embedding: neighbors are kept.
    Tsne,
    /// Uniform manifold approximation and projection: neighbors are kept, and something of how heaps lie to each other.
    Umap,
}

impl Method {
    const ALL: [(Method, &str); 3] = [(Method::Pca, "pca"), (Method::Tsne, "tsne"), (Method::Umap, "umap")];
}

impl Method {
    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Method::Pca => "PCA",
            Method::Tsne => "t-SNE",
            Method::Umap => "UMAP",
        }
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        let known = Self::ALL.map(|(_, known)| known).join(", ");
        found.map(|(method, _)| *method).ok_or_else(|| Error::usage(format!("unknown method '{name}': use {known}")))
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::ALL.iter().find(|(method, _)| method == self).map_or("", |(_, name)| name))
    }
}

/// Points of one dimension, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    dimension: usize,
    values: Vec<f64>,
}

impl Points {
    /// Of `values`, `dimension` (above 0) to a point.
    ///
    /// # Panics
    /// If they do not fill whole points.
    pub fn new(dimension: usize, values: Vec<f64>) -> Self {
        assert_eq!(values.len() % dimension, 0, "{} values are no points of {dimension}", values.len());
        Self { dimension, values }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len() / self.dimension
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers to a point.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Point `index`.
    ///
    /// # Panics
    /// If there is none.
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.dimension..][..self.dimension]
    }

    /// All in order.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.dimension)
    }

    /// Refuses points that are all one: no plane shows anything of them. What single precision rounds is no difference.
    ///
    /// # Errors
    /// If they are so.
    pub fn check_different(&self) -> Result<()> {
        const ROUNDED: f64 = 1e-5;
        let largest = self.values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let differs =
            |row: &[f64]| row.iter().zip(self.row(0)).any(|(one, other)| (one - other).abs() > ROUNDED * largest);
        match self.rows().any(differs) {
            true => Ok(()),
            false => Err(Error::usage("all pictures are the same to this layer: there is nothing to show")),
        }
    }

    /// The mean point.
    pub fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0.0; self.dimension];
        self.rows().for_each(|row| mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value));
        mean.iter_mut().for_each(|sum| *sum /= self.len() as f64);
        mean
    }

    /// The same without their mean.
    pub fn centered(&self) -> Self {
        let mean = self.mean();
        let less = |(at, value): (usize, &f64)| value - mean[at % self.dimension];
        Self::new(self.dimension, self.values.iter().enumerate().map(less).collect())
    }
}
