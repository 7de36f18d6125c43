//! Maps on which nothing is to be seen are counted and named.

use warptape::Device;
use warptape::clusters::Clusters;
use warptape::data::Images;
use warptape::embed::pictures::Pictures;
use warptape::explain::{Method, Request};
use warptape::nn::{Layer, parameters};
use warptape::train::evaluate::load_model;
use warptape::train::judged::{Judged, Part};

use crate::command::{device, shared};
use crate::shapes::{Drawn, SIDE, picture};

#[test]
fn a_class_without_a_single_map_has_no_clusters_and_a_sheet_that_says_so() {
    let checkpoint = shared().run.join("checkpoints/last.safetensors");
    let device = Device::open(&device()).unwrap();
    let (model, meta) = load_model(&checkpoint, &device).unwrap();
    // The logit of the second class depends on nothing.
    let fc = parameters(&model as &dyn Layer).into_iter().find(|(name, _)| name == "fc.weight").unwrap().1;
    let mut weights = fc.to_vec::<f32>().unwrap();
    weights[256..2 * 256].fill(0.0);
    fc.write(&weights).unwrap();
    let mut images = Images::new(SIDE as usize, SIDE as usize);
    for number in 0..4 {
        images.push(&picture(&mut Drawn::new(number), 0, true), Default::default(), (number % 2) as i32).unwrap();
    }
    let judged = Judged { images, name: "made".into(), part: Part::All, notes: Vec::new() };
    let pictures = Pictures::of(&judged, None, 100, 0);
    let request = Request { target_layers: vec!["features.6".into()], ..Request::new(Method::GradCam) };
    let found = Clusters::of(&model, &device, &pictures, &meta, &request).unwrap();
    let class = &found.classes[1];
    assert_eq!((class.pictures, class.blank, class.clusters.len()), (0, 2, 0));
    assert_eq!(found.members[1].blank.as_deref(), Some("gradient is zero"));
    assert!(found.members[1].cluster.is_none() && found.verdicts.is_empty());
    let text = found.text();
    assert!(text.contains("blank         2  gradient is zero (2)") && !text.contains("NaN"), "{text}");
    let sheets = found.sheets(&model, &device, &pictures, &meta, &request, "made").unwrap();
    assert_eq!(sheets.len(), found.classes.len());
    assert_eq!(sheets[1].rows[0][0].captions[0].0, "blank");
    sheets.iter().for_each(|sheet| drop(sheet.draw().unwrap()));
}
