//! From plain layers to a network: each is made for what the ones before it give.

use super::layers::join;
use super::read::{DOWNSAMPLE, Is, Layer as Written, Of, Plain};
use crate::error::{Error, Result};
use crate::nn::{
    AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, BatchNorm, Builder, Conv2d, Dropout, Flatten, Gelu, GlobalAvgPool,
    Linear, MaxPool, Relu, Residual, Sequential,
};
use crate::op::conv2d::{Conv2dParams, Sizes};
use crate::op::pool::{self, Window};

/// What one layer gives the next, for one image.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// Rows, columns and channels.
    Image([usize; 3]),
    /// A flattened image: linear layers must know what it was.
    Flat([usize; 3]),
    /// Numbers that are no image's.
    Features(usize),
}

impl Value {
    fn words(self) -> String {
        match self {
            Value::Image([height, width, channels]) => format!("an image of {height}×{width} with {channels} channels"),
            Value::Flat([height, width, channels]) => format!("a flattened image of {height}×{width}×{channels}"),
            Value::Features(count) => format!("{count} features"),
        }
    }
}

struct Making<'a> {
    builder: &'a mut Builder,
    /// What mistakes are told under.
    name: &'a str,
    input: [usize; 2],
    /// What the last layer gave.
    x: Value,
}

/// Makes the network that `plain` says.
///
/// # Errors
/// A layer that does not take what comes in; one that gives no `classes` at the end; what the device says.
pub(super) fn network(
    builder: &mut Builder,
    name: &str,
    plain: &Plain,
    classes: usize,
    input: [usize; 2],
) -> Result<Sequential> {
    (builder.filters, builder.weights) = (plain.filters, plain.weights);
    let x = Value::Image([input[0], input[1], 3]);
    let mut making = Making { builder, name, input, x };
    let network = making.chain(&plain.layers, "")?;
    let last = plain.layers.last().expect("no list of layers is empty");
    match making.x {
        Value::Features(count) | Value::Flat([1, 1, count]) if count == classes => Ok(network),
        other => {
            let what = format!("the network ends with {} for {classes} classes", other.words());
            Err(making.wrong(last, &last.name, &format!("{what}: end it with {{ linear = \"classes\" }}")))
        }
    }
}

impl Making<'_> {
    fn wrong(&self, layer: &Written, path: &str, what: &str) -> Error {
        Error::file(self.name, format!("line {}, layer '{path}': {what}", layer.line))
    }

    /// That `layer` does not take what comes in.
    fn refused(&self, layer: &Written, path: &str, fix: &str) -> Error {
        self.wrong(layer, path, &format!("it gets {}: {fix}", self.x.words()))
    }

    /// Refuses windows of `size` that images of `left` pixels, in which `padding` is counted, have no room for.
    fn fits(&self, layer: &Written, path: &str, left: [usize; 2], size: usize, padding: usize) -> Result<()> {
        let ([h, w], [height, width]) = (self.input, left);
        if left.iter().all(|side| side + 2 * padding >= size) {
            return Ok(());
        }
        let what =
            format!("of images of {h}×{w} pixels {height}×{width} are left here, too few for windows of {size}×{size}");
        Err(self.wrong(
            layer,
            path,
            &format!("{what}: use larger ones (‹image_size›), padding, or less pooling before"),
        ))
    }

    fn chain(&mut self, layers: &[Written], path: &str) -> Result<Sequential> {
        layers.iter().try_fold(Sequential::new(), |chain, layer| self.add(chain, layer, &join(path, &layer.name)))
    }

    /// Appends `layer`, whose full name is `path`, to `chain`.
    fn add(&mut self, chain: Sequential, layer: &Written, path: &str) -> Result<Sequential> {
        let name = &layer.name;
        let image = |making: &Self| match making.x {
            Value::Image(sizes) => Ok(sizes),
            _ => Err(making.refused(
                layer,
                path,
                "it takes images; put it before what flattens or pools them to features",
            )),
        };
        match &layer.is {
            &Is::Conv { filters, size, stride, padding, dilation, groups, bias } => {
                let [h, w, c] = image(self)?;
                let params = Conv2dParams { dilation: [dilation; 2], groups, ..Conv2dParams::new(stride, padding) };
                self.fits(layer, path, [h, w], (size - 1) * dilation + 1, padding)?;
                let sizes = Sizes::new([1, h, w, c], [filters, size, size], params);
                let sizes = sizes.map_err(|what| self.refused(layer, path, &what))?;
                self.x = Value::Image([sizes.p, sizes.q, filters]);
                Ok(chain.with(name, Conv2d::new(self.builder, c, filters, size, params, bias)?))
            }
            Is::BatchNorm => {
                let channels = match self.x {
                    Value::Image([.., channels]) | Value::Features(channels) => channels,
                    Value::Flat(_) => {
                        return Err(self.refused(layer, path, "put it before flatten, or behind a linear layer"));
                    }
                };
                Ok(chain.with(name, BatchNorm::new(self.builder, channels)?))
            }
            Is::Relu => Ok(chain.with(name, Relu)),
            Is::Gelu => Ok(chain.with(name, Gelu)),
            &Is::Dropout(share) => Ok(chain.with(name, Dropout(share))),
            &Is::Pool { of, size, stride, padding } => {
                let [h, w, c] = image(self)?;
                let window = Window::new([size; 2], [stride; 2], [padding; 2]);
                self.fits(layer, path, [h, w], size, padding)?;
                let sizes = pool::Sizes::new([1, h, w, c], window, |what| self.refused(layer, path, what))?;
                self.x = Value::Image([sizes.p, sizes.q, c]);
                match of {
                    // As many as the op can tell apart.
                    Of::Maxima if size * size > pool::TAPS => {
                        let what = format!("of {size}×{size} pixels there is no maximum, of {} at most", pool::TAPS);
                        Err(self.wrong(layer, path, &what))
                    }
                    Of::Maxima => Ok(chain.with(name, MaxPool(window))),
                    Of::Means => Ok(chain.with(name, AvgPool { window, padding_counts: true })),
                }
            }
            Is::GlobalAvgPool => {
                let [.., channels] = image(self)?;
                self.x = Value::Features(channels);
                Ok(chain.with(name, GlobalAvgPool))
            }
            &Is::AdaptivePool { of, bins } => {
                let [.., channels] = image(self)?;
                if bins.saturating_mul(bins).saturating_mul(channels) > i32::MAX as usize {
                    return Err(self.refused(
                        layer,
                        path,
                        &format!("{bins}×{bins} bins of it are more than 2^31 - 1 numbers"),
                    ));
                }
                self.x = Value::Image([bins, bins, channels]);
                Ok(match of {
                    Of::Maxima => chain.with(name, AdaptiveMaxPool(bins)),
                    Of::Means => chain.with(name, AdaptiveAvgPool(bins)),
                })
            }
            Is::Flatten => {
                self.x = Value::Flat(image(self)?);
                Ok(chain.with(name, Flatten))
            }
            &Is::Linear { outputs, bias } => {
                let inputs = match self.x {
                    Value::Image(_) => {
                        return Err(self.refused(layer, path, "put \"flatten\" or \"global_avgpool\" before it"));
                    }
                    Value::Flat(sizes) => sizes.iter().try_fold(1usize, |all, size| all.checked_mul(*size)),
                    Value::Features(count) => Some(count),
                };
                let weights = inputs.and_then(|inputs| inputs.checked_mul(outputs));
                if weights.is_none_or(|weights| weights > i32::MAX as usize) {
                    return Err(self.refused(
                        layer,
                        path,
                        &format!("{outputs} outputs of it are more than 2^31 - 1 weights; pool more before"),
                    ));
                }
                let linear = match self.x {
                    Value::Flat(sizes) => Linear::after_flatten(self.builder, sizes, outputs)?,
                    _ => Linear::new(self.builder, inputs.expect("counted above"), outputs)?,
                };
                self.x = Value::Features(outputs);
                Ok(chain.with(name, if bias { linear } else { linear.without_bias() }))
            }
            Is::Chain(layers) => Ok(chain.with(name, self.chain(layers, path)?)),
            Is::Sum { branch, downsample } => {
                let before = self.x;
                let branch = self.chain(branch, path)?;
                let after = std::mem::replace(&mut self.x, before);
                let shortcut = match downsample.as_ref().filter(|_| after != before) {
                    Some(layers) => Some(self.chain(layers, &join(path, DOWNSAMPLE))?),
                    None => None,
                };
                if self.x != after {
                    let sum = format!("its branch gives {}, its shortcut {}", after.words(), self.x.words());
                    let fix = format!("write a {DOWNSAMPLE} that makes the same of what comes in");
                    return Err(self.wrong(layer, path, &format!("{sum}: {fix}")));
                }
                Ok(chain.with(name, Residual::new(branch, shortcut)))
            }
        }
    }
}
