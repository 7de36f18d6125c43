//! Checked mode: nothing is found in the kernels of the tree, whatever the thread order.

use std::collections::BTreeSet;

use warptape::DType;
use warptape::device::checked::Findings;
use warptape::device::host::Order;
use warptape::device::tree::kernel_files;
use warptape::device::{Defines, Device, Tree};
use warptape::op::workload::{Kernel, Workload, launched};
use warptape::op::{Op, workloads};

use crate::support;

use crate::support::on_gpu;

/// A device in checked mode, and what it finds.
pub fn checked(order: Order) -> (Device, Findings) {
    let findings = Findings::default();
    (support::checked(order, Some(findings.clone())), findings)
}

macro_rules! test_each {
    ($($op:ident)*) => {
        $(#[test]
        fn $op() {
            gives_no_finding(&warptape::op::$op::OP);
        })*
    };
}
warptape::for_each_op!(test_each);

/// Nor in its workloads, if it has no cases.
fn gives_no_finding(op: &Op) {
    let cases = (op.cases)();
    let expected: Vec<_> = cases.iter().map(|case| case.expectation(1, DType::F32)).collect();
    everywhere(|device| {
        if cases.is_empty() {
            return (op.workloads)()
                .iter()
                .try_for_each(|one| one.run(device, &[], DType::F32))
                .map_err(|e| e.to_string());
        }
        cases.iter().zip(&expected).try_for_each(|(case, expected)| case.verify(device, expected))
    });
}

/// Runs `test` in several thread orders, of which one finds almost all; it must pass without a finding.
fn everywhere(test: impl Fn(&Device) -> Result<(), String>) {
    if on_gpu() {
        return println!("skipped: checked mode runs on the host device, which other runs of the suite test");
    }
    for order in Order::several(if support::runs_all() { 5 } else { 3 }) {
        let (device, findings) = checked(order);
        let outcome = test(&device);
        let list: String = findings.list().iter().map(|finding| format!("{finding}\n")).collect();
        assert!(outcome.is_ok() && list.is_empty(), "[{order:?}] {outcome:?}\n{list}");
    }
}

/// Optimizers, augmentation and the like have no cases; and sizes of these are not those of cases.
#[test]
fn workloads_give_no_finding() {
    everywhere(|device| {
        workloads().iter().try_for_each(|workload| {
            workload.run(device, &[], DType::F32).map_err(|e| format!("{}: {e}", workload.name))?;
            // All sizes 1, and all odd.
            for size in [1, 3] {
                let sizes = vec![size; workload.dims.len()];
                let training = workload.op == "batchnorm" && workload.name != "batchnorm_inference";
                let possible = if training { size > 1 } else { workload.can(&sizes).unwrap() };
                // Winograd's filters are 3 × 3 at stride 1, and the last rung of the input's gradient is for other strides.
                let special = workload.op == "conv2d" && workload.rung().is_some_and(|(_, rung)| rung >= 7);
                assert!(possible || training || special, "{} {sizes:?}", workload.name);
                let ran = workload.run(device, &sizes, DType::F32);
                assert_eq!(ran.is_ok(), possible, "{} {sizes:?}: {ran:?}", workload.name);
            }
            Ok(())
        })
    });
}

#[test]
fn every_kernel_of_the_tree_has_a_workload() {
    let run: BTreeSet<Kernel> = workloads().iter().flat_map(|workload| workload.kernels().unwrap()).collect();
    let of = |file: String| {
        let source = Tree::default().load(&file, &Defines::new()).unwrap();
        assert!(!source.kernels().is_empty(), "{file}");
        source.kernels().iter().map(|name| Kernel { file: file.clone(), function: name.clone() }).collect::<Vec<_>>()
    };
    let there: BTreeSet<Kernel> = kernel_files().into_iter().flat_map(of).collect();
    assert_eq!(run, there, "left: what workloads launch; right: what is there");
}

#[test]
fn workloads_find_and_refuse() {
    let names = |name: &str| Workload::find(name).map(|found| found.iter().map(|w| w.name.clone()).collect::<Vec<_>>());
    assert_eq!(names("matmul").unwrap(), ["matmul"]);
    // What an op chooses on a GPU is found under the op's name, other rungs under their own.
    let below = (1..8).map(|rung| format!("matmul_forward:{rung}")).collect::<Vec<_>>();
    assert_eq!(names("matmul_forward").unwrap(), [&["linear".to_owned(), "matmul".to_owned()], &below[..]].concat());
    assert_eq!(names("matmul/8_warp_tile.cu").unwrap(), ["linear", "matmul"]);
    assert_eq!(names("matmul/6_vectorized.cu").unwrap(), ["matmul_forward:6"]);
    assert_eq!(names("max_pool_backward").unwrap(), ["max_pool", "max_pool_dilated", "max_pool_backward:1"]);
    let pools = ["max_pool", "avg_pool", "avg_pool_inside", "max_pool_dilated"];
    assert_eq!(names("pool").unwrap(), [&pools[..], &["max_pool_forward:1", "max_pool_backward:1"]].concat());
    assert_eq!(names("pool/").unwrap(), names("pool").unwrap());
    assert_eq!(
        names("optim").unwrap(),
        ["sgd", "adam", "amsgrad", "unscale", "clip", "average", "sgd_step:1", "adam_step:1"]
    );
    // Files that many rungs include mean all of them; an op's own choices come first.
    let [tiled, forward] = ["prelude/tile.cuh", "conv2d/forward"].map(|name| names(name).unwrap());
    assert_eq!((&tiled[..2], &forward[..2]), (&["conv2d", "conv2d_strided"].map(String::from)[..], &tiled[..2]));
    assert!(tiled[2..].contains(&"matmul_forward:6".to_owned()) && tiled[2..].iter().all(|name| name.contains(':')));
    assert_eq!(forward.len(), 2 + 7, "{forward:?}");
    assert_eq!(names("conv2d/forward/3_implicit_gemm.cu").unwrap(), ["conv2d_grouped"]);
    let unknown = |name: &str| names(name).unwrap_err().to_string();
    let list = "`warptape kernels list` shows all";
    assert!(unknown("matmull").starts_with("no kernel, file or folder is called 'matmull': did you mean matmul, "));
    assert!(unknown("matmull").ends_with(list));
    assert_eq!(unknown("@"), format!("no kernel, file or folder is called '@'; {list}"));

    let matmul = Workload::find("matmul").unwrap().remove(0);
    let refused = |sizes: &[usize]| matmul.sizes(sizes).unwrap_err().to_string();
    assert_eq!(matmul.sizes(&[]).unwrap(), matmul.default);
    assert_eq!(matmul.sizes(&[4, 5, 6]).unwrap(), [4, 5, 6]);
    assert_eq!(refused(&[4, 5]), "matmul takes ‹shape=m,n,k› (three sizes), not 2");
    assert_eq!(refused(&[4, 0, 6]), "matmul takes ‹shape=m,n,k› (three sizes from 1 to 2^31 - 1); n is 0");
    let run = |name: &str, sizes: &[usize]| {
        let workload = Workload::find(name).unwrap().remove(0);
        launched(|device| workload.run(device, sizes, DType::F32)).unwrap_err().to_string()
    };
    assert!(run("matmul", &[1 << 20, 1, 1 << 20]).contains("has more than 2^31 - 1 elements"));
    assert!(run("topk", &[3, 4, 5]).starts_with("‹shape› for topk: topk: the 5 largest of 4 columns"));
}
