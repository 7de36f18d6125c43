//! Which problems are measured: those that a training step of each network poses, and matrix products of round sizes.

use crate::bench::train::ours::Training;
use crate::device::dry::Dry;
use crate::device::{Device, Target};
use crate::error::Result;
use crate::launch::ladder::{Summary, text};
use crate::nn::models;
use crate::tensor::DType;

/// Networks that are looked into unless others are named.
pub const NETWORKS: [&str; 5] = ["little-conv", "vgg16_bn", "resnet18", "resnet34", "airbench94"];
/// A CPU takes its time; few images are enough to keep it busy.
pub const HOST_BATCH: usize = 8;

/// A problem, and where it comes up.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The ladder's name.
    pub ladder: String,
    /// As the ladder writes it.
    pub text: String,
    /// Networks with it.
    pub networks: Vec<String>,
}

/// The problems of `ladders` in one training step of each of `networks` (name and batch) with activations of type `element`, each
/// once, in order of appearance. Nothing is computed for it.
///
/// # Errors
/// An unknown network.
pub fn of_networks(
    target: Target,
    ladders: &[Summary],
    networks: &[(String, usize)],
    element: DType,
) -> Result<Vec<Problem>> {
    let mut problems: Vec<Problem> = Vec::new();
    for (network, batch) in networks {
        let name = models::name(network);
        let posed = of_training(target, network, *batch, element)?;
        for (ladder, text) in posed.into_iter().filter(|(ladder, _)| ladders.iter().any(|one| one.name == ladder)) {
            match problems.iter_mut().find(|problem| problem.ladder == ladder && problem.text == text) {
                Some(problem) if problem.networks.iter().any(|one| one == name) => {}
                Some(problem) => problem.networks.push(name.to_owned()),
                None => problems.push(Problem { ladder, text, networks: vec![name.to_owned()] }),
            }
        }
    }
    Ok(problems)
}

/// Matrix products of round sizes and type `element`, if the ladder is among `ladders`.
pub fn products(target: Target, ladders: &[Summary], element: DType) -> Vec<Problem> {
    let sizes = if target == Target::Cuda { &[1024, 2048, 4096, 8192][..] } else { &[1024] };
    let ladder = "matmul_forward";
    let sizes = sizes.iter().filter(|_| ladders.iter().any(|one| one.name == ladder));
    let called = |n: &usize| text(&format_args!("NN m{n} n{n} k{n}"), element);
    let problem = |n: &usize| Problem { ladder: ladder.into(), text: called(n), networks: Vec::new() };
    sizes.map(problem).collect()
}

fn of_training(target: Target, network: &str, batch: usize, element: DType) -> Result<Vec<(String, String)>> {
    let device = Device::new(Box::new(Dry::new(target)));
    Training::new(&device, network, batch, element)?.step()?;
    let made = device.choices().made();
    let posed =
        made.into_iter().flat_map(|(ladder, problems)| problems.into_keys().map(move |text| (ladder.clone(), text)));
    Ok(posed.collect())
}
