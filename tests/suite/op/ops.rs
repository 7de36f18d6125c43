//! Every op's cases on every device, thread order and tile shape: forward against the f64 reference, backward against
//! finite differences of it, with a non-constant upstream gradient.
//!
//! One test per op, named after it, so that ops run in parallel and `cargo test ops::matmul` runs one of them.

use warptape::device::{Defines, Tree};
use warptape::op::entry::sources;
use warptape::op::{self, Op};
use warptape::train::precision::Precision;
use warptape::{DType, Tape, Tensor};

use crate::support::{devices, runs_all, takes};

macro_rules! test_each {
    ($($op:ident)*) => {
        $(#[test]
        fn $op() {
            agrees_with_its_references(stringify!($op), &op::$op::OP);
        })*
    };
}
warptape::for_each_op!(test_each);

/// An op without references at least runs, and writes where it may.
fn agrees_with_its_references(name: &str, op: &Op) {
    assert_eq!(op.name, name, "the name in its entry");
    let (devices, cases) = (devices(), (op.cases)());
    let lacks = |element: DType| element == DType::BF16 && Precision::Bf16.check(&devices[0].1).is_err();
    let elements: Vec<DType> = op.elements.iter().copied().filter(|&element| !lacks(element)).collect();
    if elements.len() < op.elements.len() {
        println!("skipped: bf16, which {} does not have", devices[0].0);
    }
    let elements: Vec<DType> = elements.into_iter().filter(|element| takes(*element)).collect();
    let mut failures = Vec::new();
    for workload in if cases.is_empty() { (op.workloads)() } else { Vec::new() } {
        for &element in &elements {
            for (label, device) in &devices {
                if let Err(what) = workload.run(device, &[], element).and_then(|()| device.check_guards()) {
                    failures.push(format!("[{label}] {} in {element}: {what}", workload.name));
                }
            }
        }
    }
    // Products are compiled for their sizes, which takes minutes for all in all types. Half precision takes some of them.
    let share = match ["conv2d", "matmul"].contains(&name) {
        true if runs_all() => 3,
        true => 5,
        false => 1,
    };
    let taken = |i: usize, kind: usize| kind == 0 || (i / 2 + kind).is_multiple_of(share);
    for (i, case) in cases.iter().enumerate() {
        for (_, &element) in elements.iter().enumerate().filter(|&(kind, _)| taken(i, kind)) {
            let expected = case.expectation(1, element);
            for (label, device) in &devices {
                if let Err(what) = case.verify(device, &expected) {
                    failures.push(format!("[{label}] {what}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn elementwise_ops_refuse_integers_and_what_is_not_of_one_shape_or_type() {
    let (_, device) = &devices()[0];
    let floats = Tensor::zeros(device, [6], DType::F32).unwrap();
    let integers = Tensor::zeros(device, [6], DType::I32).unwrap();
    let add = |a: &Tensor, b: &Tensor| op::add::add(&mut Tape::new(), a, b).map_err(|e| e.to_string());
    assert_eq!(add(&floats, &floats.reshape([2, 3]).unwrap()).unwrap_err(), "add: f32 [6] and f32 [2, 3] differ");
    assert_eq!(add(&floats, &integers).unwrap_err(), "add: f32 [6] and i32 [6] differ");
    assert_eq!(add(&integers, &integers).unwrap_err(), "elementwise: i32 [6] is not f32, f16 or bf16");
    let narrow = Tensor::zeros(device, [6], DType::BF16).unwrap();
    assert_eq!(add(&floats, &narrow).unwrap_err(), "add: f32 [6] and bf16 [6] differ");
    assert!(op::relu::relu(&mut Tape::new(), &integers).is_err());
}

/// One that forgot would take a half's memory for floats.
#[test]
fn kernels_that_are_compiled_for_a_type_say_where_it_is() {
    let types = Tree::default().load("prelude/element.cuh", &Defines::new()).unwrap().text;
    let types = types.split_once("#pragma once").unwrap().1;
    let mut seen = 0;
    for source in sources(op::ALL).unwrap() {
        // All but the header that defines both words.
        assert!(
            source.text.contains(types) || source.defines.iter().all(|(name, _)| name != "ELEMENT"),
            "{}",
            source.file
        );
        let text = source.text.replace(types, "");
        for (name, word) in [("ELEMENT", "element* "), ("RESULT", "result* ")] {
            if source.defines.iter().any(|(define, _)| define == name) {
                assert!(text.contains(word), "{} is compiled with {name}, and has no {word}", source.file);
                seen += 1;
            }
        }
    }
    assert!(seen > 500, "{seen}");
}
