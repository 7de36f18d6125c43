//! What a layer makes of pictures, and what is read off it.

mod careful;
mod command;
mod default_layer;
mod eigen;
mod layouts;
mod picture;
pub mod scikit;
