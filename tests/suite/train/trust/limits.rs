//! What there is to say of pictures and networks that maps say nothing of: an error, or a row that tells it; never NaN.

use warptape::explain::Method;
use warptape::explain::trust::{Explainer, Networks, Options, Trust, trust};
use warptape::nn::relevance::Composite;
use warptape::nn::{Builder, Flatten, GlobalAvgPool, Linear, Sequential, models};
use warptape::{Device, Result, Tensor};

use crate::op::generated;
use crate::support::{device, skips_networks};

const SIZE: [usize; 2] = [16, 16];

/// What is said of Grad-CAM's and Grad-CAM++'s maps of `x`, beside both controls.
fn said(make: impl Fn(u64) -> Sequential, x: &Tensor) -> Result<Trust> {
    let [trained, copy, fresh] = [0, 1, 2].map(make);
    let networks = Networks { trained: &trained, copy: &copy, fresh: &fresh };
    let mut explainers: Vec<Explainer> = [Method::GradCam, Method::GradCamPlusPlus]
        .map(|method| Explainer::method(method, 8, Composite::epsilon_plus_flat()))
        .into();
    explainers.extend(Explainer::controls(0));
    trust(&networks, x, &explainers, &Options { steps: 4, samples: 1, rungs: 3, seed: 0 })
}

fn convolutional(device: &Device, classes: usize) -> impl Fn(u64) -> Sequential {
    move |seed| models::build("little-conv", classes, SIZE, device, seed).unwrap()
}

/// All that is written of it has numbers in all places.
fn whole(found: &Trust) {
    let text = serde_json::to_string(found).unwrap();
    assert_eq!(&serde_json::from_str::<Trust>(&text).unwrap(), found);
    let table = found.table();
    assert!(!table.contains("NaN") && !table.contains("inf "), "{table}");
    found.picture("limits").unwrap();
}

#[test]
fn constant_pictures_and_a_single_one() {
    if skips_networks() {
        return;
    }
    let device = device();
    let black = Tensor::full(&device, [3, SIZE[0], SIZE[1], 3], -1.0).unwrap();
    let found = said(convolutional(&device, 3), &black).unwrap();
    whole(&found);
    let edges = found.rows.last().unwrap();
    assert_eq!((edges.blank, edges.failed.as_deref()), (3, Some("all maps are blank: no edges")));

    let found = said(convolutional(&device, 3), &generated::images(&device, 0, 1, SIZE)).unwrap();
    whole(&found);
    let figures = found.rows[2].figures.as_ref().unwrap();
    assert_eq!((figures.road.error, figures.road.each.len()), (None, 1));
}

#[test]
fn networks_that_nothing_can_be_said_of() {
    let device = device();
    let x = generated::images(&device, 0, 2, SIZE);
    let refused = |found: Result<Trust>| found.map(|_| ()).unwrap_err().to_string();
    if !skips_networks() {
        let one = refused(said(convolutional(&device, 1), &x));
        assert!(one.starts_with("the network knows one class alone"), "{one}");
    }
    let broken = |seed| {
        let model = Sequential::new().with("avgpool", GlobalAvgPool);
        let model = model.with("fc", Linear::new(&mut Builder::new(&device, seed), 3, 2).unwrap());
        warptape::nn::parameters(&model)[0].1.write(&[f32::NAN; 6]).unwrap();
        model
    };
    assert_eq!(refused(said(broken, &x)), "the network's logits are not finite; take an earlier checkpoint");
}

#[test]
fn a_network_without_images_inside_has_rows_that_say_so() {
    let device = device();
    let make = |seed| {
        let model = Sequential::new().with("flatten", Flatten);
        model.with("fc", Linear::new(&mut Builder::new(&device, seed), SIZE[0] * SIZE[1] * 3, 2).unwrap())
    };
    let found = said(make, &generated::images(&device, 0, 2, SIZE)).unwrap();
    whole(&found);
    for row in &found.rows[..2] {
        assert!(row.failed.as_ref().unwrap().starts_with("no layer of this network has an image"), "{row:?}");
    }
    assert!(found.rows[2].figures.is_some(), "the controls need no layer");
    assert_eq!(found.verdict.method, None);
    assert!(
        found.verdict.sentence.starts_with("believe none of these maps here: no method has maps"),
        "{}",
        found.verdict.sentence
    );
    assert!(found.table().contains("gradcam       no layer of this network has an image"), "{}", found.table());
}
