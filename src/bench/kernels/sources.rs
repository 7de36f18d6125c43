//! What a GPU compiles for the networks that benches know: found on dry devices, which run nothing.

use rayon::prelude::*;

use super::problems::{NETWORKS, Problem, of_networks, products};
use crate::bench::train::ours::Training;
use crate::bench::usual_batch;
use crate::device::dry::Dry;
use crate::device::{Device, Source, Target};
use crate::error::Result;
use crate::tensor::DType;

/// All sources that a GPU compiles for a training step of each network, and for every rung of every ladder on the problems
/// of those and of `bench kernels`, with activations of each of the types `elements`; each once.
///
/// # Errors
/// A problem that its ladder does not understand.
pub fn of_gpu(elements: &[DType]) -> Result<Vec<Source>> {
    let ladders = crate::op::ladders();
    let networks: Vec<(String, usize)> = NETWORKS.iter().map(|&name| (name.to_owned(), usual_batch(name))).collect();
    let mut problems = Vec::new();
    for &element in elements {
        problems.extend(of_networks(Target::Cuda, &ladders, &networks, element)?);
        problems.extend(products(Target::Cuda, &ladders, element));
    }
    let on_dry = |work: &dyn Fn(&Device) -> Result<()>| -> Result<Vec<Source>> {
        let dry = Dry::new(Target::Cuda);
        let launched = dry.launched();
        work(&Device::new(Box::new(dry)))?;
        Ok(launched.sources())
    };
    let step = |((network, batch), element): (&(String, usize), DType)| {
        on_dry(&|device| Training::new(device, network, *batch, element)?.step().map(drop))
    };
    let rungs = |problem: &Problem| {
        let ladder = ladders.iter().find(|ladder| ladder.name == problem.ladder).expect("problems are of the ladders");
        on_dry(&|device| {
            let job = ladder.job(device, &problem.text)?;
            ladder.numbers().try_for_each(|rung| device.choices().forced(ladder.name, rung, &job.run).map(drop))
        })
    };
    let trained: Vec<_> =
        networks.iter().flat_map(|network| elements.iter().map(move |&element| (network, element))).collect();
    let mut found: Vec<Vec<Source>> = trained.into_par_iter().map(step).collect::<Result<_>>()?;
    found.extend(problems.par_iter().map(rungs).collect::<Result<Vec<_>>>()?);
    let mut all: Vec<Source> = Vec::new();
    for source in found.into_iter().flatten() {
        if !all.iter().any(|one| one.file == source.file && one.defines == source.defines) {
            all.push(source);
        }
    }
    Ok(all)
}
