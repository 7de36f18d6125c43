//! `warptape bench tables`.

use std::io::Write;
use std::path::Path;

use crate::bench::tables::documents;
use crate::cli::print;
use crate::error::Error;
use crate::files::replace;

#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Options {
    /// Write nothing; fail if a table is not what the results say
    #[arg(long)]
    check: bool,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    for document in documents(Path::new("."))? {
        let name = document.path.strip_prefix(".").unwrap_or(&document.path);
        if document.old == document.new {
            print(format_args!("{}: as the results say", name.display()))?;
        } else if options.check {
            let what = "its tables are not those of benches/results: run `warptape bench tables`";
            return Err(Error::file(name, what).into());
        } else {
            replace(name, |file| file.write_all(document.new.as_bytes())).map_err(|e| {
                Error::file(name, format!("cannot be written: {e}; run this in a checkout that can be"))
            })?;
            print(format_args!("{}: rewritten", name.display()))?;
        }
    }
    Ok(())
}
