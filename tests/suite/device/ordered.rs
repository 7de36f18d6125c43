//! Kernels that need each of their barriers, `tests/corpus/ordered`: whatever a line marked `// orders` has is left out, and checked mode
//! has to find the two accesses, marked `←`, that it ordered; as they are it finds nothing.

use warptape::Device;
use warptape::device::Source;
use warptape::device::checked::{Finding, Findings, What};
use warptape::device::host::Order;
use warptape::device::ptx::Mode;
use warptape::launch_plan::Plan;

use super::corpus::folder;
use super::nvrtc::nvrtc;
use crate::support::{self, has_compiler, launch_prepared, ptx_in, runs_all};

/// What only the PTX device sees: a variable of the module is no business of the host's.
const NOT_ON_THE_HOST: [&str; 1] = ["variable_of_the_module"];

struct Example {
    name: String,
    text: &'static str,
    /// Lines of the accesses, in ascending order.
    lines: Vec<u32>,
}

impl Example {
    /// The text without what orders.
    fn without(&self) -> String {
        let left_out = |line: &str| match line.contains("// orders") {
            true => "// left out".to_owned(),
            false => line.to_owned(),
        };
        self.text.lines().map(left_out).collect::<Vec<_>>().join("\n") + "\n"
    }
}

/// What is found in a text, of the file `name`, that says in its first lines how it is launched.
pub(super) fn findings(name: &str, text: &str, device: &Device, findings: &Findings) -> Vec<Finding> {
    let plan: String =
        text.lines().filter_map(|line| line.strip_prefix("//! ")).map(|line| format!("{line}\n")).collect();
    let plan = Plan::from_toml(&plan).unwrap_or_else(|error| panic!("{name}: {error}"));
    let source = Source::from_text(&format!("{name}.cu"), text, &plan.defines).unwrap();
    let prepared = plan.prepare(device, &source).unwrap_or_else(|error| panic!("{name}: {error}"));
    launch_prepared(&prepared, device).unwrap_or_else(|error| panic!("{name}: {error}"));
    findings.list()
}

fn examples() -> Vec<Example> {
    let read = |(name, text): (String, &'static str)| {
        let marked = (1..).zip(text.lines()).filter(|(_, line)| line.contains("// ←"));
        let lines = marked.map(|(number, _)| number).collect();
        assert_eq!(text.lines().filter(|line| line.contains("// orders")).count(), 1, "{name}");
        Example { name, text, lines }
    };
    folder("ordered").into_iter().map(read).collect()
}

/// Every example, whole and without what orders, on devices that `open` makes.
fn each_is_needed(open: impl Fn(Order, Findings) -> Device, examples: &[Example]) {
    let mut wrong = Vec::new();
    for example in examples {
        for order in [Order::Forward, Order::Reverse, Order::Random(1)] {
            let found = |text: &str| {
                let found = Findings::default();
                findings(&example.name, text, &open(order, found.clone()), &found)
            };
            let list = |found: &[Finding]| found.iter().map(|one| format!("\n    {one}")).collect::<String>();
            let whole = found(example.text);
            if !whole.is_empty() {
                wrong.push(format!("{} [{order:?}] is right:{}", example.name, list(&whole)));
            }
            let without = found(&example.without());
            let lines = |one: &Finding| one.lines().iter().map(|line| line.number).collect::<Vec<_>>();
            let is_it = |one: &Finding| one.what == What::Race && lines(one) == example.lines;
            if !without.iter().any(is_it) {
                wrong.push(format!("{} [{order:?}] lines {:?}:{}", example.name, example.lines, list(&without)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_orders_is_missed_where_it_is_left_out() {
    if nvrtc().is_none() {
        return;
    }
    let examples = examples();
    assert!(examples.len() >= 40, "{}", examples.len());
    each_is_needed(|order, findings| ptx_in(order, Mode::Checked(Some(findings))), &examples);
}

#[test]
fn the_host_misses_it_too() {
    if !has_compiler() || !runs_all() {
        return println!("skipped: compiles each kernel twice; WARPTAPE_TEST_ALL=1 runs it, as CI does");
    }
    let mut examples = examples();
    examples.retain(|example| !NOT_ON_THE_HOST.contains(&&*example.name));
    each_is_needed(|order, findings| support::host_checked(order, Some(findings)), &examples);
}
