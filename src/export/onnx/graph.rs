//! A network's layers as nodes: which operators compute what a layer does is said in one place, [`Builder::layer`].

use std::f32::consts::FRAC_1_SQRT_2;

use super::message::{Attribute, FLOAT, Node, Tensor, attribute};
use crate::error::{Error, Result};
use crate::nn::{Layer, Layout, Operation, State};

/// A value between nodes.
#[derive(Clone)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// Its shape without the batch, in PyTorch's order: `[C, H, W]` or `[features]`.
    pub shape: Vec<usize>,
    /// Of features that were an image, how many pixels it had. Their order is PyTorch's, `[C, H, W]`, not ours.
    pub pixels: usize,
}

impl Value {
    /// An image, or features that never were an image of several pixels.
    pub fn new(name: impl Into<String>, shape: Vec<usize>) -> Self {
        Self { name: name.into(), shape, pixels: 1 }
    }
}

/// A layer's own tensors.
struct Own {
    names: Vec<String>,
    /// The shape of the first, as PyTorch has it.
    shape: Vec<usize>,
    /// How it lies in PyTorch.
    layout: Layout,
}

/// A graph that grows layer by layer.
#[derive(Default)]
pub struct Builder {
    /// In the order in which they run.
    pub nodes: Vec<Node>,
    /// Constants.
    pub initializers: Vec<Tensor>,
}

/// A layer and what goes into it.
pub(super) struct At<'a> {
    pub path: &'a str,
    layer: &'a dyn Layer,
    pub x: Value,
}

impl At<'_> {
    /// A complaint about this layer.
    pub(super) fn fail(&self, what: &str) -> Error {
        let (path, kind, shape) = (self.path, self.layer.describe(), &self.x.shape);
        Error::usage(format!("layer '{path}' ({kind}) on {shape:?} cannot be written as ONNX: {what}"))
    }

    /// Channels, rows and columns of the images that go in.
    pub(super) fn image(&self) -> Result<[usize; 3]> {
        self.x.shape.as_slice().try_into().map_err(|_| self.fail("it takes images, [C, H, W]"))
    }

    /// Rows or columns of what windows of `size` make of `length` pixels.
    fn extent(&self, length: usize, size: usize, stride: usize, padding: usize) -> Result<usize> {
        let room = (length + 2 * padding).checked_sub(size);
        let steps = room.and_then(|room| room.checked_div(stride));
        steps.map(|steps| steps + 1).ok_or_else(|| self.fail("the window is larger than the padded image"))
    }

    /// Refuses weights for another number of inputs.
    fn expect(&self, inputs: usize, found: usize) -> Result<()> {
        let what = || self.fail(&format!("its weights are for {inputs} inputs"));
        if inputs == found { Ok(()) } else { Err(what()) }
    }
}

impl Builder {
    /// Appends `layer`, whose full name is `path`, and gives what it makes of `x`.
    ///
    /// # Errors
    /// One that there are no operators for, or that does not take `x`; what the device says.
    pub fn layer(&mut self, path: &str, layer: &dyn Layer, x: Value) -> Result<Value> {
        let at = At { path, layer, x };
        match layer.operation() {
            Operation::Conv2d(params) => {
                let [channels, height, width] = at.image()?;
                let Own { names, shape, .. } = self.state(&at, &["weight"], &["bias"])?;
                let &[k, c, r, s] = shape.as_slice() else { return Err(at.fail("its filters are not [K, C, R, S]")) };
                at.expect(c * params.groups, channels)?;
                let ([v, h], [up, left], [down, across]) = (params.stride, params.padding, params.dilation);
                let rows = at.extent(height, down * (r - 1) + 1, v, up)?;
                let columns = at.extent(width, across * (s - 1) + 1, h, left)?;
                let settings = [
                    ints("kernel_shape", [r, s]),
                    ints("strides", params.stride),
                    ints("pads", [up, left, up, left]),
                    ints("dilations", params.dilation),
                    Attribute { i: Some(params.groups as i64), ..setting("group", attribute::INT) },
                ];
                Ok(self.node("Conv", path, &at.x, names, settings, vec![k, rows, columns]))
            }
            Operation::BatchNorm { eps } => {
                let Own { names, shape, .. } =
                    self.state(&at, &["weight", "bias", "running_mean", "running_var"], &[])?;
                if at.x.pixels != 1 {
                    return Err(at.fail("behind a Flatten its features have another order: put it before"));
                }
                at.expect(shape.iter().product(), at.x.shape[0])?;
                let settings = [Attribute { f: Some(eps), ..setting("epsilon", attribute::FLOAT) }];
                Ok(self.node("BatchNormalization", path, &at.x, names, settings, at.x.shape.clone()))
            }
            Operation::Linear => {
                let Own { names, shape, layout } = self.state(&at, &["weight"], &["bias"])?;
                let &[outputs, inputs] = shape.as_slice() else { return Err(at.fail("its weights are no matrix")) };
                let &[features] = at.x.shape.as_slice() else { return Err(at.fail("it takes rows: flatten images")) };
                at.expect(inputs, features)?;
                let pixels = if let Layout::Flattened { pixels } = layout { pixels } else { 1 };
                if pixels != at.x.pixels {
                    return Err(at.fail("behind a Flatten it must be made by Linear::after_flatten, and only there"));
                }
                let settings = [Attribute { i: Some(1), ..setting("transB", attribute::INT) }];
                Ok(self.node("Gemm", path, &at.x, names, settings, vec![outputs]))
            }
            Operation::Relu => {
                Ok(Value { pixels: at.x.pixels, ..self.node("Relu", path, &at.x, vec![], [], at.x.shape.clone()) })
            }
            Operation::Gelu => Ok(self.gelu(&at)),
            Operation::Scale(factor) => {
                let factor = self.constant(join(path, "factor"), &[], &[factor]);
                Ok(Value { pixels: at.x.pixels, ..self.node("Mul", path, &at.x, vec![factor], [], at.x.shape.clone()) })
            }
            Operation::MaxPool(window) => self.max_pool(&at, window),
            Operation::AvgPool { window, padding_counts } => self.avg_pool(&at, window, padding_counts),
            Operation::GlobalAvgPool => {
                let [channels, ..] = at.image()?;
                let pooled = self.node("GlobalAveragePool", path, &at.x, vec![], [], vec![channels, 1, 1]);
                Ok(self.flatten(&join(path, "flatten"), &pooled))
            }
            Operation::AdaptiveAvgPool(bins) => self.adaptive(&at, bins),
            Operation::AdaptiveMaxPool(bins) => self.adaptive_max(&at, bins),
            Operation::Flatten => Ok(self.flatten(path, &at.x)),
            Operation::Dropout => Ok(at.x),
            Operation::Sequence => {
                let mut x = at.x;
                for (name, child) in layer.children() {
                    x = self.layer(&join(path, name), child, x)?;
                }
                Ok(x)
            }
            Operation::Residual { branch, shortcut } => {
                let beside = match shortcut {
                    Some((name, layer)) => self.layer(&join(path, name), layer, at.x.clone())?,
                    None => at.x.clone(),
                };
                let y = self.layer(path, branch, at.x.clone())?;
                if (&y.shape, y.pixels) != (&beside.shape, beside.pixels) {
                    return Err(at.fail(&format!("its branch gives {:?}, its shortcut {:?}", y.shape, beside.shape)));
                }
                let sum = self.node("Add", &join(path, "add"), &y, vec![beside.name], [], y.shape.clone());
                Ok(Value { pixels: y.pixels, ..self.node("Relu", path, &sum, vec![], [], y.shape) })
            }
            Operation::Other => Err(at.fail("no operators are known for it")),
        }
    }

    /// Calls the last node's output `y` by another name.
    ///
    /// # Errors
    /// A network without a node.
    pub fn rename_last(&mut self, y: Value, name: &str) -> Result<Value> {
        let nothing = || Error::usage("a network that computes nothing cannot be written as ONNX: give it layers");
        let last = self.nodes.last_mut().ok_or_else(nothing)?;
        if y.pixels != 1 {
            let what = "a network that ends with a Flatten cannot be written as ONNX, where images have another order";
            return Err(Error::usage(format!("{what}: end it with a linear layer")));
        }
        last.output = vec![name.to_owned()];
        Ok(Value { name: name.into(), ..y })
    }

    /// `x · (1 + erf(x / √2)) / 2`, for which there is no operator before opset 20.
    fn gelu(&mut self, at: &At) -> Value {
        let (x, shape) = (&at.x, || at.x.shape.clone());
        let name = |part: &str| join(at.path, part);
        let [root, one, half] = [("root", FRAC_1_SQRT_2), ("one", 1.0), ("half", 0.5)]
            .map(|(part, value)| self.constant(name(part), &[], &[value]));
        let narrow = self.node("Mul", &name("narrow"), x, vec![root], [], shape());
        let erf = self.node("Erf", &name("erf"), &narrow, vec![], [], shape());
        let above = self.node("Add", &name("above"), &erf, vec![one], [], shape());
        let share = self.node("Mul", &name("share"), &above, vec![half], [], shape());
        Value { pixels: x.pixels, ..self.node("Mul", at.path, x, vec![share.name], [], shape()) }
    }

    /// Images as rows.
    fn flatten(&mut self, path: &str, x: &Value) -> Value {
        let settings = [Attribute { i: Some(1), ..setting("axis", attribute::INT) }];
        let pixels = if let &[_, height, width] = x.shape.as_slice() { height * width } else { x.pixels };
        Value { pixels, ..self.node("Flatten", path, x, vec![], settings, vec![x.shape.iter().product()]) }
    }

    /// Appends a node of operator `op` on `x` and `others`, whose output has `shape`.
    pub(super) fn node<const N: usize>(
        &mut self,
        op: &str,
        path: &str,
        x: &Value,
        others: Vec<String>,
        attribute: [Attribute; N],
        shape: Vec<usize>,
    ) -> Value {
        let value = Value::new(format!("{path}.output"), shape);
        let input = std::iter::once(x.name.clone()).chain(others).collect();
        let (output, name, op_type) = (vec![value.name.clone()], path.to_owned(), op.to_owned());
        self.nodes.push(Node { input, output, name, op_type, attribute: attribute.into() });
        value
    }

    /// Appends the layer's own tensors: their names in the order of `wanted`, then those `possible` ones that there are; and the
    /// shape of the first. Counters of batches are of no use to inference.
    fn state(&mut self, at: &At, wanted: &[&str], possible: &[&str]) -> Result<Own> {
        let (prefix, mut found) = (join(at.path, ""), Vec::new());
        at.layer.visit(&prefix, &mut |name, state| match state {
            State::Parameter(tensor, layout) | State::Fixed(tensor, layout) => {
                found.push((name, layout, layout.outward(tensor)));
            }
            State::Statistic(tensor) => found.push((name, Layout::Same, Layout::Same.outward(tensor))),
            State::Counter(_) => {}
        });
        let mut own = Own { names: Vec::new(), shape: Vec::new(), layout: Layout::Same };
        for short in wanted.iter().chain(possible) {
            let Some(place) = found.iter().position(|(name, ..)| name.strip_prefix(&prefix) == Some(short)) else {
                if wanted.contains(short) {
                    return Err(at.fail(&format!("it has no '{short}'")));
                }
                continue;
            };
            let (name, layout, tensor) = found.swap_remove(place);
            let (shape, values) = tensor?;
            let name = self.constant(name, &shape, &values);
            if own.names.is_empty() {
                (own.shape, own.layout) = (shape, layout);
            }
            own.names.push(name);
        }
        match found.first() {
            Some((name, ..)) => Err(at.fail(&format!("its tensor '{name}' has no place there"))),
            None => Ok(own),
        }
    }

    /// Appends a constant and gives its name.
    pub(super) fn constant(&mut self, name: String, shape: &[usize], values: &[f32]) -> String {
        let raw_data = Some(bytemuck::cast_slice(values).to_vec());
        let dims = shape.iter().map(|&size| size as i64).collect();
        self.initializers.push(Tensor { dims, data_type: FLOAT, name: name.clone(), raw_data });
        name
    }
}

/// The name of `child` below `path`.
pub(super) fn join(path: &str, child: &str) -> String {
    if path.is_empty() { child.to_owned() } else { format!("{path}.{child}") }
}

/// A setting without a value yet.
pub(super) fn setting(name: &str, r#type: i32) -> Attribute {
    Attribute { name: name.into(), r#type, ..Attribute::default() }
}

/// A setting of sizes.
pub(super) fn ints<const N: usize>(name: &str, sizes: [usize; N]) -> Attribute {
    Attribute { ints: sizes.map(|size| size as i64).into(), ..setting(name, attribute::INTS) }
}
