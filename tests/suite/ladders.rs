//! Every rung of every ladder: the cases of its op, on every device, with that rung forced.

use std::collections::BTreeSet;

use warptape::check::Case;
use warptape::op::ladder::Summary;
use warptape::op::{self, workload::Workload};

use crate::support::devices;

macro_rules! test_each {
    ($($op:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($op)),*];

        $(#[test]
        fn $op() {
            agree_with_their_references(stringify!($op), &op::$op::cases());
        })*
    };
}
test_each! { conv2d matmul }

fn op_of(ladder: &Summary) -> &'static str {
    Workload::find(ladder.workload).unwrap()[0].op
}

#[test]
fn no_ladder_is_left_out() {
    let found: BTreeSet<&str> = op::ladders().iter().map(op_of).collect();
    assert_eq!(found, TESTED.iter().copied().collect());
}

fn agree_with_their_references(op: &str, cases: &[Case]) {
    let expected: Vec<_> = cases.iter().map(|case| case.expectation(1)).collect();
    let ladders: Vec<_> = op::ladders().into_iter().filter(|ladder| op_of(ladder) == op).collect();
    let mut failures = Vec::new();
    for (label, device) in devices() {
        for ladder in &ladders {
            for rung in ladder.numbers() {
                device.choices().force(ladder.name, Some(rung));
                for (case, expected) in cases.iter().zip(&expected) {
                    if let Err(what) = case.verify(&device, expected) {
                        failures.push(format!("[{label}] {}:{rung}: {what}", ladder.name));
                    }
                }
                device.choices().force(ladder.name, None);
                let ran = device.choices().made()[ladder.name].values().any(|&made| made == rung);
                assert!(ran, "[{label}] no case of {op} can be done by {}:{rung}", ladder.name);
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
