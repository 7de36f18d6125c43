//! Instructions that compute each lane's result from that lane's operands alone, compared with references that share no code with
//! the machine. `PTX_VECTORS` says on how many random vectors each family is tried.

mod approx;
mod bits;
mod check;
mod convert;
mod exact;
mod examples;
mod floats;
mod integers;
mod order;
mod random;
mod spellings;
mod stochastic;
mod tiny;
mod video;
mod warp;
