//! PCA, neighbors, logistic regression and scores against scikit-learn's (tests/golden/embed.py).

use serde_json::Value;
use warptape::embed::Points;
use warptape::embed::colors::Grouping;
use warptape::embed::neighbors::{between, within};
use warptape::embed::pca::pca;
use warptape::embed::probe::Probe;
use warptape::embed::scores::{accuracy, regression, trustworthiness, vote};

use crate::data::files::says;

/// Points, and what scikit-learn says of them.
struct Case {
    name: String,
    classes: usize,
    points: Points,
    labels: Vec<usize>,
    among: Points,
    known: Vec<usize>,
    json: Value,
}

pub fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

fn cases() -> Vec<Case> {
    let golden: Value = serde_json::from_str(include_str!("../../golden/embed.json")).unwrap();
    let case = |json: &Value| {
        let dimension = json["dimension"].as_u64().unwrap() as usize;
        Case {
            name: json["name"].as_str().unwrap().into(),
            classes: json["classes"].as_u64().unwrap() as usize,
            points: Points::new(dimension, floats(&json["points"])),
            labels: indices(&json["labels"]),
            among: Points::new(dimension, floats(&json["among"])),
            known: indices(&json["known"]),
            json: json.clone(),
        }
    };
    let cases: Vec<Case> = golden["cases"].as_array().unwrap().iter().map(case).collect();
    assert_eq!(cases.len(), 3);
    cases
}

/// Asserts that all of `got` are within `tolerance` of `expected`, and tells the largest difference.
pub fn near(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    // Written so that NaN is far off.
    let apart = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, |m, d| if d <= m { m } else { d });
    println!("{what}: {apart:.1e} apart");
    assert!(apart <= tolerance, "{what}: {apart:e} apart");
}

#[test]
fn components_and_their_variance_are_scikit_learns() {
    for Case { name, points, json, .. } in cases() {
        let expected = &json["pca"];
        let variance = floats(&expected["variance"]);
        // The last of as many components as points is rounding.
        let count = points.dimension().min(points.len() - 1);
        let found = pca(&points, count).unwrap();
        near(&found.variance, &variance[..count], 1e-12 * variance[0], &format!("{name}, variance"));
        near(&found.ratio, &floats(&expected["ratio"])[..count], 1e-12, &format!("{name}, ratio"));
        // Signs too: the largest element of each is positive.
        let first = pca(&points, 3).unwrap();
        let components: Vec<f64> = expected["components"].as_array().unwrap().iter().flat_map(floats).collect();
        near(&first.components.concat(), &components, 1e-9, &format!("{name}, components"));
        let projected: Vec<f64> = first.projected.rows().flatten().copied().collect();
        near(&projected, &floats(&expected["projected"]), 1e-8, &format!("{name}, projected"));
        assert_eq!(first.variance.len(), 3);
    }
}

#[test]
fn neighbors_and_their_votes_are_scikit_learns() {
    for Case { name, classes, points, labels, among, known, json } in cases() {
        let found = between(&points, &among, 10);
        for (near, expected) in found.iter().zip(json["nearest"].as_array().unwrap()) {
            assert_eq!(near.iter().map(|one| one.index).collect::<Vec<_>>(), indices(expected), "{name}");
            assert!(near.is_sorted_by_key(|one| one.distance));
        }
        let votes = vote(&found, &known, classes);
        assert_eq!(votes, indices(&json["votes"]), "{name}");
        let right = votes.iter().zip(&labels).filter(|(a, b)| a == b).count();
        assert_eq!(accuracy(&votes, &labels), right as f64 / labels.len() as f64);
        // Among themselves nobody is his own neighbor.
        assert!(within(&points, 3).iter().enumerate().all(|(at, near)| near.iter().all(|one| one.index != at)));
    }
}

#[test]
fn the_linear_probe_is_scikit_learns_logistic_regression() {
    for Case { name, classes, points, among, known, json, .. } in cases() {
        let probe = Probe::fit(&among, &known).unwrap();
        assert!(probe.converged, "{name}");
        for (class, expected) in (0..classes).zip(json["probe"]["weights"].as_array().unwrap()) {
            let weights = probe.weights(class).unwrap();
            near(&weights, &floats(expected), 5e-4, &format!("{name}, weights of class {class}"));
        }
        assert_eq!(probe.predict(&points), indices(&json["probe"]["predicted"]), "{name}");
        assert!(probe.weights(classes).is_none());
    }
    says(Probe::fit(&Points::new(1, vec![1.0, 2.0]), &[3, 3]), &["two classes"]);
}

#[test]
fn trustworthiness_and_grouping_are_scikit_learns() {
    for Case { name, classes, points, labels, json, .. } in cases() {
        let flat = Points::new(2, floats(&json["flat"]));
        let shown = within(&flat, 12);
        for (count, expected) in json["trustworthiness"].as_object().unwrap() {
            let found = trustworthiness(&points, &shown, count.parse().unwrap()).unwrap();
            near(&[found], &[expected.as_f64().unwrap()], 1e-12, &format!("{name}, trustworthiness of {count}"));
        }
        // It is not defined for half the points, or none.
        assert_eq!(trustworthiness(&points, &shown, points.len() / 2), None);
        assert_eq!(trustworthiness(&points, &shown, 0), None);
        // The same picture is to be trusted wholly.
        assert_eq!(trustworthiness(&points, &within(&points, 5), 5), Some(1.0));

        let colors = Points::new(3, floats(&json["colors"]));
        let found = Grouping::of(&within(&points, 10), Some(&labels), classes, &colors);
        let expected = ["class", "color"].map(|key| json["grouping"][key].as_f64().unwrap());
        near(&[found.class.unwrap(), found.color.unwrap()], &expected, 1e-12, &format!("{name}, grouping"));
    }
}

#[test]
fn grouping_is_told_in_words() {
    // Two heaps far apart: the classes are the heaps, or the colours are.
    let at = |point: usize| (point % 2) as f64 * 100.0 + (point / 2) as f64 * 0.01;
    let points = Points::new(1, (0..80).map(at).collect());
    let near = within(&points, 10);
    let heaps: Vec<usize> = (0..80).map(|point| point % 2).collect();
    let mixed: Vec<usize> = (0..80).map(|point| point / 2 % 2).collect();
    let colors = |of: &[usize]| Points::new(3, of.iter().flat_map(|&heap| [heap as f64, 0.5, 0.0]).collect());
    let told = |classes: &[usize], shades: &[usize]| Grouping::of(&near, Some(classes), 2, &colors(shades));
    assert_eq!(told(&heaps, &mixed).answer(), "by class more than by mean colour");
    assert_eq!(told(&mixed, &heaps).answer(), "by mean colour more than by class");
    assert_eq!(told(&heaps, &heaps).answer(), "by class and by mean colour alike");
    assert_eq!(told(&mixed, &mixed).answer(), "neither by class nor by mean colour");
    assert_eq!(told(&heaps, &mixed).class, Some(1.0));
    // Where all have one colour there is none to be told.
    let grey = Grouping::of(&near, Some(&heaps), 2, &Points::new(3, vec![0.5; 240]));
    assert_eq!((grey.color, grey.answer()), (None, "by class more than by mean colour"));
    assert_eq!(regression(&near, &Points::new(1, vec![1.0; 80])), None);
    // Of unknown classes the colour alone is told.
    let unknown = |shades: &[usize]| Grouping::of(&near, None, 2, &colors(shades));
    assert_eq!((unknown(&heaps).answer(), unknown(&mixed).answer()), ("by mean colour", "not by mean colour"));
    assert!(
        unknown(&heaps).to_string().starts_with("by mean colour: of it 10 neighbors tell 1.000"),
        "{}",
        unknown(&heaps)
    );
    assert!(grey.to_string().ends_with("of the class 10 neighbors tell 1.000, of the mean colour -"), "{grey}");
}
