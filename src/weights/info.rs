//! What a file holds, tensor by tensor.

use std::path::Path;

use serde::Serialize;

use super::{Format, Preparation, Weights, fitting, shown};
use crate::error::Result;

/// One tensor in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its elements' type: `float32`.
    pub kind: String,
    /// Size of each axis.
    pub shape: Vec<usize>,
    /// Smallest, largest and mean of the numbers that are finite; none in a tensor without one, or of a type that is not read.
    pub range: Option<[f64; 3]>,
    /// Numbers that are not finite.
    pub not_finite: usize,
}

/// A network whose tensors these are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// As `train` takes it: `resnet18:stem=imagenet`.
    pub model: String,
    /// For how many classes.
    pub classes: usize,
}

/// A file of weights in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Info {
    /// The file.
    pub file: String,
    /// How it is written.
    pub format: Format,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What stood around the tensors, or was left out.
    pub notes: Vec<String>,
    /// How pictures were prepared for it, if that is known.
    pub preparation: Option<Preparation>,
    /// The networks that it fits.
    pub fits: Vec<Fit>,
    /// The tensors.
    pub tensors: Vec<Row>,
}

impl Info {
    /// Reads the whole file at `path`.
    ///
    /// # Errors
    /// As [`Weights::open`].
    pub fn of(path: &Path) -> Result<Self> {
        let weights = Weights::open(path)?;
        let mut tensors = Vec::new();
        for tensor in weights.tensors() {
            let (mut range, mut sum, mut finite, mut not_finite) = ([f64::INFINITY, f64::NEG_INFINITY], 0.0, 0usize, 0);
            let mut values = tensor.element.map(|_| weights.values(tensor)).transpose()?;
            while let Some(chunk) = values.as_mut().map_or(Ok(None), |values| values.next())? {
                for number in chunk {
                    if !number.is_finite() {
                        not_finite += 1;
                        continue;
                    }
                    finite += 1;
                    sum += number;
                    range = [range[0].min(number), range[1].max(number)];
                }
            }
            let range = (finite > 0).then_some([range[0], range[1], sum / finite as f64]);
            let (name, kind, shape) = (shown(&tensor.name), tensor.kind.clone(), tensor.shape.clone());
            tensors.push(Row { name, kind, shape, range, not_finite });
        }
        let fits = fitting(&weights).into_iter().map(|(model, classes)| Fit { model, classes }).collect();
        let (format, notes) = (weights.format, weights.notes.clone());
        let file = path.display().to_string();
        let sha256 = weights.sha256()?;
        Ok(Self { file, format, preparation: weights.preparation(&sha256), sha256, notes, fits, tensors })
    }
}
