//! Rules of relevance against their formulas in f64, one layer at a time; what is conserved; what is refused.

use warptape::explain::Target;
use warptape::explain::relevance::{guided_backprop, relevance};
use warptape::nn::relevance::{Composite, Rule, Rules, explain};
use warptape::nn::{
    AvgPool, Builder, Conv2d, Flatten, GlobalAvgPool, Layer, Linear, MaxPool, Operation, Pass, Relu, Residual,
    Sequential, parameters,
};
use warptape::op::conv2d::Conv2dParams;
use warptape::op::pool::Window;
use warptape::{DType, Device, Result, Tape, Tensor};

use super::explain::distance;
use crate::op::generated::uniform;
use crate::support::devices;

const IMAGES: usize = 3;
const INPUTS: usize = 7;
const OUTPUTS: usize = 5;

fn set(model: &dyn Layer, name: &str, values: &[f32]) {
    let found = parameters(model).into_iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no parameter {name}")).1.write(values).unwrap();
}

/// What arrives at `x` where `begin` leaves the output.
fn back(model: &dyn Layer, x: &Tensor, composite: &Composite, begin: &[f32]) -> Vec<f32> {
    let mut tape = Tape::new();
    tape.watch(x);
    let y = explain(&mut tape, model, x, &Rules::Layerwise(composite.clone())).unwrap();
    let begin = Tensor::from_slice(x.device(), y.shape().clone(), begin).unwrap();
    tape.backward_from(&y, begin).unwrap().get(x).unwrap().to_vec().unwrap()
}

/// The terms of output `j` of which its relevance is shared in proportion, with their factors: for each input, and the bias.
fn terms(rule: &Rule, x: &[f64], w: &[f64], b: f64) -> Vec<(f64, Vec<f64>, f64)> {
    let products: Vec<f64> = x.iter().zip(w).map(|(x, w)| x * w).collect();
    let each = |of: &dyn Fn(f64) -> f64| products.iter().map(|&product| of(product)).collect::<Vec<_>>();
    let z = products.iter().sum::<f64>() + b;
    match rule {
        Rule::Epsilon(_) => vec![(1.0, products, b)],
        Rule::ZPlus => vec![(1.0, each(&|v| v.max(0.0)), b.max(0.0))],
        Rule::Gamma(gamma) => {
            let gamma = f64::from(*gamma);
            let more = |v: f64| v + gamma * if z > 0.0 { v.max(0.0) } else { v.min(0.0) };
            vec![(1.0, each(&more), more(b))]
        }
        Rule::AlphaBeta { alpha, beta } => vec![
            (f64::from(*alpha), each(&|v| v.max(0.0)), b.max(0.0)),
            (-f64::from(*beta), each(&|v| v.min(0.0)), b.min(0.0)),
        ],
        Rule::Box { low, high } => {
            let bounded =
                |i: usize| products[i] - f64::from(low[i]) * w[i].max(0.0) - f64::from(high[i]) * w[i].min(0.0);
            vec![(1.0, (0..x.len()).map(bounded).collect(), 0.0)]
        }
        Rule::Flat => vec![(1.0, vec![1.0; x.len()], 0.0)],
    }
}

/// The relevance of all inputs by the rule's formula.
fn expected(rule: &Rule, x: &[f32], w: &[f32], b: &[f32], begin: &[f32]) -> Vec<f32> {
    let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
    let epsilon = if let Rule::Epsilon(epsilon) = rule { f64::from(*epsilon) } else { 1e-6 };
    let mut found = Vec::new();
    for (x, begin) in x.chunks(INPUTS).zip(begin.chunks(OUTPUTS)) {
        let mut of_inputs = vec![0.0; INPUTS];
        for (j, begin) in begin.iter().enumerate() {
            for (factor, terms, bias) in terms(rule, &wide(x), &wide(&w[j * INPUTS..][..INPUTS]), f64::from(b[j])) {
                let sum = terms.iter().sum::<f64>() + bias;
                let share = factor * f64::from(*begin) / (if sum < 0.0 { sum - epsilon } else { sum + epsilon });
                of_inputs.iter_mut().zip(&terms).for_each(|(to, term)| *to += term * share);
            }
        }
        found.extend(of_inputs.into_iter().map(|v| v as f32));
    }
    found
}

#[test]
fn rules_are_their_formulas() {
    let (low, high) = (vec![-1.0; INPUTS], (0..INPUTS).map(|i| 1.0 + i as f32 / 8.0).collect());
    let alpha_beta = Rule::AlphaBeta { alpha: 2.0, beta: 1.0 };
    let boxed = Rule::Box { low, high };
    let rules = [Rule::Epsilon(0.125), Rule::ZPlus, Rule::Gamma(0.25), alpha_beta, boxed, Rule::Flat];
    let (w, b) = (uniform(0, "w", OUTPUTS * INPUTS, 1.0, 0.0), uniform(0, "b", OUTPUTS, 0.5, 0.0));
    let begin = uniform(0, "begin", IMAGES * OUTPUTS, 1.0, 0.0);
    for (label, device) in devices() {
        let builder = &mut Builder::new(&device, 1);
        let params = Conv2dParams::new(1, 0);
        let conv = Conv2d::new(builder, INPUTS, OUTPUTS, 1, params, true).unwrap();
        let conv = Sequential::new().with("layer", conv).with("flatten", Flatten);
        let linear = Linear::new(builder, INPUTS, OUTPUTS).unwrap();
        let linear = Sequential::new().with("flatten", Flatten).with("layer", linear);
        for (model, image) in [(&conv, [IMAGES, 1, 1, INPUTS]), (&linear, [IMAGES, 1, 1, INPUTS])] {
            set(model, "layer.weight", &w);
            set(model, "layer.bias", &b);
            // Of both signs: what a first layer sees, and what one sees after ReLU.
            let values = uniform(0, "x", IMAGES * INPUTS, 1.0, 0.0);
            let x = Tensor::from_slice(&device, image, &values).unwrap();
            for rule in &rules {
                // The box is for convolutions of the picture alone.
                let first = matches!(rule, Rule::Box { .. } | Rule::Flat).then(|| rule.clone());
                let usual = if first.is_some() { Rule::ZPlus } else { rule.clone() };
                let composite = Composite { first, convolution: usual.clone(), linear: usual };
                let found = back(model, &x, &composite, &begin);
                let linear_box = std::ptr::eq(model, &linear) && matches!(rule, Rule::Box { .. });
                let rule = if linear_box { &Rule::ZPlus } else { rule };
                let off = distance(&found, &expected(rule, &values, &w, &b, &begin));
                assert!(off < 1e-5, "[{label}] {rule:?}: {off:e} of the largest magnitude apart");
            }
        }
        device.check_guards().unwrap();
    }
}

/// Two blocks without a bias: a convolution, a residual block, pooling of both kinds, and a linear layer.
fn without_biases(device: &Device) -> Sequential {
    let builder = &mut Builder::new(device, 5);
    let conv =
        |builder: &mut Builder, from, to| Conv2d::new(builder, from, to, 3, Conv2dParams::new(1, 1), false).unwrap();
    let shortcut = Conv2d::new(builder, 8, 12, 1, Conv2dParams::new(1, 0), false).unwrap();
    let branch =
        Sequential::new().with("conv1", conv(builder, 8, 12)).with("relu1", Relu).with("conv2", conv(builder, 12, 12));
    let means = AvgPool { window: Window::new([2, 2], [2, 2], [0, 0]), padding_counts: true };
    Sequential::new()
        .with("conv", conv(builder, 3, 8))
        .with("relu", Relu)
        .with("maxpool", MaxPool::halving(2))
        .with("block", Residual::new(branch, Some(Sequential::new().then(shortcut))))
        .with("means", means)
        .with("avgpool", GlobalAvgPool)
        .with("fc", Linear::new(builder, 12, 4).unwrap().without_bias())
}

fn pictures(device: &Device, name: &str) -> Tensor {
    Tensor::from_slice(device, [2, 12, 8, 3], &uniform(0, name, 2 * 12 * 8 * 3, 1.0, 0.0)).unwrap()
}

#[test]
fn without_biases_relevance_adds_up_to_the_logit() {
    let epsilon = Composite { first: None, convolution: Rule::Epsilon(1e-6), linear: Rule::Epsilon(1e-6) };
    for (label, device) in devices() {
        let (model, x) = (without_biases(&device), pictures(&device, "pictures"));
        let logits = model.forward(&mut Pass::inference(&mut Tape::new()), &x).unwrap().to_vec::<f32>().unwrap();
        let flat = Composite { first: Some(Rule::Flat), ..epsilon.clone() };
        let difference = |image: usize| logits[image * 4 + 2] - logits[image * 4 + 1];
        for composite in [&epsilon, &flat, &Composite::epsilon_plus(), &Composite::epsilon_alpha2_beta1()] {
            for (target, of) in [
                (Target::Class(3), &(|image: usize| logits[image * 4 + 3]) as &dyn Fn(usize) -> f32),
                (Target::Difference(2, 1), &difference),
            ] {
                let found = relevance(&model, &x, &[target; 2], composite).unwrap().to_vec::<f32>().unwrap();
                for (image, pixels) in found.chunks(12 * 8 * 3).enumerate() {
                    let sum: f64 = pixels.iter().map(|&v| f64::from(v)).sum();
                    let logit = f64::from(of(image));
                    // What stabilizers take; a wrong share is off by tenths.
                    assert!((sum - logit).abs() < 3e-3 * logit.abs(), "[{label}] {composite:?}: {sum} of {logit}");
                }
            }
        }
    }
}

#[test]
fn a_batch_gives_what_its_images_give() {
    let (_, device) = devices().swap_remove(0);
    let (model, x) = (without_biases(&device), pictures(&device, "pictures"));
    let composite = Composite::of_pixels(&[0.5; 3], &[0.5; 3]).unwrap();
    let targets = [Target::Top, Target::Class(1)];
    let run = |x: &Tensor, targets: &[Target]| {
        let lrp = relevance(&model, x, targets, &composite).unwrap().to_vec::<f32>().unwrap();
        (lrp, guided_backprop(&model, x, targets).unwrap().to_vec::<f32>().unwrap())
    };
    let (lrp, guided) = run(&x, &targets);
    let pixels = x.to_vec::<f32>().unwrap();
    for (image, pixels) in pixels.chunks(288).enumerate() {
        let one = Tensor::from_slice(&device, [1, 12, 8, 3], pixels).unwrap();
        let (alone, guided_alone) = run(&one, &targets[image..=image]);
        assert_eq!((&alone[..], &guided_alone[..]), (&lrp[image * 288..][..288], &guided[image * 288..][..288]));
    }
    assert_eq!(run(&x, &targets), (lrp, guided), "the same again");
}

/// A layer that only [`Layer::forward`] knows.
struct Unknown;

impl Layer for Unknown {
    fn forward(&self, _: &mut Pass, x: &Tensor) -> Result<Tensor> {
        Ok(x.clone())
    }

    fn describe(&self) -> String {
        "Unknown".into()
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Other
    }
}

#[test]
fn what_has_no_rule_is_named() {
    let (_, device) = devices().swap_remove(0);
    let x = pictures(&device, "pictures");
    let inner = Sequential::new().with("odd", Unknown);
    let model = Sequential::new().with("inner", inner).with("model", without_biases(&device));
    let (plus, none) = (Composite::epsilon_plus(), &[][..]);
    let said = |found: Result<Tensor>| found.map(drop).unwrap_err().to_string();
    for refused in [relevance(&model, &x, none, &plus), guided_backprop(&model, &x, none)] {
        assert_eq!(said(refused), "layer 'inner.odd' is Unknown, and relevance has no rule for it: use gradcam");
    }
    let model = without_biases(&device);
    let half = Tensor::zeros(&device, [2, 12, 8, 3], DType::F16).unwrap();
    assert_eq!(said(relevance(&model, &half, none, &plus)), "relevance: f16 [2, 12, 8, 3] is not f32");
    let few = said(relevance(&model, &x, &[Target::Top], &plus));
    assert_eq!(few, "relevance: 1 targets and 2 rows of logits for 2 images");
    let missing = said(relevance(&model, &x, &[Target::Class(4); 2], &plus));
    assert_eq!(missing, "there is no class 4: the model has classes 0 to 3");
    let bounds = |low: &[f32], high: &[f32]| Composite::epsilon_gamma_box(low, high).map(drop).unwrap_err().to_string();
    let apart = "give two numbers for each channel, the lower first";
    assert_eq!(bounds(&[0.0, 1.0], &[1.0, 1.0]), format!("LRP's bounds of pixels: [0.0, 1.0] to [1.0, 1.0]: {apart}"));
    assert_eq!(bounds(&[0.0], &[f32::NAN]), format!("LRP's bounds of pixels: [0.0] to [NaN]: {apart}"));
    let one = Composite::epsilon_gamma_box(&[0.0], &[1.0]).unwrap();
    let channels = said(relevance(&model, &x, none, &one));
    assert_eq!(channels, "relevance: bounds of 1 channels for pictures [2, 12, 8, 3]");
}
