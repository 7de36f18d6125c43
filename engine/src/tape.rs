//! The tape: ops in the order in which they ran, each with the closure that carries gradients back.
//!
//! There is one tape, passed to every op. Record order is topological order, so `backward` is a walk from the end to
//! the beginning, with no sorting and no recursion. Gradients are added up in one place, [`Gradients::add`]. A value is
//! known by its buffer ([`Tensor::id`]); a tape that watches nothing records nothing, which is inference.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::launch::elementwise;
use crate::tensor::{Shape, Tensor};

type Backward = Box<dyn FnOnce(&Tensor, &mut Gradients) -> Result<()>>;

struct Record {
    op: &'static str,
    inputs: Vec<(u64, Shape)>,
    shape: Shape,
    /// The output's identity, not the output: an activation that no closure captured is freed during the forward pass.
    output: u64,
    backward: Backward,
}

/// Records ops during a forward pass.
#[derive(Default)]
pub struct Tape {
    records: Vec<Record>,
    /// Values that a gradient may flow into: watched ones and everything computed from them.
    needed: HashSet<u64>,
    kept: HashSet<u64>,
    marks: Vec<(String, Tensor)>,
    marking: bool,
    /// Whether the device is waited for at each mark, and when it had made each.
    timing: bool,
    moments: Vec<Instant>,
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the gradient of `leaf` (a parameter, or an input); to be called before ops use it.
    pub fn watch(&mut self, leaf: &Tensor) {
        self.needed.insert(leaf.id());
        self.kept.insert(leaf.id());
    }

    /// Asks that `backward` return the gradient of an inner value, too (Grad-CAM wants activations').
    pub fn keep(&mut self, value: &Tensor) {
        self.kept.insert(value.id());
    }

    /// Whether a gradient flows into `value`; ops skip what nobody needs.
    pub fn needs(&self, value: &Tensor) -> bool {
        self.needed.contains(&value.id())
    }

    /// Records that op `op` computed `output` from `inputs`. `backward` gets the gradient of `output` and adds those of the
    /// inputs; it is dropped at once if no input needs one.
    pub fn record(
        &mut self,
        op: &'static str,
        inputs: &[&Tensor],
        output: &Tensor,
        backward: impl FnOnce(&Tensor, &mut Gradients) -> Result<()> + 'static,
    ) {
        if inputs.iter().any(|input| self.needs(input)) {
            self.needed.insert(output.id());
            let inputs = inputs.iter().map(|input| (input.id(), input.shape().clone())).collect();
            let (shape, backward) = (output.shape().clone(), Box::new(backward));
            self.records.push(Record { op, inputs, shape, output: output.id(), backward });
        }
    }

    /// Lets layers leave their outputs under their names; see [`Tape::mark`].
    pub fn mark_layers(&mut self) {
        self.marking = true;
    }

    /// The same, and notes when the device had made each: it is waited for there, so that layers run one after the other.
    pub fn time_layers(&mut self) {
        (self.marking, self.timing) = (true, true);
    }

    /// When the device had made each of [`Tape::marks`]; nothing without [`Tape::time_layers`].
    pub fn moments(&self) -> &[Instant] {
        &self.moments
    }

    /// Whether [`Tape::mark_layers`] was called.
    pub fn is_marking(&self) -> bool {
        self.marking
    }

    /// Notes the output of layer `name`, if asked to by [`Tape::mark_layers`].
    pub fn mark(&mut self, name: &str, output: &Tensor) {
        if self.marking {
            self.marks.push((name.to_owned(), output.clone()));
            if self.timing {
                // A device that fails here says so at the next op, too.
                let _ = output.device().synchronize();
                self.moments.push(Instant::now());
            }
        }
    }

    /// The noted outputs, in the order in which the layers ran.
    pub fn marks(&self) -> &[(String, Tensor)] {
        &self.marks
    }

    /// Gradients of the scalar `loss` with respect to everything watched or kept. Consumes the tape: a second backward
    /// pass over the same records would be wrong.
    ///
    /// # Errors
    /// A loss that is not a scalar or does not depend on anything watched.
    pub fn backward(self, loss: &Tensor) -> Result<Gradients> {
        if loss.elements() != 1 {
            return Err(Error::shape("backward", format!("the loss has shape {}, not one element", loss.shape())));
        }
        let seed = Tensor::full(loss.device(), loss.shape(), 1.0)?;
        self.backward_from(loss, seed)
    }

    /// Like [`Tape::backward`] from any value, with its gradient given.
    pub fn backward_from(self, output: &Tensor, gradient: Tensor) -> Result<Gradients> {
        if !self.needs(output) {
            return Err(Error::shape("backward", "the value does not depend on anything watched"));
        }
        let mut gradients = Gradients { of: HashMap::new(), needed: self.needed };
        gradients.add(output, gradient)?;
        for record in self.records.into_iter().rev() {
            let id = record.output;
            let gradient = if self.kept.contains(&id) {
                gradients.of.get(&id).cloned()
            } else {
                gradients.of.remove(&id) // nobody will ask again: its memory serves the next op
            };
            // An output that the loss does not depend on has no gradient.
            if let Some(gradient) = gradient {
                // What came after the op may have seen its output under another shape.
                (record.backward)(&gradient.reshape(&record.shape)?, &mut gradients)?;
            }
        }
        gradients.of.retain(|id, _| self.kept.contains(id));
        Ok(gradients)
    }
}

/// What was recorded, a line for each op in the order in which they ran: `%2 [8, 10] = matmul(%1 [8, 32], [32, 10])`. A value
/// that a gradient flows into has a number; of others there is the shape alone.
impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers = HashMap::new();
        let mut number = |id: u64| {
            let next = numbers.len();
            *numbers.entry(id).or_insert(next)
        };
        for Record { op, inputs, shape, output, .. } in &self.records {
            let shown = inputs.iter().map(|(id, shape)| match self.needed.contains(id) {
                true => format!("%{} {shape}", number(*id)),
                false => shape.to_string(),
            });
            let shown: Vec<String> = shown.collect();
            writeln!(f, "%{} {shape} = {op}({})", number(*output), shown.join(", "))?;
        }
        Ok(())
    }
}

/// Gradients by value.
pub struct Gradients {
    of: HashMap<u64, Tensor>,
    needed: HashSet<u64>,
}

impl Gradients {
    /// Whether a gradient flows into `value`.
    pub fn needs(&self, value: &Tensor) -> bool {
        self.needed.contains(&value.id())
    }

    /// Adds `gradient` to what has arrived for `value` so far.
    ///
    /// # Errors
    /// A gradient with another element type or number of elements than the value's, or on another device.
    pub fn add(&mut self, value: &Tensor, gradient: Tensor) -> Result<()> {
        if gradient.elements() != value.elements() || gradient.dtype() != value.dtype() {
            let [of, to] = [&gradient, value].map(|tensor| format!("{} {}", tensor.dtype(), tensor.shape()));
            return Err(Error::shape("gradient", format!("{of} for a value that is {to}")));
        }
        if gradient.device() != value.device() {
            let what = format!("on {:?} for a value on {:?}: copy it first", gradient.device(), value.device());
            return Err(Error::shape("gradient", what));
        }
        if !self.needs(value) {
            return Ok(());
        }
        self.arrive(value.id(), gradient)
    }

    /// Adds `gradient` to what is there of the value `id`.
    fn arrive(&mut self, id: u64, gradient: Tensor) -> Result<()> {
        let sum = match self.of.remove(&id) {
            // A new tensor: the one that is there may be shared with another value's gradient.
            Some(earlier) => elementwise::sum(&earlier, &gradient)?,
            None => gradient,
        };
        self.of.insert(id, sum);
        Ok(())
    }

    /// Adds those of another pass, in which the same was watched.
    ///
    /// # Errors
    /// What the device says.
    pub fn merge(&mut self, other: Gradients) -> Result<()> {
        let mut other: Vec<_> = other.of.into_iter().collect();
        // In the same order every time.
        other.sort_by_key(|(id, _)| *id);
        other.into_iter().try_for_each(|(id, gradient)| self.arrive(id, gradient))
    }

    /// The gradient of a watched or kept value, in its shape; none if the loss does not depend on it.
    pub fn get(&self, value: &Tensor) -> Option<Tensor> {
        self.of.get(&value.id()).and_then(|g| g.reshape(value.shape()).ok())
    }
}
