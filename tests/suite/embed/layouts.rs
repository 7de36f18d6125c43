//! t-SNE and UMAP: their probabilities are scikit-learn's and umap-learn's (tests/golden/embed.py), their layouts as good, and the same
//! on any number of cores.

use serde_json::Value;
use warptape::embed::neighbors::within;
use warptape::embed::scores::trustworthiness;
use warptape::embed::tsne::{self, divergence, gradient, probabilities, tsne};
use warptape::embed::umap::{self, graph, umap};
use warptape::embed::{Points, curve};

use super::scikit::{floats, near};
use crate::data::files::says;

/// How much less trustworthy a layout may be.
const TRUST: f64 = 0.02;

fn golden() -> (Points, Value) {
    let golden: Value = serde_json::from_str(include_str!("../../golden/embed.json")).unwrap();
    let layouts = golden["layouts"].clone();
    (Points::new(layouts["dimension"].as_u64().unwrap() as usize, floats(&layouts["points"])), layouts)
}

fn trust(points: &Points, places: &Points) -> f64 {
    assert!(places.rows().flatten().all(|value| value.is_finite()));
    trustworthiness(points, &within(places, 5), 5).unwrap()
}

/// What `make` makes with one, two and three threads, which has to be the same.
fn on_any_cores<T: PartialEq + std::fmt::Debug + Send>(make: impl Fn() -> T + Sync) -> T {
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&make);
    let one = on(1);
    assert!(one == on(2) && one == on(3), "it depends on the number of cores");
    one
}

#[test]
fn probabilities_of_pairs_are_scikit_learns() {
    let (points, golden) = golden();
    let pairs = probabilities(&points, golden["perplexity"].as_f64().unwrap());
    for (at, expected) in golden["pairs"].as_array().unwrap().iter().enumerate() {
        let mut row = vec![0.0; points.len()];
        pairs[at].iter().for_each(|&(other, share)| row[other] = share);
        // Both stop looking for a width where the entropy is right to 1e-5; scikit-learn in single precision.
        near(&row, &floats(expected), 1e-8, &format!("row {at}"));
    }
    let sum: f64 = pairs.iter().flatten().map(|(_, share)| share).sum();
    assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    assert!(pairs.iter().all(|row| row.is_sorted_by(|one, next| one.0 < next.0)));
}

/// All pairs of places, one by one.
fn gradient_by_hand(pairs: &tsne::Pairs, places: &[[f64; 2]]) -> (Vec<[f64; 2]>, f64) {
    let near = |a: usize, b: usize| {
        let [x, y] = [0, 1].map(|axis| places[a][axis] - places[b][axis]);
        if a == b { 0.0 } else { 1.0 / (1.0 + x * x + y * y) }
    };
    let all = 0..places.len();
    let whole: f64 = all.clone().flat_map(|a| all.clone().map(move |b| (a, b))).map(|(a, b)| near(a, b)).sum();
    let share = |a: usize, b: usize| pairs[a].iter().find(|(other, _)| *other == b).map_or(0.0, |(_, share)| *share);
    let slope = |a: usize| {
        [0, 1].map(|axis| {
            let pull = |b| 4.0 * (share(a, b) - near(a, b) / whole) * near(a, b) * (places[a][axis] - places[b][axis]);
            all.clone().map(pull).sum::<f64>()
        })
    };
    let apart = all.clone().flat_map(|a| pairs[a].iter().map(move |&(b, share)| (a, b, share)));
    let divergence = apart.map(|(a, b, share)| share * (share * whole / near(a, b)).ln()).sum();
    (all.clone().map(slope).collect(), divergence)
}

#[test]
fn far_squares_count_as_one_point_and_near_ones_do_not() {
    let (points, golden) = golden();
    let pairs = probabilities(&points, golden["perplexity"].as_f64().unwrap());
    // Places with two that coincide, and one far away.
    let mut places: Vec<[f64; 2]> = points.rows().map(|row| [10.0 * row[0], 10.0 * row[1]]).collect();
    places[1] = places[0];
    places[2] = [300.0, -200.0];
    let (expected, wanted) = gradient_by_hand(&pairs, &places);
    let largest = expected.iter().flatten().fold(0.0f64, |most, slope| most.max(slope.abs()));
    let off = |angle: f64| {
        let found = gradient(&pairs, &places, angle);
        let apart = found.iter().flatten().zip(expected.iter().flatten()).map(|(a, b)| (a - b).abs());
        apart.fold(0.0, f64::max) / largest
    };
    let (exact, coarse, coarser) = (off(0.0), off(0.5), off(1.0));
    println!("off by {exact:.1e}, with angle 0.5 by {coarse:.1e}, with angle 1 by {coarser:.1e}");
    assert!(exact < 1e-12 && coarse > exact && coarse < 0.05 && coarser > coarse && coarser < 0.2);
    near(&[divergence(&pairs, &places, 0.0)], &[wanted], 1e-10, "divergence");
    on_any_cores(|| gradient(&pairs, &places, 0.5));
}

#[test]
fn tsne_is_as_good_as_scikit_learns() {
    let (points, golden) = golden();
    let perplexity = golden["perplexity"].as_f64().unwrap();
    let options = tsne::Options { perplexity, ..Default::default() };
    let (places, divergence) = on_any_cores(|| {
        let found = tsne(&points, options).unwrap();
        (found.places, found.divergence)
    });
    let (trust, expected) = (trust(&points, &places), &golden["tsne"]);
    let [wanted, most] = ["trustworthiness", "divergence"].map(|key| expected[key].as_f64().unwrap());
    println!("trustworthiness {trust:.4} (scikit-learn {wanted:.4}), divergence {divergence:.4} ({most:.4})");
    assert!(trust > wanted - TRUST && divergence < 1.1 * most);
    for (perplexity, count) in [(0.0, 150), (-1.0, 150), (f64::NAN, 150), (150.0, 150)] {
        let options = tsne::Options { perplexity, ..options };
        says(tsne(&points, options).map(|_| ()), &[&format!("of {count} pictures"), "‹perplexity›"]);
    }
}

#[test]
fn the_fuzzy_graph_is_umap_learns() {
    let (points, golden) = golden();
    let edges = graph(&points, golden["neighbors"].as_u64().unwrap() as usize);
    for (at, expected) in golden["graph"].as_array().unwrap().iter().enumerate() {
        let mut row = vec![0.0; points.len()];
        edges.iter().filter(|edge| edge.0 == at).for_each(|edge| row[edge.1] = edge.2);
        near(&row, &floats(expected), 2e-5, &format!("row {at}"));
    }
    assert_eq!(edges.len() as u64, golden["edges"].as_u64().unwrap());
    let weight: f64 = edges.iter().map(|edge| edge.2).sum();
    near(&[weight], &[golden["weight"].as_f64().unwrap()], 1e-3, "weight of all edges");
    for curve in golden["curves"].as_array().unwrap() {
        let [min_dist, a, b] = floats(curve).try_into().unwrap();
        let found = curve::fitted(min_dist);
        near(&[found.0, found.1], &[a, b], 1e-5, &format!("curve of {min_dist}"));
    }
}

#[test]
fn umap_is_as_good_as_umap_learn() {
    let (points, golden) = golden();
    let neighbors = golden["neighbors"].as_u64().unwrap() as usize;
    let with = |seed| umap::Options { neighbors, seed, ..Default::default() };
    let first = on_any_cores(|| umap(&points, with(0)).unwrap());
    let layouts: Vec<Points> = (0..5).map(|seed| umap(&points, with(seed)).unwrap()).collect();
    assert!(layouts[0] == first && layouts[1] != first);
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let found: Vec<f64> = layouts.iter().map(|places| trust(&points, places)).collect();
    let expected = floats(&golden["umap"]["trustworthiness"]);
    println!("trustworthiness {found:.4?}, umap-learn {expected:.4?}");
    assert!(mean(&found) > mean(&expected) - TRUST);
    for neighbors in [0, 1, 150] {
        let options = umap::Options { neighbors, ..with(0) };
        says(umap(&points, options).map(|_| ()), &["of 150 pictures", "‹neighbors›"]);
    }
    for min_dist in [-0.1, 3.0, f64::NAN] {
        says(umap(&points, umap::Options { min_dist, ..with(0) }).map(|_| ()), &["‹min_dist="]);
    }
}

#[test]
fn heaps_far_apart_and_equal_points_are_laid_out() {
    // Two heaps without an edge between them, and each point of the first five times.
    let at = |point: usize| [(point % 10) as f64, (point % 10 * point % 7) as f64];
    let heap = (0..50).flat_map(at);
    let far = (0..50).flat_map(|point| [1e6 + (point * 7 % 50) as f64, (point * point % 13) as f64]);
    let points = Points::new(2, heap.chain(far).collect());
    let options = umap::Options { neighbors: 8, ..Default::default() };
    let places = [
        umap(&points, options).unwrap(),
        tsne(&points, tsne::Options { perplexity: 5.0, ..Default::default() }).unwrap().places,
    ];
    for places in places {
        assert!(places.rows().flatten().all(|value| value.is_finite()));
        let near = within(&places, 5);
        let crossing = near.iter().enumerate().flat_map(|(at, near)| near.iter().map(move |one| (at, one.index)));
        assert_eq!(crossing.filter(|(a, b)| (*a < 50) != (*b < 50)).count(), 0, "heaps are mixed");
    }
}
