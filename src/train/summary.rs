//! What a network is made of, layer by layer: shapes, parameters, work, memory. Nothing is computed for it: the network
//! runs on the [dry device](crate::device::dry). Only the time of each layer is measured ([`seconds`]).

use std::collections::HashMap;
use std::time::Instant;

use crate::device::dry::Dry;
use crate::device::{Device, Target};
use crate::error::Result;
use crate::nn::{Layer, Pass, Sequential, State, models, parameters};
use crate::op::cross_entropy::cross_entropy;
use crate::optim::{Optimizer, OptimizerConfig};
use crate::tape::Tape;
use crate::tensor::{DType, Shape, Tensor};
use crate::train::precision::Precision;

/// One layer of a network.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Row {
    /// Its full name: `layer1.0.conv1`.
    pub name: String,
    /// What it is: `Conv2d 64 → 64, 3×3, padding 1`.
    pub kind: String,
    /// Its output, `[N, H, W, C]` or `[N, C]`.
    pub output: Vec<usize>,
    /// Learned numbers of its own.
    pub parameters: usize,
    /// Multiply-adds of convolutions and linear layers, for the whole batch.
    pub macs: u64,
    /// Bytes of its output; 0 where the output is its input under another shape.
    pub bytes: u64,
}

/// A network for a batch of images.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Summary {
    /// The layers in the order in which they run; of a block its layers, then what it does with them.
    pub rows: Vec<Row>,
    /// Bytes in use at the peak of a training step with Adam: parameters, their gradients and moments, activations. None
    /// for a batch that cannot be trained on: batch normalization needs two values per channel.
    pub training_peak: Option<u64>,
    /// Bytes in use at the peak of inference.
    pub inference_peak: u64,
}

impl Summary {
    /// Of the model `spec` in `precision` on `batch` images of `input` (height, width), as a device of kind `target` would run it.
    ///
    /// # Errors
    /// As [`models::build`]; images that are too small for the network's pooling.
    pub fn new(
        spec: &str,
        classes: usize,
        input: [usize; 2],
        batch: usize,
        precision: Precision,
        target: Target,
    ) -> Result<Self> {
        let device = Device::new(Box::new(Dry::new(target)));
        let model = models::build(spec, classes, input, &device, 0)?;
        let x = Tensor::zeros(&device, [batch, input[0], input[1], 3], precision.dtype())?;
        device.reset_peak();
        model.forward(&mut Pass::inference(&mut Tape::new()), &x)?;
        let inference_peak = device.memory().peak;
        let rows = rows(&model, &x)?;
        Ok(Self { rows, inference_peak, training_peak: training_peak(&model, &x).ok() })
    }

    /// Learned numbers in all.
    pub fn parameters(&self) -> usize {
        self.rows.iter().map(|row| row.parameters).sum()
    }

    /// Multiply-adds of a forward pass.
    pub fn macs(&self) -> u64 {
        self.rows.iter().map(|row| row.macs).sum()
    }

    /// Bytes of all activations: what a training step keeps, roughly.
    pub fn activations(&self) -> u64 {
        self.rows.iter().map(|row| row.bytes).sum()
    }
}

fn rows(model: &Sequential, x: &Tensor) -> Result<Vec<Row>> {
    let mut tape = Tape::new();
    tape.mark_layers();
    model.forward(&mut Pass::inference(&mut tape), x)?;
    let mut before = x.id();
    let mut rows = Vec::new();
    for (name, output) in tape.marks() {
        let layer = find(model, name).expect("the tape has the model's own names");
        let aliased = output.id() == before;
        // A Sequential hands on what its last layer made: no work of its own.
        if aliased && !layer.children().is_empty() {
            continue;
        }
        let (mut learned, mut multiplied) = (0, 0);
        layer.visit("", &mut |_, state| match state {
            _ if !layer.children().is_empty() => {}
            State::Parameter(tensor, _) => {
                learned += tensor.elements();
                multiplied += macs(tensor.shape(), output);
            }
            State::Fixed(tensor, _) => multiplied += macs(tensor.shape(), output),
            State::Statistic(_) | State::Counter(_) => {}
        });
        rows.push(Row {
            name: name.clone(),
            kind: layer.describe(),
            output: output.shape().dims().to_vec(),
            parameters: learned,
            macs: multiplied,
            bytes: if aliased { 0 } else { output.bytes() as u64 },
        });
        before = output.id();
    }
    Ok(rows)
}

/// Passes that are timed, at most, and the seconds after which no other begins.
const PASSES: usize = 5;
const ENOUGH: f64 = 4.0;

/// Seconds that each layer of `model` takes for the batch `x` in inference on the device, by the layers' names: the least of a few
/// passes, of a block what it does besides its layers. Layers run one by one, so what is fused otherwise is not.
///
/// # Errors
/// Those of the forward pass.
pub fn seconds(model: &dyn Layer, x: &Tensor) -> Result<HashMap<String, f64>> {
    let pass = |timed: bool| -> Result<(Instant, Tape)> {
        let mut tape = Tape::new();
        if timed {
            tape.time_layers();
        } else {
            tape.mark_layers();
        }
        x.device().synchronize()?;
        let begun = Instant::now();
        model.forward(&mut Pass::inference(&mut tape), x)?;
        x.device().synchronize()?;
        Ok((begun, tape))
    };
    // The first pass compiles kernels.
    pass(false)?;
    let started = Instant::now();
    let mut least = HashMap::new();
    for number in 0..PASSES {
        if number > 0 && started.elapsed().as_secs_f64() > ENOUGH {
            break;
        }
        let (mut before, tape) = pass(true)?;
        for ((name, _), moment) in tape.marks().iter().zip(tape.moments()) {
            let took = moment.duration_since(before).as_secs_f64();
            least.entry(name.clone()).and_modify(|least: &mut f64| *least = least.min(took)).or_insert(took);
            before = *moment;
        }
    }
    Ok(least)
}

/// Every output element of a convolution or linear layer is the sum of as many products as a filter has numbers.
fn macs(weight: &Shape, output: &Tensor) -> u64 {
    match weight.dims() {
        &[_] | &[] => 0,
        dims => output.elements() as u64 * (weight.elements() / dims[0]) as u64,
    }
}

fn find<'a>(layer: &'a dyn Layer, path: &str) -> Option<&'a dyn Layer> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let (_, child) = layer.children().into_iter().find(|(name, _)| *name == first)?;
    if rest.is_empty() { Some(child) } else { find(child, rest) }
}

fn training_peak(model: &Sequential, x: &Tensor) -> Result<u64> {
    let device = x.device();
    let tensors: Vec<Tensor> = parameters(model).into_iter().map(|(_, tensor)| tensor).collect();
    let adam = OptimizerConfig::Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0, amsgrad: false };
    let mut optimizer = Optimizer::new(&adam, tensors.clone())?;
    device.reset_peak();
    let labels = Tensor::zeros(device, [x.dim(0)], DType::I32)?;
    let mut tape = Tape::new();
    tensors.iter().for_each(|tensor| tape.watch(tensor));
    let logits = model.forward(&mut Pass::training(&mut tape, 0, 0), x)?;
    let loss = cross_entropy(&mut tape, &logits, &labels, 0.0)?;
    optimizer.step(&tape.backward(&loss)?, 1e-3)?;
    Ok(device.memory().peak)
}
