//! Kernels with asynchronous copies and multiplies, mbarriers, barriers for a part of a block, and clusters: `tests/corpus/waited`. Each line
//! marked `// orders N` is left out in turn, and checked mode has to name the accesses marked `← N`, which it ordered. Those of
//! `tests/corpus/enough` wait for less than one would think, and are right.

use warptape::device::checked::{Finding, Findings, What};
use warptape::device::host::Order;
use warptape::device::ptx::Mode;

use super::corpus::folder;
use super::nvrtc::nvrtc;
use super::ordered::findings;
use crate::support::ptx_in;

/// What both folders include.
const HEADER: &str = include_str!("../../corpus/waited/waits.h");

/// The texts of a folder, by name.
fn texts(name: &str) -> Vec<(String, &'static str)> {
    folder(name).into_iter().filter(|(name, _)| name != "waits").collect()
}

/// A text with the header, and its own lines' numbers.
fn whole(name: &str, text: &str) -> String {
    let with = |(number, line): (usize, &str)| match line.starts_with("#include") {
        true => format!("#line 1 \"waits.h\"\n{HEADER}#line {} \"{name}.cu\"\n", number + 2),
        false => format!("{line}\n"),
    };
    text.lines().enumerate().map(with).collect()
}

/// What is found in a text in this order of threads.
fn found(name: &str, text: &str, order: Order) -> Vec<Finding> {
    let list = Findings::default();
    findings(name, &whole(name, text), &ptx_in(order, Mode::Checked(Some(list.clone()))), &list)
}

/// The numbers that stand behind a mark in a line.
fn numbers<'a>(line: &'a str, mark: &str) -> Vec<&'a str> {
    line.split_once(mark).map_or(Vec::new(), |(_, numbers)| numbers.split_whitespace().collect())
}

/// In which orders each text is run.
const ORDERS: [Order; 3] = [Order::Forward, Order::Reverse, Order::Random(1)];

fn list(found: &[Finding]) -> String {
    found.iter().map(|one| format!("\n    {one}")).collect()
}

#[test]
fn every_wait_that_is_left_out_is_missed() {
    if nvrtc().is_none() {
        return;
    }
    let (mut wrong, mut count) = (Vec::new(), 0);
    let texts = texts("waited");
    for (name, text) in &texts {
        let mut waits: Vec<&str> = text.lines().flat_map(|line| numbers(line, "// orders ")).collect();
        waits.sort_unstable();
        waits.dedup();
        assert!(!waits.is_empty(), "{name}");
        for order in ORDERS {
            let right = found(name, text, order);
            if !right.is_empty() {
                wrong.push(format!("{name} [{order:?}] is right:{}", list(&right)));
            }
            for wait in &waits {
                let lines = (1..).zip(text.lines()).filter(|(_, line)| numbers(line, "// ← ").contains(wait));
                let lines: Vec<u32> = lines.map(|(number, _)| number).collect();
                assert!(matches!(lines.len(), 1 | 2), "{name}: {wait} orders lines {lines:?}");
                let left = |line: &'static str| if numbers(line, "// orders ").contains(wait) { "" } else { line };
                let without = text.lines().map(left).collect::<Vec<_>>().join("\n");
                let said = found(name, &without, order);
                let of = |one: &Finding| one.lines().iter().map(|line| line.number).collect::<Vec<_>>();
                if !said.iter().any(|one| matches!(one.what, What::Race | What::Stopped) && of(one) == lines) {
                    wrong.push(format!("{name}, {wait} [{order:?}] lines {lines:?}:{}", list(&said)));
                }
            }
        }
        count += waits.len();
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(texts.len() >= 60 && count >= 90, "{} texts, {count} waits", texts.len());
}

#[test]
fn what_waits_enough_is_right() {
    if nvrtc().is_none() {
        return;
    }
    let texts = texts("enough");
    assert!(texts.len() >= 20, "{}", texts.len());
    for (name, text) in &texts {
        for order in ORDERS {
            let found = found(name, text, order);
            assert!(found.is_empty(), "{name} [{order:?}]:{}", list(&found));
        }
    }
}
