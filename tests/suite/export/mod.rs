//! What other programs get of a network, read back by readers of the tests' own.

mod onnx;
pub mod onnx_file;
pub mod onnx_run;
mod pth;
