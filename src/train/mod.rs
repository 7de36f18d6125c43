//! Training and what it leaves behind: a run directory with its metrics and curves.

mod axis;
mod chart;
pub mod checkpoint;
pub mod config;
pub mod curves;
pub mod evaluate;
pub mod images;
pub mod metrics;
mod pen;
pub mod run_dir;
pub mod trainer;
