//! Planted maps: of a linear network the true evidence is known, and must do better than chance and than its opposite by every
//! measure; a map that does not look at the network must be found out.

use warptape::explain::trust::verdict::{RULE, THRESHOLD};
use warptape::explain::trust::{Explainer, Map, Networks, Options, Row, Trust, trust};
use warptape::nn::{Builder, Flatten, Linear, Sequential, parameters};
use warptape::{Device, Tensor};

use crate::op::generated;
use crate::support::device;

const SIZE: [usize; 2] = [12, 10];
const COUNT: usize = 6;

/// Two classes, whose logits are sums over all pixels; weights grow towards one side, so that some pixels matter much and most
/// little.
fn linear(device: &Device, seed: u64) -> Sequential {
    let inputs = SIZE[0] * SIZE[1] * 3;
    let model = Sequential::new()
        .with("flatten", Flatten)
        .with("fc", Linear::new(&mut Builder::new(device, seed), inputs, 2).unwrap());
    let drawn = generated::uniform(seed, "fc.weight", 2 * inputs, 1.0, 0.0);
    weight(&model).write(&drawn.iter().map(|v| 0.5 * v.powi(5)).collect::<Vec<f32>>()).unwrap();
    model
}

fn weight(model: &Sequential) -> Tensor {
    parameters(model).into_iter().find(|(name, _)| name == "fc.weight").unwrap().1
}

/// What each pixel adds to the logit of the class, less what it adds to the other's; from 0 to 1, `sign` × that.
fn evidence(sign: f32) -> impl Fn(&Sequential, &Tensor, &[usize]) -> warptape::Result<Vec<Map>> {
    move |model, x, classes| {
        let (weights, inputs) = (weight(model).to_vec::<f32>()?, x.elements() / x.dim(0));
        let map = |(values, &class): (&[f32], &usize)| {
            let [own, other] = [class, 1 - class].map(|class| &weights[class * inputs..][..inputs]);
            let each = |at: usize| sign * values[at] * (own[at] - other[at]);
            let map: Vec<f32> =
                (0..inputs / 3).map(|pixel| (0..3).map(|channel| each(3 * pixel + channel)).sum()).collect();
            let lowest = map.iter().copied().fold(f32::INFINITY, f32::min);
            let highest = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            Ok(map.iter().map(|value| (value - lowest) / (highest - lowest)).collect())
        };
        Ok(x.to_vec::<f32>()?.chunks(inputs).zip(classes).map(map).collect())
    }
}

fn planted<'a>(
    name: &str,
    maps: impl Fn(&Sequential, &Tensor, &[usize]) -> warptape::Result<Vec<Map>> + 'a,
) -> Explainer<'a> {
    Explainer { name: name.into(), control: false, maps: Box::new(maps) }
}

fn judged(device: &Device) -> Trust {
    let [trained, copy, fresh] = [0, 1, 2].map(|seed| linear(device, seed));
    let x = generated::images(device, 0, COUNT, SIZE);
    let [_, edges] = Explainer::controls(0);
    let mut explainers = vec![
        planted("evidence", evidence(1.0)),
        planted("opposite", evidence(-1.0)),
        planted("edge detector", move |model, x, classes| (edges.maps)(model, x, classes)),
    ];
    explainers.extend(Explainer::controls(0));
    let before = weight(&trained).to_vec::<f32>().unwrap();
    let networks = Networks { trained: &trained, copy: &copy, fresh: &fresh };
    let found = trust(&networks, &x, &explainers, &Options { steps: 10, ..Options::default() }).unwrap();
    assert_eq!(weight(&trained).to_vec::<f32>().unwrap(), before, "the trained network stays");
    found
}

#[test]
fn true_evidence_beats_chance_and_its_opposite_by_every_measure() {
    let found = judged(&device());
    let [good, bad, chance] = ["evidence", "opposite", "random order"].map(|name| {
        let row: &Row = found.rows.iter().find(|row| row.method == name).unwrap();
        row.figures.as_ref().unwrap()
    });
    for (name, other) in [("its opposite", bad), ("chance", chance)] {
        assert!(
            good.insertion.auc > other.insertion.auc + 0.05,
            "insertion: {} and {name}'s {}",
            good.insertion.auc,
            other.insertion.auc
        );
        assert!(
            good.deletion.auc < other.deletion.auc - 0.05,
            "deletion: {} and {name}'s {}",
            good.deletion.auc,
            other.deletion.auc
        );
        assert!(
            good.road.combined > other.road.combined + 0.1,
            "ROAD: {} and {name}'s {}",
            good.road.combined,
            other.road.combined
        );
        assert!(
            good.average_drop < other.average_drop,
            "drop: {} and {name}'s {}",
            good.average_drop,
            other.average_drop
        );
        assert!(good.increase >= other.increase, "increase: {} and {name}'s {}", good.increase, other.increase);
    }
    assert!(bad.road.combined < -0.1, "{}", bad.road.combined);
    assert!(chance.road.combined.abs() < 0.1, "{}", chance.road.combined);
    assert_eq!(found.verdict.method.as_deref(), Some("evidence"), "{}", found.verdict.sentence);
}

#[test]
fn maps_that_ignore_the_network_are_found_out() {
    let found = judged(&device());
    let likeness = |name: &str| found.rows.iter().find(|row| row.method == name).unwrap().likeness().unwrap();
    assert_eq!([likeness("edge detector"), likeness("edges"), likeness("random order")], [1.0; 3]);
    assert!(likeness("evidence").abs() < 0.3, "{}", likeness("evidence"));
    assert_eq!(found.verdict.blind, ["edge detector"]);
    // What people are told is what is done.
    let shown = |row: &Row| format!("  {:>6.2}  ", row.likeness().unwrap());
    assert!(found.rows.iter().all(|row| found.table().contains(&shown(row))), "{}", found.table());
    let threshold = format!("{THRESHOLD}");
    assert!(
        RULE.contains(&format!("below {threshold})"))
            && found.table().contains(&format!("from {threshold} on maps show"))
    );
    assert!(
        found.verdict.sentence.contains("edge detector says little of what it learned"),
        "{}",
        found.verdict.sentence
    );
}

#[test]
fn the_same_seed_gives_the_same_figures_on_any_number_of_cores() {
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(|| judged(&device()));
    assert_eq!(judged(&device()), alone);
    // Programs read what was written: no number is lost as null.
    let text = serde_json::to_string(&alone).unwrap();
    assert_eq!(serde_json::from_str::<Trust>(&text).unwrap(), alone);
    assert!(alone.picture("planted").unwrap().width() > 1000);
    let csv = String::from_utf8(alone.csv().unwrap()).unwrap();
    assert_eq!(csv.lines().count(), 1 + alone.rows.len());
    assert!(!csv.contains("NaN") && !csv.contains("inf"), "{csv}");
}
