//! Training and what it leaves behind: a run directory with its metrics and curves.

mod axis;
mod chart;
pub mod curves;
pub mod metrics;
pub mod run_dir;
