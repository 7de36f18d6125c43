//! What a layer makes of pictures, and what is read off it.

mod command;
mod eigen;
mod layouts;
mod picture;
mod scikit;
