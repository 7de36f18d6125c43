use super::{Layer, Pass};
use crate::error::Result;
use crate::op::epilogue::Epilogue;
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
        self.forward_with(pass, x, Epilogue::Nothing)
    }

    /// Each layer does on the way what the next one would do, and the last one `epilogue`.
    fn forward_with(&self, pass: &mut Pass, x: &Tensor, epilogue: Epilogue<&Tensor>) -> Result<Tensor> {
        let (mut x, mut layers) = (x.clone(), self.layers.as_slice());
        while let [(name, layer), rest @ ..] = layers {
            let Some((_, next)) = rest.first() else { return pass.run(name, layer.as_ref(), &x, epilogue) };
            // Where layers leave their outputs under their names, every layer runs by itself.
            let relu = !pass.tape.is_marking() && next.as_epilogue() == Epilogue::Relu;
            x = pass.run(name, layer.as_ref(), &x, if relu { Epilogue::Relu } else { Epilogue::Nothing })?;
            layers = if relu { &rest[1..] } else { rest };
        }
        epilogue.apply(pass.tape, &x)
    }

    fn describe(&self) -> String {
        "Sequential".into()
    }

    fn children(&self) -> Vec<(&str, &dyn Layer)> {
        self.layers.iter().map(|(name, layer)| (name.as_str(), layer.as_ref())).collect()
    }
}
