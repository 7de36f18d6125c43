//! Heat maps of a few pictures at all epochs.

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};

use super::{Options, empty};
use crate::cli::settings::as_options;
use crate::cli::trust::{judge, methods, pictures};
use crate::cli::{checkpoint, print};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::explain::drift::drift;
use crate::explain::gallery::{Gallery, Picture};
use crate::explain::paint::Palette;
use crate::explain::trust::{self, Trust};
use crate::explain::{Cam, Method, Request, Target, cam};
use crate::nn::relevance::Composite;
use crate::nn::{Layer, Sequential};
use crate::page::{Frame, Heat, Looked, Maps, Perhaps, Pictured, Sprite, small};
use crate::tensor::Tensor;
use crate::train::checkpoint::Meta;
use crate::train::evaluate::load_model;
use crate::train::judged;
use crate::train::named::{self, Name, Named};
use crate::train::report::Report;
use crate::train::report::predictions::wrong;

/// Pictures per pass.
const BATCH: usize = 16;
/// Pictures of either kind that are chosen where nobody names any.
const EACH: usize = 4;
/// The longest side of pictures and of maps, in pixels. Maps are smooth: a browser enlarges them as well.
const SIDE: u32 = 96;
const MAP: u32 = 64;

/// The maps that `options` ask for; `report` knows what the checkpoint at `path` gets wrong.
///
/// # Errors
/// Names of pictures and epochs that mean none.
pub fn gather(
    options: &Options,
    path: &Path,
    meta: &Meta,
    report: Option<&Report>,
    device: &Device,
) -> Result<Perhaps<Heat>> {
    let names = match (&options.images[..], report) {
        ([], None) => {
            let why = "No pictures of the run's data are at hand, and none were named by --images.";
            return Ok(Err(why.into()));
        }
        ([], Some(report)) => vec![Name::parse(chosen(report).as_ref(), false)?],
        (words, _) => Name::all(words, false)?,
    };
    let run = path.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    // Before anything is computed: a number that is none is told at once.
    let checkpoints = if options.epochs == "all" {
        checkpoint::epochs(run, "all").unwrap_or_else(|_| vec![path.to_path_buf()])
    } else {
        checkpoint::epochs(run, &options.epochs)?
    };
    let (model, _) = load_model(path, device)?;
    let named = Named::find(&names, path, meta, None, None, &named::says(&model, meta, device))?;
    let gallery = Gallery::of(&named, judged::record(path)?.as_deref(), meta)?;
    let heat = |batches| Gathered { options, meta, gallery: &gallery, batches, device }.heat(&model, &checkpoints);
    Ok(gallery.batches(device, meta, BATCH).and_then(heat).map_err(|error| empty(&error)))
}

/// Whether the maps can be believed, on pictures that are drawn from those that the run is judged on.
///
/// # Errors
/// Those of [`judge`].
pub fn trust(options: &Options, model: &Sequential, path: &Path, meta: &Meta, device: &Device) -> Result<Trust> {
    let how = trust::Options::default();
    let named = pictures(&[], how.seed, path, meta, &named::says(model, meta, device))?;
    let gallery = Gallery::of(&named, judged::record(path)?.as_deref(), meta)?;
    // What `trust` judges, so that both say the same; and what is shown besides.
    let mut methods = methods(None)?;
    methods.extend(options.methods.iter().filter(|method| !methods.contains(method)).copied().collect::<Vec<_>>());
    let mut found = judge(model, meta, &gallery, &methods, &how, device)?;
    found.rows.iter_mut().flat_map(|row| &mut row.failed).for_each(|why| *why = as_options(why));
    print(format_args!("judged {} methods of heat maps", methods.len()))?;
    Ok(found)
}

/// Pictures as they can be named: the worst mistakes of different classes, then the surest of those that are right.
fn chosen(report: &Report) -> String {
    let said = &report.predictions;
    let mut right: Vec<usize> = (0..said.len()).filter(|&at| said[at].is_right()).collect();
    right.sort_by(|&a, &b| said[b].probability.total_cmp(&said[a].probability).then(a.cmp(&b)));
    let numbers = [wrong(said), right].into_iter().flat_map(|list| {
        // The first of each class, then the others.
        let is_first = |place: usize| !list[..place].iter().any(|&other| said[other].truth == said[list[place]].truth);
        let (mut firsts, others): (Vec<usize>, Vec<usize>) = (0..list.len()).partition(|&place| is_first(place));
        firsts.extend(others);
        firsts.into_iter().take(EACH).map(|place| list[place]).collect::<Vec<_>>()
    });
    let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
    format!("{}:{}", report.part, numbers.join(","))
}

struct Gathered<'a> {
    options: &'a Options,
    meta: &'a Meta,
    gallery: &'a Gallery,
    /// What a network gets of it.
    batches: Vec<Tensor>,
    device: &'a Device,
}

impl Gathered<'_> {
    fn heat(&self, model: &dyn Layer, checkpoints: &[PathBuf]) -> Result<Heat> {
        let pictures = &self.gallery.pictures;
        let classes = &self.meta.classes;
        // What the checkpoint of the page takes each for is explained at all epochs, so that maps can be compared.
        let reference = self.maps(model, self.options.methods[0], &vec![Target::Top; pictures.len()])?;
        let targets: Vec<Target> = reference.iter().map(|cam| Target::Class(cam.class)).collect();
        let mut methods: Vec<(Method, Vec<Vec<Cam>>)> = Vec::new();
        for &method in &self.options.methods {
            if !methods.iter().any(|(known, _)| *known == method) {
                methods.push((method, Vec::new()));
            }
        }
        let (mut epochs, mut notes) = (Vec::new(), Vec::new());
        for path in checkpoints {
            let (model, meta) = load_model(path, self.device)?;
            epochs.push(meta.progress.epoch);
            methods.retain_mut(|(method, columns)| match self.maps(&model, *method, &targets) {
                Ok(cams) => {
                    columns.push(cams);
                    true
                }
                Err(error) => {
                    notes.push(format!("{} is left out. {}", method.title(), empty(&error)));
                    false
                }
            });
        }
        if methods.is_empty() {
            return Err(Error::usage(format!("no method makes maps of this network ({})", notes.join(" "))));
        }
        let of_page = self.meta.progress.epoch;
        let first = &reference[0];
        let pictured = |at: usize| Pictured {
            name: pictures[at].file.clone(),
            truth: pictures[at].truth.map(|class| classes[class].clone()),
            target: classes[reference[at].class].clone(),
        };
        let shown: Vec<RgbImage> = pictures.iter().map(|picture| small(&picture.shown, SIDE)).collect();
        print(format_args!("explained {} pictures at {} epochs", pictures.len(), epochs.len()))?;
        Ok(Heat {
            pictures: (0..pictures.len()).map(pictured).collect(),
            base: Sprite::of(&shown, pictures.len() as u32)?,
            layer: format!("{} ({}×{}×{})", first.layer, first.shape[0], first.shape[1], first.shape[2]),
            shown: epochs.iter().position(|&epoch| epoch == of_page).unwrap_or(epochs.len() - 1),
            epochs,
            methods: methods
                .into_iter()
                .map(|(method, columns)| {
                    let frames =
                        (0..columns.len()).map(|at| self.frame(&columns, at, pictures)).collect::<Result<_>>()?;
                    Ok(Maps { method: method.title().into(), frames })
                })
                .collect::<Result<_>>()?,
            notes,
        })
    }

    fn maps(&self, model: &dyn Layer, method: Method, targets: &[Target]) -> Result<Vec<Cam>> {
        let mut cams = Vec::new();
        let composite = Composite::of_pixels(&self.meta.mean, &self.meta.std)?;
        let request = Request { composite, ..Request::new(method) };
        for (x, targets) in self.batches.iter().zip(targets.chunks(BATCH)) {
            cams.extend(cam(model, x, &Request { targets: targets.to_vec(), ..request.clone() })?);
        }
        Ok(cams)
    }

    /// Epoch `at` of a method's maps.
    fn frame(&self, columns: &[Vec<Cam>], at: usize, pictures: &[Picture]) -> Result<Frame> {
        let cams = &columns[at];
        let colors: Vec<RgbImage> = cams.iter().map(painted).collect();
        let looked = |(number, cam): (usize, &Cam)| {
            let (top, probability) = surest(&cam.logits);
            let before = at.checked_sub(1).map(|before| &columns[before][number]);
            let both = before.filter(|before| before.diagnosis.is_none() && cam.diagnosis.is_none());
            Looked {
                predicted: self.meta.classes[top].clone(),
                probability,
                right: pictures[number].truth.map(|truth| truth == top),
                blank: cam.diagnosis.as_ref().map(|why| why.cause().to_owned()),
                drift: both.and_then(|before| drift(&before.scaled, &cam.scaled)),
            }
        };
        let looked = cams.iter().enumerate().map(looked).collect();
        Ok(Frame { colors: Sprite::of(&colors, cams.len() as u32)?, looked })
    }
}

/// The class with the largest logit, and its probability.
fn surest(logits: &[f32]) -> (usize, f64) {
    let top = (0..logits.len()).rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0);
    let power = |logit: &f32| (f64::from(*logit) - f64::from(logits[top])).exp();
    (top, 1.0 / logits.iter().map(power).sum::<f64>())
}

/// A map as colours, grey where it is blank.
fn painted(cam: &Cam) -> RgbImage {
    let [height, width] = cam.size;
    let color = |x: u32, y: u32| match cam.diagnosis {
        Some(_) => Rgb([128; 3]),
        None => Rgb(Palette::Heat.color(cam.scaled[y as usize * width + x as usize])),
    };
    small(&RgbImage::from_fn(width as u32, height as u32, color), MAP)
}
