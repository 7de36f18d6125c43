//! Networks as ONNX files, for inference by onnxruntime and others.
//!
//! The graph takes `input [batch, 3, H, W]` in f32 and gives `logits [batch, classes]`; any batch, images of one size. Weights are its
//! initializers under PyTorch's names in PyTorch's layouts. Normalization has a node of its own, with running statistics; dropout
//! has none.

mod graph;
mod message;
mod pooling;

use prost::Message;

use crate::error::{Error, Result};
use crate::nn::Layer;
use graph::{Builder, Value};
use message::{Dimension, Model, OperatorSet, Shape, TensorType, Type, ValueInfo};

/// The operators' version: the last before normalization, pooling and reductions changed their forms, read by all onnxruntimes since
/// 1.12 (July 2022).
pub const OPSET: i64 = 17;
/// The file format's version that came with it.
pub const IR_VERSION: i64 = 8;
/// The name of what the graph takes.
pub const INPUT: &str = "input";
/// The name of what it gives.
pub const OUTPUT: &str = "logits";
/// The name of the dimension that any number of images may have.
pub const BATCH: &str = "batch";

/// The longest message that readers of protocol buffers take.
const LONGEST: usize = i32::MAX as usize;

/// The bytes of an ONNX file with `network`, called `name`, for images of `input` (height, width).
///
/// # Errors
/// A layer that ONNX has no operators for, or that does not take what the layer before it gives; weights of more than 2 GiB; what the
/// device says.
pub fn encode(network: &dyn Layer, name: &str, input: [usize; 2]) -> Result<Vec<u8>> {
    let x = Value::new(INPUT, vec![3, input[0], input[1]]);
    let mut builder = Builder::default();
    let y = builder.layer("", network, x.clone())?;
    let y = builder.rename_last(y, OUTPUT)?;
    let (input, output) = (vec![info(&x)], vec![info(&y)]);
    let graph =
        message::Graph { node: builder.nodes, name: name.into(), initializer: builder.initializers, input, output };
    let model = Model {
        ir_version: Some(IR_VERSION),
        producer_name: "warptape".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(graph),
        opset_import: vec![OperatorSet { domain: Some(String::new()), version: Some(OPSET) }],
    };
    if model.encoded_len() > LONGEST {
        let gib = model.encoded_len() as f64 / f64::from(1 << 30);
        return Err(Error::usage(format!(
            "'{name}' takes {gib:.1} GiB as ONNX, whose files have 2 at most: take the safetensors file"
        )));
    }
    Ok(model.encode_to_vec())
}

/// What a graph's reader must know of `value`.
fn info(value: &Value) -> ValueInfo {
    let batch = Dimension { dim_value: None, dim_param: Some(BATCH.into()) };
    let others = value.shape.iter().map(|&size| Dimension { dim_value: Some(size as i64), dim_param: None });
    let shape = Shape { dim: std::iter::once(batch).chain(others).collect() };
    let tensor_type = TensorType { elem_type: message::FLOAT, shape: Some(shape) };
    ValueInfo { name: value.name.clone(), r#type: Some(Type { tensor_type: Some(tensor_type) }) }
}
