//! The options that describe the launch of a user's own kernel.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::launch_plan::{Extent, Plan};

/// How to launch a kernel of a file: options of `kernels check FILE.cu` and its like.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Launch {
    /// TOML file that describes the launch [default: FILE.toml beside FILE.cu, if there is one]
    #[arg(long, value_name = "FILE.toml")]
    pub launch: Option<PathBuf>,
    /// Kernel to launch [default: the file's only one]
    #[arg(long, value_name = "NAME")]
    pub kernel: Option<String>,
    /// Blocks of the grid: X or X,Y or X,Y,Z
    #[arg(long)]
    pub grid: Option<Extent>,
    /// Threads of a block: X or X,Y or X,Y,Z
    #[arg(long)]
    pub block: Option<Extent>,
    /// Bytes of dynamic shared memory [default: 0]
    #[arg(long, value_name = "BYTES")]
    pub shared: Option<u32>,
    /// Compile-time constant; may be repeated
    #[arg(long = "define", value_name = "NAME=VALUE")]
    pub defines: Vec<String>,
    /// Argument by its parameter's name: n=1000, a=0.5, 'x=f32[1024]' (random), with empty, zeros, ones, index or below K
    /// after it for other contents, p=null, 'shape=[8,16]' for a struct; may be repeated
    #[arg(long = "arg", value_name = "NAME=VALUE")]
    pub args: Vec<String>,
}

impl Launch {
    /// Whether any of them is given.
    pub(super) fn is_given(&self) -> bool {
        let Self { launch, kernel, grid, block, shared, defines, args } = self;
        let sizes = grid.is_some() || block.is_some() || shared.is_some();
        launch.is_some() || kernel.is_some() || sizes || !defines.is_empty() || !args.is_empty()
    }
    /// The launch of kernel file `file`: what its TOML file says, overridden by the options.
    ///
    /// # Errors
    /// Those of [`Plan::from_file`]; an option that means nothing.
    pub fn plan(&self, file: &Path) -> Result<Plan> {
        let mut plan = match &self.launch {
            Some(path) => Plan::from_file(path)?,
            None => Plan::beside(file)?,
        };
        plan.kernel = self.kernel.clone().or(plan.kernel);
        plan.grid = self.grid.or(plan.grid);
        plan.block = self.block.or(plan.block);
        plan.shared = self.shared.unwrap_or(plan.shared);
        let pair = |option: &str, text: &str| {
            let pair = text.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
            pair.ok_or_else(|| Error::usage(format!("{option} {text}: write NAME=VALUE")))
        };
        for define in &self.defines {
            let (name, value) = pair("--define", define)?;
            plan.define(&name, value).map_err(|what| Error::usage(format!("--define {define}: {what}")))?;
        }
        for arg in &self.args {
            let (name, value) = pair("--arg", arg)?;
            let value = value.parse().map_err(|e| Error::usage(format!("--arg {arg}: {e}")))?;
            plan.args.insert(name, value);
        }
        Ok(plan)
    }
}
