//! Which of several kernels does a job on this device.
//!
//! Several kernels may compute the same thing; which of them is fastest depends on the device and on the sizes. A choice
//! changes the order of additions and so the last bits of a result, so every choice is written down: a run keeps its
//! choices, and a repeated or resumed one is told to make them again.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::path::PathBuf;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::device::disk_cache::{self, Cache};
use crate::device::dry::Dry;
use crate::device::{Device, Fast, Source};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::files;
use crate::launch::ladder::Problem;
use crate::tensor::DType;

/// Kernels by ladder and problem: `conv2d_forward` → `n64 h32 …` → `conv2d/forward/5_vectorized.cu`.
pub type Table = BTreeMap<String, BTreeMap<String, Kernel>>;

/// A kernel as a record names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Kernel {
    /// By its file below `kernels/`. The number in it may have changed since: a ladder got a rung more.
    File(String),
    /// By the number that its rung had in version 0.1.
    Number(u32),
}

impl std::fmt::Display for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kernel::File(file) => f.write_str(file),
            Kernel::Number(number) => write!(f, "rung {number}"),
        }
    }
}

/// A rung as [`Choices::choose`] is told of it: its number and file.
pub type Rung = (u32, &'static str);

/// What was asked for, and what was chosen so far.
#[derive(Default)]
pub struct Choices(Mutex<State>);

#[derive(Default)]
struct State {
    forced: BTreeMap<String, u32>,
    wanted: BTreeMap<String, u32>,
    preferred: Table,
    made: BTreeMap<String, BTreeMap<String, Rung>>,
    /// What was chosen since anybody asked for anything, by ladder: a [`Settled`] of its problems. Launches find it there
    /// without making a text of the problem.
    settled: HashMap<&'static str, Box<dyn Any + Send>, BuildHasherDefault<Fast>>,
    rounding: f64,
    /// Ladders of which a forced rung has done a problem.
    obeyed: BTreeSet<String>,
}

/// By problem and type of the tensors, a rung's place on its ladder and its rounding.
type Settled<P> = HashMap<(P, DType), (usize, f64), BuildHasherDefault<Fast>>;

impl Choices {
    /// Whatever the problem, `ladder` is to take rung `rung` if that rung can do it; with none, as if never forced.
    pub fn force(&self, ladder: &str, rung: Option<u32>) {
        let mut state = self.0.lock().unwrap();
        state.settled.clear();
        state.obeyed.remove(ladder);
        match rung {
            Some(rung) => state.forced.insert(ladder.into(), rung),
            None => state.forced.remove(ladder),
        };
    }

    /// What `run` returns while `ladder` is to take rung `rung`, see [`Choices::force`]; then as if never forced.
    pub fn forced<T>(&self, ladder: &str, rung: u32, run: impl FnOnce() -> T) -> T {
        self.attempt(ladder, rung, run).0
    }

    /// [`Choices::forced`]; and whether the rung did any problem: it is passed over in those that it cannot do.
    pub fn attempt<T>(&self, ladder: &str, rung: u32, run: impl FnOnce() -> T) -> (T, bool) {
        self.force(ladder, Some(rung));
        let result = run();
        let obeyed = self.0.lock().unwrap().obeyed.contains(ladder);
        self.force(ladder, None);
        (result, obeyed)
    }

    /// Asks for rungs by ladder as [`Choices::force`] does, but gives way to what is forced: what a person wants of all that
    /// runs on this device.
    pub fn want(&self, rungs: BTreeMap<String, u32>) {
        let mut state = self.0.lock().unwrap();
        state.settled.clear();
        state.wanted = rungs;
    }

    /// What [`Choices::want`] asked for.
    pub fn wanted(&self) -> BTreeMap<String, u32> {
        self.0.lock().unwrap().wanted.clone()
    }

    /// Prefers what `table` says for the problems in it, over what earlier tables said.
    pub fn prefer(&self, table: &Table) {
        let mut state = self.0.lock().unwrap();
        state.settled.clear();
        for (ladder, problems) in table {
            let all = state.preferred.entry(ladder.clone()).or_default();
            all.extend(problems.iter().map(|(problem, kernel)| (problem.clone(), kernel.clone())));
        }
    }

    /// Asks for what `other` asks for: its forced, wanted and preferred rungs, in place of those here.
    fn ask_as(&self, other: &Choices) {
        let (forced, wanted, preferred) = {
            let asked = other.0.lock().unwrap();
            (asked.forced.clone(), asked.wanted.clone(), asked.preferred.clone())
        };
        let mut state = self.0.lock().unwrap();
        state.settled.clear();
        (state.forced, state.wanted, state.preferred) = (forced, wanted, preferred);
    }

    /// What was chosen so far.
    pub fn made(&self) -> Table {
        let named = |(problem, rung): (&String, &Rung)| (problem.clone(), Kernel::File(rung.1.into()));
        let state = self.0.lock().unwrap();
        state.made.iter().map(|(ladder, all)| (ladder.clone(), all.iter().map(named).collect())).collect()
    }

    /// The rung of `ladder` that was last chosen for `problem`, if the problem came up.
    pub fn made_for(&self, ladder: &str, problem: &str) -> Option<u32> {
        Some(self.0.lock().unwrap().made.get(ladder)?.get(problem)?.0)
    }

    /// The rung of `ladder` for `problem`, and notes that it was chosen: what is forced, else what is wanted,
    /// else what a table says (in which `recorded` finds a rung), else `default`. What `able` refuses is
    /// passed over.
    pub fn choose(
        &self,
        ladder: &str,
        problem: &str,
        able: impl Fn(u32) -> Option<Rung>,
        recorded: impl Fn(&Kernel) -> Option<u32>,
        default: impl FnOnce() -> Rung,
    ) -> u32 {
        let mut state = self.0.lock().unwrap();
        let [forced, wanted] = [&state.forced, &state.wanted].map(|asked| asked.get(ladder).copied());
        let preferred = || recorded(state.preferred.get(ladder)?.get(problem)?);
        let obeyed = forced.and_then(&able);
        let rung = obeyed.or_else(|| wanted.and_then(&able)).or_else(|| preferred().and_then(&able));
        let rung = rung.unwrap_or_else(default);
        if obeyed.is_some() && !state.obeyed.contains(ladder) {
            state.obeyed.insert(ladder.into());
        }
        if state.made.get(ladder).and_then(|all| all.get(problem)) != Some(&rung) {
            state.made.entry(ladder.into()).or_default().insert(problem.into(), rung);
        }
        rung.0
    }

    /// The place on `ladder` of the rung that was settled for `problem`; notes that its kernels run.
    pub(super) fn settled<P: Problem>(&self, ladder: &str, (problem, element): (&P, DType)) -> Option<usize> {
        let mut state = self.0.lock().unwrap();
        let &(place, rounding) = state.settled.get(ladder)?.downcast_ref::<Settled<P>>()?.get(&(*problem, element))?;
        state.rounding = state.rounding.max(rounding);
        Some(place)
    }

    /// Keeps for [`Choices::settled`] what was chosen: the rung at `place`, whose rounding errors are `rounding` times those
    /// of a plain sum; notes that its kernels run.
    pub(super) fn settle<P: Problem>(&self, ladder: &'static str, problem: (P, DType), place: usize, rounding: f64) {
        let mut state = self.0.lock().unwrap();
        let of_ladder = state.settled.entry(ladder).or_insert_with(|| Box::new(Settled::<P>::default()));
        if let Some(settled) = of_ladder.downcast_mut::<Settled<P>>() {
            settled.insert(problem, (place, rounding));
        }
        state.rounding = state.rounding.max(rounding);
    }

    /// The largest factor noted since the last call: 1 where all sums were plain ones.
    pub fn take_rounding(&self) -> f64 {
        std::mem::take(&mut self.0.lock().unwrap().rounding).max(1.0)
    }
}

impl Device {
    /// Which of several kernels does a job here.
    pub fn choices(&self) -> &Choices {
        self.attached()
    }

    /// [`Device::open_in`] the environment of this process.
    ///
    /// # Errors
    /// Those of [`Device::open_in`].
    pub fn open(name: &str) -> Result<Self> {
        Self::open_in(name, &Environment::of_process())
    }

    /// [`Device::untuned`], on which kernels are chosen as `warptape tune` found best, if it ran.
    ///
    /// # Errors
    /// Those of [`Device::untuned`]; a damaged table of choices.
    pub fn open_in(name: &str, environment: &Environment) -> Result<Self> {
        let device = Self::untuned(name, environment)?;
        device.choices().prefer(&tuned(&device)?);
        Ok(device)
    }

    /// The kernels that `run` would launch here, found by running it on a dry device with this one's shape and choices;
    /// nothing is compiled, and nothing is noted as chosen here.
    ///
    /// # Errors
    /// Those of `run`.
    pub fn rehearse(&self, run: impl FnOnce(&Device) -> Result<()>) -> Result<Vec<Source>> {
        let dry = Dry::as_if(self.info().clone(), self.environment().clone());
        let launched = dry.launched();
        let device = Device::new(Box::new(dry));
        device.choices().ask_as(self.choices());
        run(&device)?;
        Ok(launched.sources())
    }
}

/// Where the choices that `warptape tune` timed on `device` are kept.
///
/// # Errors
/// Those of [`Cache::folder`].
pub fn tuned_file(device: &Device) -> Result<PathBuf> {
    let info = device.info();
    let parts = [&info.description, &info.arch].map(|text| text.as_bytes());
    Ok(Cache::of(device.environment()).folder()?.join(format!("tuned-{}.json", disk_cache::key(&parts))))
}

/// The choices in [`tuned_file`]; none if there is no such file.
///
/// # Errors
/// A file that cannot be read or is not such a table.
pub fn tuned(device: &Device) -> Result<Table> {
    // A cache folder that cannot be used is a matter for what needs it.
    let Some(path) = tuned_file(device).ok().filter(|path| path.is_file()) else { return Ok(Table::new()) };
    match files::read(&path, files::TEXT) {
        Err(e) => Err(Error::file(&path, e)),
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|e| Error::file(&path, format!("{e}; remove it, or run `warptape tune` again"))),
    }
}
