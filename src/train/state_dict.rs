//! State dicts: a model's tensors under PyTorch's names in PyTorch's layouts, read strictly.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::Error;
use crate::nn::{Layer, Layout, State};
use crate::tensor::Tensor;

/// What the names of an optimizer's tensors begin with.
pub(super) const OPTIMIZER: &str = "optimizer.";

/// The state dict of `model` as the bytes of a safetensors file: PyTorch's names, each after `prefix`, and layouts. What
/// [`load_state`] takes, and `safetensors.torch.load_file`.
///
/// # Errors
/// What the device says.
pub fn save_state(model: &dyn Layer, prefix: &str) -> crate::Result<Vec<u8>> {
    encode(&entries(model, prefix)?, None)
}

/// Copies a state dict in PyTorch's names and layouts, each name after `prefix`, into `model`: as PyTorch's strict loading.
/// Tensors under other prefixes, and an optimizer's, are none of its business.
///
/// # Errors
/// The first tensor that is missing or of another type or shape; the first by name that the model has no place for.
pub fn load_state(model: &dyn Layer, tensors: &SafeTensors, prefix: &str) -> crate::Result<()> {
    load(model, tensors, prefix).map_err(|what| Error::shape("load_state", what))
}

/// A tensor of a file: name, type, shape, bytes.
pub type Entry = (String, Dtype, Vec<usize>, Vec<u8>);

/// The entries of a model's state dict, in the order in which PyTorch has them: its names, each after `prefix`, and layouts.
///
/// # Errors
/// What the device says.
pub fn entries(model: &dyn Layer, prefix: &str) -> crate::Result<Vec<Entry>> {
    let (mut entries, mut result) = (Vec::new(), Ok(()));
    model.visit(prefix, &mut |name, state| {
        let entry = match state {
            State::Parameter(tensor, layout) | State::Fixed(tensor, layout) => entry(name, tensor, layout),
            State::Statistic(tensor) => entry(name, tensor, Layout::Same),
            State::Counter(count) => {
                Ok((name, Dtype::I64, vec![], count.load(Ordering::Relaxed).to_le_bytes().to_vec()))
            }
        };
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => result = Err(error),
        }
    });
    result.map(|()| entries)
}

/// The entry of one tensor, whose elements lie in the file as `layout` says.
pub(super) fn entry(name: String, tensor: &Tensor, layout: Layout) -> crate::Result<Entry> {
    let (shape, values) = layout.outward(tensor)?;
    Ok((name, Dtype::F32, shape, bytemuck::cast_slice(&values).to_vec()))
}

/// The bytes of a file with `entries` and, if there is one, a header of our own.
pub(super) fn encode(entries: &[Entry], header: Option<HashMap<String, String>>) -> crate::Result<Vec<u8>> {
    let views = entries.iter().map(|(name, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes).expect("bytes were made from the shape");
        (name.as_str(), view)
    });
    safetensors::serialize(views, header).map_err(|e| Error::Training(format!("cannot encode the checkpoint: {e}")))
}

/// [`load_state`], whose errors are sentences.
pub(super) fn load(model: &dyn Layer, tensors: &SafeTensors, prefix: &str) -> Result<(), String> {
    let (mut result, mut known) = (Ok(()), HashSet::new());
    model.visit(prefix, &mut |name, state| {
        known.insert(name.clone());
        let loaded = match state {
            State::Parameter(tensor, layout) | State::Fixed(tensor, layout) => {
                load_tensor(tensors, &name, tensor, layout)
            }
            State::Statistic(tensor) => load_tensor(tensors, &name, tensor, Layout::Same),
            State::Counter(count) => view(tensors, &name).and_then(|view| {
                let bytes = view.data().try_into().map_err(|_| format!("tensor '{name}' is not one int64"))?;
                count.store(i64::from_le_bytes(bytes), Ordering::Relaxed);
                Ok(())
            }),
        };
        if result.is_ok() {
            result = loaded;
        }
    });
    let of_model = |name: &&str| name.starts_with(prefix) && !name.starts_with(OPTIMIZER);
    result.and_then(|()| no_other(tensors.names().into_iter().filter(of_model), &known))
}

/// Refuses names that are not `known`.
pub(super) fn no_other<'a>(names: impl Iterator<Item = &'a str>, known: &HashSet<String>) -> Result<(), String> {
    match names.filter(|&name| !known.contains(name)).min() {
        Some(odd) => Err(format!("tensor '{odd}' has no place in it")),
        None => Ok(()),
    }
}

fn view<'a>(tensors: &SafeTensors<'a>, name: &str) -> Result<TensorView<'a>, String> {
    tensors.tensor(name).map_err(|_| format!("tensor '{name}' is missing"))
}

/// Copies one tensor, whose elements lie in the file as `layout` says.
pub(super) fn load_tensor(tensors: &SafeTensors, name: &str, tensor: &Tensor, layout: Layout) -> Result<(), String> {
    let view = view(tensors, name)?;
    let expected = layout.shape(tensor);
    if view.dtype() != Dtype::F32 || view.shape() != expected {
        let (dtype, shape) = (view.dtype(), view.shape());
        return Err(format!("tensor '{name}' is {dtype:?} {shape:?}, expected F32 {expected:?}"));
    }
    let values: Vec<f32> = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    tensor.write(&layout.inward(&values, tensor)).map_err(|e| e.to_string())
}
