//! Class activation maps: those of pytorch-grad-cam (tests/golden/grad_cam.py), the choice of the layer, scaling, drift.

use safetensors::SafeTensors;
use warptape::explain::drift::drift;
use warptape::explain::report::npy_bytes;
use warptape::explain::scale::{blank, enlarge, scaled, signed};
use warptape::explain::{Cam, Method, Request, Target, cam, layers};
use warptape::nn::{Builder, Conv2d, GlobalAvgPool, Layer, Linear, MaxPool, Relu, Sequential, State, models};
use warptape::op::conv2d::Conv2dParams;
use warptape::train::state_dict::load_state;
use warptape::{Device, Tensor};

use crate::op::generated;
use crate::support::{device, devices, skips_networks};

/// How far a raw map may be from the f64 one, in parts of its own largest magnitude; found: 1.2e-6 at most.
const RAW: f64 = 1.2e-5;
/// The same for deep networks. Found: 4e-6 where all ReLUs decide as in f64, 1.7e-3 where one behind the layer does not,
/// which hangs on the order of summation. A wrong formula is off by tenths.
const DEEP: f64 = 1e-2;
/// How far a scaled map, from 0 to 1, may be off; found: 2.2e-6 at most.
const SCALED: f64 = 2.2e-5;

pub struct Golden(Vec<u8>);

impl Golden {
    pub fn open(file: &str) -> Self {
        Self(std::fs::read(format!("tests/golden/{file}")).expect("run the suite from the root of the checkout"))
    }

    pub fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.0).expect("a committed golden file")
    }

    pub fn names(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        self.tensors().names().iter().filter(|name| wanted(name)).map(ToString::to_string).collect()
    }

    pub fn floats(&self, name: &str) -> Vec<f32> {
        let tensors = self.tensors();
        let view = tensors.tensor(name).unwrap_or_else(|_| panic!("golden has no {name}"));
        view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    }
}

const IMAGES: usize = 2;

/// The network and the images of the golden: after one step in training mode.
pub fn little_conv(device: &Device) -> (Sequential, Tensor) {
    let golden = Golden::open("little_conv.safetensors");
    let model = models::build("little-conv", 9, [32, 32], device, 0).unwrap();
    load_state(&model, &golden.tensors(), "init.").unwrap();
    model.visit("", &mut |name, state| {
        if let State::Statistic(tensor) = state {
            tensor.write(&golden.floats(&format!("after.{name}"))).unwrap();
        }
    });
    let planes = golden.floats("input");
    let at = |i: usize| planes[(i / 3072 * 3 + i % 3) * 1024 + i / 3 % 1024];
    let pixels: Vec<f32> = (0..IMAGES * 3072).map(at).collect();
    (model, Tensor::from_slice(device, [IMAGES, 32, 32, 3], &pixels).unwrap())
}

/// The largest difference, in parts of the largest magnitude in `expected` if that is above 1e-30.
pub fn distance(got: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let scale = if largest > 1e-30 { f64::from(largest) } else { 1.0 };
    // Written so that NaN is far off.
    let apart = |(a, b): (&f32, &f32)| if a == b { 0.0 } else { f64::from((a - b).abs()) / scale };
    got.iter().zip(expected).map(apart).fold(0.0, |m, d| if d <= m { m } else { d })
}

#[test]
fn maps_are_those_of_pytorch_grad_cam() {
    if skips_networks() {
        return;
    }
    let golden = Golden::open("grad_cam.safetensors");
    let names = golden.names(|name| name.starts_with("gradcam"));
    let (mut raw_off, mut scaled_off) = (0.0f64, 0.0f64);
    for (number, (label, device)) in devices().into_iter().enumerate() {
        let (model, x) = little_conv(&device);
        let mut checked = 0;
        // The other thread orders and tiles see one map of each method: the networks' tests do the rest.
        for name in names.iter().filter(|name| number == 0 || name.ends_with("features.9/top/raw")) {
            let [method, layer, target, kind] = name.split('/').collect::<Vec<_>>().try_into().unwrap();
            let cams = cam(&model, &x, &asked(method, layer, wanted(target))).unwrap();
            let all = |part: fn(&Cam) -> &Vec<f32>| cams.iter().flat_map(|cam| part(cam).clone()).collect::<Vec<_>>();
            let expected = golden.floats(name);
            if kind == "raw" {
                let off = distance(&all(|cam| &cam.raw), &expected);
                assert!(off <= RAW, "[{label}] {name}: {off:e} of the largest magnitude apart");
                raw_off = raw_off.max(off);
            } else {
                let off = distance(&all(|cam| &cam.scaled), &expected);
                assert!(off <= SCALED, "[{label}] {name}: {off:e} apart");
                scaled_off = scaled_off.max(off);
            }
            checked += 1;
        }
        assert_eq!(checked, if number == 0 { 38 } else { 2 });
        device.check_guards().unwrap();
    }
    println!("largest differences: raw maps {raw_off:.1e} of their largest magnitude, scaled maps {scaled_off:.1e}");
}

/// The same of all images.
fn asked(method: &str, layer: &str, target: Target) -> Request {
    let targets = vec![target; IMAGES];
    Request { target_layers: vec![layer.into()], targets, ..Request::new(method.parse().unwrap()) }
}

/// A target as the golden calls it.
fn wanted(target: &str) -> Target {
    if target == "top" { Target::Top } else { Target::Class(target.parse().unwrap()) }
}

#[test]
fn maps_of_deep_networks_are_those_of_pytorch_grad_cam() {
    if skips_networks() {
        return;
    }
    let golden = Golden::open("grad_cam.safetensors");
    let device = device();
    for (network, spec) in [("resnet18", "resnet18"), ("vgg16_bn", "vgg16_bn")] {
        let model = models::build(spec, 9, [48, 32], &device, 0).unwrap();
        generated::fill(&model, &generated::Seeds::new());
        let x = generated::images(&device, 0, IMAGES, [48, 32]);
        let names = golden.names(|name| name.starts_with(network));
        assert_eq!(names.len(), 12);
        let mut furthest = 0.0f64;
        for name in names {
            let [_, method, layer, target, _] = name.split('/').collect::<Vec<_>>().try_into().unwrap();
            let cams = cam(&model, &x, &asked(method, layer, wanted(target))).unwrap();
            let raw: Vec<f32> = cams.iter().flat_map(|cam| cam.raw.clone()).collect();
            let off = distance(&raw, &golden.floats(&name));
            assert!(off <= DEEP, "{name}: {off:e} of the largest magnitude apart");
            furthest = furthest.max(off);
        }
        println!("{network}: largest difference {furthest:.1e} of the largest magnitude");
        device.check_guards().unwrap();
    }
}

#[test]
fn a_batch_gives_what_its_images_give() {
    let (_, device) = devices().swap_remove(0);
    let (model, x) = little_conv(&device);
    let targets = [Target::Class(3), Target::Top];
    for method in [Method::GradCam, Method::GradCamPlusPlus] {
        let ask = |targets: &[Target]| Request { targets: targets.to_vec(), ..Request::new(method) };
        let together = cam(&model, &x, &ask(&targets)).unwrap();
        assert_ne!(together[0].raw, together[1].raw);
        for (i, target) in targets.into_iter().enumerate() {
            let pixels = &x.to_vec::<f32>().unwrap()[i * 3072..][..3072];
            let one = Tensor::from_slice(&device, [1, 32, 32, 3], pixels).unwrap();
            let alone = cam(&model, &one, &ask(&[target])).unwrap();
            assert_eq!((&alone[0].raw, alone[0].class), (&together[i].raw, together[i].class));
            assert_eq!(alone[0].logits, together[i].logits);
        }
        let largest = together[1].logits.iter().copied().fold(f32::MIN, f32::max);
        assert_eq!((together[0].class, together[1].logits[together[1].class]), (3, largest));
    }
}

#[test]
fn the_default_layer_is_the_last_convolutions() {
    let (_, device) = devices().swap_remove(0);
    let (model, x) = little_conv(&device);
    let (found, default) = layers::list(&model, &x).unwrap();
    assert_eq!(default, "features.14");
    let names: Vec<&str> = found.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names[names.len() - 4..], ["features.15", "features", "avgpool", "fc"]);
    assert_eq!(layers::shape(&found[14].1), "4x4x256");
    let cams = cam(&model, &x, &Request::new(Method::GradCam)).unwrap();
    assert_eq!((cams[0].layer.as_str(), cams[0].shape, cams[0].scaled.len()), ("features.14", [4, 4, 256], 1024));

    // The pooling that follows, and a second convolution on a single pixel, do not count.
    let builder = &mut Builder::new(&device, 1);
    let conv = |builder: &mut Builder| Conv2d::new(builder, 3, 3, 3, Conv2dParams::new(1, 1), true).unwrap();
    let stage = Sequential::new().then(conv(builder)).then(Relu).then(MaxPool::halving(2));
    let model = Sequential::new().with("stage", stage).with("pool", MaxPool::halving(2)).with("late", conv(builder));
    let small = Tensor::full(&device, [1, 4, 4, 3], 1.0).unwrap();
    assert_eq!(layers::list(&model, &small).unwrap().1, "stage.1");
    // Without an activation function it is the convolution itself.
    let model = Sequential::new().with("a", conv(builder)).with("b", conv(builder)).with("avgpool", GlobalAvgPool);
    assert_eq!(layers::list(&model, &small).unwrap().1, "b");
    let model = Sequential::new().with("avgpool", GlobalAvgPool).with("fc", Linear::new(builder, 3, 2).unwrap());
    assert!(layers::list(&model, &small).unwrap_err().to_string().starts_with("no layer of this network has an image"));
}

#[test]
fn wrong_questions_are_refused() {
    let (_, device) = devices().swap_remove(0);
    let (model, x) = little_conv(&device);
    let ask = |layer: Option<&str>, targets: &[Target]| {
        let target_layers = layer.into_iter().map(String::from).collect();
        let request = Request { target_layers, targets: targets.to_vec(), ..Request::new(Method::GradCam) };
        cam(&model, &x, &request).map(|_| ()).unwrap_err().to_string()
    };
    let top = [Target::Top; IMAGES];
    let unknown = ask(Some("feature.9"), &top);
    assert!(unknown.starts_with("no layer is called 'feature.9'; the nearest are features.9 8x8x128, "), "{unknown}");
    let flat = ask(Some("avgpool"), &top);
    assert!(flat.starts_with("the output of layer 'avgpool' is 256: a map needs height and width"), "{flat}");
    assert_eq!(ask(None, &[Target::Class(9); IMAGES]), "there is no class 9: the model has classes 0 to 8");
    assert_eq!(ask(None, &top[..1]), "cam: 1 targets and 2 rows of logits for 2 images");
    let same = ask(None, &[Target::Difference(3, 3); IMAGES]);
    assert_eq!(same, "class 3 minus itself is zero: name two classes");
}

#[test]
fn maps_are_scaled_and_enlarged_as_opencv_does() {
    // Pixel centres at halves: a step from 0 to 1 spreads over the middle, the border is repeated.
    assert_eq!(enlarge(&[0.0, 1.0], [1, 2], [1, 4]), [0.0, 0.25, 0.75, 1.0]);
    assert_eq!(enlarge(&[0.0, 4.0, 8.0, 12.0], [2, 2], [1, 1]), [6.0]);
    assert_eq!(enlarge(&[1.0, 2.0, 3.0], [3, 1], [3, 2]), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
    let map = scaled(&[-5.0, 2.0, 1.0, 4.0], [2, 2], [2, 2]);
    assert!(distance(&map, &[0.0, 0.5, 0.25, 1.0]) < 1e-6, "{map:?}");
    assert_eq!(signed(&[-4.0, 2.0], [1, 2], [1, 2]), [-1.0, 0.5]);
    assert_eq!(signed(&[0.0, 0.0], [1, 2], [1, 2]), [0.0, 0.0]);
    // Beside 1e-7 a value of 1e-9 is little, but it is scaled twice; 1e-16 is lost.
    for (largest, lost) in [(1e-9, false), (1e-16, true), (0.0, true), (f32::NAN, true), (f32::INFINITY, true)] {
        assert_eq!(blank(&scaled(&[0.0, largest, 0.0, 0.0], [2, 2], [6, 6])), lost, "{largest}");
    }
}

#[test]
fn drift_is_one_minus_correlation() {
    let map = [0.0, 0.2, 0.7, 1.0];
    let near = |a: &[f32], b: &[f32], expected: f64| {
        let found = drift(a, b).unwrap();
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    };
    near(&map, &map, 0.0);
    near(&map, &map.map(|v| 0.1 * v + 0.3), 0.0);
    near(&map, &map.map(|v| 1.0 - v), 2.0);
    near(&[0.0, 1.0, 0.0, 1.0], &[0.0, 0.0, 1.0, 1.0], 1.0);
    assert_eq!((drift(&map, &[0.5; 4]), drift(&map, &[f32::NAN; 4])), (None, None));
}

#[test]
fn npy_files_are_numpys() {
    let bytes = npy_bytes(&[1.0, -2.5], [1, 2]);
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
    assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00");
    assert_eq!(bytes.len(), 128 + 8);
    assert_eq!(std::str::from_utf8(&bytes[10..128]).unwrap(), format!("{header:<117}\n"));
    assert_eq!(bytes[128..], [1.0f32.to_le_bytes(), (-2.5f32).to_le_bytes()].concat());
}
