//! The sanity check of Adebayo et al.: randomisation passes Grad-CAM and fails guided backpropagation, whose maps are the picture's edges.

use warptape::Tensor;
use warptape::explain::Method;
use warptape::explain::relevance::guided_backprop;
use warptape::explain::trust::verdict::THRESHOLD;
use warptape::explain::trust::{Explainer, Map, Networks, Options, trust};
use warptape::explain::{Target, gallery::Gallery};
use warptape::nn::Sequential;
use warptape::train::evaluate::load_model;
use warptape::train::named::{Name, Named};

use crate::command::shared;
use crate::support::{device, skips_networks};

/// The magnitude of the guided gradient, the sum over channels, as a share of its largest.
fn guided(model: &Sequential, x: &Tensor, classes: &[usize]) -> warptape::Result<Vec<Map>> {
    let targets: Vec<Target> = classes.iter().map(|&class| Target::Class(class)).collect();
    let gradient = guided_backprop(model, x, &targets)?.to_vec::<f32>()?;
    let map = |values: &[f32]| {
        let map: Vec<f32> = values.chunks(3).map(|pixel| pixel.iter().map(|value| value.abs()).sum()).collect();
        let largest = map.iter().copied().fold(0.0, f32::max);
        if largest > 0.0 { Ok(map.iter().map(|value| value / largest).collect()) } else { Err("no gradient".into()) }
    };
    Ok(gradient.chunks(x.elements() / x.dim(0)).map(map).collect())
}

#[test]
fn randomisation_passes_grad_cam_and_fails_guided_backpropagation() {
    if skips_networks() {
        return;
    }
    let path = shared().run.join("checkpoints/best.safetensors");
    let device = device();
    let (trained, meta) = load_model(&path, &device).unwrap();
    let [copy, fresh] = [8, 9].map(|seed| meta.network(&device, seed).unwrap());
    let names = [Name::parse("test:all".as_ref(), false).unwrap()];
    let named = Named::find(&names, &path, &meta, None, None, &|_| panic!("nobody asks what is wrong")).unwrap();
    let x = Gallery::of(&named, None, &meta).unwrap().batches(&device, &meta, 99).unwrap().swap_remove(0);
    let explainers = [
        Explainer::method(Method::GradCam, 8),
        Explainer { name: "guided backprop".into(), control: false, maps: Box::new(guided) },
    ];
    let networks = Networks { trained: &trained, copy: &copy, fresh: &fresh };
    let found = trust(&networks, &x, &explainers, &Options { steps: 4, samples: 1, ..Options::default() }).unwrap();
    let [grad_cam, guided] = [0, 1].map(|at| found.rows[at].likeness().unwrap());
    println!("mean rank correlation: Grad-CAM {grad_cam:.2}, guided backprop {guided:.2}");
    assert!(grad_cam < THRESHOLD - 0.1 && guided > THRESHOLD + 0.1, "{grad_cam} and {guided}");
    assert_eq!(found.verdict.blind, ["guided backprop"]);
}
