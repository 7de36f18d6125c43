//! Which trials end early and which parameters matter, held against Optuna's answers.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use warptape::sweep::domain::Domain;
use warptape::sweep::importance::importance;
use warptape::sweep::prune::{Hyperband, Other, median};

#[derive(Deserialize)]
struct Golden {
    median: Vec<MedianCase>,
    hyperband: Vec<HyperbandCase>,
    domains: serde_json::Map<String, Value>,
    importance: Vec<ImportanceCase>,
}

#[derive(Deserialize)]
struct MedianCase {
    warmup: u32,
    unpruned: usize,
    curves: Vec<Vec<f64>>,
    ended: Vec<Option<usize>>,
}

#[derive(Deserialize)]
struct HyperbandCase {
    least: u32,
    most: u32,
    shares: Vec<usize>,
    brackets: Vec<usize>,
    curves: Vec<Vec<f64>>,
    ended: Vec<Option<usize>>,
}

#[derive(Deserialize)]
struct ImportanceCase {
    values: Vec<Vec<f64>>,
    costs: Vec<f64>,
    shares: Vec<f64>,
}

fn golden() -> Golden {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sweep.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// After how many epochs each of `curves` ends, if `ends` is asked after all but the last: with its number, the epochs so far, and
/// those before it.
fn ended(curves: &[Vec<f64>], ends: impl Fn(usize, &[f64], &[Other]) -> bool) -> Vec<Option<usize>> {
    let mut done: Vec<(Vec<f64>, bool)> = Vec::new();
    let mut all = Vec::new();
    for (number, curve) in curves.iter().enumerate() {
        let others: Vec<Other> = done
            .iter()
            .enumerate()
            .map(|(number, (curve, finished))| Other { number, curve, finished: *finished })
            .collect();
        let end = (1..curve.len()).find(|&epochs| ends(number, &curve[..epochs], &others));
        done.push((curve[..end.unwrap_or(curve.len())].to_vec(), end.is_none()));
        all.push(end);
    }
    all
}

#[test]
fn trials_worse_than_the_median_end_where_optuna_ends_them() {
    for case in golden().median {
        let MedianCase { warmup, unpruned, curves, ended: expected } = case;
        let found = ended(&curves, |_, curve, others| median(curve, others, warmup, unpruned));
        assert_eq!(found, expected, "warm-up {warmup}, {unpruned} finished first");
        assert!(expected.iter().flatten().count() >= 2 && expected.iter().any(Option::is_none));
        assert!(expected.iter().flatten().all(|&end| end >= warmup as usize));
    }
}

#[test]
fn hyperband_ends_trials_where_optuna_does() {
    for case in golden().hyperband {
        let HyperbandCase { least, most, shares, brackets, curves, ended: expected } = case;
        let hyperband = Hyperband::new(least, most);
        assert_eq!(hyperband.shares(), shares, "{least} to {most} epochs");
        let found: Vec<usize> = (0..curves.len()).map(|number| hyperband.bracket(number)).collect();
        assert_eq!(found, brackets);
        let found = ended(&curves, |number, curve, others| hyperband.ends(number, curve, others));
        assert_eq!(found, expected, "{least} to {most} epochs");
        assert!(expected.iter().flatten().count() >= 2 && expected.iter().any(Option::is_none));
    }
    // No bracket has more or less than its share of a round, and none waits for the others.
    let hyperband = Hyperband::new(1, 81);
    let round: usize = hyperband.shares().iter().sum();
    for (bracket, share) in hyperband.shares().iter().enumerate() {
        let numbers: Vec<usize> = (0..3 * round).filter(|&number| hyperband.bracket(number) == bracket).collect();
        assert_eq!(numbers.len(), 3 * share);
        assert!(
            numbers.windows(2).all(|pair| pair[1] - pair[0] <= 2 * round.div_ceil(*share)),
            "{bracket}: {numbers:?}"
        );
    }
}

#[test]
fn parameters_matter_as_much_as_optuna_says() {
    let Golden { domains, importance: cases, .. } = golden();
    let domains: Vec<Domain> = domains.into_iter().map(|(_, domain)| serde_json::from_value(domain).unwrap()).collect();
    let domains: Vec<&Domain> = domains.iter().collect();
    for ImportanceCase { values, costs, shares } in cases {
        let found = importance(&domains, &values, &costs).unwrap();
        for (found, expected) in found.iter().zip(&shares) {
            assert!((found - expected).abs() < 1e-9, "{} trials: {found} is not {expected}", costs.len());
        }
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
    // The learning rate decides, and where all cost the same nothing does.
    let values: Vec<Vec<f64>> =
        (0..40).map(|i| vec![f64::from(i % 3), 10f64.powf(-4.0 + 3.0 * f64::from(i) / 39.0)]).collect();
    let costs: Vec<f64> = values.iter().map(|values| (values[1].log10() + 2.5).abs()).collect();
    let found = importance(&domains[..2], &values, &costs).unwrap();
    assert!(found[1] > 0.9, "{found:?}");
    assert_eq!(importance(&domains[..2], &values, &vec![1.0; 40]), None);
    assert_eq!(importance(&domains[..2], &values[..1], &costs[..1]), None);
}
