//! Several trainings whose results are compared: a search over settings, and shares of the training set.
//!
//! What is searched and how ([`plan`]), which values come next ([`search`]), which trials end early ([`prune`]), which parameters
//! matter ([`importance`]). Who trains is for the command line to say: a sweep here knows what came of its trials.

pub mod domain;
pub mod fractions;
pub mod history;
pub mod importance;
pub mod journal;
pub mod parallel;
pub mod plan;
pub mod prune;
pub mod rules;
pub mod search;
pub mod trial;
