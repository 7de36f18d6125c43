//! Every rung of every ladder: the cases of its op, on every device, with that rung forced.

use std::collections::BTreeSet;

use warptape::check::Case;
use warptape::device::host::Order;
use warptape::device::{Defines, Tree};
use warptape::launch::choices::Kernel;
use warptape::launch::ladder::Summary;
use warptape::op::{self, workload::Workload};
use warptape::{DType, Device, Environment};

use crate::support::{device, devices, host_in, on_fast_host, on_ptx, runs_all};

macro_rules! test_each {
    ($($op:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($op)),*];

        $(#[test]
        fn $op() {
            agree_with_their_references(stringify!($op), &(op::$op::OP.cases)());
        })*
    };
}
test_each! { augment batchnorm conv2d cross_entropy matmul pool reduce }

fn op_of(ladder: &Summary) -> &'static str {
    Workload::find(ladder.workload).unwrap()[0].op
}

#[test]
fn no_ladder_is_left_out() {
    let found: BTreeSet<&str> = op::ladders().iter().map(op_of).collect();
    // Optimizers work in place and have no cases; optim.rs and ladders_optim.rs take both of their rungs.
    assert_eq!(found, TESTED.iter().copied().chain(["optim"]).collect());
}

fn agree_with_their_references(op: &str, cases: &[Case]) {
    agree_in(DType::F32, op, cases, devices());
    // The type changes loads and stores alone: one device tells whether a rung has them right. What NVRTC makes of them differs.
    let halves: &[DType] = if on_ptx() { &[DType::BF16, DType::F16] } else { &[DType::BF16] };
    for element in halves.iter().filter(|_| runs_all()) {
        agree_in(*element, op, cases, vec![("one".into(), device())]);
    }
}

fn agree_in(element: DType, op: &str, cases: &[Case], devices: Vec<(String, Device)>) {
    let expected: Vec<_> = cases.iter().map(|case| case.expectation(1, element)).collect();
    let ladders: Vec<_> = op::ladders().into_iter().filter(|ladder| op_of(ladder) == op).collect();
    let mut failures = Vec::new();
    for (label, device) in devices {
        for ladder in &ladders {
            for rung in ladder.numbers() {
                device.choices().force(ladder.name, Some(rung));
                // Compiling for the sizes of all cases takes minutes. A rung gets a share of them, and its neighbours the others.
                let many = op == "conv2d" || op == "matmul" && element != DType::F32;
                let share = if many { 3 } else { 1 };
                let taken = cases
                    .iter()
                    .zip(&expected)
                    .enumerate()
                    .filter(|(i, _)| (i / 2 + rung as usize).is_multiple_of(share));
                for (_, (case, expected)) in taken {
                    if let Err(what) = case.verify(&device, expected) {
                        failures.push(format!("[{label}] {}:{rung}: {what}", ladder.name));
                    }
                }
                device.choices().force(ladder.name, None);
                let ran = device.choices().made()[ladder.name]
                    .values()
                    .any(|made| *made == Kernel::File(ladder.file(rung).unwrap().into()));
                assert!(ran, "[{label}] no case of {op} can be done by {}:{rung}", ladder.name);
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// Tiles follow from how wide a processor's vectors are. Here are those of others: of 16 floats, and of all widths where all runs.
#[test]
fn tiles_for_vectors_of_any_width_agree_with_their_references() {
    if !on_fast_host("vectors are the host's") {
        return;
    }
    let widths: &[&str] = if runs_all() { &["4", "8", "16"] } else { &["16"] };
    for lanes in widths {
        let environment = Environment::of_process().with("WARPTAPE_LANES", lanes);
        let device = host_in(environment, Order::Forward, false);
        for op in [&op::conv2d::OP, &op::matmul::OP] {
            // Long sums take tiles of full depth.
            let mut cases = (op.cases)();
            cases.sort_by_key(|case| std::cmp::Reverse(case.terms));
            cases.truncate(6);
            for case in &cases {
                let verified = case.verify(&device, &case.expectation(1, DType::F32));
                assert!(verified.is_ok(), "{lanes} floats: {verified:?}");
            }
            for ladder in op::ladders().into_iter().filter(|ladder| runs_all() && op_of(ladder) == op.name) {
                for rung in ladder.numbers() {
                    device.choices().force(ladder.name, Some(rung));
                    let verified = cases[0].verify(&device, &cases[0].expectation(1, DType::F32));
                    assert!(verified.is_ok(), "{lanes} floats, {}:{rung}: {verified:?}", ladder.name);
                    device.choices().force(ladder.name, None);
                }
            }
        }
    }
}

/// What `WARPTAPE_KERNEL` has to say for ladders to take the rung in `file`, or their first one that includes it.
pub fn choice_of(file: &str) -> String {
    let line = format!("#line 1 \"{file}\"");
    let runs = |rung: &str| rung == file || Tree::default().load(rung, &Defines::new()).unwrap().text.contains(&line);
    // What all rungs from some on include needs no choice.
    let shared = file.starts_with("prelude/");
    let of_ladder = |ladder: Summary| {
        let (_, rung) = ladder.files.iter().zip(ladder.numbers()).find(|(name, _)| !shared && runs(name))?;
        Some(format!("{}:{rung}", ladder.name))
    };
    op::ladders().into_iter().filter_map(of_ladder).collect::<Vec<_>>().join(",")
}
