//! `warptape data preview` and `warptape data augment`: a data set as training augments it, on a sheet and in files.

use std::path::PathBuf;

use clap::Args;

use super::data::How;
use super::print;
use crate::data::{Dataset, Loading};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::explain::preview;
use crate::explain::report::write_picture;
use crate::op::augment::Augmentation;
use crate::train::config::Config;
use crate::train::copies;

/// Which data, and how they are augmented.
#[derive(Args)]
struct What {
    /// emoji, cifar10:DIR, folder:DIR, …
    spec: String,
    /// none, or transforms in their order, joined by +; `warptape train --help` lists them
    #[arg(long, default_value_t = Config::default().augment)]
    augment: String,
    #[command(flatten)]
    how: How,
    /// Leave out files that cannot be read as pictures
    #[arg(long)]
    skip_broken: bool,
    /// Seed of what is drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N, ptx (slow: a GPU in software)
    #[arg(long, default_value = "auto")]
    device: String,
}

#[derive(Args)]
pub struct Preview {
    #[command(flatten)]
    what: What,
    /// Pictures, a row each
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    count: u16,
    /// Where to write the sheet, a PNG file
    #[arg(long, value_name = "FILE", default_value = "preview.png")]
    out: PathBuf,
}

#[derive(Args)]
pub struct Copies {
    #[command(flatten)]
    what: What,
    /// Augmented copies of each training picture
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    copies: u16,
    /// The new folder
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

impl What {
    fn order(&self) -> Result<Augmentation> {
        self.augment.to_lowercase().parse()
    }

    fn open(&self) -> Result<Dataset> {
        let data = Dataset::open(&self.spec, &Loading { skip_broken: self.skip_broken, ..self.how.loading() })?;
        super::warn(&data.warnings);
        Ok(data)
    }
}

pub fn preview(Preview { what, count, out }: Preview, environment: &Environment) -> Result<()> {
    let (order, out) = (what.order()?, png(out)?);
    let device = super::open(&what.device, environment)?;
    let data = what.open()?;
    super::faces(&data.classes, environment);
    let sheet = preview::preview(&data, &order, &what.augment, count.into(), what.seed, &device)?;
    write_picture(&out, &sheet.draw()?)?;
    print(format_args!("{}", out.display()))
}

/// `file` with the ending of what is written into it.
fn png(mut file: PathBuf) -> Result<PathBuf> {
    match file.extension() {
        _ if file.is_dir() => Err(Error::file(file, "is a folder; name a file for the sheet, such as preview.png")),
        None => {
            file.set_extension("png");
            Ok(file)
        }
        Some(ending) if ending.eq_ignore_ascii_case("png") => Ok(file),
        Some(_) => Err(Error::file(&file, "the sheet is a PNG file: give it the ending .png")),
    }
}

pub fn copy(Copies { what, copies, to }: Copies, environment: &Environment) -> Result<()> {
    let order = what.order()?;
    let device = super::open(&what.device, environment)?;
    let data = what.open()?;
    let files = copies::write(&data, &order, copies.into(), what.seed, &to, &device)?;
    print(format_args!("{}: {files} files; use it with --data folder:{0}", to.display()))
}
