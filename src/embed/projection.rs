//! Points on a plane, by a method, with what there is to say of it.

use serde_json::{Value, json};

use super::pca::pca;
use super::tsne::{self, Tsne, tsne};
use super::umap::{self, umap};
use super::{Method, Points};
use crate::error::Result;

/// Components whose variance is told.
const TOLD: usize = 10;

/// What the methods are told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// t-SNE's.
    pub tsne: tsne::Options,
    /// UMAP's.
    pub umap: umap::Options,
}

/// Points on a plane.
#[derive(Clone, Debug)]
pub struct Projection {
    /// Two numbers each.
    pub points: Points,
    /// What the method found, in a line.
    pub line: String,
    /// The same for programs.
    pub facts: Value,
    /// What the plane's directions are, if they are something.
    pub axes: Option<[String; 2]>,
}

impl Projection {
    /// Brings `points` onto a plane.
    ///
    /// # Errors
    /// Too few points, or points that are all equal; options that do not fit their number.
    pub fn of(points: &Points, method: Method, options: &Options) -> Result<Self> {
        match method {
            Method::Pca => Self::by_pca(points),
            Method::Tsne => Self::by_tsne(points, options.tsne),
            Method::Umap => Self::by_umap(points, options.umap),
        }
    }

    fn by_tsne(points: &Points, options: tsne::Options) -> Result<Self> {
        let (perplexity, Tsne { places, divergence, steps }) = (options.perplexity, tsne(points, options)?);
        let line = format!("t-SNE of perplexity {perplexity}: divergence {divergence:.4} after {steps} steps");
        let facts = json!({ "perplexity": perplexity, "divergence": divergence, "steps": steps });
        Ok(Self { points: places, line, facts, axes: None })
    }

    fn by_umap(points: &Points, options: umap::Options) -> Result<Self> {
        let umap::Options { neighbors, min_dist, seed } = options;
        let line = format!("UMAP of {neighbors} neighbors, least distance {min_dist}, seed {seed}");
        let facts = json!({ "neighbors": neighbors, "min_dist": min_dist, "seed": seed });
        Ok(Self { points: umap(points, options)?, line, facts, axes: None })
    }

    fn by_pca(points: &Points) -> Result<Self> {
        let found = pca(points, TOLD)?;
        let percent = |ratios: &[f64]| format!("{:.1} %", 100.0 * ratios.iter().sum::<f64>().min(1.0));
        let shares: Vec<String> = found.ratio.iter().take(2).map(|share| percent(&[*share])).collect();
        let size = points.dimension().min(points.len() - 1);
        let line = format!(
            "pca: of the variance {} lies along the first {} of {size} components, {} along {}",
            shares.join(" and "),
            shares.len(),
            percent(&found.ratio),
            found.ratio.len().min(size)
        );
        let facts = json!({ "explained_variance": found.variance, "explained_variance_ratio": found.ratio });
        let flat = |row: &[f64]| [row[0], row.get(1).copied().unwrap_or(0.0)];
        let axis = |at: usize| {
            let share = found.ratio.get(at).map_or(String::new(), |share| format!(", {}", percent(&[*share])));
            format!("component {}{share}", at + 1)
        };
        let axes = Some([axis(0), axis(1)]);
        Ok(Self { points: Points::new(2, found.projected.rows().flat_map(flat).collect()), line, facts, axes })
    }
}
