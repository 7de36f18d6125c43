//! Scenarios in processes of their own.

use std::process::Command;

/// How a scenario ended.
pub struct Outcome {
    /// What the driver told, line by line.
    pub told: Vec<String>,
    pub succeeded: bool,
    pub output: String,
}

/// Runs the ignored test `name` of this binary in a process of its own, with this environment.
pub fn run(name: &str, environment: &[(&str, &str)]) -> Outcome {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    for variable in ["ORDER", "FAULTS", "STRICT"] {
        command.env_remove(format!("WARPTAPE_DRIVER_{variable}"));
    }
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let told = errors.lines().filter_map(|line| line.strip_prefix("warptape-driver: ")).map(str::to_owned).collect();
    let ran = String::from_utf8_lossy(&output.stdout).contains("running 1 test");
    assert!(ran, "there is no scenario {name}");
    let output = format!("{}{errors}", String::from_utf8_lossy(&output.stdout));
    Outcome { told, succeeded: output.contains("1 passed"), output }
}

/// Runs a scenario that must succeed, and gives what the driver told.
pub fn told(name: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let outcome = run(name, environment);
    assert!(outcome.succeeded, "{name} with {environment:?}:\n{}", outcome.output);
    outcome.told
}

/// Runs a scenario that must succeed, and of which each of `parts` is told, in order, and no more.
pub fn tells(name: &str, environment: &[(&str, &str)], parts: &[&str]) {
    let told = told(name, environment);
    let matches = told.len() == parts.len() && told.iter().zip(parts).all(|(line, part)| line.contains(part));
    assert!(matches, "{name} with {environment:?} told\n{}\nand not\n{}", told.join("\n"), parts.join("\n"));
}
