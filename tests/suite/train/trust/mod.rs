//! Whether maps can be believed: measures against pytorch-grad-cam's, Quantus' and scikit-image's, planted maps, what is refused.

mod adebayo;
mod golden;
mod limits;
mod planted;
