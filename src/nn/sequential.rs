use super::{Layer, Pass};
use crate::error::Result;
use crate::tensor::Tensor;

/// Layers that run one after the other, each with a name.
#[derive(Default)]
pub struct Sequential {
    layers: Vec<(String, Box<dyn Layer>)>,
}

impl Sequential {
    /// No layers yet: the identity.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a layer under `name`.
    pub fn with(mut self, name: impl Into<String>, layer: impl Layer + 'static) -> Self {
        self.layers.push((name.into(), Box::new(layer)));
        self
    }

    /// Appends a layer under its number, as PyTorch names the members of a `Sequential`.
    pub fn then(self, layer: impl Layer + 'static) -> Self {
        let number = self.layers.len().to_string();
        self.with(number, layer)
    }
}

impl Layer for Sequential {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        self.layers.iter().try_fold(x.clone(), |x, (name, layer)| pass.run(name, layer.as_ref(), &x))
    }

    fn describe(&self) -> String {
        "Sequential".into()
    }

    fn children(&self) -> Vec<(&str, &dyn Layer)> {
        self.layers.iter().map(|(name, layer)| (name.as_str(), layer.as_ref())).collect()
    }
}
