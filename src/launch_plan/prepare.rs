//! From a description to a launch: each parameter of the kernel gets its argument, each buffer its memory.

use super::value::PIECE;
use super::{Plan, Spec, Value, example};
use crate::device::signature::{Element, Kind, Parameter, Signature};
use crate::device::source::without_comments;
use crate::device::{Arg, Buffer, Device, Function, Geometry, Source};
use crate::error::{Error, Result};

/// A kernel with all it takes, ready to launch. Its buffers live as long as it does.
pub struct Prepared {
    /// The compiled kernel.
    pub function: Function,
    /// Its parameters.
    pub signature: Signature,
    /// Blocks, threads, dynamic shared memory.
    pub geometry: Geometry,
    /// One argument per parameter.
    pub args: Vec<Arg>,
    /// The buffers that the arguments point to.
    pub buffers: Vec<Named>,
}

/// A buffer under the name of the parameter that it was made for.
pub struct Named {
    /// The parameter's name.
    pub name: String,
    /// What it was made from.
    pub spec: Spec,
    /// The memory.
    pub buffer: Buffer,
}

impl Plan {
    /// Compiles the kernel and makes its buffers.
    ///
    /// # Errors
    /// Anything that is missing, unknown or does not fit the kernel's parameters, each in one line with the fix; no launch
    /// described at all ([`Error::NoLaunch`], which shows an example); what compiling and allocating say.
    pub fn prepare(&self, device: &Device, source: &Source) -> Result<Prepared> {
        let kernel = self.kernel(source)?;
        let signature = Signature::of(source, kernel)?;
        if self.is_silent() {
            let file = source.file.clone();
            return Err(Error::NoLaunch { file, example: example(&signature, source) });
        }
        let geometry = self.geometry()?;
        let failed = |what: String| Error::usage(format!("kernel {kernel}: {what}"));
        self.refuse_strangers(&signature).map_err(failed)?;
        let checked = signature.parameters.iter().map(|parameter| self.given(parameter, &signature, source));
        let mut args = checked.collect::<Result<Vec<_>, _>>().map_err(failed)?;

        // SAFETY: whoever has a file launched trusts its text.
        let module = unsafe { device.compile(source)? };
        let function = Function::of(&module, kernel)?;
        let mut buffers = Vec::new();
        for (i, parameter) in signature.parameters.iter().enumerate() {
            if let Some(Value::Buffer(spec)) = self.args.get(&parameter.name) {
                let buffer = allocate(device, &parameter.name, spec, i as u64)?;
                args[i] = Arg::Ptr(buffer.address());
                buffers.push(Named { name: parameter.name.clone(), spec: spec.clone(), buffer });
            }
        }
        for (parameter, arg) in signature.parameters.iter().zip(&mut args) {
            if let Some(Value::Same(other)) = self.args.get(&parameter.name)
                && let Some(found) = buffers.iter().find(|buffer| buffer.name == *other)
            {
                *arg = Arg::Ptr(found.buffer.address());
            }
        }
        Ok(Prepared { function, signature, geometry, args, buffers })
    }

    fn kernel<'a>(&'a self, source: &'a Source) -> Result<&'a str> {
        let names = source.kernels();
        let failed = |what: String| Err(Error::usage(format!("{}: {what}", source.file)));
        match (&self.kernel, names) {
            (_, []) => failed("has no __global__ function; is it a kernel file?".into()),
            (None, [only]) => Ok(only),
            (None, _) => failed(format!("has several kernels; choose one with ‹kernel›: {}", names.join(", "))),
            (Some(name), _) if names.contains(name) => Ok(name),
            (Some(name), _) => failed(format!("has no kernel '{name}'{}", suggestion(name, names))),
        }
    }

    fn geometry(&self) -> Result<Geometry> {
        let missing =
            |what| Error::usage(format!("no {what} is given: add {what} = 256 to the TOML file, or ‹{what}=256›"));
        let grid = self.grid.ok_or_else(|| missing("grid"))?.0;
        let block = self.block.ok_or_else(|| missing("block"))?.0;
        let geometry = Geometry { grid, block, shared: self.shared };
        if block.iter().map(|&size| u64::from(size)).product::<u64>() > 1024 {
            let [x, y, z] = block;
            return Err(Error::usage(format!("block {x} × {y} × {z}: a block has at most 1024 threads")));
        }
        if grid[0] > i32::MAX as u32 || grid[1].max(grid[2]) > 65535 {
            let [x, y, z] = grid;
            return Err(Error::usage(format!(
                "grid {x} × {y} × {z}: a grid has at most 2147483647 × 65535 × 65535 blocks"
            )));
        }
        Ok(geometry)
    }

    /// Arguments for parameters that the kernel does not have.
    fn refuse_strangers(&self, signature: &Signature) -> Result<(), String> {
        let names: Vec<&str> = signature.parameters.iter().map(|parameter| &*parameter.name).collect();
        match self.args.keys().find(|name| !names.contains(&&***name)) {
            Some(name) => Err(format!("has no parameter '{name}'{}", suggestion(name, &names))),
            None => Ok(()),
        }
    }

    /// The argument for a parameter; for a buffer that is still to be made, null.
    fn given(&self, parameter: &Parameter, signature: &Signature, source: &Source) -> Result<Arg, String> {
        let Parameter { name, text, kind } = parameter;
        let Some(value) = self.args.get(name) else {
            let code = without_comments(&source.text);
            let written = example::only_written(example::body(&code, &signature.kernel), name);
            let wanted = example::value(parameter, signature, written);
            let plain = wanted.trim_matches('"');
            return Err(format!(
                "no argument for '{name}' ({text}): add {name} = {wanted} under [args], or ‹arg='{name}={plain}'›"
            ));
        };
        let wrong = |fix: String| Err(format!("argument '{name}' is {text} in the kernel: {fix}"));
        match (kind, value) {
            (Kind::Pointer { .. }, Value::Null) => Ok(Arg::Ptr(0)),
            (Kind::Pointer { .. }, Value::Same(other)) => match self.args.get(other) {
                Some(Value::Buffer(_)) => Ok(Arg::Ptr(0)),
                _ => wrong(format!("\"same as {other}\" names no buffer; name a parameter that is given one")),
            },
            (Kind::Pointer { to, .. }, Value::Buffer(spec)) => match to {
                Some((element, lanes)) if *element != spec.element || !spec.count.is_multiple_of(*lanes) => {
                    let count = spec.count.next_multiple_of(*lanes);
                    wrong(format!("give it {}[{count}], not {}[{}]", element.name(), spec.element.name(), spec.count))
                }
                _ => Ok(Arg::Ptr(0)),
            },
            (Kind::Pointer { .. }, _) => wrong("give it a buffer such as f32[1024], or null".into()),
            (Kind::Scalar(Element::F32), Value::Int(value)) => Ok(Arg::F32(*value as f32)),
            (Kind::Scalar(Element::F32), Value::Float(value)) => Ok(Arg::F32(*value as f32)),
            (Kind::Scalar(Element::F64), Value::Int(value)) => Ok(Arg::F64(*value as f64)),
            (Kind::Scalar(Element::F64), Value::Float(value)) => Ok(Arg::F64(*value)),
            (Kind::Scalar(_), Value::Int(value)) if text == "bool" && !(0..=1).contains(value) => {
                wrong("give it true or false".into())
            }
            (Kind::Scalar(element), Value::Int(value)) => {
                int(*element, *value).map_or_else(|| wrong(format!("{value} does not fit into it")), Ok)
            }
            (Kind::Scalar(element), _) if element.is_float() => wrong("give it a number such as 0.5".into()),
            (Kind::Scalar(_), _) => wrong("give it a whole number".into()),
            (Kind::Struct, Value::Ints(values)) if values.len() <= 16 => {
                Ok(Arg::Ints(std::array::from_fn(|i| values.get(i).copied().unwrap_or(0))))
            }
            (Kind::Struct, Value::Ints(values)) => {
                wrong(format!("at most 16 integers can be passed, not {}", values.len()))
            }
            (Kind::Struct, _) => wrong("a struct is given as the list of its integers, such as [8, 16]".into()),
        }
    }
}

fn int(element: Element, value: i128) -> Option<Arg> {
    match element {
        Element::I8 => i8::try_from(value).ok().map(|value| Arg::I32(value.into())),
        Element::U8 => u8::try_from(value).ok().map(|value| Arg::U32(value.into())),
        Element::I16 => i16::try_from(value).ok().map(|value| Arg::I32(value.into())),
        Element::U16 => u16::try_from(value).ok().map(|value| Arg::U32(value.into())),
        Element::I32 => i32::try_from(value).ok().map(Arg::I32),
        Element::U32 => u32::try_from(value).ok().map(Arg::U32),
        Element::U64 => u64::try_from(value).ok().map(Arg::U64),
        Element::I64 => i64::try_from(value).ok().map(|value| Arg::U64(value as u64)),
        Element::F32 | Element::F64 => None,
    }
}

fn allocate(device: &Device, name: &str, spec: &Spec, seed: u64) -> Result<Buffer> {
    let (bytes, memory) = (spec.bytes(), device.info().memory);
    if memory > 0 && bytes as u64 > memory {
        let what = format!("argument '{name}': {bytes} bytes are more than {} has ({memory})", device.info().name);
        return Err(Error::usage(what));
    }
    // compute-sanitizer knows allocations, not arguments; on a fenced host, the fence stands where the allocation ends.
    let buffer = Buffer::exact(device, bytes)?;
    let mut at = 0;
    for piece in spec.contents(seed) {
        buffer.upload(at, &piece)?;
        at += piece.len();
    }
    Ok(buffer)
}

/// ` (did you mean 'x'?); it has x, y, n`
fn suggestion(name: &str, names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    if names.is_empty() {
        return "; it has none".into();
    }
    let likeness = |other: &str| strsim::jaro_winkler(&other.to_lowercase(), &name.to_lowercase());
    let nearest = names.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let near = nearest.filter(|nearest| likeness(nearest) > 0.6);
    let near = near.map_or(String::new(), |nearest| format!(" (did you mean '{nearest}'?)"));
    format!("{near}; it has {}", names.join(", "))
}

impl Prepared {
    /// Queues the kernel on the device that it was prepared for.
    ///
    /// # Errors
    /// What the device says about the launch.
    ///
    /// # Safety
    /// The kernel is somebody's own: that it stays within its buffers is for whoever launches it to know.
    pub unsafe fn launch(&self, device: &Device) -> Result<()> {
        // SAFETY: the buffers live as long as `self`; the rest is the caller's promise.
        unsafe { device.launch(&self.function, self.geometry, &self.args) }
    }

    /// The bytes that the buffer of parameter `name` holds now.
    ///
    /// # Errors
    /// A parameter without a buffer; what the device says.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        let found = self.buffers.iter().find(|buffer| buffer.name == name);
        let found = found.ok_or_else(|| Error::usage(format!("parameter '{name}' has no buffer")))?;
        found.pieces().collect::<Result<Vec<_>>>().map(|pieces| pieces.concat())
    }
}

impl Named {
    /// The bytes that the buffer holds now, in pieces of whole numbers: a buffer may be most of the memory.
    pub fn pieces(&self) -> impl Iterator<Item = Result<Vec<u8>>> {
        let bytes = self.buffer.bytes();
        (0..bytes).step_by(PIECE).map(move |at| {
            let mut piece = vec![0; PIECE.min(bytes - at)];
            // SAFETY: all of a buffer was written when it was made.
            unsafe { self.buffer.download(at, &mut piece)? };
            Ok(piece)
        })
    }
}
