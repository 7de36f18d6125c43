//! Checked mode: nothing is found in the kernels of the tree, whatever the thread order.

use warptape::Device;
use warptape::check::Case;
use warptape::device::host::checked::Findings;
use warptape::device::host::{Host, Mode, Options, Order};

/// A device in checked mode, and what it finds.
pub fn checked(order: Order) -> (Device, Findings) {
    let findings = Findings::default();
    let options = Options { mode: Mode::Checked, order, findings: Some(findings.clone()), ..Options::default() };
    (Device::new(Box::new(Host::new(options))), findings)
}

macro_rules! test_each {
    ($($op:ident)*) => {
        $(#[test]
        fn $op() {
            gives_no_finding(&warptape::op::$op::cases());
        })*
    };
}
warptape::for_each_op!(test_each);

fn gives_no_finding(cases: &[Case]) {
    for order in [Order::Forward] {
        let (device, findings) = checked(order);
        for case in cases {
            if let Err(what) = case.verify(&device, &case.expectation(1)) {
                panic!("[{order:?}] {what}\n{}", list(&findings));
            }
        }
        assert!(findings.list().is_empty(), "[{order:?}]\n{}", list(&findings));
    }
}

fn list(findings: &Findings) -> String {
    findings.list().iter().map(|finding| format!("{finding}\n")).collect()
}
