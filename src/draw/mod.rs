//! Drawing: a pen for points and texts, line charts, axes, and the faces that texts are set in.

pub(crate) mod axis;
pub(crate) mod chart;
pub mod face;
pub(crate) mod pen;
