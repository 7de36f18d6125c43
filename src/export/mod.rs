//! What a trained network leaves for other programs: its graph, its weights, and what they must know to use them.

pub mod folder;
pub mod onnx;
pub mod preprocessing;
pub mod pth;
