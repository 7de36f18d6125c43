//! Points on a plane, by a method, with what there is to say of it.

use serde_json::{Value, json};

use super::pca::pca;
use super::{Method, Points};
use crate::error::Result;

/// Components whose variance is told.
const TOLD: usize = 10;

/// Points on a plane.
#[derive(Clone, Debug)]
pub struct Projection {
    /// Two numbers each.
    pub points: Points,
    /// What the method found, in a line.
    pub line: String,
    /// The same for programs.
    pub facts: Value,
}

impl Projection {
    /// Brings `points` onto a plane.
    ///
    /// # Errors
    /// Too few points, or points that are all equal.
    pub fn of(points: &Points, method: Method) -> Result<Self> {
        match method {
            Method::Pca => Self::by_pca(points),
        }
    }

    fn by_pca(points: &Points) -> Result<Self> {
        let found = pca(points, TOLD)?;
        let percent = |ratios: &[f64]| format!("{:.1} %", 100.0 * ratios.iter().sum::<f64>());
        let shares: Vec<String> = found.ratio.iter().take(2).map(|share| percent(&[*share])).collect();
        let size = points.dimension().min(points.len() - 1);
        let line = format!(
            "pca: of the variance {} lies along the first {} of {size} components, {} along {}",
            shares.join(" and "),
            shares.len(),
            percent(&found.ratio),
            found.ratio.len()
        );
        let facts = json!({ "explained_variance": found.variance, "explained_variance_ratio": found.ratio });
        let flat = |row: &[f64]| [row[0], row.get(1).copied().unwrap_or(0.0)];
        Ok(Self { points: Points::new(2, found.projected.rows().flat_map(flat).collect()), line, facts })
    }
}
