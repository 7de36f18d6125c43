//! Class activation maps (CAM): which parts of a picture a network's logit rests on.
//!
//! A method weighs a layer's activations, most of them by the gradient of one logit there, and adds up the channels ([`Method`] has
//! them all, with their papers). The logit, not the probability: that of a sure network has no gradient. Results are those of
//! pytorch-grad-cam, and a map in which nothing is to be seen says why ([`Diagnosis`]).

mod cam;
mod diagnosis;
pub mod drift;
pub mod gallery;
pub mod judged;
pub mod layers;
pub mod paint;
pub mod preview;
pub mod relevance;
pub mod report;
pub mod scale;
pub mod sheet;
pub mod trust;
pub mod watched;

pub use cam::{Cam, Method, Request, Target, cam};
pub use diagnosis::Diagnosis;
