//! Training and what it leaves behind: a run directory with its metrics, curves and reports.

mod axis;
mod chart;
pub mod checkpoint;
pub mod config;
pub mod confusion;
pub mod curves;
pub mod evaluate;
pub mod fit;
pub mod heatmap;
pub mod images;
mod logs;
pub mod metrics;
pub mod observer;
pub(crate) mod pen;
pub mod report;
pub mod run_dir;
pub mod scores;
pub mod steps;
pub mod table;
pub mod tensorboard;
pub mod trainer;
