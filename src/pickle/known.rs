//! The names that are understood, as data: numpy's arrays of plain numbers and PyTorch's tensors. Nothing else is.

use super::numpy;
use super::torch::{self, Element};
use super::{Id, Pickle, Value};

type Result<T> = std::result::Result<T, String>;

/// A name that is understood.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Reconstruct,
    FromBuffer,
    Array,
    Type,
    Encode,
    /// `collections.OrderedDict`: a dictionary.
    Ordered,
    /// `_rebuild_tensor`, whose later versions have more arguments.
    Tensor,
    /// `_rebuild_tensor_v3`, which names the type.
    Typed,
    Parameter,
    /// `torch.FloatStorage` and its like.
    Storage(Element),
    /// `torch.UntypedStorage`: bytes.
    Untyped,
    /// `torch.float32` and its like.
    Element(Element),
}

impl Known {
    /// What `module.name` means.
    pub(super) fn find(module: &[u8], name: &[u8]) -> Result<Self> {
        let found = match (module, name) {
            // The modules' names up to numpy 1 and from numpy 2 on.
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => Some(Known::Reconstruct),
            (b"numpy.core.numeric" | b"numpy._core.numeric", b"_frombuffer") => Some(Known::FromBuffer),
            (b"numpy", b"ndarray") => Some(Known::Array),
            (b"numpy", b"dtype") => Some(Known::Type),
            (b"_codecs", b"encode") => Some(Known::Encode),
            (b"collections", b"OrderedDict") => Some(Known::Ordered),
            (b"torch._utils", b"_rebuild_tensor" | b"_rebuild_tensor_v2") => Some(Known::Tensor),
            (b"torch._utils", b"_rebuild_tensor_v3") => Some(Known::Typed),
            (b"torch._utils", b"_rebuild_parameter" | b"_rebuild_parameter_with_state") => Some(Known::Parameter),
            (b"torch" | b"torch.storage", b"UntypedStorage") => Some(Known::Untyped),
            (b"torch" | b"torch.cuda", name) => match name.strip_suffix(b"Storage") {
                Some(kind) => Element::of_storage(kind).map(Known::Storage),
                None => Element::of_dtype(name).map(Known::Element),
            },
            _ => None,
        };
        found.ok_or_else(|| {
            let short = |text: &[u8]| String::from_utf8_lossy(&text[..text.len().min(60)]).into_owned();
            format!("it asks for {:?}, which is not data and is not run", short(module) + "." + &short(name))
        })
    }
}

/// What calling `callee` with `arguments` would give.
pub(super) fn reduce<'a>(pickle: &Pickle<'a>, callee: Id, arguments: Id) -> Result<Value<'a>> {
    let Value::Global(known) = pickle.value(callee) else { return Err("a call of something that is no name".into()) };
    let arguments = pickle.items(arguments).ok_or("arguments that are no tuple")?;
    match known {
        Known::Ordered => ordered(pickle, arguments),
        Known::Tensor | Known::Typed | Known::Parameter => torch::reduce(pickle, *known, arguments),
        _ => numpy::reduce(pickle, *known, arguments),
    }
}

/// What stands outside of the pickle under `id`: PyTorch's storages.
pub(super) fn persistent<'a>(pickle: &Pickle<'a>, id: Id) -> Result<Value<'a>> {
    torch::storage(pickle, id)
}

/// The value `id` with its state; none if it stays what it is.
pub(super) fn build<'a>(pickle: &Pickle<'a>, id: Id, state: Id) -> Result<Option<Value<'a>>> {
    match pickle.value(id) {
        // An OrderedDict's attributes, such as the versions of a state dict's modules, are none of its entries.
        Value::Dict(_) => Ok(None),
        _ => numpy::build(pickle, id, state).map(Some),
    }
}

/// An OrderedDict, which Python 2 gives its entries as a list of pairs.
fn ordered<'a>(pickle: &Pickle<'a>, arguments: &[Id]) -> Result<Value<'a>> {
    let pairs = match arguments {
        [] => Some(&[][..]),
        [pairs] => pickle.items(*pairs),
        _ => None,
    };
    let pair = |&id: &Id| match pickle.items(id)? {
        [key, value] => Some((*key, *value)),
        _ => None,
    };
    let pairs = pairs.and_then(|pairs| pairs.iter().map(pair).collect::<Option<_>>());
    pairs.map(Value::Dict).ok_or_else(|| "an OrderedDict in a form that is not known".into())
}
