//! `warptape kernels run`: launches kernels once, on any device: a user's own file, or what other tools are to watch.

use std::fmt::{self, Display};

use serde_json::{Value, json};

use super::subject::{self, Subject};
use crate::device::Device;
use crate::device::signature::Element;
use crate::error::Result;
use crate::launch_plan::{Named, Prepared};
use crate::op::workload::{Kernel, launched};

/// Values of a buffer that are shown as text, and the most of one that JSON holds them all of.
const SHOWN: usize = 8;
const SMALL: usize = 4096;

#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    #[command(flatten)]
    subject: subject::Options,
    /// Device: auto, host, host:checked, cuda, cuda:N
    #[arg(long, default_value = "auto")]
    device: String,
    /// Print JSON; with all values of buffers of up to 4096, the first 8 of others
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let subject = options.subject.subject()?;
    let device = Device::open(&options.device)?;
    let name = match subject {
        Subject::File(plan, source) => {
            let prepared = plan.prepare(&device, &source)?;
            prepared.launch(&device)?;
            device.synchronize()?;
            return Ok(show(&prepared, &source.file, &device, options.json)?);
        }
        Subject::Tree(name) => name,
    };
    let mut ran: Vec<Kernel> = Vec::new();
    for workload in subject::workloads(&[name], &options.subject.shape)? {
        workload.run(&device, &options.subject.shape)?;
        ran.extend(launched(|device| workload.run(device, &options.subject.shape))?);
    }
    ran.sort();
    ran.dedup();
    if options.json {
        let kernels = ran.iter().map(|Kernel { file, function }| json!({"kernel": function, "file": file}));
        let kernels = kernels.collect::<Value>();
        let all = json!({"device": device.info().name, "kernels": kernels});
        return Ok(crate::cli::print(format_args!("{all:#}"))?);
    }
    let names: Vec<String> = ran.iter().map(|Kernel { file, function }| format!("{function} ({file})")).collect();
    Ok(crate::cli::print(format_args!("ran: {}", names.join(", ")))?)
}

/// Shows the buffers after the launch.
fn show(prepared: &Prepared, file: &str, device: &Device, as_json: bool) -> Result<()> {
    let read = |named| Ok((named, numbers(named, &prepared.bytes(&named.name)?)));
    let buffers = prepared.buffers.iter().map(read).collect::<Result<Vec<_>>>()?;
    let kernel = &prepared.signature.kernel;
    if as_json {
        let buffers: Value = buffers.iter().map(|(named, numbers)| entry(named, numbers)).collect();
        let all = json!({"kernel": kernel, "file": file, "device": device.info().name, "buffers": buffers});
        return crate::cli::print(format_args!("{all:#}"));
    }
    crate::cli::print(format_args!("ran: {kernel} ({file}) on {}", device.info().name))?;
    let heads: Vec<String> = buffers.iter().map(|(named, _)| head(named)).collect();
    let width = heads.iter().map(String::len).max().unwrap_or(0);
    heads.iter().zip(&buffers).try_for_each(|(head, (_, numbers))| {
        let first: Vec<String> = numbers.iter().take(SHOWN).map(Number::to_string).collect();
        let more = if numbers.len() > SHOWN { " …" } else { "" };
        let range = range(numbers).map_or("no number".into(), |(least, most)| format!("from {least} to {most}"));
        let nans = numbers.iter().filter(|number| number.is_nan()).count();
        let nans = if nans > 0 { format!(", {nans} NaN") } else { String::new() };
        crate::cli::print(format_args!("  {head:<width$}  {}{more}  ({range}{nans})", first.join(" ")))
    })
}

/// `y: f32[1024]`
fn head(named: &Named) -> String {
    format!("{}: {}[{}]", named.name, named.spec.element.name(), named.spec.count)
}

fn entry(named: &Named, numbers: &[Number]) -> Value {
    let (least, greatest) = range(numbers).unzip();
    let shown = if numbers.len() <= SMALL { numbers } else { &numbers[..SHOWN] };
    json!({
        "name": named.name, "type": named.spec.element.name(), "count": numbers.len(),
        "min": least.map(Number::json), "max": greatest.map(Number::json),
        "nan": numbers.iter().filter(|number| number.is_nan()).count(),
        "values": shown.iter().copied().map(Number::json).collect::<Value>(),
    })
}

/// A number of a buffer, in a type that holds all of its kind.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Number {
    Int(i128),
    Single(f32),
    Double(f64),
}

impl Number {
    fn is_nan(&self) -> bool {
        self.partial_cmp(self).is_none()
    }

    /// JSON knows neither infinities nor NaN: these are texts.
    fn json(self) -> Value {
        let text = self.to_string();
        text.parse::<serde_json::Number>().map_or_else(|_| json!(text), Value::Number)
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => write!(f, "{value}"),
            // With an exponent where it gets long.
            Self::Single(value) => write!(f, "{value:?}"),
            Self::Double(value) => write!(f, "{value:?}"),
        }
    }
}

fn numbers(named: &Named, bytes: &[u8]) -> Vec<Number> {
    macro_rules! all {
        ($type:ty, $number:expr) => {{
            let each = bytes.chunks_exact(size_of::<$type>());
            each.map(|bytes| $number(<$type>::from_le_bytes(bytes.try_into().expect("its size")).into())).collect()
        }};
    }
    match named.spec.element {
        Element::F32 => all!(f32, Number::Single),
        Element::F64 => all!(f64, Number::Double),
        Element::I8 => all!(i8, Number::Int),
        Element::I16 => all!(i16, Number::Int),
        Element::I32 => all!(i32, Number::Int),
        Element::I64 => all!(i64, Number::Int),
        Element::U8 => all!(u8, Number::Int),
        Element::U16 => all!(u16, Number::Int),
        Element::U32 => all!(u32, Number::Int),
        Element::U64 => all!(u64, Number::Int),
    }
}

/// The least and the greatest number but for NaNs.
fn range(numbers: &[Number]) -> Option<(Number, Number)> {
    let mut some = numbers.iter().copied().filter(|number| !number.is_nan());
    let first = some.next()?;
    let wider = |(least, greatest), n| (if n < least { n } else { least }, if n > greatest { n } else { greatest });
    Some(some.fold((first, first), wider))
}
