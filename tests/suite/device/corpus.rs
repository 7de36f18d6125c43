//! The catalogue of mistakes, `tests/corpus/broken`, and of kernels that only look suspicious, `tests/corpus/fine`.
//!
//! Each kernel says in its first line what a checker has to find and where; `←` marks these lines for readers.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use warptape::Device;
use warptape::device::Source;
use warptape::device::checked::{Finding, Findings};
use warptape::device::guard::POISON;
use warptape::device::host::Order;
use warptape::device::ptx;
use warptape::device::signature::{Element, Kind};
use warptape::launch_plan::{Plan, Prepared};

use crate::device::nvrtc::nvrtc;
use crate::device::sanitizer::checked;
use crate::support::{has_compiler, on_fast_host, on_gpu, on_ptx, orders, ptx_in};

/// What a file of the corpus says about itself.
pub struct Expectation {
    /// `race`, `out of bounds`, `uninitialized`, `misaligned`, `barrier` or `lanes`; `nothing` for the fine ones.
    pub kind: String,
    /// The parameter or shared variable it happens on.
    pub name: Option<String>,
    /// The lines it happens on, in ascending order.
    pub lines: Vec<usize>,
}

const WITH_NAME: [&str; 4] = ["race", "out of bounds", "uninitialized", "misaligned"];
const WITHOUT_NAME: [&str; 2] = ["barrier", "lanes"];

/// Part of this binary: a GPU machine has no copy of the folder.
static CORPUS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tests/corpus");

/// A kernel of the corpus with its launch.
pub struct Example {
    /// File name without `.cu`.
    pub name: String,
    /// The kernel file.
    pub text: &'static str,
    toml: &'static str,
}

/// The `broken` or the `fine` half of the corpus, in order of names.
pub fn examples(half: &str) -> Vec<Example> {
    let folder = CORPUS.get_dir(half).unwrap();
    let mut examples: Vec<_> = folder.files().filter_map(|file| example(folder, file.path())).collect();
    examples.sort_by(|a, b| a.name.cmp(&b.name));
    examples
}

fn example(folder: &'static Dir<'_>, path: &Path) -> Option<Example> {
    let read = |path: PathBuf| folder.get_file(&path).and_then(|file| file.contents_utf8());
    path.extension().filter(|extension| *extension == "cu")?;
    let toml = read(path.with_extension("toml")).unwrap_or_else(|| panic!("{}: no .toml beside it", path.display()));
    Some(Example { name: path.file_stem()?.to_str()?.into(), text: read(path.into())?, toml })
}

impl Example {
    /// What the first line says.
    pub fn expectation(&self) -> Expectation {
        let first = self.text.lines().next().unwrap().strip_prefix("// expect: ");
        let first = first.unwrap_or_else(|| panic!("{} begins with no expectation", self.name));
        if let Some(why) = first.strip_prefix("nothing: ") {
            assert!(why.len() > 20, "{} says no reason", self.name);
            return Expectation { kind: "nothing".into(), name: None, lines: Vec::new() };
        }
        let (what, lines) = first.split_once(", line ").unwrap();
        let lines: Vec<usize> = lines.split(" and line ").map(|line| line.parse().unwrap()).collect();
        let (kind, name) = what.split_once(" on ").map_or((what, None), |(kind, name)| (kind, Some(name.to_owned())));
        Expectation { kind: kind.into(), name, lines }
    }

    /// The launch on a device; the kernel's file is called `NAME.cu`.
    pub fn prepare(&self, device: &Device) -> Prepared {
        let plan = Plan::from_toml(self.toml).unwrap_or_else(|error| panic!("{}.toml: {error}", self.name));
        let source = Source::from_text(&format!("{}.cu", self.name), self.text, &plan.defines).unwrap();
        plan.prepare(device, &source).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

#[test]
fn every_mistake_says_what_it_is() {
    let examples = examples("broken");
    assert!(examples.len() >= 60, "{}", examples.len());
    let mut seen = Vec::new();
    for example in &examples {
        let (file, text) = (&example.name, example.text);
        let Expectation { kind, name, lines } = example.expectation();
        let named = WITH_NAME.contains(&&*kind);
        assert!(named || WITHOUT_NAME.contains(&&*kind), "{file}: {kind}");
        assert_eq!(named, name.is_some(), "{file}");
        let numbered = (1..).zip(text.lines());
        let marked: Vec<usize> = numbered.filter(|(_, line)| line.contains("// ←")).map(|(i, _)| i).collect();
        assert_eq!(lines, marked, "{file}");
        assert!(lines.len() == 1 || kind == "race" || kind == "barrier", "{file}");
        assert!(text.lines().nth(1).unwrap().starts_with("// "), "{file}: tells no story");
        if let Some(name) = name {
            let ready = example.prepare(&orders().remove(0).1);
            let buffer = ready.buffers.iter().any(|buffer| buffer.name == name);
            let shared = text.lines().any(|l| l.contains("__shared__ ") && l.contains(&format!(" {name}")));
            assert!(buffer != shared, "{file}: {name} is to be a buffer or a shared variable");
        }
        seen.push(kind);
    }
    for kind in WITH_NAME.iter().chain(&WITHOUT_NAME) {
        let count = seen.iter().filter(|seen| seen == kind).count();
        assert!(count >= 4, "{kind}: {count} examples");
    }
}

/// The kernels of a folder of the corpus by their names, in order.
pub fn folder(name: &str) -> Vec<(String, &'static str)> {
    let files = CORPUS.get_dir(name).unwrap().files();
    let text = |file: &'static include_dir::File<'static>| {
        Some((file.path().file_stem()?.to_str()?.to_owned(), file.contents_utf8()?))
    };
    let mut all: Vec<_> = files.filter_map(text).collect();
    all.sort();
    all
}

/// What the host device reports by itself, in any thread order.
#[test]
fn divergence_is_an_error_on_the_host_device() {
    if on_gpu() || on_ptx() {
        println!("skipped: what is an error on the host device may be right on a GPU");
        return;
    }
    let mut seen = 0;
    for example in examples("broken") {
        let file = &example.name;
        let Expectation { kind, lines, .. } = example.expectation();
        if !WITHOUT_NAME.contains(&&*kind) {
            continue;
        }
        for (label, device) in orders() {
            let error = crate::support::launch_prepared(&example.prepare(&device), &device).err();
            let error = error.unwrap_or_else(|| panic!("{file} passes on {label}")).to_string();
            let place = |line| error.contains(&format!("{file}.cu:{line}"));
            assert!(lines.iter().any(place), "{file} on {label}: {error}");
        }
        seen += 1;
    }
    assert!(seen >= 12, "{seen}");
}

/// Buffers after the launch, by parameter.
fn results(ready: &Prepared) -> Vec<(String, Vec<u8>)> {
    ready.buffers.iter().map(|buffer| (buffer.name.clone(), ready.bytes(&buffer.name).unwrap())).collect()
}

/// Kernels that are right compute the same in every thread order and leave nothing unwritten.
#[test]
fn the_fine_ones_run() {
    let examples = examples("fine");
    assert!(examples.len() >= 25, "{}", examples.len());
    for example in &examples {
        let file = &example.name;
        assert_eq!(example.expectation().kind, "nothing", "{file}");
        let mut first = None;
        for (label, device) in orders() {
            let place = format!("{file} on {label}");
            let ready = example.prepare(&device);
            let before = results(&ready);
            crate::support::launch_prepared(&ready, &device).unwrap_or_else(|error| panic!("{place}: {error}"));
            device.check_guards().unwrap_or_else(|error| panic!("{place}: {error}"));
            let mut after = results(&ready);
            assert!(before != after, "{place}: nothing changes");
            for (name, bytes) in &mut after {
                let poisoned = bytes.chunks_exact(4).any(|word| word == POISON.to_le_bytes());
                assert!(!poisoned, "{place}: part of {name} stays unwritten");
                if file == "places_drawn_from_a_counter" && name == "kept" {
                    bytes.sort_unstable(); // the one kernel whose results may stand in any order
                }
            }
            // Where lanes look together, none sees what the others then do.
            let looks = on_ptx() && file == "volatile_look_at_an_atomic";
            match &first {
                _ if looks => {}
                None => first = Some(after),
                Some(first) => assert!(*first == after, "{place}: results differ from another order's"),
            }
        }
    }
}

/// Results known from elsewhere, so that the corpus is right and not just the same everywhere.
#[test]
fn some_results() {
    let (_, device) = orders().remove(0);
    let fine = examples("fine");
    let run = |name: &str| {
        let ready = fine.iter().find(|example| example.name == name).unwrap().prepare(&device);
        let before = results(&ready);
        crate::support::launch_prepared(&ready, &device).unwrap();
        (before, ready)
    };
    let floats = |bytes: &[u8]| -> Vec<f32> { bytemuck::pod_collect_to_vec(bytes) };
    for name in ["last_block_adds_up", "warp_tree_with_syncwarp"] {
        let (before, ready) = run(name);
        let x = floats(&before.last().unwrap().1);
        let sum = floats(&ready.bytes("sum").unwrap())[0];
        assert!((sum - x.iter().sum::<f32>()).abs() < 1e-4, "{name}: {sum}");
    }
    let (before, ready) = run("histogram_in_two_levels");
    let counts: Vec<u32> = bytemuck::pod_collect_to_vec(&ready.bytes("counts").unwrap());
    let expected: Vec<u32> =
        (0..40).map(|bin| before[1].1.iter().filter(|value| **value == bin).count() as u32).collect();
    assert_eq!(counts, expected);
    let (_, ready) = run("reverse_in_place");
    let expected: Vec<f32> = (0..400).map(|i| (i / 100 * 100 + 99 - i % 100) as f32).collect();
    assert_eq!(floats(&ready.bytes("x").unwrap()), expected);
    let kind = ready.signature.parameters[0].kind;
    assert_eq!(kind, Kind::Pointer { to: Some((Element::F32, 1)), read_only: false });
}

const CHECKED: [Order; 4] = [Order::Forward, Order::Reverse, Order::Random(1), Order::Random(2)];

/// Devices in checked mode, in several thread orders: that of [`checked`], and where tests run on the host, the PTX device if there is an
/// NVRTC.
fn in_all_orders() -> Vec<(String, (Device, Findings))> {
    let both = on_fast_host("the PTX device is tested by itself") && nvrtc().is_some();
    let in_order = |order: Order| {
        let mut all = vec![checked(order)];
        if both {
            let findings = Findings::default();
            all.push((ptx_in(order, ptx::Mode::Checked(Some(findings.clone()))), findings));
        }
        all.into_iter().map(move |device| (format!("{} {order:?}", device.0.info().name), device))
    };
    CHECKED.into_iter().flat_map(in_order).collect()
}

/// What checked mode finds in an example.
fn findings(example: &Example, (device, findings): (Device, Findings)) -> Vec<Finding> {
    let prepared = example.prepare(&device);
    crate::support::launch_prepared(&prepared, &device).unwrap_or_else(|error| panic!("{}: {error}", example.name));
    findings.list()
}

fn list(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("\n    {finding}")).collect()
}

/// In every thread order the same mistake is found, on the lines that the file names, and nothing else.
#[test]
fn checked_mode_finds_every_mistake() {
    if !has_compiler() {
        return;
    }
    let mut missed = Vec::new();
    for example in examples("broken") {
        let Expectation { kind, name, lines } = example.expectation();
        for (on, device) in in_all_orders() {
            let found = findings(&example, device);
            let is_it = |finding: &Finding| {
                let places: Vec<usize> = finding.lines().iter().map(|line| line.number as usize).collect();
                finding.what.to_string() == kind && finding.name == name && places == lines
            };
            if !found.iter().any(is_it) || found.len() != 1 {
                let expected = example.text.lines().next().unwrap();
                missed.push(format!("{} [{on}] {expected}; found{}", example.name, list(&found)));
            }
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn checked_mode_finds_nothing_in_what_only_looks_suspicious() {
    if !has_compiler() {
        return;
    }
    for example in examples("fine") {
        for (on, device) in in_all_orders() {
            let found = findings(&example, device);
            assert!(found.is_empty(), "{} [{on}]{}", example.name, list(&found));
        }
    }
}
