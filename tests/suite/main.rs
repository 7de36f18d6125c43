//! All integration tests, as one binary: a GPU machine without cargo is handed this file and the command.
//! `WARPTAPE_TEST_DEVICE=cuda` runs the device tests there; without it they run on the host device.

mod architecture;
mod bench;
mod cli;
mod clusters;
mod command;
mod data;
mod device;
mod embed;
mod export;
mod faces;
mod mistakes;
mod op;
mod rust_paths;
mod shapes;
mod support;
mod sweep;
mod train;
mod weights;
