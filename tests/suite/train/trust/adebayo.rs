//! The sanity check of Adebayo et al.: randomisation passes Grad-CAM and fails guided backpropagation, whose maps are the picture's edges.

use warptape::explain::Method;
use warptape::explain::gallery::Gallery;
use warptape::explain::trust::verdict::THRESHOLD;
use warptape::explain::trust::{Explainer, Networks, Options, trust};
use warptape::nn::relevance::Composite;
use warptape::train::evaluate::load_model;
use warptape::train::named::{Name, Named};

use crate::command::shared;
use crate::support::{device, skips_networks};

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
    let explainers = [Method::GradCam, Method::GuidedBackprop]
        .map(|method| Explainer::method(method, 8, Composite::epsilon_plus_flat()));
    let networks = Networks { trained: &trained, copy: &copy, fresh: &fresh };
    let found = trust(&networks, &x, &explainers, &Options { steps: 4, samples: 1, ..Options::default() }).unwrap();
    let [grad_cam, guided] = [0, 1].map(|at| found.rows[at].likeness().unwrap());
    println!("mean rank correlation: Grad-CAM {grad_cam:.2}, guided backprop {guided:.2}");
    assert!(grad_cam < THRESHOLD - 0.1 && guided > THRESHOLD + 0.1, "{grad_cam} and {guided}");
    assert_eq!(found.verdict.blind, ["guided-backprop"]);
}
