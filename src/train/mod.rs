//! Training and what it leaves behind: a run directory with its metrics, curves and reports.

pub mod checkpoint;
pub mod config;
pub mod copies;
pub mod defaults;
pub mod evaluate;
pub mod head;
pub mod images;
pub mod judged;
pub mod layers;
pub mod learning;
mod lock;
pub mod logs;
pub mod normalize;
pub mod observer;
pub mod precision;
pub mod progress;
pub mod range_test;
mod rehearsal;
pub mod report;
pub mod roles;
pub mod run_dir;
pub mod run_info;
pub mod sample;
pub mod state_dict;
pub mod summary;
pub mod trainer;
pub mod weights;
