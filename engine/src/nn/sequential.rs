use super::{Layer, Operation, Pass};
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

    /// All layers as one chain, those of a `Sequential` inside in its place, under their full names.
    pub fn chain(&self) -> Chain<'_> {
        let mut links = Vec::new();
        self.unroll("", &mut links);
        Chain { links }
    }

    fn unroll<'a>(&'a self, path: &str, links: &mut Vec<(String, &'a dyn Layer)>) {
        for (name, layer) in &self.layers {
            match layer.as_sequential() {
                Some(inner) => inner.unroll(&format!("{path}{name}."), links),
                None => links.push((format!("{path}{name}"), layer.as_ref())),
            }
        }
    }
}

impl Layer for Sequential {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        self.forward_with(pass, x, Epilogue::Nothing)
    }

    fn forward_with(&self, pass: &mut Pass, x: &Tensor, epilogue: Epilogue<&Tensor>) -> Result<Tensor> {
        run(&self.layers, |(name, layer)| (name, layer.as_ref()), pass, x, epilogue)
    }

    fn describe(&self) -> String {
        "Sequential".into()
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Sequence
    }

    fn children(&self) -> Vec<(&str, &dyn Layer)> {
        self.layers.iter().map(|(name, layer)| (name.as_str(), layer.as_ref())).collect()
    }

    fn as_sequential(&self) -> Option<&Sequential> {
        Some(self)
    }
}

/// Layers of a network that run one after the other, which can be cut: what the first ones made is where the others go on.
pub struct Chain<'a> {
    links: Vec<(String, &'a dyn Layer)>,
}

impl<'a> Chain<'a> {
    /// The layers under their full names, in the order in which they run.
    pub fn links(&self) -> &[(String, &'a dyn Layer)] {
        &self.links
    }

    /// The first `at` layers, and the others.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn cut(mut self, at: usize) -> [Self; 2] {
        let links = self.links.split_off(at);
        [self, Self { links }]
    }
}

impl Layer for Chain<'_> {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        self.forward_with(pass, x, Epilogue::Nothing)
    }

    fn forward_with(&self, pass: &mut Pass, x: &Tensor, epilogue: Epilogue<&Tensor>) -> Result<Tensor> {
        run(&self.links, |(name, layer)| (name, *layer), pass, x, epilogue)
    }

    fn describe(&self) -> String {
        "chain".into()
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Sequence
    }

    fn children(&self) -> Vec<(&str, &dyn Layer)> {
        self.links.iter().map(|(name, layer)| (name.as_str(), *layer)).collect()
    }
}

/// Runs `links` one after the other. Each does on the way what the next one would do, and the last one `epilogue`.
fn run<T>(
    mut links: &[T],
    of: impl Fn(&T) -> (&String, &dyn Layer),
    pass: &mut Pass,
    x: &Tensor,
    epilogue: Epilogue<&Tensor>,
) -> Result<Tensor> {
    let mut x = x.clone();
    while let [first, rest @ ..] = links {
        let (name, layer) = of(first);
        let Some(next) = rest.first() else { return pass.run(name, layer, &x, epilogue) };
        // Where layers leave their outputs under their names, every layer runs by itself.
        let relu = !pass.tape.is_marking() && of(next).1.as_epilogue() == Epilogue::Relu;
        x = pass.run(name, layer, &x, if relu { Epilogue::Relu } else { Epilogue::Nothing })?;
        links = if relu { &rest[1..] } else { rest };
    }
    epilogue.apply(pass.tape, &x)
}
