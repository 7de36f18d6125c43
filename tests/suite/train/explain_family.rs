//! The CAM family against pytorch-grad-cam (tests/golden/cam_family.py), and what each method refuses.

use warptape::explain::{Diagnosis, Method, Request, Target, cam};
use warptape::nn::{BatchNorm, Builder, Conv2d, GlobalAvgPool, Linear, Relu, Residual, Sequential, parameters};
use warptape::op::conv2d::Conv2dParams;
use warptape::{Device, Tensor};

use super::explain::{Golden, little_conv};
use crate::op::generated;
use crate::support::{devices, skips_networks};

/// How far a map from 0 to 1 may be from that of float64; PyTorch's own float32 is 9e-6 off at most.
const OFF: f32 = 1e-4;

fn conv(builder: &mut Builder, inputs: usize, outputs: usize, side: usize, stride: usize) -> Conv2d {
    Conv2d::new(builder, inputs, outputs, side, Conv2dParams::new(stride, side / 2), false).unwrap()
}

fn block(builder: &mut Builder, inputs: usize, outputs: usize, stride: usize) -> Residual {
    let branch = Sequential::new()
        .with("conv1", conv(builder, inputs, outputs, 3, stride))
        .with("bn1", BatchNorm::new(builder, outputs).unwrap())
        .with("relu", Relu)
        .with("conv2", conv(builder, outputs, outputs, 3, 1))
        .with("bn2", BatchNorm::new(builder, outputs).unwrap());
    let shortcut = (stride > 1).then(|| {
        let conv = conv(builder, inputs, outputs, 1, stride);
        Sequential::new().then(conv).then(BatchNorm::new(builder, outputs).unwrap())
    });
    Residual::new(branch, shortcut)
}

/// The golden's residual network, and its three images.
fn small_resnet(device: &Device) -> (Sequential, Tensor) {
    let builder = &mut Builder::new(device, 0);
    let model = Sequential::new()
        .with("conv1", conv(builder, 3, 8, 3, 1))
        .with("bn1", BatchNorm::new(builder, 8).unwrap())
        .with("relu", Relu)
        .with("layer1", block(builder, 8, 8, 1))
        .with("layer2", block(builder, 8, 16, 2))
        .with("avgpool", GlobalAvgPool)
        .with("fc", Linear::new(builder, 16, 5).unwrap());
    generated::fill(&model, &generated::Seeds::new());
    (model, generated::images(device, 0, 3, [24, 20]))
}

fn wanted(target: &str) -> Target {
    let class = |text: &str| text.parse().unwrap();
    match target.split_once('-') {
        _ if target == "top" => Target::Top,
        Some((of, minus)) => Target::Difference(class(of), class(minus)),
        None => Target::Class(class(target)),
    }
}

/// The largest difference; NaN is far off.
fn furthest(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, |most, off| if off <= most { most } else { off })
}

#[test]
fn the_family_is_pytorch_grad_cams() {
    let golden = Golden::open("cam_family.safetensors");
    let names = golden.names(|_| true);
    assert_eq!(names.len(), 50);
    let mut most = 0.0f32;
    for (number, (label, device)) in devices().into_iter().enumerate() {
        let nets = [("resnet", small_resnet(&device)), ("little", little_conv(&device))];
        for name in &names {
            let [net, method, layers, target, smooth] = name.split('/').collect::<Vec<_>>().try_into().unwrap();
            // Other devices and thread orders see the small network's methods, not smoothed.
            if number > 0 && (net == "little" || target != "top") || net == "little" && skips_networks() {
                continue;
            }
            let (_, (model, x)) = nets.iter().find(|(known, _)| *known == net).unwrap();
            let request = Request {
                target_layers: layers.split(',').map(String::from).collect(),
                targets: vec![wanted(target); x.dim(0)],
                aug_smooth: smooth == "aug",
                eigen_smooth: smooth == "eigen",
                // Batches that do not come out even.
                batch_size: 7,
                ..Request::new(method.parse().unwrap())
            };
            let cams = cam(model, x, &request).unwrap();
            let scaled: Vec<f32> = cams.iter().flat_map(|cam| cam.scaled.clone()).collect();
            let off = furthest(&scaled, &golden.floats(name));
            assert!(off <= OFF, "[{label}] {name}: {off:e} apart");
            most = most.max(off);
        }
        device.check_guards().unwrap();
    }
    println!("maps from 0 to 1: {most:.1e} apart at most");
}

#[test]
fn cam_is_of_what_is_pooled() {
    let (_, device) = devices().swap_remove(0);
    let (model, x) = small_resnet(&device);
    let ask = |model: &Sequential, x: &Tensor, layers: &[&str]| {
        let target_layers = layers.iter().map(|&layer| layer.into()).collect();
        cam(model, x, &Request { target_layers, ..Request::new(Method::Cam) })
    };
    let found = ask(&model, &x, &[]).unwrap();
    assert_eq!(found[0].layer, "layer2");
    // The formula: the class's weights, times what is pooled; its mean and the bias are the logit.
    let bias = parameters(&model).into_iter().find(|(name, _)| name == "fc.bias").unwrap().1.to_vec::<f32>().unwrap();
    for cam in &found {
        let mean = cam.raw.iter().sum::<f32>() / cam.raw.len() as f32;
        assert!((mean + bias[cam.class] - cam.logits[cam.class]).abs() < 1e-5, "{mean} {:?}", cam.logits);
    }
    let refused = |result: warptape::Result<Vec<_>>| result.map(|_: Vec<_>| ()).unwrap_err().to_string();
    let other = refused(ask(&model, &x, &["layer1"]));
    assert!(
        other.starts_with("CAM's weights are of what is pooled, the output of layer 'layer2', not of 'layer1'"),
        "{other}"
    );
    let builder = &mut Builder::new(&device, 0);
    let conv = conv(builder, 3, 4, 3, 1);
    let two = Sequential::new().with("conv", conv).with("avgpool", GlobalAvgPool);
    let two = two.with("a", Linear::new(builder, 4, 4).unwrap()).with("b", Linear::new(builder, 4, 2).unwrap());
    let headless = refused(ask(&two, &x, &[]));
    assert!(
        headless.contains("this one ends in GlobalAvgPool → Linear 4 → 4 → Linear 4 → 2; use gradcam"),
        "{headless}"
    );
}

#[test]
fn wrong_requests_are_refused_by_every_method() {
    let (_, device) = devices().swap_remove(0);
    let (model, x) = small_resnet(&device);
    for method in Method::ALL {
        let refused = |request: Request| cam(&model, &x, &request).map(|_| ()).unwrap_err().to_string();
        let at = |layer: &str| Request { target_layers: vec![layer.into()], ..Request::new(method) };
        let targets = |target| Request { targets: vec![target; 3], ..Request::new(method) };
        if !method.of_pixels() {
            let unknown = refused(at("layer3"));
            assert!(unknown.starts_with("no layer is called 'layer3'; the nearest are layer"), "{method}: {unknown}");
            let flat = refused(at("fc"));
            assert!(
                flat.starts_with("the output of layer 'fc' is 5: a map needs height and width"),
                "{method}: {flat}"
            );
        }
        assert_eq!(refused(targets(Target::Difference(1, 1))), "class 1 minus itself is zero: name two classes");
        assert!(refused(targets(Target::Difference(1, 5))).starts_with("there is no class 5"), "{method}");
        let none = Request { batch_size: 0, ..Request::new(method) };
        assert!(refused(none).contains("holds no image"), "{method}");
        assert_eq!(method.to_string().parse::<Method>().unwrap(), method);
    }
    let unknown = "scorcam".parse::<Method>().unwrap_err().to_string();
    assert!(unknown.starts_with("unknown method 'scorcam': use gradcam, gradcam++, cam, hirescam"), "{unknown}");
}

/// No method draws NaN: not of one even image, not where the whole network is zero.
#[test]
fn blank_maps_say_why() {
    let (_, device) = devices().swap_remove(0);
    let builder = &mut Builder::new(&device, 0);
    // A layer of one tap, so that an even image stays even.
    let model = Sequential::new().with("conv", conv(builder, 3, 4, 1, 1)).with("relu", Relu);
    let model = model.with("avgpool", GlobalAvgPool).with("fc", Linear::new(builder, 4, 2).unwrap());
    let ones = |name: &str, values: &[f32]| {
        let found = parameters(&model).into_iter().find(|(known, _)| known == name).unwrap().1;
        found.write(values).unwrap();
    };
    ones("conv.weight", &[0.5; 12]);
    ones("fc.weight", &[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    ones("fc.bias", &[0.0; 2]);
    let even = Tensor::full(&device, [1, 6, 5, 3], 1.0).unwrap();
    for (smooth, method) in Method::ALL.into_iter().flat_map(|method| [(false, method), (true, method)]) {
        let request = Request { aug_smooth: smooth, ..Request::new(method) };
        let cams = cam(&model, &even, &request).unwrap();
        assert!(cams[0].scaled.iter().all(|v| v.abs() < 1e-3), "{method} {:?}", cams[0].scaled);
        let why = cams[0].diagnosis.as_ref().unwrap_or_else(|| panic!("{method}: {:?}", cams[0].raw));
        assert!(matches!(why, Diagnosis::Constant(_)), "{method}: {why}");
        // The class that nothing leads to.
        let targets = vec![Target::Class(1)];
        let none = cam(&model, &even, &Request { targets, aug_smooth: smooth, ..Request::new(method) }).unwrap();
        let why = none[0].diagnosis.as_ref().unwrap_or_else(|| panic!("{method}: {:?}", none[0].raw));
        match method {
            Method::EigenCam | Method::ScoreCam => assert!(matches!(why, Diagnosis::Constant(_)), "{method}: {why}"),
            Method::Cam => assert_eq!(*why, Diagnosis::NoOverlap),
            Method::AblationCam => assert_eq!(*why, Diagnosis::ZeroScore),
            _ if method.of_pixels() => assert_eq!(*why, Diagnosis::NoRelevance, "{method}"),
            _ => assert!(matches!(why, Diagnosis::ZeroGradient { .. }), "{method}: {why}"),
        }
    }
    ones("fc.bias", &[0.0, 3.0]);
    let targets = vec![Target::Class(1)];
    let none = cam(&model, &even, &Request { targets, ..Request::new(Method::AblationCam) }).unwrap();
    assert_eq!(none[0].diagnosis, Some(Diagnosis::NoEffect));
}
