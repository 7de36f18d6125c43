//! What `kernels check`, `profile`, `run` and `show` are told to work on.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::Launch;
use crate::device::tree::kernel_files;
use crate::device::{Source, Tree};
use crate::error::{Error, Result};
use crate::files;
use crate::launch_plan::Plan;
use crate::op::workload::Workload;
use crate::tensor::DType;

/// One file, or what one name of the tree means, and how to launch it.
#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    /// A kernel of the tree by name, file or folder (see `kernels list`), or a file of your own
    #[arg(value_name = "NAME|FILE.cu")]
    what: OsString,
    /// Sizes for a kernel of the tree; `kernels list` names them
    #[arg(long, value_name = "SIZES", value_delimiter = ',')]
    pub(super) shape: Vec<usize>,
    /// Type of the tensors for a kernel of the tree that takes several: f32, f16 or bf16
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = DType::spelled)]
    pub(super) element: DType,
    #[command(flatten)]
    launch: Launch,
}

impl Options {
    /// What they mean.
    ///
    /// # Errors
    /// Those of [`Subject::of`]; a launch for kernels of the tree, sizes for a file.
    pub(super) fn subject(&self, tree: &Tree) -> Result<Subject> {
        let subject = Subject::of(&self.what, &self.launch, tree)?;
        match subject {
            Subject::Tree(_) if self.launch.is_given() => {
                Err(Error::usage("kernels of the tree take --shape; how to launch them is known"))
            }
            Subject::File(..) if !self.shape.is_empty() => Err(shape_of_a_file()),
            _ => Ok(subject),
        }
    }
}

/// What an argument means.
pub(super) enum Subject {
    /// A name, file or folder of the kernel tree.
    Tree(String),
    /// A file of the user's own, with its launch.
    File(Box<Plan>, Box<Source>),
}

impl Subject {
    /// # Errors
    /// A file that cannot be read, with a launch that means nothing, or that is one of the tree's and differs from it.
    pub(super) fn of(what: &OsStr, launch: &Launch, tree: &Tree) -> Result<Self> {
        let path = Path::new(what);
        if !path.is_file() {
            return Ok(Self::Tree(what.to_string_lossy().trim_start_matches("kernels/").into()));
        }
        let plan = launch.plan(path)?;
        let source = plan.source(path, tree)?;
        let Some(file) = kernel_files().into_iter().find(|file| plan.is_silent() && path.ends_with(file)) else {
            return Ok(Self::File(plan.into(), source.into()));
        };
        // A kernel of the tree: nobody has to describe its launch. But what runs is the tree's text, so this must be it.
        let text = files::read_code(path).map_err(|e| Error::file(path, e))?;
        if tree.source(&file, &text, &plan.defines)?.text == tree.load(&file, &plan.defines)?.text {
            return Ok(Self::Tree(file));
        }
        let fix = "set WARPTAPE_KERNELS to the kernel folder that it lies in";
        Err(Error::usage(format!("{} differs from the {file} that is built in; {fix}", path.display())))
    }
}

/// The error for `--shape` with a file of the user's own.
pub(super) fn shape_of_a_file() -> Error {
    let fix = "a file of your own has its sizes in --arg or its TOML file";
    Error::usage(format!("--shape is for kernels of the tree; {fix}"))
}

/// Those of `workloads` that can do anything of sizes `shape`; which rungs cannot is told.
///
/// # Errors
/// None can.
fn able(workloads: Vec<Workload>, shape: &[usize]) -> Result<Vec<Workload>> {
    let (mut able, mut unable) = (Vec::new(), Vec::new());
    for workload in workloads {
        match workload.rung().is_none() || workload.can(shape)? {
            true => able.push(workload),
            false => unable.push(workload.inability()),
        }
    }
    match unable.first() {
        Some(what) if able.is_empty() => Err(Error::usage(format!("{what}; give others by ‹shape›"))),
        _ => {
            let left_out: Vec<String> = unable.iter().map(|what| format!("{what}: left out")).collect();
            crate::cli::warn(&left_out);
            Ok(able)
        }
    }
}

/// The workloads that `names` mean, each once; all if there are none. Of several under one name, those that `shape` is for,
/// but for rungs that can do nothing of it, which is told.
pub(super) fn workloads(names: &[String], shape: &[usize]) -> Result<Vec<Workload>> {
    let mut all: Vec<Workload> = Vec::new();
    if names.is_empty() {
        all = Workload::all()?;
    }
    for name in names {
        let mut found = Workload::find(name)?;
        if found.iter().any(|workload| workload.dims.len() == shape.len()) {
            found.retain(|workload| workload.dims.len() == shape.len());
        }
        if !shape.is_empty() {
            found = able(found, shape)?;
        }
        found.retain(|workload| all.iter().all(|other| other.name != workload.name));
        all.extend(found);
    }
    Ok(all)
}
