//! A second network, whose weights are moving averages of those that are trained.

use std::sync::atomic::Ordering;

use crate::error::Result;
use crate::nn::{Layer, Sequential, State, parameters};
use crate::optim::Average;
use crate::train::checkpoint::{Checkpoint, Meta};

/// The network that is evaluated and saved in place of the one that is trained.
pub(in crate::train) struct Averaged {
    model: Sequential,
    average: Average,
}

impl Averaged {
    /// Of `model`, the trained network of `meta`, if its settings ask for it; with `from`, goes on where that checkpoint stands, whose
    /// averages `model` has: it gets back the weights that it goes on with.
    ///
    /// # Errors
    /// A checkpoint of another network; what the device says.
    pub fn of(meta: &Meta, model: &Sequential, from: Option<&Checkpoint>) -> Result<Option<Self>> {
        let Some(decay) = meta.config.ema else { return Ok(None) };
        let tensors = parameters(model);
        let Some((_, first)) = tensors.first() else { return Ok(None) };
        let own = meta.network(first.device(), meta.config.seed)?;
        let pairs: Vec<_> = parameters(&own).into_iter().zip(&tensors).map(|((_, a), (_, w))| (a, w.clone())).collect();
        pairs.iter().try_for_each(|(average, weight)| average.copy_from(weight))?;
        let mut average = Average::new(decay, pairs)?;
        if let Some(checkpoint) = from {
            checkpoint.restore_trained(model)?;
            average.set_steps(checkpoint.meta.progress.averaged);
        }
        Ok(Some(Self { model: own, average }))
    }

    /// One more step, after the trained weights have moved.
    ///
    /// # Errors
    /// What the device says.
    pub fn step(&mut self) -> Result<()> {
        self.average.step()
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.average.steps()
    }

    /// The network, with the running statistics that `trained` has now: they are moving averages already; and with what is fixed
    /// there, which has none.
    ///
    /// # Errors
    /// What the device says.
    pub fn network(&self, trained: &Sequential) -> Result<&Sequential> {
        let mut states = Vec::new();
        trained.visit("", &mut |_, state| states.push(state));
        let (mut states, mut result) = (states.into_iter(), Ok(()));
        self.model.visit("", &mut |_, own| match (own, states.next()) {
            (State::Statistic(own), Some(State::Statistic(theirs)))
            | (State::Fixed(own, _), Some(State::Fixed(theirs, _)))
                if result.is_ok() =>
            {
                result = own.copy_from(theirs);
            }
            (State::Counter(own), Some(State::Counter(theirs))) => {
                own.store(theirs.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            _ => {}
        });
        result.map(|()| &self.model)
    }
}
