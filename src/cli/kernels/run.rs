//! `warptape kernels run`: launches kernels once, on any device: a user's own file, or what other tools are to watch.

use std::fmt::{self, Display};

use serde_json::{Value, json};

use super::apart;
use super::subject::{self, Subject};
use crate::device::signature::Element;
use crate::device::{Device, Kind, Source, Tree};
use crate::environment::Environment;
use crate::error::Result;
use crate::launch_plan::{Named, Plan, Prepared};
use crate::op::workload::{Kernel, launched};

/// Values of a buffer that are shown as text, and the most of one that JSON holds them all of.
const SHOWN: usize = 8;
const SMALL: usize = 4096;

#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    #[command(flatten)]
    subject: subject::Options,
    /// Device: auto, host, host:checked, cuda, cuda:N, ptx
    #[arg(long, default_value = "auto")]
    device: String,
    /// Print JSON; with all values of buffers of up to 4096, the first 8 of others
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    apart: apart::Options,
}

/// Returns the exit code.
pub(super) fn run(options: &Options, environment: &Environment) -> anyhow::Result<i32> {
    let name = match options.subject.subject(&Tree::of(environment))? {
        Subject::File(plan, source) => return Ok(own(options, &plan, &source, environment)?),
        Subject::Tree(name) => name,
    };
    let device = crate::cli::open(&options.device, environment)?;
    let mut ran: Vec<Kernel> = Vec::new();
    for workload in subject::workloads(&[name], &options.subject.shape)? {
        let run = |device: &Device| workload.run(device, &options.subject.shape, options.subject.element);
        run(&device)?;
        ran.extend(launched(run)?);
    }
    ran.sort();
    ran.dedup();
    if options.json {
        let kernels = ran.iter().map(|Kernel { file, function }| json!({"kernel": function, "file": file}));
        let kernels = kernels.collect::<Value>();
        let all = json!({"device": device.info().name, "kernels": kernels});
        crate::cli::print(format_args!("{all:#}"))?;
        return Ok(0);
    }
    let names: Vec<String> = ran.iter().map(|Kernel { file, function }| format!("{function} ({file})")).collect();
    crate::cli::print(format_args!("ran: {}", names.join(", ")))?;
    Ok(0)
}

/// Launches a kernel of the user's own: on the host in a process of its own, which its mistakes may end.
fn own(options: &Options, plan: &Plan, source: &Source, environment: &Environment) -> Result<i32> {
    let show = |prepared: &Prepared, device: &Device| show(prepared, &source.file, device, options.json);
    if let Some(result) = options.apart.run(plan, source, environment, show) {
        return result.map(|()| 0);
    }
    let device = crate::cli::open(&options.device, environment)?;
    if cfg!(unix) && device.info().kind == Kind::Host {
        return apart::run(&source.file, environment);
    }
    let prepared = plan.prepare(&device, source)?;
    // SAFETY: a GPU's memory is its own. Whoever runs a kernel wants to see what it does, and the command ends with it.
    unsafe { prepared.launch(&device)? };
    device.synchronize()?;
    show(&prepared, &device).map(|()| 0)
}

/// Shows the buffers after the launch.
fn show(prepared: &Prepared, file: &str, device: &Device, as_json: bool) -> Result<()> {
    let buffers = prepared.buffers.iter().map(Summary::of).collect::<Result<Vec<_>>>()?;
    let kernel = &prepared.signature.kernel;
    if as_json {
        let buffers: Value = buffers.iter().map(Summary::json).collect();
        let all = json!({"kernel": kernel, "file": file, "device": device.info().name, "buffers": buffers});
        return crate::cli::print(format_args!("{all:#}"));
    }
    crate::cli::print(format_args!("ran: {kernel} ({file}) on {}", device.info().name))?;
    let width = buffers.iter().map(|buffer| buffer.head().chars().count()).max().unwrap_or(0);
    buffers.iter().try_for_each(|buffer| crate::cli::print(format_args!("  {:<width$}  {buffer}", buffer.head())))
}

/// What is told of a buffer, gathered piece by piece.
struct Summary<'a> {
    named: &'a Named,
    /// Up to [`SMALL`] of its numbers, and how many there are.
    first: Vec<Number>,
    count: usize,
    /// But for NaNs.
    range: Option<(Number, Number)>,
    nans: usize,
}

impl<'a> Summary<'a> {
    fn of(named: &'a Named) -> Result<Self> {
        let mut summary = Self { named, first: Vec::new(), count: 0, range: None, nans: 0 };
        for piece in named.pieces() {
            each(named.spec.element, &piece?, |number| summary.add(number));
        }
        Ok(summary)
    }

    fn add(&mut self, number: Number) {
        self.count += 1;
        if self.first.len() < SMALL {
            self.first.push(number);
        }
        if number.is_nan() {
            self.nans += 1;
            return;
        }
        let (least, greatest) = self.range.get_or_insert((number, number));
        if number < *least {
            *least = number;
        }
        if number > *greatest {
            *greatest = number;
        }
    }

    /// `y: f32[1024]`
    fn head(&self) -> String {
        format!("{}: {}[{}]", self.named.name, self.named.spec.element.name(), self.count)
    }

    fn json(&self) -> Value {
        let (least, greatest) = self.range.unzip();
        let shown = if self.count <= SMALL { &self.first } else { &self.first[..SHOWN] };
        json!({
            "name": self.named.name, "type": self.named.spec.element.name(), "count": self.count,
            "min": least.map(Number::json), "max": greatest.map(Number::json), "nan": self.nans,
            "values": shown.iter().copied().map(Number::json).collect::<Value>(),
        })
    }
}

/// `0 1 2 3 4 5 6 7 …  (from 0 to 1023, 1 NaN)`
impl Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: Vec<String> = self.first.iter().take(SHOWN).map(Number::to_string).collect();
        let more = if self.count > SHOWN { " …" } else { "" };
        let range = self.range.map_or("no number".into(), |(least, most)| format!("from {least} to {most}"));
        let nans = if self.nans > 0 { format!(", {} NaN", self.nans) } else { String::new() };
        write!(f, "{}{more}  ({range}{nans})", first.join(" "))
    }
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

/// Calls `look` with each of the numbers that `bytes` are.
fn each(element: Element, bytes: &[u8], mut look: impl FnMut(Number)) {
    macro_rules! all {
        ($type:ty, $number:expr) => {{
            let each = bytes.chunks_exact(size_of::<$type>());
            each.for_each(|bytes| look($number(<$type>::from_le_bytes(bytes.try_into().expect("its size")).into())))
        }};
    }
    match element {
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
