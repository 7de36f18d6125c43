use super::{Layer, Operation, Pass, Sequential};
use crate::error::Result;
use crate::op::epilogue::Epilogue;
use crate::tensor::Tensor;

/// The shortcut's name, where it has layers.
const DOWNSAMPLE: &str = "downsample";

/// A residual block: ReLU(branch(x) + shortcut(x)), where the shortcut is x itself unless shapes differ (He et al. 2015).
pub struct Residual {
    branch: Sequential,
    downsample: Option<Sequential>,
}

impl Residual {
    /// From the branch, whose layers keep their names, and the shortcut, whose layers go by `downsample.`.
    pub fn new(branch: Sequential, downsample: Option<Sequential>) -> Self {
        Self { branch, downsample }
    }
}

impl Layer for Residual {
    fn forward(&self, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
        let shortcut = match &self.downsample {
            Some(downsample) => pass.run(DOWNSAMPLE, downsample, x, Epilogue::Nothing)?,
            None => x.clone(),
        };
        self.branch.forward_with(pass, x, Epilogue::Residual(&shortcut))
    }

    fn describe(&self) -> String {
        "add, ReLU".into()
    }

    fn operation(&self) -> Operation<'_> {
        let shortcut = self.downsample.as_ref().map(|layer| (DOWNSAMPLE, layer as &dyn Layer));
        Operation::Residual { branch: &self.branch, shortcut }
    }

    fn children(&self) -> Vec<(&str, &dyn Layer)> {
        let mut children = self.branch.children();
        children.extend(self.downsample.as_ref().map(|layer| (DOWNSAMPLE, layer as &dyn Layer)));
        children
    }
}
