//! The relevance of pixels: Zennit's and pytorch-grad-cam's on the same weights (tests/golden/relevance.py), what is kept on the
//! way, and which networks have rules.

use std::collections::HashMap;

use serde_json::Value;
use warptape::explain::Target;
use warptape::explain::relevance::{guided_backprop, relevance};
use warptape::nn::relevance::{Composite, Rules, explain};
use warptape::nn::{Layer, Pass, Sequential, State, models};
use warptape::{Device, Tape, Tensor};

use super::explain::{Golden, distance};
use crate::op::generated::{self, Digest};
use crate::support::{device, skips_networks};

/// How far a map may be from the f64 one, in parts of its own largest magnitude; found: 3e-6 without normalization, 6e-5 with
/// it, which is Zennit's: a normalization that it has folded still divides by √(1 + 1e-5).
const OFF: f64 = 1e-4;

/// What belongs to all of the golden: seeds of layers, and the bounds of pixels.
fn header() -> Value {
    let bytes = std::fs::read("tests/golden/relevance.safetensors").unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    serde_json::from_str(&metadata.metadata().as_ref().unwrap()["golden"]).unwrap()
}

fn floats(of: &Value) -> Vec<f32> {
    of.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

/// A network with generated weights and statistics.
fn network(device: &Device, spec: &str, seeds: &generated::Seeds) -> Sequential {
    let model = models::build(spec, 9, [32, 32], device, 0).unwrap();
    generated::fill(&model, seeds);
    model.visit("", &mut |name, state| {
        if let State::Statistic(tensor) = state {
            let (bound, middle) = if name.ends_with("running_var") { (0.5, 1.0) } else { (0.1, 0.0) };
            tensor.write(&generated::uniform(0, &name, tensor.elements(), bound, middle)).unwrap();
        }
    });
    model
}

/// `[N, H, W, 3]` as `[N, 3, H, W]`, and the sum over channels.
fn as_planes(maps: &Tensor) -> (Vec<f32>, Vec<f32>) {
    let (values, pixels) = (maps.to_vec::<f32>().unwrap(), maps.dim(1) * maps.dim(2));
    let at = |i: usize| values[(i / (3 * pixels) * pixels + i % pixels) * 3 + i / pixels % 3];
    let sums = values.chunks(3).map(|channels| channels.iter().sum()).collect();
    ((0..values.len()).map(at).collect(), sums)
}

#[test]
fn relevance_is_zennits_and_guided_gradients_are_pytorch_grad_cams() {
    if skips_networks() {
        return;
    }
    let (golden, header, device) = (Golden::open("relevance.safetensors"), header(), device());
    let x = generated::images(&device, 0, 2, [32, 32]);
    let targets = [Target::Top, Target::Class(4)];
    let composites = [
        ("epsilon_plus", Composite::epsilon_plus()),
        ("epsilon_plus_flat", Composite::epsilon_plus_flat()),
        ("epsilon_alpha2_beta1", Composite::epsilon_alpha2_beta1()),
        ("epsilon_gamma_box", Composite::epsilon_gamma_box(&floats(&header["low"]), &floats(&header["high"])).unwrap()),
    ];
    for network in ["vgg11", "vgg11_bn", "resnet18"] {
        let seeds: HashMap<String, u64> = serde_json::from_value(header["seeds"][network].clone()).unwrap();
        let model = self::network(&device, network, &seeds);
        let compare = |name: &str, maps: Tensor| {
            let key = format!("{network}/{name}");
            let (planes, sums) = as_planes(&maps);
            let off = distance(&sums, &golden.floats(&key));
            assert!(off <= OFF, "{key}: {off:e} of the largest magnitude apart");
            let stored = golden.floats(&format!("{key}/digest")).into_iter().map(f64::from).collect::<Vec<_>>();
            let (found, expected) = (Digest::new(&key, &planes), Digest::stored(&stored));
            let (norm, element) = (OFF * expected.norm, OFF * expected.largest);
            found.compare(&expected, norm, element).unwrap_or_else(|what| panic!("{key}: {what}"));
            println!("{key}: {off:.1e} of the largest magnitude apart");
        };
        for (name, composite) in &composites {
            compare(name, relevance(&model, &x, &targets, composite).unwrap());
        }
        compare("guided_backprop", guided_backprop(&model, &x, &targets).unwrap());
        let mut tape = Tape::new();
        let logits = explain(&mut tape, &model, &x, &Rules::Layerwise(Composite::epsilon_plus())).unwrap();
        let off = distance(&logits.to_vec::<f32>().unwrap(), &golden.floats(&format!("{network}/logits")));
        assert!(off < 1e-5, "{network}: logits are {off:e} of the largest magnitude apart");
        device.check_guards().unwrap();
    }
}

/// Networks of other kinds: what they compute is what they compute otherwise, and all their layers have rules but GELU, guided.
#[test]
fn every_kind_of_network_has_rules() {
    if skips_networks() {
        return;
    }
    let device = device();
    let x = generated::images(&device, 1, 2, [32, 32]);
    let composite = Composite::of_pixels(&[0.5, 0.4, 0.3], &[0.2, 0.25, 0.3]).unwrap();
    for spec in ["little-conv", "mynet", "airbench94", "resnet50", "vgg11:head=imagenet"] {
        let model = network(&device, spec, &generated::Seeds::new());
        let logits = explain(&mut Tape::new(), &model, &x, &Rules::Layerwise(composite.clone())).unwrap();
        let plain = model.forward(&mut Pass::inference(&mut Tape::new()), &x).unwrap().to_vec::<f32>().unwrap();
        let off = distance(&logits.to_vec::<f32>().unwrap(), &plain);
        assert!(off < 1e-4, "{spec}: logits are {off:e} of the largest magnitude apart");
        let maps = relevance(&model, &x, &[], &composite).unwrap().to_vec::<f32>().unwrap();
        assert!(maps.iter().all(|v| v.is_finite()) && maps.iter().any(|v| *v != 0.0), "{spec}");
        match guided_backprop(&model, &x, &[]) {
            Ok(maps) => assert!(maps.to_vec::<f32>().unwrap().iter().any(|v| *v != 0.0), "{spec}"),
            Err(refused) => assert_eq!(
                refused.to_string(),
                "layer 'layers.0' is GELU, and guided backpropagation is of ReLUs: use gradcam or lrp",
                "{spec}"
            ),
        }
    }
}
