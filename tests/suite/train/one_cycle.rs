//! One-cycle's momentum: what an optimizer makes of it, against PyTorch; and what every schedule says of itself.

use serde_json::Value;
use warptape::check::compare;
use warptape::optim::{Optimizer, OptimizerConfig, Policy, Schedule};
use warptape::train::config::Config;

use crate::data::files::says;
use crate::op::optim::{gradients, numbers, upload};
use crate::support::devices;

#[test]
fn cycled_momentum_agrees_with_pytorch() {
    let golden: Value = serde_json::from_str(include_str!("../../golden/schedules.json")).unwrap();
    let case = &golden["schedules"]["one_cycle_momentum"];
    for (name, config) in [
        ("sgd", r#"{"name": "sgd", "momentum": 0.9}"#),
        ("nesterov", r#"{"name": "sgd", "momentum": 0.9, "nesterov": true}"#),
        ("adam", r#"{"name": "adam"}"#),
        ("adamw", r#"{"name": "adamw"}"#),
    ] {
        let config: OptimizerConfig = serde_json::from_str(config).unwrap();
        for (label, device) in devices() {
            let w = upload(&device, &[1.0]);
            let mut optimizer = Optimizer::new(&config, vec![w.clone()]).unwrap();
            let schedule = Schedule::new("onecycle:momentum=0.85-0.95".parse().unwrap(), 0.1, 1);
            for (step, expected) in numbers(&case[name]).into_iter().enumerate() {
                // Rate and momentum of a step follow from its number alone, so a resumed run has the same.
                let rate = schedule.prepare(&mut optimizer, step as u64, 20).unwrap();
                optimizer.step(&gradients(&w, &[(step as f64).cos()]), rate as f32).unwrap();
                let what = format!("[{label}] {name}, step {step}");
                compare(&what, &w.to_vec::<f32>().unwrap(), &[expected], 2e-6).unwrap();
            }
        }
    }
}

#[test]
fn momentum_is_cycled_only_where_there_is_some() {
    let (_, device) = devices().remove(0);
    let config: OptimizerConfig = serde_json::from_str(r#"{"name": "sgd"}"#).unwrap();
    let mut optimizer = Optimizer::new(&config, vec![upload(&device, &[1.0])]).unwrap();
    says(optimizer.set_momentum(0.9), &["sgd has none", "‹momentum› above 0"]);
    let cycled = || Config { schedule: "onecycle:momentum=0.85-0.95".into(), ..Config::default() };
    cycled().check().unwrap();
    let sgd = Config { optim: "sgd".into(), momentum: 0.0, ..cycled() };
    says(sgd.check(), &["‹schedule=onecycle:momentum=0.85-0.95›", "use ‹momentum› above 0"]);
}

#[test]
fn schedules_say_what_they_do() {
    for (text, words) in [
        ("constant", "constant"),
        ("step:1:0.9", "times 0.9 after every epoch"),
        ("step:30:0.1", "times 0.1 every 30 epochs"),
        ("multistep:30,60:0.1", "times 0.1 after epochs 30, 60"),
        ("cosine:warmup=500", "down to 0 along half a cosine, after a rise over 500 steps"),
        ("onecycle", "one cycle, up over 30 % of the steps and down to 1/250000; momentum is not cycled"),
        (
            "onecycle:momentum=0.85-0.95",
            "one cycle, up over 30 % of the steps and down to 1/250000; momentum (beta 1) from 0.95 to 0.85 and back",
        ),
        ("plateau:10:0.1", "times 0.1 after more than 10 epochs without a lower loss"),
    ] {
        assert_eq!(text.parse::<Policy>().unwrap().describe(), words);
    }
}
