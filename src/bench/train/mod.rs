//! Whole training steps — forward, loss, backward, Adam — on one batch of random 32 × 32 images: images a second and
//! memory at the peak, beside PyTorch's.

pub(super) mod ours;

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::median;
use super::pytorch::{Python, Worker};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::nn::models;
use crate::tensor::DType;
use ours::Training;

/// Networks that are measured unless others are named.
pub const MODELS: [&str; 4] = ["little-conv", "vgg16_bn", "resnet18", "resnet34"];
/// What PyTorch is asked to do, as `benches/pytorch/train.py` calls it.
pub const MODES: [&str; 3] = ["eager", "channels_last", "compiled"];

/// Steps before the first that counts: kernels are compiled, memory is cached.
const WARM: usize = 3;
/// Threads that wait busily for more work have come to rest after this long.
const REST: Duration = Duration::from_millis(250);

/// What to measure, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The network, as [`models::build`] takes it.
    pub model: String,
    /// Images in a batch.
    pub batch: usize,
    /// Timed runs.
    pub runs: usize,
    /// How long a run takes at the least.
    pub seconds: f64,
    /// Who measures PyTorch, if anyone.
    pub python: Option<Python>,
}

/// A network, and everyone's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The network, as [`models::build`] takes it.
    pub model: String,
    /// Images in a batch.
    pub batch: usize,
    /// Learned numbers, the same for all.
    pub parameters: usize,
    /// Ours first.
    pub contenders: Vec<Contender>,
}

/// Someone who trains the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// `warptape`, or what PyTorch is asked to do: `eager`.
    pub name: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Figures, or the reason why there are none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It ran.
    Measured {
        /// Of the median run.
        images_per_second: f64,
        /// Memory at the peak of a step, bytes: parameters, gradients, moments, activations and workspaces. None where
        /// it cannot be told.
        peak_bytes: Option<u64>,
        /// Seconds of one step, run by run.
        step_seconds: Vec<f64>,
    },
    /// It did not.
    Missing {
        /// Why.
        not_measured: String,
    },
}

/// PyTorch in one of its modes.
struct Rival {
    mode: &'static str,
    /// Or why it is none.
    worker: std::result::Result<Worker, String>,
    seconds: Vec<f64>,
}

/// What `benches/pytorch/train.py` finds in the end.
#[derive(Deserialize)]
struct Found {
    peak_bytes: Option<u64>,
}

impl Rival {
    fn start(plan: &Plan, mode: &'static str) -> Result<Self> {
        let batch = plan.batch.to_string();
        let seconds = plan.seconds.to_string();
        let args = ["--model", models::name(&plan.model), "--batch", &batch, "--mode", mode, "--seconds", &seconds];
        let worker = match &plan.python {
            Some(python) => python.start("train.py", &args.map(String::from))?,
            None => Err("no Python with PyTorch was named".into()),
        };
        Ok(Self { mode, worker, seconds: Vec::new() })
    }

    fn run(&mut self) -> Result<()> {
        if let Ok(worker) = &mut self.worker {
            sleep(REST);
            self.seconds.push(worker.run()?);
            sleep(REST);
        }
        Ok(())
    }

    fn finish(self, batch: usize) -> Result<Contender> {
        let outcome = match self.worker {
            Ok(worker) => worker.finish::<Found>()?.map(|found| Outcome::of(batch, self.seconds, found.peak_bytes)),
            Err(reason) => Err(reason),
        };
        let outcome = outcome.unwrap_or_else(|not_measured| Outcome::Missing { not_measured });
        Ok(Contender { name: self.mode.into(), outcome })
    }
}

impl Outcome {
    fn of(batch: usize, step_seconds: Vec<f64>, peak_bytes: Option<u64>) -> Self {
        Outcome::Measured { images_per_second: batch as f64 / median(&step_seconds), peak_bytes, step_seconds }
    }
}

/// Measures one network. All contenders are warm before the first run, and take turns run by run. Returns the row, and
/// what PyTorch stands on.
///
/// # Errors
/// An unknown network, no memory for it, a network that fails its verification or is another one for PyTorch.
pub fn measure(device: &Device, plan: &Plan) -> Result<(Row, BTreeMap<String, String>)> {
    let Plan { model, batch, .. } = plan;
    let name = models::name(model);
    device.reset_peak();
    let mut training = Training::new(device, model, *batch, DType::F32)?;
    let once = (0..WARM).map(|_| training.run(1)).collect::<Result<Vec<_>>>()?[WARM - 1];
    let steps = (plan.seconds / once).ceil().max(1.0) as usize;
    let parameters = training.parameters();

    let mut rivals = MODES.map(|mode| Rival::start(plan, mode)).into_iter().collect::<Result<Vec<_>>>()?;
    let mut versions = BTreeMap::new();
    for worker in rivals.iter().flat_map(|rival| &rival.worker) {
        let theirs = worker.ready.parameters;
        if theirs != parameters {
            return Err(Error::Training(format!(
                "{name} has {parameters} parameters and PyTorch's has {theirs}: make benches/pytorch/networks.py build the network of engine/src/nn/models"
            )));
        }
        versions.extend(worker.ready.versions.clone());
    }
    let mut seconds = Vec::new();
    for _ in 0..plan.runs {
        seconds.push(training.run(steps)?);
        rivals.iter_mut().try_for_each(Rival::run)?;
    }
    let peak = device.memory().peak;
    training.verify(model)?;
    let ours = Contender { name: "warptape".into(), outcome: Outcome::of(*batch, seconds, Some(peak)) };
    let theirs = rivals.into_iter().map(|rival| rival.finish(*batch));
    let contenders = std::iter::once(Ok(ours)).chain(theirs).collect::<Result<_>>()?;
    Ok((Row { model: model.clone(), batch: *batch, parameters, contenders }, versions))
}
