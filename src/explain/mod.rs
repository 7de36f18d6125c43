//! Class activation maps (CAM): which parts of a picture a network's logit rests on.
//!
//! Grad-CAM (Selvaraju et al. 2017) and Grad-CAM++ (Chattopadhyay et al. 2018) weigh the channels of a layer's
//! activations by the gradient of one logit there and add them up. The logit, not the probability: that of a sure network
//! has no gradient. Results are those of pytorch-grad-cam, and a map in which nothing is to be seen says why
//! ([`Diagnosis`]).

mod cam;
mod diagnosis;
pub mod drift;
pub mod gallery;
pub mod judged;
pub mod layers;
pub mod paint;
pub mod preview;
pub mod report;
pub mod scale;
pub mod sheet;

pub use cam::{Cam, Method, Request, Target, cam};
pub use diagnosis::Diagnosis;
