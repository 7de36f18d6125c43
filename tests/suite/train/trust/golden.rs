//! Every measure against those of others (tests/golden/trust.py): the same network, pictures, maps, noise and random weights.

use serde_json::Value;
use warptape::Device;
use warptape::explain::Method;
use warptape::explain::trust::curves::{Game, blurred, curves};
use warptape::explain::trust::randomisation::Cascade;
use warptape::explain::trust::road::{imputed, road};
use warptape::explain::trust::similarity::{spearman, ssim};
use warptape::explain::trust::stability::{disturbed, stability};
use warptape::explain::trust::{Explainer, Pictures, Ranked, changes, drop_and_increase};
use warptape::nn::relevance::Composite;
use warptape::nn::{Sequential, models};

use crate::embed::scikit::{floats, near};
use crate::op::generated;
use crate::support::{device, skips_networks};

const COUNT: usize = 3;
const SIZE: [usize; 2] = [24, 32];
const PIXELS: usize = SIZE[0] * SIZE[1];
/// Probabilities in f32 against f64's; found: 1e-6 at most.
const SCORE: f64 = 1e-5;
/// Likeness of maps in f32, some of whose values come to lie in another order; found: 6e-5 at most.
const LIKENESS: f64 = 6e-4;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../golden/trust.json")).unwrap()
}

/// Numbers of any depth, in their order.
fn all(value: &Value) -> Vec<f64> {
    match value.as_array() {
        Some(values) => values.iter().flat_map(all).collect(),
        None => vec![value.as_f64().unwrap()],
    }
}

fn network(device: &Device, seed: u64) -> Sequential {
    let model = models::build("little-conv", 9, SIZE, device, 0).unwrap();
    let layers =
        ["fc", "features.0", "features.1", "features.4", "features.5", "features.8", "features.9", "features.12"];
    let seeds = layers.iter().chain(&["features.13"]).map(|layer| ((*layer).to_owned(), seed)).collect();
    generated::fill(&model, &seeds);
    model
}

/// Numbers `[N, 3, H, W]` as pictures of `[H, W, 3]`.
fn pictures_of(planes: &[f32]) -> Vec<Vec<f32>> {
    let one = |planes: &[f32]| (0..3 * PIXELS).map(|at| planes[at % 3 * PIXELS + at / 3]).collect();
    planes.chunks(3 * PIXELS).map(one).collect()
}

fn maps() -> Vec<Ranked> {
    let map = |at: usize| Ranked::new(at, generated::uniform(at as u64, "map", PIXELS, 0.5, 0.5), 0);
    (0..COUNT).map(map).collect()
}

#[test]
fn changed_pictures_are_scored_as_by_others() {
    if skips_networks() {
        return;
    }
    let (golden, device) = (golden(), device());
    let model = network(&device, 0);
    let pictures = Pictures::of(&model, &generated::images(&device, 0, COUNT, SIZE)).unwrap();
    let classes: Vec<f64> = pictures.classes.iter().map(|&class| class as f64).collect();
    near(&classes, &floats(&golden["classes"]), 0.0, "classes");
    near(&pictures.probabilities, &floats(&golden["probabilities"]), SCORE, "probabilities");

    let hidden: Vec<f64> = blurred(&pictures.values[0], SIZE).iter().step_by(29).map(|&v| f64::from(v)).collect();
    near(&hidden, &floats(&golden["blurred"]), 1e-6, "RISE's blur");
    for (name, game) in [("insertion", Game::Insertion), ("deletion", Game::Deletion)] {
        let found = curves(&pictures, &maps(), game, 6).unwrap();
        let scores: Vec<f64> = found.iter().flat_map(|curve| curve.scores.clone()).collect();
        near(&scores, &all(&golden[name]), SCORE, name);
        for curve in found {
            // numpy's trapezoidal rule.
            let area: f64 = curve.scores.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).sum();
            assert!((curve.auc - area / 6.0).abs() < 1e-12);
        }
    }

    let removed: Vec<bool> = maps()[0].map.iter().map(|&value| value >= 0.4).collect();
    let nothing = vec![0.0; 3 * PIXELS];
    let filled = imputed(&pictures.values[0], &removed, &nothing, SIZE);
    let filled: Vec<f64> = filled.iter().step_by(29).map(|&v| f64::from(v)).collect();
    near(&filled, &floats(&golden["imputed"]), 1e-5, "noisy linear imputation");
    for (name, noise) in [("road", 0.0), ("road_with_noise", 0.01)] {
        let found = road(&pictures, &maps(), &vec![vec![noise; 3 * PIXELS]; COUNT]).unwrap();
        for (which, of) in [("most", true), ("least", false)] {
            let score =
                |at: usize| if of { found[at % COUNT].most[at / COUNT] } else { found[at % COUNT].least[at / COUNT] };
            let scores: Vec<f64> = (0..4 * COUNT).map(score).collect();
            near(&scores, &all(&golden[name][which]), SCORE, &format!("{name}, {which} relevant first"));
        }
        let mean = |which: &str| all(&golden[name][which]).iter().sum::<f64>() / 12.0;
        let combined = found.iter().map(|road| road.combined()).sum::<f64>() / 3.0;
        near(&[combined], &[(mean("least") - mean("most")) / 2.0], SCORE, &format!("{name} combined"));
    }

    let change = changes(&pictures, &maps()).unwrap();
    near(&change, &floats(&golden["change"]), SCORE, "change of confidence");
    let (drop, increase) = drop_and_increase(&pictures, &maps(), &change);
    let share = |(drop, whole): (f64, f64)| drop / whole;
    let drops = floats(&golden["drop"]).into_iter().zip(floats(&golden["probabilities"])).map(share).sum::<f64>() / 3.0;
    near(&[drop], &[drops], SCORE, "average drop");
    near(&[increase], &[floats(&golden["increase"]).iter().sum::<f64>() / 3.0], 0.0, "increase");
}

#[test]
fn likeness_is_scipys_and_scikit_images() {
    let golden = golden();
    for case in golden["alike"].as_array().unwrap() {
        let [a, b] = ["a", "b"].map(|name| floats(&case[name]).iter().map(|&v| v as f32).collect::<Vec<f32>>());
        let shape = floats(&case["shape"]);
        near(&[spearman(&a, &b)], &[case["spearman"].as_f64().unwrap()], 1e-8, "Spearman");
        near(&[ssim(&a, &b, [shape[0] as usize, shape[1] as usize])], &[case["ssim"].as_f64().unwrap()], 1e-6, "SSIM");
    }
    let rising = [0.0, 0.1, 0.5, 1.0];
    assert_eq!([spearman(&rising, &rising), spearman(&rising, &rising.map(|v| -v))], [1.0, -1.0]);
    // A map that is the same everywhere puts nothing in order; minus zero is zero.
    assert_eq!([spearman(&rising, &[0.5; 4]), spearman(&[0.0; 4], &[0.0, -0.0, 0.0, -0.0])], [0.0, 0.0]);
    for (height, width) in [(1, 1), (1, 9), (2, 2)] {
        assert!((ssim(&vec![0.5; height * width], &vec![0.5; height * width], [height, width]) - 1.0).abs() < 1e-12);
    }
}

#[test]
fn randomisation_and_noise_are_quantus() {
    if skips_networks() {
        return;
    }
    let (golden, device) = (golden(), device());
    let [trained, copy, fresh] = [0, 1, 3].map(|seed| network(&device, seed));
    let x = generated::images(&device, 0, COUNT, SIZE);
    let pictures = Pictures::of(&trained, &x).unwrap();
    let grad_cam = Explainer::method(Method::GradCam, 2, Composite::epsilon_plus_flat());
    let ask = |model: &Sequential, x| -> Vec<Vec<f32>> {
        (grad_cam.maps)(model, x, &pictures.classes).unwrap().into_iter().map(Result::unwrap).collect()
    };
    let own = ask(&trained, &x);
    let cascade = Cascade::new(&trained, &copy, &fresh, 99).unwrap();
    assert_eq!(ask(&copy, &x), own, "a copy");
    let steps = golden["random_spearman"].as_array().unwrap();
    assert_eq!((cascade.len(), steps.len()), (9, 9));
    let mut layers = 0;
    for (step, expected) in steps.iter().enumerate() {
        let (layer, random) = cascade.go(step).unwrap();
        layers += 1;
        assert_eq!((layer, random), (expected[0].as_str().unwrap(), layers));
        let maps = ask(&copy, &x);
        let found: Vec<f64> = own.iter().zip(&maps).map(|(a, b)| spearman(a, b)).collect();
        near(&found, &floats(&expected[1]), LIKENESS, &format!("rank correlation, {layer}"));
        let found: Vec<f64> = own.iter().zip(&maps).map(|(a, b)| ssim(a, b, SIZE)).collect();
        near(&found, &floats(&golden["random_ssim"][step][1]), LIKENESS, &format!("SSIM, {layer}"));
    }
    assert_eq!(ask(&trained, &x), own, "the trained network stays");

    let maps: Vec<Ranked> = own.into_iter().enumerate().map(|(at, map)| Ranked::new(at, map, 0)).collect();
    let sample = |at: u64| {
        let noise = pictures_of(&generated::uniform(at, "noise", COUNT * 3 * PIXELS, 0.2, 0.0));
        (grad_cam.maps)(&trained, &disturbed(&pictures, &noise).unwrap(), &pictures.classes).unwrap()
    };
    let found = stability(&maps, &[sample(0), sample(1)]).unwrap();
    let mean = |name: &str| floats(&golden[name]).iter().sum::<f64>() / COUNT as f64;
    near(&[found.mean, found.max], &[mean("noise_mean"), mean("noise_max")], 2e-6, "sensitivity");
}

#[test]
fn many_layers_become_random_in_few_steps() {
    let device = device();
    let [trained, copy, fresh] = [0, 1, 3].map(|seed| network(&device, seed));
    let cascade = Cascade::new(&trained, &copy, &fresh, 4).unwrap();
    let steps: Vec<(String, usize)> = (0..cascade.len())
        .map(|step| cascade.go(step).map(|(layer, random)| (layer.to_owned(), random)).unwrap())
        .collect();
    // The last layer alone, then the eight others in three steps.
    let expected = [("fc", 1), ("features.12", 3), ("features.5", 6), ("features.0", 9)];
    assert_eq!(steps, expected.map(|(layer, random)| (layer.to_owned(), random)));
}
