//! `bench tables`: what it writes, that it writes it once, and that the READMEs hold what the results say.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use warptape::bench::tables::{FILES, documents};

use crate::command::{done, refused, warptape};
use crate::support::{has_compiler, skips_long};

const BEGIN: &str = "<!-- bench:train:begin -->\n";
const END: &str = "<!-- bench:train:end -->\n";

/// A checkout with a README, whose text is `readme`, and results of train on `devices`.
fn checkout(readme: &str, devices: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("benches/results")).unwrap();
    fs::create_dir(root.path().join("kernels")).unwrap();
    fs::write(root.path().join("README.md"), readme).unwrap();
    fs::write(root.path().join("kernels/README.md"), "no tables\n").unwrap();
    for device in devices {
        let file = root.path().join(format!("benches/results/train-{}.json", device.replace(':', "")));
        fs::write(file, results(device).to_string()).unwrap();
    }
    root
}

fn results(device: &str) -> Value {
    let measured = |name: &str, rate: f64| json!({"name": name, "images_per_second": rate, "peak_bytes": 3 << 20, "step_seconds": [4.0 / rate]});
    let missing = json!({"name": "compiled", "not_measured": "no | compiler"});
    let contenders = [measured("warptape", 60.25), measured("eager", 120.5), measured("channels_last", 100.0), missing];
    json!({
        "what": "train", "device": device, "card": format!("card of {device}"), "date": "2025-01-31",
        "commit": "0123456789ab", "versions": {"torch": "9.8.7"}, "settings": {"runs": "median of 1"},
        "rows": [{"model": "little-conv", "batch": 4, "parameters": 391_466, "contenders": contenders}],
    })
}

fn tables(root: &Path, more: &[&str]) -> std::process::Command {
    let mut command = warptape();
    command.args(["bench", "tables"]).args(more).current_dir(root);
    command
}

fn written(root: &TempDir) -> String {
    let said = done(&mut tables(root.path(), &[]));
    assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{}", said.stdout);
    fs::read_to_string(root.path().join("README.md")).unwrap()
}

#[test]
fn tables_hold_what_the_results_say() {
    let root = checkout(&format!("above\n{BEGIN}of old\n{END}below\n"), &["cuda:0", "host"]);
    refused(&mut tables(root.path(), &["--check"]), 1, &["README.md", "`warptape bench tables`"]);
    let text = written(&root);
    assert!(text.starts_with(&format!("above\n{BEGIN}Host device")) && text.ends_with(&format!("\n{END}below\n")));
    assert!(!text.contains("of old"), "{text}");
    let row = "| little-conv, 4 | 60.2 (3 MiB) | 120 (3 MiB) | 100 (3 MiB) | not measured | 0.50 |\n";
    assert_eq!(text.matches(row).count(), 2, "{text}");
    for device in ["host", "cuda:0"] {
        let below = format!("\ncard of {device}, 2025-01-31, commit 0123456789ab; torch 9.8.7.");
        assert!(text.contains(&below), "{text}");
    }
    assert_eq!(text.matches("PyTorch compiled: not measured: no | compiler").count(), 2, "{text}");
    // Once written, nothing is left to write.
    assert_eq!(written(&root), text);
    let said = done(&mut tables(root.path(), &["--check"]));
    assert_eq!((said.code, said.stdout.lines().count()), (Some(0), FILES.len()));
}

#[test]
fn what_was_not_measured_says_so() {
    let text = written(&checkout(&format!("{BEGIN}{END}"), &["host"]));
    assert!(text.contains("GPU: not measured.\n") && !text.contains("Host device: not measured"), "{text}");
    let rows = text.split("GPU: not measured.").nth(1).unwrap().lines().filter(|line| line.starts_with("| resnet"));
    let rows: Vec<&str> = rows.collect();
    assert!(rows.len() == 2 && rows.iter().all(|row| row.matches("| not measured ").count() == 5), "{text}");
    let text = written(&checkout(&format!("{BEGIN}{END}"), &[]));
    assert!(text.contains("Host device: not measured.\n") && text.contains("GPU: not measured.\n"), "{text}");
}

#[test]
fn markers_and_results_that_are_damaged() {
    for (readme, parts) in [
        (format!("{BEGIN}no end\n"), &["README.md", "has no <!-- bench:train:end -->"][..]),
        (format!("x {}", BEGIN.trim_end()), &["README.md", "on a line of its own"]),
        (format!("{BEGIN}{END}").replace("train", "tran"), &["no table is called 'tran'", "train"]),
    ] {
        let root = checkout(&readme, &["host"]);
        refused(&mut tables(root.path(), &[]), 1, parts);
        assert_eq!(fs::read_to_string(root.path().join("README.md")).unwrap(), readme);
    }
    let root = checkout(&format!("{BEGIN}{END}"), &["host"]);
    let file = root.path().join("benches/results/train-host.json");
    fs::write(&file, "{").unwrap();
    refused(&mut tables(root.path(), &[]), 1, &["train-host.json", "warptape bench train --out"]);
    fs::write(&file, results("host").to_string().replace("\"train\"", "\"kernels\"")).unwrap();
    refused(&mut tables(root.path(), &[]), 1, &["train-host.json", "results of bench kernels"]);
    fs::remove_file(&file).unwrap();
    fs::remove_dir_all(root.path().join("kernels")).unwrap();
    refused(&mut tables(root.path(), &[]), 1, &["kernels/README.md", "checkout of warptape"]);
}

/// The tables of this checkout are those of its results, and there are some.
#[test]
fn the_readmes_are_up_to_date() {
    if !has_compiler() || skips_long() {
        return;
    }
    let documents = documents(Path::new(".")).unwrap();
    assert!(documents[0].new.contains(BEGIN), "README.md has no table");
    for document in documents {
        assert!(document.old == document.new, "{}: run `warptape bench tables`", document.path.display());
    }
}

/// Results of kernels on one device: rungs of the matrix product, of which the last has no figure, and a library.
fn kernels(device: &str) -> Value {
    let measured = |name: &str, milliseconds: f64| {
        let figures =
            json!({"gflops": 12.5, "gigabytes_per_second": 0.25, "of_ceiling": 0.125, "runs": [milliseconds]});
        let mut one = json!({"name": name, "milliseconds": milliseconds});
        one.as_object_mut().unwrap().extend(figures.as_object().unwrap().clone());
        one
    };
    let row = |problem: &str, flops: f64| {
        let refused = json!({"name": "8_refused", "not_measured": "cannot do this problem"});
        let contenders = [measured("6_vectorized", 4.0), measured("PyTorch", 1.0), refused];
        json!({"ladder": "matmul_forward", "problem": problem, "networks": ["vgg16_bn"], "flops": flops, "bytes": 1.0, "contenders": contenders})
    };
    let mut all = results(device);
    all["what"] = json!("kernels");
    all["rows"] = json!([row("NN m1 n1 k1", 2.0), row("NN m9 n9 k9", 18.0), row("NN m8 n8 k8", 16.0)]);
    all
}

#[test]
fn ladders_are_told_by_their_most_telling_problem() {
    let (all, one) = ("<!-- bench:kernels:begin -->\n", "<!-- bench:kernels/matmul_forward:begin -->\n");
    let end = |begin: &str| begin.replace(":begin", ":end");
    let root = checkout(&format!("{all}{}{one}{}", end(all), end(one)), &[]);
    let file = root.path().join("benches/results/kernels-host.json");
    fs::write(file, kernels("host").to_string()).unwrap();
    let text = written(&root);
    assert!(
        text.contains("| `matmul_forward` | NN m9 n9 k9 | 6_vectorized | 4.00 | 12.5 | 0.250 | 12 % | - | 0.25 |\n"),
        "{text}"
    );
    let ladder = text.split(one).nth(1).unwrap();
    assert!(ladder.contains("| NN m9 n9 k9 | ms |"), "{ladder}");
    assert!(ladder.contains("| 6_vectorized | 4.00 | 12.5 | 0.250 | 12 % | - | 0.25 |\n"), "{ladder}");
    assert!(ladder.contains("| PyTorch | 1.00 | 12.5 | 0.250 | 12 % | - | 1.00 |\n"), "{ladder}");
    assert_eq!(text.matches("GPU: not measured.\n").count(), 2, "{text}");
    assert_eq!(text.matches("card of host, 2025-01-31, commit 0123456789ab; torch 9.8.7").count(), 2, "{text}");
    assert_eq!(written(&root), text);
    let wrong = format!("{one}{}", end(one)).replace("matmul_forward", "matmul");
    refused(&mut tables(checkout(&wrong, &[]).path(), &[]), 1, &["no table is called 'kernels/matmul'"]);
}
