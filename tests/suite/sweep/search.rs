//! Which values trials have: in their ranges, none twice, the same from the same seed, and better ones where tpe chooses.

use std::collections::HashSet;

use serde_json::{Value, json};
use warptape::sweep::domain::Domain;
use warptape::sweep::plan::{Parameter, Plan};
use warptape::sweep::rules::{Rules, Search};
use warptape::sweep::search::Searcher;
use warptape::train::config::Config;

fn parameters(all: &[(&str, Value)]) -> Vec<Parameter> {
    let one = |(name, domain): &(&str, Value)| Parameter {
        name: (*name).into(),
        domain: serde_json::from_value(domain.clone()).unwrap(),
    };
    all.iter().map(one).collect()
}

fn plan(rules: Rules, all: &[(&str, Value)]) -> Plan {
    let base = Config { validation: 0.1, epochs: 9, ..Config::default() };
    Plan::new(rules, parameters(all), base, &["validation".into(), "epochs".into()]).unwrap_or_else(|e| panic!("{e}"))
}

/// The values of all trials, whose cost is `cost` of them.
fn searched(plan: &Plan, cost: impl Fn(&[Value]) -> f64) -> Vec<Vec<Value>> {
    let mut searcher = Searcher::new(plan).unwrap();
    let mut all = Vec::new();
    for _ in 0..plan.trials() {
        let values = searcher.ask().unwrap();
        searcher.tell(cost(&values)).unwrap();
        all.push(values);
    }
    all
}

fn ranges() -> Vec<(&'static str, Value)> {
    vec![
        ("lr", json!({ "from": 1e-4, "to": 1e-1, "log": true })),
        ("momentum", json!({ "from": 0.5, "to": 0.95 })),
        ("batch_size", json!({ "from": 8, "to": 64, "log": true, "integer": true })),
        ("weight_decay", json!({ "from": 1e-5, "to": 1e-1, "log": true, "steps": 5 })),
        ("optim", json!(["sgd", "adam", "adamw"])),
        ("nesterov", json!([false, true])),
    ]
}

/// The rate should be 0.003, the optimizer adam, the batch small.
fn cost(values: &[Value]) -> f64 {
    let number = |at: usize| values[at].as_f64().unwrap();
    (number(0).log10() + 2.5).powi(2) + f64::from(values[4] != "adam") + number(2) / 64.0
}

#[test]
fn values_lie_in_their_ranges_and_are_tried_once() {
    for search in [Search::Random, Search::Tpe] {
        let plan = plan(Rules { search, trials: Some(60), ..Rules::default() }, &ranges());
        let all = searched(&plan, cost);
        let mut seen = [const { [false; 2] }; 6];
        for values in &all {
            let number = |at: usize| values[at].as_f64().unwrap();
            assert!((1e-4..=1e-1).contains(&number(0)) && (0.5..=0.95).contains(&number(1)), "{values:?}");
            assert!(values[2].is_i64() && (8..=64).contains(&values[2].as_i64().unwrap()), "{values:?}");
            assert!([1e-5, 1e-4, 1e-3, 1e-2, 1e-1].contains(&number(3)), "{values:?}");
            assert!(["sgd", "adam", "adamw"].contains(&values[4].as_str().unwrap()) && values[5].is_boolean());
            // Four digits, so that they can be typed again.
            assert!(values[0].to_string().len() <= 10, "{values:?}");
            for (at, middle) in [(0, 3e-3), (1, 0.72), (2, 20.0), (3, 5e-4)] {
                seen[at][usize::from(number(at) > middle)] = true;
            }
        }
        assert!(seen[..4].iter().flatten().all(|seen| *seen), "a half of a range was never tried");
        let different: HashSet<String> = all.iter().map(|values| json!(values).to_string()).collect();
        assert_eq!(different.len(), 60);
    }
}

#[test]
fn the_same_seed_searches_alike_and_goes_on_where_it_was() {
    let rules = |seed| Rules { seed, trials: Some(30), ..Rules::default() };
    let (first, again, other) = (plan(rules(3), &ranges()), plan(rules(3), &ranges()), plan(rules(4), &ranges()));
    let all = searched(&first, cost);
    assert_eq!(all, searched(&again, cost));
    assert_ne!(all, searched(&other, cost));
    // What is chosen after the startup follows from costs, and so do failures.
    let worse = searched(&first, |values| if values[4] == "adam" { f64::INFINITY } else { cost(values) });
    assert_eq!(all[..10], worse[..10]);
    assert_ne!(all[10..], worse[10..]);
}

#[test]
fn tpe_finds_better_values_than_chance() {
    let sum = |search| -> f64 {
        let seeds = 0..8u64;
        let best = seeds.map(|seed| {
            let plan = plan(Rules { search, seed, trials: Some(50), ..Rules::default() }, &ranges());
            let costs = searched(&plan, cost).into_iter().map(|values| cost(&values));
            // The mean of what is tried behind the startup.
            costs.skip(10).sum::<f64>() / 40.0
        });
        best.sum()
    };
    let (tpe, random) = (sum(Search::Tpe), sum(Search::Random));
    assert!(tpe < 0.7 * random, "tpe {tpe}, random {random}");
}

#[test]
fn a_grid_has_all_combinations_the_last_changing_first() {
    let rules = Rules { search: Search::Grid, ..Rules::default() };
    let all = [
        ("optim", json!(["sgd", "adam"])),
        ("lr", json!({ "from": 1e-3, "to": 1e-1, "log": true, "steps": 3 })),
        ("batch_size", json!({ "from": 15, "to": 16, "integer": true })),
    ];
    let plan = plan(rules, &all);
    let found = searched(&plan, |_| 0.0);
    let expected: Vec<Vec<Value>> = ["sgd", "adam"]
        .iter()
        .flat_map(|optim| {
            [1e-3, 1e-2, 1e-1].map(|lr| [15, 16].map(|batch| vec![json!(optim), json!(lr), json!(batch)]))
        })
        .flatten()
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn trials_have_their_values_where_they_belong() {
    let all = [
        ("optim", json!(["sgd", "adam"])),
        ("top", json!(["cifar", "imagenet"])),
        ("dropout", json!({ "from": 0.0, "to": 0.5 })),
        ("seed_of", json!([3, 4])),
    ];
    let base = Config { model: "vgg11:head={top},dropout={dropout}".into(), seed: 5, ..Config::default() };
    let base = Config { schedule: "step:{seed_of}:0.5".into(), ..base };
    let plan = Plan::new(Rules { seeds: 2, ..Rules::default() }, parameters(&all), base, &["model".into()]).unwrap();
    let values = [json!("sgd"), json!("imagenet"), json!(0.25), json!(4)];
    let config = plan.config(&values, 1).unwrap();
    assert_eq!((&*config.model, &*config.schedule), ("vgg11:head=imagenet,dropout=0.25", "step:4:0.5"));
    assert_eq!((&*config.optim, config.lr, config.seed, config.keep), ("sgd", 0.05, 6, Some(1)));
    let adam = plan.config(&[json!("adam"), json!("cifar"), json!(0.0), json!(3)], 0).unwrap();
    assert_eq!((adam.lr, adam.seed), (3e-3, 5));
}

#[test]
fn steps_and_whole_numbers_are_evenly_spread() {
    let domain = |value: Value| serde_json::from_value::<Domain>(value).unwrap();
    let values = |value: Value| domain(value).values().unwrap();
    assert_eq!(values(json!({ "from": 0.0, "to": 0.5, "steps": 6 })), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5].map(Value::from));
    assert_eq!(
        values(json!({ "from": 16, "to": 256, "log": true, "integer": true, "steps": 5 })),
        [16, 32, 64, 128, 256].map(Value::from)
    );
    assert_eq!(values(json!({ "from": -1, "to": 2, "integer": true })), [-1, 0, 1, 2].map(Value::from));
    assert_eq!(domain(json!({ "from": 0.0, "to": 1.0 })).values(), None);
}
