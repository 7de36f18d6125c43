//! Learning-rate schedules against PyTorch.

use warptape::optim::{Curve, Policy, Schedule};

use super::optim::{golden, numbers};

#[test]
fn schedules_agree_with_pytorch() {
    let golden = golden(include_str!("../../golden/schedules.json"));
    let policies = [
        ("constant", "constant"),
        ("step", "step:3:0.5"),
        ("multi_step", "multistep:2,5:0.1"),
        ("cosine", "cosine"),
        ("restarts", "restarts:4"),
        ("restarts_longer", "restarts:2:2"),
        ("triangle", "triangle:0.2:0.23:0.07"),
        ("linear", "triangle:1:0:0"),
        ("one_cycle", "onecycle"),
        ("one_cycle_momentum", "onecycle:momentum=0.85-0.95"),
        ("plateau", "plateau:2:0.1"),
        ("warmup_cosine", "cosine:warmup=5"),
    ];
    assert_eq!(golden["schedules"].as_object().unwrap().len(), policies.len());
    for (name, policy) in policies {
        let case = &golden["schedules"][name];
        let rates = numbers(&case["lr"]);
        // The cosine's file goes one step past the end, to its floor.
        let total = case["params"]["T_max"].as_u64().unwrap_or(rates.len() as u64);
        // Where PyTorch's scheduler moves once per epoch, an epoch here is one step.
        let mut schedule = Schedule::new(policy.parse().unwrap(), case["base_lr"].as_f64().unwrap(), 1);
        for (step, expected) in rates.iter().enumerate() {
            let found = schedule.lr(step as u64, total);
            assert!((found - expected).abs() < 1e-12, "{name}, step {step}: {found}, expected {expected}");
            let momentum = schedule.momentum(step as u64, total);
            let expected = case["momentum"].get(step).map(|momentum| momentum.as_f64().unwrap());
            let close = momentum.unwrap_or(0.0) - expected.unwrap_or(0.0);
            assert!(
                close.abs() < 1e-12 && momentum.is_some() == expected.is_some(),
                "{name}, step {step}: {momentum:?}"
            );
            // A checkpoint after every step changes nothing.
            schedule = serde_json::from_str(&serde_json::to_string(&schedule).unwrap()).unwrap();
            if let Some(metric) = case["metrics"].get(step) {
                schedule.observe(metric.as_f64().unwrap());
            }
        }
    }
}

#[test]
fn milestones_are_epochs_and_warm_up_is_steps() {
    let schedule = Schedule::new("multistep:2,3:0.1:warmup=10".parse().unwrap(), 1.0, 100);
    let lr = |step| schedule.lr(step, 400);
    assert_eq!([lr(0), lr(5), lr(10), lr(199)], [0.1, 0.55, 1.0, 1.0]);
    assert_eq!([lr(200), lr(299)], [0.1, 0.1]);
    assert!((lr(300) - 0.01).abs() < 1e-15);
    let every = Schedule::new("step:2:0.5".parse().unwrap(), 1.0, 10);
    assert_eq!([19, 20, 39, 40].map(|step| every.lr(step, 100)), [1.0, 0.5, 0.5, 0.25]);
}

#[test]
fn every_rate_is_finite_and_positive_at_the_edges() {
    let others = ["triangle:0:0.5:0", "triangle:1:0:0.5"];
    let first =
        ["constant", "step:1", "multistep:1", "cosine", "restarts:1:2", "onecycle", "plateau", "cosine:warmup=9"];
    for policy in first.into_iter().chain(others) {
        for total in [0, 1, 2, 3, 4, 5] {
            let mut schedule = Schedule::new(policy.parse().unwrap(), 0.1, 0);
            schedule.observe(f64::NAN);
            for step in 0..=total {
                let lr = schedule.lr(step, total);
                assert!((0.0..=0.1).contains(&lr), "{policy}, step {step} of {total}: {lr}");
            }
        }
    }
}

#[test]
fn policies_are_read_and_written() {
    let cycled = "onecycle:momentum=0.85-0.95";
    let plain = ["constant", "step:30:0.1", "multistep:30,60:0.2:warmup=500", "cosine", "onecycle", "plateau:10:0.1"];
    for text in plain.into_iter().chain([cycled, "restarts:10:2:warmup=5", "triangle:0.2:0.23:0.07"]) {
        let policy: Policy = text.parse().unwrap();
        assert_eq!(policy.to_string(), text);
    }
    let policy = |text: &str| text.parse::<Policy>();
    assert_eq!(policy("plateau").unwrap().curve, Curve::Plateau { patience: 10, factor: 0.1 });
    assert_eq!(policy("step:30").unwrap(), policy("step:30:0.1").unwrap());
    assert_eq!(policy("cosine:warmup=5").unwrap(), Policy { curve: Curve::Cosine, warmup: 5 });
    for (text, reason) in [
        ("", "unknown"),
        ("warmup=3", "unknown"),
        ("linear", "unknown; there is constant, step:30:0.1"),
        ("step", "at which epoch? try step:30:0.1"),
        ("step:0", "epochs count from 1"),
        ("step:x", "'x' is not a whole number"),
        ("step:3:1.5", "the factor must be a number between 0 and 1"),
        ("restarts", "after how many epochs? try restarts:10:2"),
        ("restarts:0", "epochs count from 1"),
        ("restarts:3:0", "each cycle is 1 or more times as long"),
        ("restarts:3:0.5", "'0.5' is not a whole number"),
        ("multistep:3,", "'' is not a whole number"),
        ("cosine:7", "'7' is one part too many"),
        ("cosine:warmup=x", "'x' is not a whole number"),
        ("cosine:cooldown=3", "'cooldown=3' is not known"),
        ("cosine:momentum=0.85-0.95", "only onecycle cycles momentum"),
        ("triangle", "a share of the rate to begin with, where of all steps the peak is"),
        ("triangle:0.2:1:0", "a share of the rate"),
        ("triangle:0.2:0.3:1.5", "a share of the rate"),
        ("triangle:0.2:0.3:0:4", "'4' is one part too many"),
        ("triangle:0.2:0.3:0:warmup=3", "triangle has a warm-up of its own"),
        ("onecycle:momentum=0.85", "momentum goes between two numbers above 0 and below 1"),
        ("onecycle:momentum=0.95-0.85", "momentum goes between"),
        ("onecycle:momentum=0-0.9", "momentum goes between"),
        ("onecycle:momentum=0.9-1", "momentum goes between"),
        ("onecycle:warmup=3", "onecycle has a warm-up of its own"),
        ("plateau:99999999999", "nobody is that patient"),
    ] {
        let error = policy(text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("schedule '{text}': {reason}")), "{error}");
    }
}
