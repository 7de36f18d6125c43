//! What kernels compute, ladders, the tape and the optimizers.

mod around;
mod augment;
mod batchnorm;
mod choices;
pub mod generated;
pub mod ladders;
mod ladders_batchnorm;
mod ladders_batchnorm_counts;
mod ladders_conv2d;
mod ladders_counts;
mod ladders_matmul;
mod ladders_optim;
mod loss;
mod ops;
pub mod optim;
pub mod options;
mod options_of_windows;
mod pages;
mod pool;
mod random;
mod ranking;
mod reduce;
mod schedules;
mod special;
mod tape;
