//! All integration tests, as one binary: a GPU machine without cargo is handed this file and the command.
//! `WARPTAPE_TEST_DEVICE=cuda` runs the device tests there; without it they run on the host device.

mod augment;
mod bad_files;
mod bad_machine;
mod bad_options;
mod batchnorm;
mod checker;
mod cli;
mod command;
mod compiler;
mod conformance;
mod data;
mod faults;
mod generated;
mod killed;
mod loss;
mod models;
mod nvrtc;
mod ops;
mod optim;
mod parity;
mod parity_models;
mod pictures;
mod pool;
mod random;
mod ranking;
mod reduce;
mod resume;
mod run_files;
mod support;
mod tape;
mod warps;
