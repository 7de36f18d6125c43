//! `warptape data`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use unicode_width::UnicodeWidthStr;

use super::augmented::{self, Copies, Preview};
use super::settings::as_options;
use super::{padded, print};
use crate::data::cifar::{CIFAR10, CIFAR100};
use crate::data::fetch::{Outcome, fetch};
use crate::data::info::{Report, survey};
use crate::data::source::known;
use crate::data::{Fit, Loading, Ratios, Size, tiny_imagenet};
use crate::environment::Environment;
use crate::error::{Error, Result};

#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the kinds of data sets
    List,
    /// Counts, sizes, broken files, duplicates and warnings of a data set; exit code 1 if files are broken or a class has none
    Info(Info),
    /// Download and unpack a data set
    Fetch(Fetch),
    /// Draw what a network sees of a data set: pictures as training augments them, with their labels
    Preview(Preview),
    /// Write a data set as picture files, with augmented copies in the training part
    Augment(Copies),
}

#[derive(Args)]
struct Info {
    /// emoji, cifar10:DIR, folder:DIR, …; the known kinds if left out
    spec: Option<String>,
    #[command(flatten)]
    how: How,
    /// Threads that decode pictures; 0: one for each core
    #[arg(long, default_value_t = 0)]
    workers: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How pictures are read and split.
#[derive(Args)]
pub(super) struct How {
    /// Size of pictures as a network sees them, N or HxW [default: 32 for folder, the data's own for others]
    #[arg(long)]
    image_size: Option<Size>,
    /// Size to bring pictures to before --image-size is cut out of them [default: --image-size, nothing is cut]
    #[arg(long)]
    load_size: Option<Size>,
    /// What becomes of pictures of another shape: squash, crop (from the middle) or pad (with black) [default: squash]
    #[arg(long)]
    resize: Option<Fit>,
    /// How a folder without parts is split, TRAIN:VAL:TEST [default: 8:1:1]
    #[arg(long)]
    split: Option<Ratios>,
    /// Seed of that split
    #[arg(long, default_value_t = 0)]
    split_seed: u64,
}

impl How {
    pub(super) fn loading(&self) -> Loading {
        let Self { image_size, load_size, resize, split, split_seed: seed } = *self;
        Loading { image_size, load_size, resize, split, seed, ..Loading::default() }
    }
}

#[derive(Args)]
struct Fetch {
    /// Which
    name: Name,
    /// Folder to unpack it in
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Where to get the archive instead of the publisher's server
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// Which of the published versions of CIFAR; both hold the same pictures
    #[arg(long, default_value = "binary")]
    version: Version,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    Cifar10,
    Cifar100,
    TinyImagenet,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Version {
    Binary,
    Python,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    match options.command {
        Command::Info(info) if info.spec.is_some() => inform(info)?,
        Command::List | Command::Info(_) => {
            for (spec, about) in known() {
                print(format_args!("{spec:<18} {}", as_options(about)))?;
            }
        }
        Command::Fetch(options) => bring(options)?,
        Command::Preview(options) => augmented::preview(options, environment)?,
        Command::Augment(options) => augmented::copy(options, environment)?,
    }
    Ok(())
}

fn bring(options: Fetch) -> Result<()> {
    let python = options.version == Version::Python;
    let (mut archive, name) = match options.name {
        Name::Cifar10 => (CIFAR10.archive(python), "cifar10"),
        Name::Cifar100 => (CIFAR100.archive(python), "cifar100"),
        Name::TinyImagenet => (tiny_imagenet::archive(), "tiny-imagenet"),
    };
    if let Some(from) = options.from {
        archive.url = from;
    }
    let bar = ProgressBar::new(archive.size);
    let style = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
    bar.set_style(ProgressStyle::with_template(style).expect("a fixed template"));
    let outcome = fetch(&archive, &options.to, &mut |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    let folder = options.to.join(&archive.folder);
    let what = match outcome? {
        Outcome::AlreadyThere => "was there already; nothing to do",
        Outcome::Unpacked => "unpacked from the archive that was there",
        Outcome::Fetched => "downloaded, MD5 right, unpacked",
    };
    print(format_args!("{}: {what}", folder.display()))?;
    print(format_args!("use it with: --data {name}:{}", options.to.display()))
}

fn inform(info: Info) -> Result<()> {
    let spec = info.spec.unwrap_or_default();
    let report = survey(&spec, &Loading { workers: info.workers, ..info.how.loading() })?;
    if info.json {
        let text = serde_json::to_string_pretty(&report).expect("plain data");
        print(text)?;
    } else {
        show(&report)?;
    }
    let count = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let broken = (!report.broken.is_empty()).then(|| {
        let files = count(report.broken.len(), "broken file", "broken files");
        format!("{files}: remove or replace, or leave out of a training with ‹skip_broken›")
    });
    let empty = (!report.empty.is_empty()).then(|| {
        let folders = count(report.empty.len(), "class folder", "class folders");
        format!("{folders} without pictures, with which no training starts: add some or remove it")
    });
    match [broken, empty].into_iter().flatten().reduce(|one, other| format!("{one}; {other}")) {
        None => Ok(()),
        Some(what) => Err(Error::file(spec, what)),
    }
}

fn show(report: &Report) -> Result<()> {
    let total = |part: &str| report.counts[part].iter().sum::<usize>();
    let [train, val, test] = ["train", "val", "test"].map(total);
    print(format_args!("{}: {} classes, {train} train, {val} val, {test} test", report.name, report.classes.len()))?;
    for note in &report.notes {
        print(format_args!("note: {note}"))?;
    }
    let width = report.classes.iter().map(|class| class.width()).max().unwrap_or(0).clamp(5, 40);
    print(format_args!("\n{:<width$} {:>7} {:>7} {:>7}", "class", "train", "val", "test"))?;
    for (index, class) in report.classes.iter().enumerate() {
        let [train, val, test] = ["train", "val", "test"].map(|part| report.counts[part][index]);
        print(format_args!("{} {train:>7} {val:>7} {test:>7}", padded(class, width)))?;
    }
    if let Some(sizes) = &report.sizes {
        let common = format!("{} ({} of {} pictures)", sizes.most_common, sizes.most_common_count, train + val + test);
        let range = format!("smallest {}, largest {}, most common {common}", sizes.smallest, sizes.largest);
        let seen =
            if report.seen == report.size { String::new() } else { format!(", of which {} is seen", report.seen) };
        print(format_args!("\nsizes (height x width): {range}; all are brought to {}{seen}", report.size))?;
    }
    let three = |values: [f64; 3]| values.map(|value| format!("{value:.4}")).join(" ");
    let (mean, std) = (three(report.mean), three(report.std));
    print(format_args!("train mean {mean}, std {std} (red green blue; training normalizes with these)"))?;
    for (conversion, count) in &report.conversions {
        print(format_args!("converted: {count} {conversion}"))?;
    }
    let pairs = |what: &str, count: usize, examples: &[[String; 2]]| -> Result<()> {
        print(format_args!("{what}: {count}"))?;
        examples.iter().try_for_each(|[one, other]| print(format_args!("  {one} = {other}")))
    };
    let duplicates = &report.duplicates;
    pairs("duplicates across parts", duplicates.across, &duplicates.across_examples)?;
    pairs("equal pictures under different classes", duplicates.conflicting, &duplicates.conflicting_examples)?;
    for broken in &report.broken {
        print(format_args!("broken: {}: {}", broken.file, broken.reason))?;
    }
    report.empty.iter().try_for_each(|empty| print(format_args!("empty: {empty}")))?;
    report.warnings.iter().try_for_each(|warning| print(format_args!("warning: {warning}")))
}
