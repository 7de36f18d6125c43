//! `warptape mistakes`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::settings::as_options;
use super::{checkpoint, judging, print};
use crate::embed::pictures::Pictures;
use crate::embed::report::counted;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::explain::report::write_picture;
use crate::files::write_atomic;
use crate::mistakes::{Compared, Mistakes};
use crate::train::checkpoint::Meta;
use crate::train::evaluate::load_model;
use crate::train::judged::{self, Part};

#[derive(Args)]
pub struct Options {
    /// A run's folder (its best checkpoint), RUN@EPOCH, RUN@last, or a checkpoint file
    run: PathBuf,
    /// Layer by whose output pictures are near each other; without it what the last layer gets, as in embed
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
    /// Other data than the run's, of classes that it knows; pairs are looked for among those and the run's
    #[arg(long)]
    data: Option<String>,
    /// Pictures to judge: test, train, val, new (not there when the run began) or all that it was not trained on; pairs are looked for
    /// in all parts [default: test; all of other data without parts]
    #[arg(long, value_parser = judging::part)]
    part: Option<Part>,
    /// At most so many pictures of each part, drawn by the seed
    #[arg(long, default_value_t = 4000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Seed of what is drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder for sheets and tables; without it, mistakes/PART-EPOCH in the run's folder
    #[arg(long)]
    out: Option<PathBuf>,
    /// Leave out files that cannot be read as pictures
    #[arg(long)]
    skip_broken: bool,
    /// Device: auto, host, host:checked (slow: finds races), cuda, cuda:N, ptx (slow: a GPU in software)
    #[arg(long, default_value = "auto")]
    device: String,
}

pub fn run(options: Options, environment: &Environment) -> anyhow::Result<()> {
    let path = checkpoint::find(&options.run)?;
    let device = super::open(&options.device, environment)?;
    let (model, mut meta) = load_model(&path, &device)?;
    meta.config.skip_broken |= options.skip_broken;
    let judged = judging::judged(&path, &meta, options.data.as_deref(), options.part)?;
    let record = judged::record(&path)?;
    let (limit, seed) = (options.limit as usize, options.seed);
    let pictures = Pictures::of(&judged, record.as_deref(), limit, seed);
    let other = judging::other(options.data.as_deref(), &meta);
    let compared = compared(&path, &meta, other, &pictures, limit, seed)?;
    let mistakes = Mistakes::of(&model, &device, &meta, &pictures, &compared, options.layer.as_deref())?;
    let own_training = judged.part == Part::Train && other.is_none();
    if own_training {
        let what = "the network was trained on these pictures: wrong classes that it knows by heart are not among the mistaken; an \
                    early epoch, RUN@1, or a run that holds them back knows fewer";
        super::warn(&[what.into()]);
    }

    let (epoch, model) = (meta.progress.epoch, meta.config.network());
    let set = format!("{} of {}", counted(&pictures, judged.part), judged.name);
    print(format_args!("{model} on {set}, epoch {epoch}"))?;
    print(mistakes.text(&meta.classes))?;
    let folder = options.out.clone().unwrap_or_else(|| {
        let run = path.parent().and_then(Path::parent).filter(|_| checkpoint::in_run(&path));
        let name = format!("{}-epoch-{epoch:04}", judged.part);
        run.map_or(PathBuf::new(), Path::to_path_buf).join("mistakes").join(name)
    });
    std::fs::create_dir_all(&folder).map_err(|e| Error::file(&folder, format!("cannot be made: {e}; choose --out")))?;
    write_atomic(&folder.join("mistakes.csv"), &mistakes.csv(&meta.classes)?)?;
    write_atomic(&folder.join("duplicates.csv"), &mistakes.duplicates_csv(&meta.classes)?)?;
    let mut facts = json!({
        "run": options.run, "checkpoint": path, "epoch": epoch, "model": model, "data": judged.name,
        "part": judged.part.to_string(), "of": pictures.of, "seed": seed, "classes": meta.classes,
    });
    let told = serde_json::to_value(&mistakes).map_err(|e| Error::file(folder.join("mistakes.json"), e))?;
    if let (Some(facts), serde_json::Value::Object(told)) = (facts.as_object_mut(), told) {
        facts.extend(told);
    }
    write_atomic(&folder.join("mistakes.json"), as_options(&format!("{facts:#}\n")).as_bytes())?;
    super::faces(&meta.classes, environment);
    let title = format!("{model} on {set}, epoch {epoch}");
    let sheet = mistakes.sheet(&pictures, &meta.classes, &title)?;
    write_picture(&folder.join("mistakes.png"), &sheet.draw()?)?;
    match mistakes.duplicates(&compared, &meta.classes, &title)? {
        Some(sheet) => write_picture(&folder.join("duplicates.png"), &sheet.draw()?)?,
        // Of an earlier time: it would be taken for this one's.
        None => drop(std::fs::remove_file(folder.join("duplicates.png"))),
    }
    Ok(print(format_args!("mistakes.png, tables and mistakes.json, of pairs duplicates.png: {}", folder.display()))?)
}

/// The pictures among which pairs are looked for: those of the run, and `pictures` if they are of `other` data.
pub fn compared(
    path: &Path,
    meta: &Meta,
    other: Option<&str>,
    pictures: &Pictures,
    limit: usize,
    seed: u64,
) -> Result<Compared> {
    let record = judged::record(path)?;
    let mut compared = match judged::own(record.clone(), meta) {
        Ok(data) => Compared::of(&data, record.as_deref(), limit, seed),
        // Without other data, the pictures themselves would not be there.
        Err(error) if other.is_some() => {
            super::warn(&[format!("no pairs with the run's own pictures ({error})")]);
            Compared::default()
        }
        Err(error) => return Err(error),
    };
    if other.is_some() {
        compared.add(pictures);
    }
    Ok(compared)
}
