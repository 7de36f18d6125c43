//! Blank maps say why they are blank: one network for each cause.

use warptape::explain::{Cam, Diagnosis, Method, Request, Target, cam};
use warptape::nn::{Builder, Conv2d, GlobalAvgPool, Layer, Linear, Operation, Pass, Relu, Sequential, parameters};
use warptape::op::conv2d::Conv2dParams;
use warptape::op::epilogue::Epilogue;
use warptape::{Device, Result, Tensor};

use crate::support::devices;

const CHANNELS: usize = 4;

/// conv 1×1 → relu → avgpool → fc of two classes. The channels are multiples of the picture's first channel, by `filters`;
/// the logit of class 0 is the sum of their means, weighed by `fc`.
fn net(device: &Device, filters: [f32; CHANNELS], fc: [f32; CHANNELS]) -> Sequential {
    let builder = &mut Builder::new(device, 3);
    let model = Sequential::new()
        .with("conv", Conv2d::new(builder, 3, CHANNELS, 1, Conv2dParams::new(1, 0), false).unwrap())
        .with("relu", Relu)
        .with("avgpool", GlobalAvgPool)
        .with("fc", Linear::new(builder, CHANNELS, 2).unwrap());
    set(&model, "conv.weight", &filters.map(|filter| [filter, 0.0, 0.0]).concat());
    set(&model, "fc.weight", &[fc, [1.0; CHANNELS]].concat());
    model
}

fn set(model: &dyn Layer, name: &str, values: &[f32]) {
    let found = parameters(model).into_iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no parameter {name}")).1.write(values).unwrap();
}

/// A picture that grows brighter from its first pixel, 0, to its last.
fn ramp(device: &Device) -> Tensor {
    let pixels: Vec<f32> = (0..4 * 5 * 3).map(|i| (i / 3) as f32 / 10.0).collect();
    Tensor::from_slice(device, [1, 4, 5, 3], &pixels).unwrap()
}

fn explain(model: &dyn Layer, x: &Tensor, layer: &str, method: Method) -> Cam {
    let targets = vec![Target::Class(0)];
    let request = Request { target_layers: vec![layer.into()], targets, ..Request::new(method) };
    cam(model, x, &request).unwrap().swap_remove(0)
}

/// What is wrong with the map, everywhere the same; a message is one line.
fn cause(expected: &Diagnosis, ask: impl Fn(&Device) -> Cam) {
    for (label, device) in devices() {
        let cam = ask(&device);
        let found = cam.diagnosis.unwrap_or_else(|| panic!("[{label}] not blank: {:?}", cam.raw));
        assert_eq!(found, *expected, "[{label}] {:?}", cam.raw);
        let text = found.to_string();
        assert!(!text.contains(char::is_control) && !text.is_empty() && !found.cause().is_empty(), "{text}");
    }
}

const ONES: [f32; CHANNELS] = [1.0; CHANNELS];

#[test]
fn a_good_map_has_nothing_to_say() {
    for (label, device) in devices() {
        for method in [Method::GradCam, Method::GradCamPlusPlus] {
            for layer in ["conv", "relu"] {
                let cam = explain(&net(&device, ONES, ONES), &ramp(&device), layer, method);
                assert_eq!(cam.diagnosis, None, "[{label}] {:?}", cam.raw);
                assert_eq!((cam.scaled[0], cam.raw.len()), (0.0, 20));
                assert!((cam.scaled[19] - 1.0).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn nan_and_infinity_are_traced_to_where_they_begin() {
    cause(&Diagnosis::NotFinite("the first bad values are in parameter fc.weight".into()), |device| {
        let model = net(device, ONES, [1.0, f32::NAN, 1.0, 1.0]);
        explain(&model, &ramp(device), "relu", Method::GradCam)
    });
    cause(&Diagnosis::NotFinite("the first bad values leave layer conv".into()), |device| {
        let x = Tensor::full(device, [1, 4, 5, 3], f32::INFINITY).unwrap();
        explain(&net(device, ONES, ONES), &x, "relu", Method::GradCam)
    });
    // Activations as small as weights are large: the logits are finite, their gradient is not.
    cause(&Diagnosis::NotFinite("the forward pass is finite, the gradient or its powers overflow".into()), |device| {
        let model = net(device, [1e-30; CHANNELS], [1e30; CHANNELS]);
        explain(&model, &ramp(device), "relu", Method::GradCamPlusPlus)
    });
}

/// Runs a layer and leaves its output alone.
struct Aside(Conv2d);

impl Layer for Aside {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        pass.run("aside", &self.0, x, Epilogue::Nothing)?;
        Ok(x.clone())
    }

    fn describe(&self) -> String {
        "Aside".into()
    }

    fn operation(&self) -> Operation<'_> {
        Operation::Other
    }

    fn children(&self) -> Vec<(&str, &dyn Layer)> {
        vec![("aside", &self.0)]
    }
}

#[test]
fn a_layer_beside_the_path() {
    cause(&Diagnosis::Disconnected, |device| {
        let conv = Conv2d::new(&mut Builder::new(device, 4), 3, 2, 1, Conv2dParams::new(1, 0), true).unwrap();
        let model = Sequential::new().with("start", Aside(conv)).with("rest", net(device, ONES, ONES));
        explain(&model, &ramp(device), "start.aside", Method::GradCam)
    });
}

#[test]
fn dead_layers() {
    let dead =
        |device: &Device, layer| explain(&net(device, [-1.0; CHANNELS], ONES), &ramp(device), layer, Method::GradCam);
    cause(&Diagnosis::DeadLayer, |device| dead(device, "relu"));
    // Before the dead ReLU there are activations, but no gradient.
    let lost = Diagnosis::ZeroGradient { lost_in: "relu".into(), zero_outputs: 1.0 };
    cause(&lost, |device| dead(device, "conv"));
    assert!(lost.to_string().contains("lost in relu, 100 % of whose outputs are zero: a dead ReLU"), "{lost}");
}

#[test]
fn a_logit_that_depends_on_nothing() {
    let lost = Diagnosis::ZeroGradient { lost_in: "fc".into(), zero_outputs: 0.5 };
    cause(&lost, |device| {
        let model = net(device, ONES, [0.0; CHANNELS]);
        set(&model, "fc.bias", &[0.0, 1.0]);
        explain(&model, &ramp(device), "relu", Method::GradCam)
    });
    assert!(!lost.to_string().contains("dead"), "{lost}");
}

#[test]
fn a_map_that_is_negative_all_over() {
    // The weights are the mean gradients, -1/20 each, for four channels of up to 1.9.
    for (label, device) in devices() {
        let cam = explain(&net(&device, ONES, [-1.0; CHANNELS]), &ramp(&device), "relu", Method::GradCam);
        let Some(Diagnosis::Negative(lowest)) = cam.diagnosis else { panic!("[{label}] {:?}", cam.diagnosis) };
        assert!((lowest + 4.0 * 1.9 / 20.0).abs() < 1e-5, "[{label}] {lowest}");
        assert!(cam.diagnosis.unwrap().to_string().contains("down to -3.800e-1"));
        assert!(cam.scaled.iter().all(|&v| v == 0.0));
    }
}

#[test]
fn grad_cam_plus_plus_without_positive_gradients() {
    cause(&Diagnosis::NoPositiveGradient(-1.0 / 20.0), |device| {
        explain(&net(device, ONES, [-1.0; CHANNELS]), &ramp(device), "relu", Method::GradCamPlusPlus)
    });
}

#[test]
fn grad_cam_plus_plus_below_its_epsilon() {
    cause(&Diagnosis::Underflow(2e-12 / 20.0), |device| {
        explain(&net(device, ONES, [2e-12; CHANNELS]), &ramp(device), "relu", Method::GradCamPlusPlus)
    });
}

#[test]
fn gradients_and_activations_in_different_channels() {
    cause(&Diagnosis::NoOverlap, |device| {
        let model = net(device, [1.0, -1.0, 1.0, -1.0], [0.0, 1.0, 0.0, 1.0]);
        explain(&model, &ramp(device), "relu", Method::GradCam)
    });
}

#[test]
fn a_map_without_features() {
    cause(&Diagnosis::Constant(4.0 * 2.0 / 20.0), |device| {
        let x = Tensor::full(device, [1, 4, 5, 3], 2.0).unwrap();
        explain(&net(device, ONES, ONES), &x, "relu", Method::GradCam)
    });
}

#[test]
fn values_that_scaling_hides() {
    for (label, device) in devices() {
        let cam = explain(&net(&device, ONES, [1e-20; CHANNELS]), &ramp(&device), "relu", Method::GradCam);
        let Some(Diagnosis::Tiny(largest)) = cam.diagnosis else { panic!("[{label}] {:?}", cam.diagnosis) };
        assert!((largest / (4.0 * 1.9e-20 / 20.0) - 1.0).abs() < 1e-5, "[{label}] {largest}");
        // The signed map is not scaled that way.
        assert_eq!(cam.signed()[19], 1.0);
    }
}
