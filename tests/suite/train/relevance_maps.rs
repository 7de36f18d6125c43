//! Guided backpropagation and LRP by the call that makes all maps: what is shown of the pixels, and what is said of blank ones.

use warptape::explain::relevance::{guided_backprop, relevance};
use warptape::explain::{Cam, Diagnosis, Method, Request, Target, cam};
use warptape::nn::relevance::Composite;
use warptape::nn::{Builder, Conv2d, GlobalAvgPool, Linear, Relu, Sequential, parameters};
use warptape::op::conv2d::Conv2dParams;
use warptape::{Device, Tensor};

use crate::op::generated::uniform;
use crate::support::devices;

const SIZE: [usize; 2] = [9, 6];
const PIXELS: usize = 54;

/// Everything speaks for classes 0 and 2, and against class 1.
fn model(device: &Device) -> Sequential {
    let builder = &mut Builder::new(device, 2);
    let model = Sequential::new()
        .with("conv", Conv2d::new(builder, 3, 8, 3, Conv2dParams::new(1, 1), true).unwrap())
        .with("relu", Relu)
        .with("avgpool", GlobalAvgPool)
        .with("fc", Linear::new(builder, 8, 3).unwrap());
    set(&model, "fc.weight", &[1.0, -1.0, 0.5].map(|weight| [weight; 8]).concat());
    set(&model, "fc.bias", &[0.0; 3]);
    model
}

fn set(model: &Sequential, name: &str, values: &[f32]) {
    let (_, tensor) = parameters(model).into_iter().find(|(known, _)| known == name).unwrap();
    tensor.write(values).unwrap();
}

fn pictures(device: &Device) -> Tensor {
    Tensor::from_slice(device, [2, 9, 6, 3], &uniform(0, "maps", 2 * PIXELS * 3, 1.0, 0.0)).unwrap()
}

fn asked(method: Method, targets: &[Target]) -> Request {
    Request { targets: targets.into(), ..Request::new(method) }
}

#[test]
fn maps_show_the_sum_of_relevance_and_the_largest_guided_gradient() {
    for (label, device) in devices() {
        let (model, x) = (model(&device), pictures(&device));
        let targets = [Target::Class(2), Target::Difference(0, 1)];
        let composite = Composite::of_pixels(&[0.5; 3], &[0.25; 3]).unwrap();
        let lrp = Request { composite: composite.clone(), ..asked(Method::Lrp, &targets) };
        let of_pixels = |values: Vec<f32>, shown: fn(&[f32]) -> f32| values.chunks(3).map(shown).collect::<Vec<_>>();
        let relevance = relevance(&model, &x, &targets, &composite).unwrap().to_vec().unwrap();
        let guided = guided_backprop(&model, &x, &targets).unwrap().to_vec().unwrap();
        let sums = of_pixels(relevance, |channels| channels.iter().sum());
        let largest = of_pixels(guided, |channels| channels.iter().fold(0.0, |most, v| v.abs().max(most)));
        for (request, expected) in [(lrp, sums), (asked(Method::GuidedBackprop, &targets), largest)] {
            let cams = cam(&model, &x, &request).unwrap();
            for (image, cam) in cams.iter().enumerate() {
                let Cam { layer, shape, size, class, minus, raw, scaled, .. } = cam;
                let about = [(2, None), (0, Some(1))][image];
                assert_eq!(
                    (&layer[..], *shape, *size, (*class, *minus)),
                    ("input", [9, 6, 3], SIZE, about),
                    "[{label}]"
                );
                assert_eq!(raw[..], expected[image * PIXELS..][..PIXELS], "[{label}] {}", request.method);
                assert_eq!((cam.logits.len(), scaled.len(), &cam.diagnosis), (3, PIXELS, &None));
                let brightest = scaled.iter().copied().fold(0.0, f32::max);
                assert!((brightest - 1.0).abs() < 1e-5 && cam.signed().len() == PIXELS, "[{label}] {brightest}");
            }
            let smooth = Request { aug_smooth: true, ..request };
            let smooth = cam(&model, &x, &smooth).unwrap();
            assert_ne!(smooth[0].raw, cams[0].raw);
            assert!(smooth[0].averaged && smooth[0].diagnosis.is_none());
        }
    }
}

#[test]
fn a_blank_map_of_pixels_says_why() {
    let (_, device) = devices().swap_remove(0);
    let (model, x) = (model(&device), pictures(&device));
    let said = |method: Method| {
        let found = cam(&model, &x, &asked(method, &[Target::Class(0); 2])).unwrap().swap_remove(1);
        let diagnosis = found.diagnosis.expect("a blank map");
        assert!(!diagnosis.to_string().contains(char::is_control) && !diagnosis.cause().is_empty());
        (diagnosis, found.raw)
    };
    // Weights and biases of a layer far below 0: its ReLU is dead.
    set(&model, "conv.bias", &[-100.0; 8]);
    for method in [Method::Lrp, Method::GuidedBackprop] {
        assert_eq!(said(method).0, Diagnosis::NoRelevance, "{method}");
    }
    set(&model, "conv.bias", &[1.0; 8]);
    set(&model, "fc.weight", &[-1.0; 24]);
    let (diagnosis, raw) = said(Method::Lrp);
    let lowest = raw.iter().copied().fold(0.0, f32::min);
    assert_eq!(diagnosis, Diagnosis::Negative(lowest));
    assert_eq!(said(Method::GuidedBackprop).0, Diagnosis::NoRelevance, "what is against the class stops at the ReLU");
    set(&model, "fc.bias", &[f32::NAN; 3]);
    let place = "the first bad values are in parameter fc.bias".to_owned();
    assert_eq!(said(Method::Lrp).0, Diagnosis::NotFinite(place));
}

#[test]
fn what_is_of_layers_is_refused_for_pixels() {
    let (_, device) = devices().swap_remove(0);
    let (model, x) = (model(&device), pictures(&device));
    let refused = |request: Request| cam(&model, &x, &request).map(drop).unwrap_err().to_string();
    let lrp = Request::new(Method::Lrp);
    assert_eq!(
        refused(Request { target_layers: vec!["relu".into()], ..lrp.clone() }),
        "lrp is of the pixels and looks at no layer: leave ‹layer› out, or use another ‹method›"
    );
    let smooth = Request { eigen_smooth: true, ..Request::new(Method::GuidedBackprop) };
    assert_eq!(refused(smooth), "guided-backprop has no channels to smooth: leave ‹eigen_smooth› out");
    let few = Request { targets: vec![Target::Top], ..lrp };
    assert_eq!(refused(few), "relevance: 1 targets and 2 rows of logits for 2 images");
    assert!(Method::ALL.iter().filter(|method| method.of_pixels()).eq(&[Method::GuidedBackprop, Method::Lrp]));
}
