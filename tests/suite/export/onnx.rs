//! ONNX files, read by a reader of the tests' own and computed in float64, beside what the networks compute.

use std::collections::{BTreeMap, BTreeSet};

use warptape::device::Target;
use warptape::device::dry::Dry;
use warptape::export::onnx::{IR_VERSION, OPSET, encode};
use warptape::nn::models::{self, MODELS};
use warptape::nn::{
    AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, BatchNorm, Builder, Conv2d, Dropout, Flatten, Gelu, GlobalAvgPool,
    Layer, Linear, MaxPool, Operation, Pass, Relu, Residual, Sequential, State,
};
use warptape::op::conv2d::Conv2dParams;
use warptape::op::pool::Window;
use warptape::{Device, Result, Tape, Tensor};

use super::onnx_file::{Dimension, File, read};
use super::onnx_run::{Value, run};
use crate::op::generated::{self, Seeds};
use crate::support::{device, runs_all, skips_networks};

/// In units of the largest logit: some times what float32 in another order of summation differs from float64 by, as in
/// `parity_models`.
const TOLERANCE: f64 = 5e-5;

/// Networks that have more of the layers that others have, and nothing else.
const DEEPER: [&str; 8] = ["vgg13", "vgg16", "vgg19", "vgg13_bn", "vgg16_bn", "vgg19_bn", "resnet34", "vgg11"];

fn dry() -> Device {
    Device::new(Box::new(Dry::new(Target::Host { lanes: 16 })))
}

/// The smallest images of a network.
fn least(model: &str) -> usize {
    match model {
        "little-conv" | "mynet" => 16,
        "mynetpro" => 63,
        _ => 32,
    }
}

/// Generated weights, and statistics that a training step has moved.
fn ready(what: &str, model: &dyn Layer, device: &Device, input: [usize; 2]) {
    generated::fill(model, &Seeds::new());
    let x = generated::images(device, 7, 4, input);
    model.forward(&mut Pass::training(&mut Tape::new(), 0, 0), &x).unwrap_or_else(|e| panic!("{what}: {e}"));
}

/// Images of ours in PyTorch's order; rows as they are.
fn planes(x: &Tensor) -> Value {
    let values = x.to_vec::<f32>().unwrap();
    let &[n, h, w, c] = x.shape().dims() else {
        return Value { shape: x.shape().dims().to_vec(), data: values.into_iter().map(f64::from).collect() };
    };
    let at = |i: usize| f64::from(values[(i / (c * h * w) * h * w + i % (h * w)) * c + i / (h * w) % c]);
    Value { shape: vec![n, c, h, w], data: (0..values.len()).map(at).collect() }
}

/// Compares what the file computes with what the network does.
fn agrees(what: &str, model: &dyn Layer, device: &Device, input: [usize; 2]) -> File {
    let file = read(&encode(model, what, input).unwrap());
    let x = generated::images(device, 1, 2, input);
    let ours = model.forward(&mut Pass::inference(&mut Tape::new()), &x).unwrap();
    let theirs = run(&file, planes(&x));
    let ours = planes(&ours);
    assert_eq!(theirs.shape, ours.shape, "{what}");
    let largest = theirs.data.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    assert!(largest.is_finite() && largest > 1e-3, "{what}: logits up to {largest}");
    let images = theirs.data.chunks(theirs.data.len() / 2).collect::<Vec<_>>();
    let apart = images[0].iter().zip(images[1]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(
        apart > 100.0 * TOLERANCE * largest,
        "{what}: two images differ by {apart} of {largest}, which shows nothing"
    );
    for (ours, theirs) in ours.data.iter().zip(&theirs.data) {
        assert!((ours - theirs).abs() <= TOLERANCE * largest, "{what}: {ours} where the file computes {theirs}");
    }
    file
}

#[test]
fn graphs_compute_what_networks_do() {
    if skips_networks() {
        return;
    }
    let all = runs_all();
    if !all {
        println!(
            "skipped: networks that are deeper ones of the same layers; WARPTAPE_TEST_ALL=1 runs them, as CI does"
        );
    }
    for model in MODELS.iter().filter(|model| all || !DEEPER.contains(&model.name)) {
        let (device, side) = (device(), least(model.name));
        let network = models::build(model.name, 7, [side; 2], &device, 0).unwrap();
        ready(model.name, &network, &device, [side; 2]);
        agrees(model.name, &network, &device, [side; 2]);
    }
}

/// Every network, also with torchvision's stem or head: what the file says about itself, and that its weights have PyTorch's names
/// and shapes.
#[test]
fn every_network_is_written() {
    let others = ["resnet18:stem=imagenet", "resnet50:stem=imagenet", "vgg11_bn:head=imagenet", "vgg11:head=linear"];
    for spec in MODELS.iter().map(|model| model.name).chain(others) {
        let side = least(spec);
        let network = models::build(spec, 5, [side; 2], &dry(), 0).unwrap();
        let file = read(&encode(&network, spec, [side; 2]).unwrap());
        assert_eq!((file.ir_version as i64, file.opset as i64), (IR_VERSION, OPSET));
        assert_eq!((file.producer.as_str(), file.name.as_str()), ("warptape", spec));
        let batch = || Dimension::Named("batch".into());
        let input = vec![batch(), Dimension::Is(3), Dimension::Is(side), Dimension::Is(side)];
        assert_eq!(file.input, ("input".into(), input), "{spec}");
        assert_eq!(file.output, ("logits".into(), vec![batch(), Dimension::Is(5)]), "{spec}");
        let mut expected = BTreeMap::new();
        network.visit("", &mut |name, state| match state {
            State::Parameter(tensor, layout) | State::Fixed(tensor, layout) => {
                drop(expected.insert(name, layout.shape(tensor)))
            }
            State::Statistic(tensor) => drop(expected.insert(name, tensor.shape().dims().to_vec())),
            State::Counter(_) => {}
        });
        let mut found: BTreeMap<_, _> =
            file.initializers.iter().map(|(name, (shape, _))| (name.clone(), shape.clone())).collect();
        // What adaptive pooling of images smaller than its bins is made of, and numbers of GELU and of scales.
        found.retain(|name, shape| !["avgpool.rows", "avgpool.columns"].contains(&name.as_str()) && !shape.is_empty());
        assert_eq!(found, expected, "{spec}");
        let names: BTreeSet<&str> = file.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names.len(), file.nodes.len(), "{spec}: names of nodes");
    }
}

/// What no network of ours has: sides of different lengths, steps and gaps of filters, bins that overlap, a block in a block.
#[test]
fn odd_layers_compute_what_they_do() {
    let device = device();
    let builder = &mut Builder::new(&device, 3);
    let params = Conv2dParams { stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 3 };
    let window = Window::new([3, 2], [1, 2], [1, 0]);
    let inner = Residual::new(Sequential::new().with("norm", BatchNorm::new(builder, 8).unwrap()), None);
    let branch = Sequential::new()
        .with("conv", Conv2d::new(builder, 6, 8, 3, Conv2dParams::new(1, 1), false).unwrap())
        .with("inner", inner);
    let shortcut = Sequential::new().then(Conv2d::new(builder, 6, 8, 1, Conv2dParams::new(1, 0), true).unwrap());
    let network = |bins: usize, head: Linear| {
        let builder = &mut Builder::new(&device, 4);
        Sequential::new()
            .with("start", Conv2d::new(builder, 3, 6, 3, params, true).unwrap())
            .with("norm", BatchNorm::new(builder, 6).unwrap())
            .with("drop", Dropout(0.5))
            .with("pool", MaxPool(window))
            .with("bins", AdaptiveAvgPool(bins))
            .with("flatten", Flatten)
            .with("head", head)
    };
    // Of 17 x 14 pixels are left 9 x 7.
    for bins in [1, 2, 7, 10] {
        let network = network(bins, Linear::after_flatten(builder, [bins, bins, 6], 4).unwrap());
        ready("bins", &network, &device, [17, 14]);
        agrees("bins", &network, &device, [17, 14]);
    }
    let blocks = Sequential::new()
        .with("start", Conv2d::new(builder, 3, 6, 3, Conv2dParams::new(3, 0), false).unwrap())
        .with("block", Residual::new(branch, Some(shortcut)))
        .with("relu", Relu)
        .with("pool", GlobalAvgPool)
        .with("last", Dropout(0.5));
    ready("blocks", &blocks, &device, [11, 14]);
    let file = agrees("blocks", &blocks, &device, [11, 14]);
    assert_eq!(file.output.1[1], Dimension::Is(8));
    // A filter that is no square, a scale that is not learned, rows without an offset.
    let few = Conv2dParams { stride: [2, 1], ..Conv2dParams::new(1, 1) };
    let norm = BatchNorm::new(builder, 5).unwrap().with_eps(1e-12).unwrap().with_fixed_weight();
    let gelu = Sequential::new()
        .with("start", Conv2d::rectangular(builder, 3, 5, [4, 3], few, false).unwrap())
        .with("norm", norm)
        .with("gelu", Gelu)
        .with("flatten", Flatten)
        .with("again", Gelu)
        .with("head", Linear::after_flatten(builder, [4, 6, 5], 3).unwrap().without_bias());
    ready("gelu", &gelu, &device, [8, 6]);
    agrees("gelu", &gelu, &device, [8, 6]);
    // Windows that end behind the padding, with gaps, and means of what lies on the image.
    let ceil = Window { ceil: true, ..Window::new([3, 2], [2, 3], [1, 0]) };
    let gaps = Window { dilation: [2, 1], ..ceil };
    let inside = |window: Window, padding_counts: bool| AvgPool { window, padding_counts };
    let pools = Sequential::new()
        .with("gaps", MaxPool(gaps))
        .with("inside", inside(Window { stride: [2, 2], ..ceil }, false))
        .with("padded", inside(Window::new([3, 3], [1, 1], [1, 1]), true))
        .with("last", inside(Window { padding: [0, 0], ..ceil }, true))
        .with("bins", AdaptiveMaxPool(1));
    agrees("pools", &pools, &device, [21, 26]);
    // Windows that divide the image need no matrices.
    let halves = Sequential::new().with("bins", AdaptiveAvgPool(4));
    let file = agrees("halves", &halves, &device, [8, 12]);
    assert!(file.initializers.is_empty() && file.nodes[0].op == "AveragePool");
    let same = Sequential::new().with("bins", AdaptiveAvgPool(4)).with("relu", Relu);
    assert_eq!(agrees("same", &same, &device, [4, 4]).nodes.len(), 1);
}

/// A layer that says of itself only how it runs.
struct Own;

impl Layer for Own {
    fn forward(&self, _: &mut Pass, x: &Tensor) -> Result<Tensor> {
        Ok(x.clone())
    }

    fn describe(&self) -> String {
        "Own".into()
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Other
    }
}

#[test]
fn what_cannot_be_written_is_a_line() {
    let device = dry();
    let builder = &mut Builder::new(&device, 0);
    let net = Sequential::new;
    let conv = |builder: &mut Builder, size| Conv2d::new(builder, 3, 4, size, Conv2dParams::new(1, 0), true).unwrap();
    let uneven = Residual::new(net().with("conv", conv(builder, 1)), None);
    let cases: Vec<(Sequential, &str)> = vec![
        (
            net().with("first", Relu).with("mine", net().then(Own)),
            "layer 'mine.0' (Own) on [3, 8, 6] cannot be written as ONNX: no operators are known for it",
        ),
        (
            net().with("fc", Linear::new(builder, 144, 2).unwrap()),
            "layer 'fc' (Linear 144 → 2) on [3, 8, 6] cannot be written as ONNX: it takes rows: flatten images",
        ),
        (
            net().with("flatten", Flatten).with("fc", Linear::new(builder, 9, 2).unwrap()),
            "its weights are for 9 inputs",
        ),
        (net().with("flatten", Flatten).with("pool", GlobalAvgPool), "it takes images, [C, H, W]"),
        (net().with("conv", conv(builder, 7)), "the window is larger than the padded image"),
        (net().with("norm", BatchNorm::new(builder, 4).unwrap()), "its weights are for 4 inputs"),
        (net().with("block", uneven), "its branch gives [4, 8, 6], its shortcut [3, 8, 6]"),
        (
            net().with("flatten", Flatten).with("relu", Relu).with("fc", Linear::new(builder, 144, 2).unwrap()),
            "behind a Flatten it must be made by Linear::after_flatten",
        ),
        (
            net().with("flatten", Flatten).with("block", Residual::new(net().with("relu", Relu), None)),
            "a network that ends with a Flatten",
        ),
        (net().with("bins", AdaptiveMaxPool(3)), "there is no operator for the maximum of bins that overlap"),
        (
            net().with(
                "pool",
                AvgPool { window: Window { ceil: true, ..Window::new([3, 3], [2, 2], [1, 1]) }, padding_counts: true },
            ),
            "no operator counts the padding alone",
        ),
        (net().with("drop", Dropout(0.1)), "a network that computes nothing cannot be written as ONNX"),
    ];
    for (network, expected) in cases {
        let error = encode(&network, "odd", [8, 6]).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{error}");
    }
}
