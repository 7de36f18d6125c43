//! Which values the next trial has.
//!
//! Everything follows from the sweep's seed and the costs of the trials before: a sweep that goes on asks again from the first
//! trial, and comes to where it was.

use std::collections::HashSet;
use std::fmt::Display;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tpe::TpeOptimizer;

use super::domain::{Domain, Layout};
use super::plan::{Parameter, Plan};
use super::rules::Search;
use crate::error::{Error, Result};

/// How often tpe may come to what was tried already before a trial is drawn evenly.
const AGAIN: usize = 16;

/// What chooses values, trial by trial: each is asked for, and its cost told, before the next.
pub struct Searcher<'a> {
    plan: &'a Plan,
    /// For tpe one for each parameter: they are looked at one by one.
    optimizers: Vec<TpeOptimizer>,
    tried: HashSet<String>,
    /// Coordinates of the trial that was asked for last.
    asked: Vec<f64>,
    told: usize,
}

impl<'a> Searcher<'a> {
    /// For the parameters of `plan`.
    ///
    /// # Errors
    /// A range too narrow for its numbers.
    pub fn new(plan: &'a Plan) -> Result<Self> {
        let optimizer = |parameter: &Parameter| match parameter.domain.layout() {
            Layout::Categories(count) => {
                let range = tpe::categorical_range(count).map_err(|e| refused(&parameter.name, e))?;
                Ok(TpeOptimizer::new(tpe::histogram_estimator(), range))
            }
            Layout::Line([low, high]) => {
                let range = tpe::range(low, high).map_err(|e| refused(&parameter.name, e))?;
                Ok(TpeOptimizer::new(tpe::parzen_estimator(), range))
            }
        };
        let searched = plan.parameters.iter().filter(|_| plan.rules.search == Search::Tpe);
        let optimizers = searched.map(optimizer).collect::<Result<_>>()?;
        Ok(Self { plan, optimizers, tried: HashSet::new(), asked: Vec::new(), told: 0 })
    }

    /// The values of the next trial, in the order of the parameters; other ones than before.
    ///
    /// # Errors
    /// What the estimator says.
    pub fn ask(&mut self) -> Result<Vec<Value>> {
        let (rules, number) = (&self.plan.rules, self.told);
        if rules.search == Search::Grid {
            return Ok(self.of_grid(number));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(rules.seed);
        rng.set_stream(number as u64);
        let domains: Vec<&Domain> = self.plan.parameters.iter().map(|parameter| &parameter.domain).collect();
        let estimates = rules.search == Search::Tpe && number >= rules.startup;
        for attempt in 0.. {
            self.asked = match estimates && attempt < AGAIN {
                true => self.estimated(&mut rng)?,
                false => domains.iter().map(|domain| drawn(domain, &mut rng)).collect(),
            };
            let values: Vec<Value> = domains.iter().zip(&self.asked).map(|(domain, &at)| domain.at(at)).collect();
            if self.tried.insert(serde_json::to_string(&values).expect("plain data")) {
                return Ok(values);
            }
        }
        unreachable!("a plan has no more trials than combinations")
    }

    /// The cost of the trial that was asked for last; infinite if it failed.
    ///
    /// # Errors
    /// A cost that is no number.
    pub fn tell(&mut self, cost: f64) -> Result<()> {
        self.told += 1;
        let told = self.optimizers.iter_mut().zip(&self.asked).zip(&self.plan.parameters);
        for ((optimizer, &coordinate), parameter) in told {
            optimizer.tell(coordinate, cost).map_err(|e| refused(&parameter.name, e))?;
        }
        Ok(())
    }

    /// The values of combination `number`.
    fn of_grid(&self, number: usize) -> Vec<Value> {
        let mut left = number;
        let mut values: Vec<Value> = Vec::new();
        for parameter in self.plan.parameters.iter().rev() {
            let all = parameter.domain.values().expect("a plan with a grid has values to count");
            values.push(all[left % all.len()].clone());
            left /= all.len();
        }
        values.reverse();
        values
    }

    fn estimated(&mut self, rng: &mut ChaCha8Rng) -> Result<Vec<f64>> {
        let all = self.optimizers.iter_mut().zip(&self.plan.parameters);
        all.map(|(optimizer, parameter)| optimizer.ask(rng).map_err(|e| refused(&parameter.name, e))).collect()
    }
}

fn refused(parameter: &str, what: impl Display) -> Error {
    Error::usage(format!("parameters: {parameter}: {what}"))
}

/// A coordinate of `domain`, all alike.
fn drawn(domain: &Domain, rng: &mut ChaCha8Rng) -> f64 {
    match domain.layout() {
        Layout::Categories(count) => rng.random_range(0..count) as f64,
        Layout::Line([low, high]) => rng.random_range(low..high),
    }
}
