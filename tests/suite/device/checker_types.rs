//! That the comparator's room for half precision is its rounding and no more, by planted faults.

use warptape::check::{Case, Input, Values};
use warptape::device::host::Order;
use warptape::{DType, Tape, Tensor, op};

use crate::support::host;

/// Half precision has room for its own rounding, and for nothing else.
#[test]
fn half_precision_excuses_no_more_than_its_rounding() {
    let device = host(Order::Forward, false);
    let relu = |wrong: f64| {
        let x = vec![Input::new([65], Values::AwayFromZero)];
        let right = move |x: &[Vec<f64>]| x[0].iter().map(|v| v.max(0.0) * wrong).collect();
        Case::new("relu", x, |tape, x| op::relu::relu(tape, &x[0]), right)
    };
    // One number after the other, each sum stored: from 256 on bf16 does not notice one more, from 2048 on f16.
    let count = |n: usize| {
        let x = vec![Input::new([1], Values::Range(1.0, 1.0)); n];
        let add_up = |tape: &mut Tape, x: &[Tensor]| {
            let rest = x[1..].iter();
            rest.clone().try_fold(x[0].clone(), |sum, one| op::add::add(tape, &sum, one))
        };
        Case::new("count", x, add_up, |x| vec![x.iter().map(|one| one[0]).sum()]).terms(n).forward_only()
    };
    for (element, stuck) in [(DType::F16, 2048), (DType::BF16, 256)] {
        let verdict = |case: &Case| case.verify(&device, &case.expectation(1, element));
        verdict(&relu(1.0)).unwrap();
        verdict(&relu(1.0 + element.roundoff())).unwrap();
        verdict(&relu(1.0 + 8.0 * element.roundoff())).unwrap_err();
        verdict(&count(stuck)).unwrap();
        let error = verdict(&count(stuck + stuck / 16)).unwrap_err();
        assert!(error.starts_with(&format!("count in {element}: ")), "{error}");
        // In f32 the same sums are right.
        let case = count(stuck + stuck / 16);
        case.verify(&device, &case.expectation(1, DType::F32)).unwrap();
        // Integers have no room at all: the next number of the type is wrong.
        let next = Case::new(
            "next",
            vec![Input::new([9], Values::Integers)],
            |tape, x| op::relu::relu(tape, &x[0]),
            move |x| x[0].iter().map(|v| v.max(0.0) * (1.0 + 2.0 * element.roundoff())).collect(),
        );
        verdict(&next.forward_only()).unwrap_err();
    }
}
