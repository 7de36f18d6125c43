//! Training and what it leaves behind: a run directory with its metrics and curves.

mod axis;
pub(crate) mod chart;
pub mod checkpoint;
pub mod config;
pub mod curves;
pub mod evaluate;
pub mod images;
pub mod metrics;
pub mod run_dir;
pub mod trainer;
