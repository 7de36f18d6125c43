//! Ladders: kernels that compute the same thing, each by one idea more than the one below.
//!
//! An op that has several kernels for a job lists them in a [`Ladder`], in the order in which a reader climbs them. Which
//! one runs is decided per device and problem, in this order: [`Choices::force`](super::choices::Choices::force)
//! (tests, benches), [`Choices::want`](super::choices::Choices::want) (a person, see [`wanted`]), the tables of a resumed run
//! and of `warptape tune`, and the op's own default. A rung that cannot do a problem (Winograd with another filter than
//! 3 × 3) is passed over.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::hash::Hash;

use super::choices::Kernel;
use super::recorded::recorded;
use crate::device::{Device, Target};
use crate::error::{Error, Result};
use crate::tensor::{DType, Tensor};

/// What describes a problem: a few sizes, which as text are what records call it.
pub trait Problem: Copy + Eq + Hash + Display + Send + 'static {}

impl<P: Copy + Eq + Hash + Display + Send + 'static> Problem for P {}

/// The kernels for one job. `P` describes the problem (its sizes), `R` is what a rung's launch function looks like.
pub struct Ladder<P: 'static, R: 'static> {
    /// The job, named as its kernels are: `conv2d_forward`.
    pub name: &'static str,
    /// From the simplest to the last.
    pub rungs: &'static [Rung<P, R>],
    /// The number of the rung that runs where nobody chose another.
    pub default: fn(Target, &P) -> u32,
}

/// One kernel of a ladder.
pub struct Rung<P, R> {
    /// Path below `kernels/`; its number is that of the rung: `conv2d/forward/5_vectorized.cu`.
    pub file: &'static str,
    /// Allocates the result and launches the kernels; gets `file` as its first argument.
    pub(crate) run: R,
    can: fn(&P) -> bool,
    rounding: f64,
    workload: Option<&'static str>,
}

impl<P, R> Rung<P, R> {
    /// The kernels in `file`, which can do every problem.
    pub const fn new(file: &'static str, run: R) -> Self {
        Self { file, run, can: |_| true, rounding: 1.0, workload: None }
    }

    /// The same for only those problems for which `can` is true.
    pub const fn only(self, can: fn(&P) -> bool) -> Self
    where
        R: Copy,
    {
        Self { can, ..self }
    }

    /// The same with rounding errors `factor` times those of a plain sum, which makes integer results inexact, too.
    pub const fn rounding(self, factor: f64) -> Self
    where
        R: Copy,
    {
        Self { rounding: factor, ..self }
    }

    /// The same, at work in another workload than the others of its ladder, whose problems it cannot do.
    pub const fn shown_by(self, workload: &'static str) -> Self
    where
        R: Copy,
    {
        Self { workload: Some(workload), ..self }
    }

    /// The number that its file's name begins with.
    pub fn number(&self) -> u32 {
        number(self.file)
    }
}

/// A problem set up on a device, to be solved again and again by whichever rung is chosen: what benches time.
pub struct Job {
    /// Floating-point operations that the result takes by its definition, whatever a rung makes of it.
    pub flops: f64,
    /// Bytes of the inputs and the result: the least that has to be moved.
    pub bytes: f64,
    /// The longest sum behind one element of the result; see [`crate::check::tolerance`].
    pub terms: usize,
    /// Launches the kernels; returns the result (the first one, if there are several).
    pub run: Box<dyn Fn() -> Result<Tensor>>,
    /// One element of the result in f64.
    pub element: Box<dyn Fn(usize) -> f64>,
}

/// What is known of a ladder without a problem.
#[derive(Clone)]
pub struct Summary {
    /// See [`Ladder::name`].
    pub name: &'static str,
    /// The workload that runs it; see `op::workloads`.
    pub workload: &'static str,
    /// Files from the simplest to the last.
    pub files: Vec<&'static str>,
    /// The workload that runs each of them.
    pub workloads: Vec<&'static str>,
    /// Sets up one of its problems; see [`Summary::job`].
    pub set_up: SetUp,
}

/// Sets up the problem that a text describes, for tensors of a type, with random inputs.
pub type SetUp = fn(&Device, &str, DType) -> Result<Job>;

impl Summary {
    /// Sets up the problem that `text` describes, as [`Choices::made`](super::choices::Choices::made) has it, with random
    /// inputs.
    ///
    /// # Errors
    /// A text that describes none.
    pub fn job(&self, device: &Device, text: &str) -> Result<Job> {
        let (problem, element) = typed(text);
        (self.set_up)(device, problem, element)
    }

    /// The ladder named `name` among `all`.
    ///
    /// # Errors
    /// There is none of that name: which there are.
    pub fn find(all: &[Self], name: &str) -> Result<Self, String> {
        all.iter().find(|ladder| ladder.name == name).cloned().ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|ladder| ladder.name).collect();
            format!("there is no ladder '{name}': use {}", names.join(", "))
        })
    }

    /// The file of rung `rung`.
    pub fn file(&self, rung: u32) -> Option<&'static str> {
        self.files.iter().copied().find(|file| number(file) == rung)
    }

    /// Numbers of the rungs.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.files.iter().map(|file| number(file))
    }
}

impl<P: Problem, R> Ladder<P, R> {
    /// The rung for `problem` with tensors of `element` on `device`; see the module's documentation for who decides.
    pub(crate) fn pick(&self, device: &Device, problem: &P, element: DType) -> &'static Rung<P, R> {
        if let Some(place) = device.choices().settled(self.name, (problem, element)) {
            return &self.rungs[place];
        }
        let find = |number: u32| self.rungs.iter().find(|one| one.number() == number);
        let able = |number: u32| find(number).filter(|one| (one.can)(problem)).map(|one| (number, one.file));
        let recorded = |kernel: &Kernel| recorded(self.name, self.rungs.iter().map(|one| one.file), kernel);
        let default = || {
            let number = (self.default)(device.target(), problem);
            (number, find(number).expect("a default is one of the rungs").file)
        };
        let number = device.choices().choose(self.name, &text(problem, element), able, recorded, default);
        let place = self.rungs.iter().position(|one| one.number() == number);
        let place = place.expect("what is chosen is one of the rungs");
        let rung = &self.rungs[place];
        device.choices().settle(self.name, (*problem, element), place, rung.rounding);
        rung
    }

    /// The rungs that can do `problem`.
    pub fn able(&self, problem: &P) -> impl Iterator<Item = &'static Rung<P, R>> {
        self.rungs.iter().filter(move |rung| (rung.can)(problem))
    }

    /// What is known of it; `workload` runs it, `set_up` sets up one of its problems.
    pub fn summary(&self, workload: &'static str, set_up: SetUp) -> Summary {
        let files = self.rungs.iter().map(|rung| rung.file).collect();
        let workloads = self.rungs.iter().map(|rung| rung.workload.unwrap_or(workload)).collect();
        Summary { name: self.name, workload, files, workloads, set_up }
    }
}

/// The problem and the type of its tensors in what [`text`] wrote.
pub fn typed(text: &str) -> (&str, DType) {
    let typed = text.rsplit_once(' ').and_then(|(problem, last)| Some((problem, DType::named(last)?)));
    typed.unwrap_or((text, DType::F32))
}

/// What records call a problem with tensors of `element`: its sizes, and the type if that is not f32.
pub fn text(problem: &impl Display, element: DType) -> String {
    if element == DType::F32 { problem.to_string() } else { format!("{problem} {element}") }
}

/// A kernel file's name without folders and ending: `5_vectorized`.
pub fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".cu").unwrap_or(name)
}

/// The number that a kernel file's name begins with.
pub(super) fn number(file: &str) -> u32 {
    stem(file).split('_').next().and_then(|digits| digits.parse().ok()).expect("kernel files begin with their number")
}

/// The rungs of `ladders` that `text` asks for, by ladder: `ladder:rung,ladder:rung`, as `WARPTAPE_KERNEL` has it.
///
/// # Errors
/// A ladder or a rung that there is not: which there are; two rungs of one ladder.
pub fn wanted(ladders: &[Summary], text: &str) -> Result<BTreeMap<String, u32>> {
    let one = |part: &str| {
        let fail = |what: String| Error::usage(format!("WARPTAPE_KERNEL: {what}"));
        let (name, rung) = part.split_once(':').ok_or_else(|| fail(format!("'{part}' is not LADDER:RUNG")))?;
        let ladder = Summary::find(ladders, name).map_err(fail)?;
        let digits = rung.bytes().all(|byte| byte.is_ascii_digit());
        let number = rung.parse().ok().filter(|&rung| digits && ladder.numbers().any(|number| number == rung));
        let number = number.ok_or_else(|| fail(format!("{name} has no rung '{rung}': {}", ladder.files.join(", "))))?;
        Ok((name.to_owned(), number))
    };
    let mut all = BTreeMap::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, rung) = one(part)?;
        if let Some(other) = all.insert(name.clone(), rung).filter(|other| *other != rung) {
            let what = format!("asks for rungs {other} and {rung} of {name}, of which one runs: leave the other out");
            return Err(Error::usage(format!("WARPTAPE_KERNEL {what}")));
        }
    }
    Ok(all)
}
