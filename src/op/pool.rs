//! stand-in
use crate::error::Result;
use crate::tape::Tape;
use crate::tensor::Tensor;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub size: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
}
pub fn max_pool(_t: &mut Tape, _x: &Tensor, _w: Window) -> Result<Tensor> {
    todo!()
}
pub fn global_avg_pool(_t: &mut Tape, _x: &Tensor) -> Result<Tensor> {
    todo!()
}
