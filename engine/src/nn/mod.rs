//! Layers: ops with parameters, under PyTorch's names.
//!
//! A network computes in the type of its input: layers cast what they learned to it, but for normalization, whose parameters
//! and statistics stay f32.
//!
//! A layer turns a tensor into a tensor during a [`Pass`] and shows its state (parameters, running statistics) to a
//! visitor. A model is a [`Sequential`] of named layers; names joined by dots are torchvision's state-dict keys.

pub mod bad_values;
mod batchnorm;
mod conv;
pub mod init;
mod layout;
mod linear;
pub mod models;
mod operation;
pub mod relevance;
mod residual;
mod scale;
mod sequential;
mod shape_only;
mod whitening;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicI64;

pub use batchnorm::BatchNorm;
pub use conv::Conv2d;
pub use init::Builder;
pub use layout::Layout;
pub use linear::Linear;
pub use operation::Operation;
pub use residual::Residual;
pub use scale::Scale;
pub use sequential::{Chain, Sequential};
pub use shape_only::{AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, Dropout, Flatten, Gelu, GlobalAvgPool, MaxPool, Relu};
pub use whitening::Whitening;

use crate::error::Result;
use crate::op::epilogue::Epilogue;
use crate::op::random::Key;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// One forward pass: the tape it is recorded on, and what layers need to know about it.
pub struct Pass<'a> {
    /// Where ops are recorded.
    pub tape: &'a mut Tape,
    /// Training (batch statistics, dropout) or inference.
    pub training: bool,
    seed: u64,
    step: u64,
    streams: u32,
    path: Vec<String>,
    fixed: Option<&'a BTreeSet<String>>,
    /// Whether a layer that runs now lies in one of those.
    inside: bool,
    replaced: Option<(&'a str, &'a Tensor)>,
}

impl<'a> Pass<'a> {
    /// A training pass; random layers draw from `seed` and `step`, so a repeated step repeats its numbers.
    pub fn training(tape: &'a mut Tape, seed: u64, step: u64) -> Self {
        Self {
            tape,
            training: true,
            seed,
            step,
            streams: 1,
            path: Vec::new(),
            fixed: None,
            inside: false,
            replaced: None,
        }
    }

    /// An inference pass.
    pub fn inference(tape: &'a mut Tape) -> Self {
        Self { training: false, ..Self::training(tape, 0, 0) }
    }

    /// The same pass in which the layers with these full names, and those inside of them, normalize by their running statistics and
    /// leave them alone, as PyTorch's modules in `eval()`.
    pub fn fixing(self, layers: &'a BTreeSet<String>) -> Self {
        Self { fixed: Some(layers), ..self }
    }

    /// The same pass in which the layer with this full name does not run: `output` goes on in the place of its own. On a tape that
    /// marks layers, since elsewhere a layer may run as part of the one before it.
    pub fn replacing(self, layer: &'a str, output: &'a Tensor) -> Self {
        Self { replaced: Some((layer, output)), ..self }
    }

    /// Whether normalization takes the batch's statistics, and moves the running ones.
    pub fn takes_statistics(&self) -> bool {
        self.training && !self.inside
    }

    /// The random key of the next random layer; each gets a stream of its own (stream 0 and the last few are the augmentation's).
    pub fn next_key(&mut self) -> Key {
        self.streams += 1;
        Key { seed: self.seed, step: self.step, stream: self.streams }
    }

    /// Runs the layer called `name` below the current one and marks its output on the tape; then does `epilogue` to it, on the
    /// way if the layer can and nobody asks for its own output.
    pub fn run(&mut self, name: &str, layer: &dyn Layer, x: &Tensor, epilogue: Epilogue<&Tensor>) -> Result<Tensor> {
        self.path.push(name.to_owned());
        let full = self.path.join(".");
        let outside = !self.inside && self.fixed.is_some_and(|fixed| fixed.contains(&full));
        self.inside |= outside;
        let on_the_way = if self.tape.is_marking() { Epilogue::Nothing } else { epilogue };
        let y = match self.replaced {
            Some((replaced, output)) if replaced == full => Ok(output.clone()),
            _ => layer.forward_with(self, x, on_the_way),
        };
        self.inside &= !outside;
        self.path.pop();
        let y = y?;
        self.tape.mark(&full, &y);
        if self.tape.is_marking() { epilogue.apply(self.tape, &y) } else { Ok(y) }
    }
}

/// One piece of a layer's state.
pub enum State<'a> {
    /// Learned by the optimizer.
    Parameter(&'a Tensor, Layout),
    /// Neither learned nor moved: it stays as it was made or loaded.
    Fixed(&'a Tensor, Layout),
    /// Kept by the layer itself (running statistics).
    Statistic(&'a Tensor),
    /// A counter, int64 in files.
    Counter(&'a AtomicI64),
}

/// A layer of a network.
pub trait Layer: Send + Sync {
    /// Computes the output.
    ///
    /// # Errors
    /// A shape that the layer does not take; device errors.
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor>;

    /// Computes the output and does `epilogue` to it, on the way if the layer can: the same bits by fewer passes over memory. If it
    /// cannot, by ops of their own.
    ///
    /// # Errors
    /// Those of [`Layer::forward`]; a second tensor of another shape than the output.
    fn forward_with(&self, pass: &mut Pass, x: &Tensor, epilogue: Epilogue<&Tensor>) -> Result<Tensor> {
        let y = self.forward(pass, x)?;
        epilogue.apply(pass.tape, &y)
    }

    /// What this layer does, if the layer before may do it on the way.
    fn as_epilogue(&self) -> Epilogue {
        Epilogue::Nothing
    }

    /// What the layer is, in a few words: `Conv2d 3 → 64, 3×3, padding 1`.
    fn describe(&self) -> String;

    /// What the layer computes, as data; [`Operation::Other`] for what is none of those, which files in other programs' formats
    /// then cannot hold.
    fn operation(&self) -> Operation<'_>;

    /// Itself, if it is a chain of layers.
    fn as_sequential(&self) -> Option<&Sequential> {
        None
    }

    /// Itself, if its filters come from pictures.
    fn as_whitening(&self) -> Option<&Whitening> {
        None
    }

    /// The layers inside, by name; none for a layer that is not made of others.
    fn children(&self) -> Vec<(&str, &dyn Layer)> {
        Vec::new()
    }

    /// Shows each piece of state under its PyTorch name, prefixed by `path` (empty, or ending in a dot). A layer without
    /// state of its own shows its children's.
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(String, State<'a>)) {
        for (name, layer) in self.children() {
            layer.visit(&format!("{path}{name}."), visitor);
        }
    }
}

/// All parameters of a layer with their names, in order.
pub fn parameters(layer: &dyn Layer) -> Vec<(String, Tensor)> {
    let mut found = Vec::new();
    layer.visit("", &mut |name, state| {
        if let State::Parameter(tensor, _) = state {
            found.push((name, tensor.clone()));
        }
    });
    found
}
