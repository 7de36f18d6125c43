//! PyTorch as a contender: a script of `benches/pytorch` in a process of its own, which makes a timed run whenever it is
//! told to; see `benches/pytorch/worker.py`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Where the scripts lie below a checkout.
const FOLDER: &str = "benches/pytorch";

/// A Python that may have PyTorch.
#[derive(Clone, Debug)]
pub struct Python {
    program: PathBuf,
    device: &'static str,
}

/// What a script says of itself once it is warm.
#[derive(Clone, Debug, Deserialize)]
pub struct Ready {
    /// Python, PyTorch and what that stands on.
    pub versions: BTreeMap<String, String>,
    /// Learned numbers of the network, if it is one.
    #[serde(default)]
    pub parameters: usize,
    /// NVIDIA's libraries that its PyTorch has loaded: the files by their names, `cublas`, `cudnn`.
    #[serde(default)]
    pub libraries: BTreeMap<String, PathBuf>,
}

/// A script that is running and warm.
pub struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    complaints: File,
    /// What it said of itself.
    pub ready: Ready,
}

#[derive(Deserialize)]
struct Run {
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Solved {
    Run(Run),
    Unable { not_measured: String },
}

impl Python {
    /// The Python `program`, for the kind of device that `device` (`host`, `cuda:0`) is.
    ///
    /// # Errors
    /// A program that cannot be started; scripts that are not there.
    pub fn new(program: &Path, device: &str) -> Result<Self> {
        let started = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        started
            .map_err(|e| Error::usage(format!("‹pytorch={}›: {e}; name a Python, as python3", program.display())))?;
        if !Path::new(FOLDER).is_dir() {
            return Err(Error::file(FOLDER, "is not in the current folder: run this in a checkout of warptape"));
        }
        let device = if device.starts_with("cuda") { "cuda" } else { "cpu" };
        Ok(Self { program: program.into(), device })
    }

    /// Starts `script` with `args` and waits until it is warm. Or the reason why it cannot do it, such as `no torch`.
    ///
    /// # Errors
    /// A process that cannot be started; a script that says what it should not.
    pub fn start(&self, script: &str, args: &[String]) -> Result<std::result::Result<Worker, String>> {
        let file = Path::new(FOLDER).join(script);
        let fail = |e: std::io::Error| Error::file(&file, e);
        let complaints = tempfile::tempfile().map_err(fail)?;
        let mut child = Command::new(&self.program)
            .arg("-B")
            .arg(&file)
            .args(["--turns", "--device", self.device])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints.try_clone().map_err(fail)?)
            .spawn()
            .map_err(fail)?;
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("asked for"));
        let ready = Ready { versions: BTreeMap::new(), parameters: 0, libraries: BTreeMap::new() };
        let mut worker = Worker { child, input, output: BufReader::new(output), complaints, ready };
        Ok(match worker.listen()? {
            Ok(ready) => {
                worker.ready = ready;
                Ok(worker)
            }
            Err(reason) => Err(reason),
        })
    }
}

impl Worker {
    /// Has it make one timed run; returns the seconds of one repetition.
    ///
    /// # Errors
    /// A script that ended instead, with its reason.
    pub fn run(&mut self) -> Result<f64> {
        self.ask::<Run>("go").map(|run| run.seconds)
    }

    /// Has `kernels.py` solve `problem` of `ladder` once, its caches cold; returns the seconds, or why it cannot. It compares
    /// its result with its own in f64, of which it may differ by `allowed` times the largest element, or 1.
    ///
    /// # Errors
    /// A script that ended, with its reason.
    pub fn solve(&mut self, ladder: &str, problem: &str, allowed: f64) -> Result<std::result::Result<f64, String>> {
        let line = serde_json::json!({"ladder": ladder, "problem": problem, "allowed": allowed}).to_string();
        let answer = self.ask::<Solved>(&line)?;
        Ok(match answer {
            Solved::Run(run) => Ok(run.seconds),
            Solved::Unable { not_measured } => Err(not_measured),
        })
    }

    /// Tells it a line; returns what it answers.
    fn ask<T: DeserializeOwned>(&mut self, line: &str) -> Result<T> {
        let told = self.input.as_mut().map(|input| writeln!(input, "{line}").and_then(|()| input.flush()));
        let answer = match told {
            Some(Ok(())) => self.listen()?,
            _ => Err(self.reason()),
        };
        answer.map_err(|reason| Error::Training(format!("PyTorch: {reason}")))
    }

    /// Tells it that there are no more runs; returns what it found, or why it found none.
    ///
    /// # Errors
    /// A script that says what it should not.
    pub fn finish<T: DeserializeOwned>(mut self) -> Result<std::result::Result<T, String>> {
        self.input = None;
        self.listen()
    }

    /// Its next line; or, if it ended without one, why.
    fn listen<T: DeserializeOwned>(&mut self) -> Result<std::result::Result<T, String>> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) | Err(_) => Ok(Err(self.reason())),
            Ok(_) => serde_json::from_str(&line)
                .map(Ok)
                .map_err(|e| Error::file(FOLDER, format!("the script says {:?}: {e}", line.trim_end()))),
        }
    }

    /// The last line of what it wrote to standard error.
    fn reason(&mut self) -> String {
        self.input = None;
        let status = self.child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
        let mut text = Vec::new();
        let read = self.complaints.seek(SeekFrom::Start(0)).and_then(|_| self.complaints.read_to_end(&mut text));
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        last.filter(|_| read.is_ok()).map_or(status, |line| line.trim().to_owned())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.input = None;
        // One that has said its last word ends by itself; one that was left in the middle does not know.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
