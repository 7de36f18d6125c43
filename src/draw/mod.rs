//! Drawing: a pen for points and texts, line charts, axes.

pub(crate) mod axis;
pub(crate) mod chart;
pub(crate) mod pen;
