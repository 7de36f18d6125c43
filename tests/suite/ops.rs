//! Every op's cases on every device, thread order and tile shape: forward against the f64 reference, backward against
//! finite differences of it, with a non-constant upstream gradient.
//!
//! One test per op, named after it, so that ops run in parallel and `cargo test ops::matmul` runs one of them.

use warptape::check::Case;

use crate::support::devices;

macro_rules! test_each {
    ($($op:ident)*) => {
        $(#[test]
        fn $op() {
            agree_with_their_references(&warptape::op::$op::cases());
        })*
    };
}
warptape::for_each_op!(test_each);

fn agree_with_their_references(cases: &[Case]) {
    let devices = devices();
    let mut failures = Vec::new();
    for case in cases {
        let expected = case.expectation(1);
        for (label, device) in &devices {
            if let Err(what) = case.verify(device, &expected) {
                failures.push(format!("[{label}] {what}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
