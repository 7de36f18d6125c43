//! Networks, the loop, run folders, reports and explaining.

mod airbench;
mod anywhere;
mod compare;
mod evaluation;
mod event_files;
mod explain;
mod explain_causes;
mod find_lr;
mod first_step;
mod fit;
mod freezing;
mod killed;
mod metrics;
mod models;
mod named;
mod one_cycle;
pub mod parity;
mod parity_models;
mod practice;
mod precision;
mod recipes;
mod resume;
mod run_files;
mod scores;
mod steps;
mod tensorboard;
mod written;
