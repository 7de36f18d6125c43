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
mod residual;
mod sequential;
mod shape_only;

use std::sync::atomic::AtomicI64;

pub use batchnorm::BatchNorm;
pub use conv::Conv2d;
pub use init::Builder;
pub use layout::Layout;
pub use linear::Linear;
pub use residual::Residual;
pub use sequential::Sequential;
pub use shape_only::{AdaptiveAvgPool, Dropout, Flatten, GlobalAvgPool, MaxPool, Relu};

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
}

impl<'a> Pass<'a> {
    /// A training pass; random layers draw from `seed` and `step`, so a repeated step repeats its numbers.
    pub fn training(tape: &'a mut Tape, seed: u64, step: u64) -> Self {
        Self { tape, training: true, seed, step, streams: 1, path: Vec::new() }
    }

    /// An inference pass.
    pub fn inference(tape: &'a mut Tape) -> Self {
        Self { tape, training: false, seed: 0, step: 0, streams: 1, path: Vec::new() }
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
        let on_the_way = if self.tape.is_marking() { Epilogue::Nothing } else { epilogue };
        let y = layer.forward_with(self, x, on_the_way);
        let full = self.path.join(".");
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
