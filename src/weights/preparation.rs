//! How pictures were prepared for the network whose weights these are. Weights are of use only to pictures prepared alike.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use safetensors::tensor::Metadata;
use serde::Serialize;

use super::published::KNOWN;
use crate::error::{Error, Result};
use crate::files;

/// The file of an exported folder that says what becomes of a picture.
pub const PREPROCESSING: &str = "preprocessing.json";
/// The one that names its classes, a line each.
pub const LABELS: &str = "labels.txt";
/// What its weights are called, up to the ending.
const EXPORTED: &str = "model";

/// How pictures were prepared that a network was trained on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Preparation {
    /// Who says so: "torchvision's resnet18, trained on ImageNet".
    pub of: String,
    /// What was subtracted from each channel, in units of full intensity.
    pub mean: [f32; 3],
    /// What each was divided by.
    pub std: [f32; 3],
    /// Rows and columns that the network saw.
    pub seen: [usize; 2],
    /// Rows and columns to which pictures were brought before that part was cut out, where they were larger.
    pub loaded: Option<[usize; 2]>,
    /// How shapes were brought to a square: as `train` has it.
    pub resize: &'static str,
    /// How pictures were made smaller.
    pub filter: &'static str,
    /// Whether the pictures were ImageNet's.
    pub imagenet: bool,
    /// The classes, in the order of the outputs, where the file says them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

impl Preparation {
    /// torchvision's for its `IMAGENET1K_V1` weights.
    pub const IMAGENET: Self = Self {
        of: String::new(),
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
        seen: [224, 224],
        loaded: Some([256, 256]),
        resize: "crop",
        filter: "bilinear, antialiased",
        imagenet: true,
        classes: Vec::new(),
    };

    /// Of a published file with this SHA-256.
    pub(super) fn published(sha256: &str) -> Option<Self> {
        let known = KNOWN.iter().find(|known| sha256.starts_with(known.digits()))?;
        Some(Self { of: format!("torchvision's {}, trained on ImageNet", known.name), ..Self::IMAGENET })
    }

    /// Of a checkpoint of ours, in the header's own entry.
    pub(super) fn ours(header: &Metadata) -> Option<Self> {
        let entry: serde_json::Value = serde_json::from_str(header.metadata().as_ref()?.get("warptape")?).ok()?;
        let read = |key: &str| entry.get(key).cloned().unwrap_or_default();
        let config = read("config");
        let size = |text: &str| -> Option<[usize; 2]> {
            let (height, width) = text.split_once('x').unwrap_or((text, text));
            Some([height.parse().ok()?, width.parse().ok()?])
        };
        let resize = ["crop", "pad"].into_iter().find(|name| config["resize"] == *name);
        let prepared = Self {
            of: format!("a run on {}", super::shown(config["data"].as_str()?)),
            mean: serde_json::from_value(read("mean")).ok()?,
            std: serde_json::from_value(read("std")).ok()?,
            seen: serde_json::from_value(read("input")).ok()?,
            loaded: config["load_size"].as_str().and_then(size),
            resize: resize.unwrap_or("squash"),
            filter: "Lanczos's",
            imagenet: false,
            classes: serde_json::from_value(read("classes")).unwrap_or_default(),
        };
        prepared.is_possible().then_some(prepared)
    }

    /// Of the weights at `path` in a folder that was exported, from its `preprocessing.json`; none of any other file.
    ///
    /// # Errors
    /// A `preprocessing.json` that is not as it was written.
    pub(super) fn exported(path: &Path) -> Result<Option<Self>> {
        let (how, folder) = (path.with_file_name(PREPROCESSING), path.parent().unwrap_or(Path::new("")));
        if path.file_stem().is_none_or(|stem| stem != EXPORTED) {
            return Ok(None);
        }
        let text = match files::read_text(&how) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|e| Error::file(&how, e))?,
        };
        let refuse = |what: String| Error::file(&how, format!("{what}; export the network again"));
        let entry: serde_json::Value = serde_json::from_str(&text).map_err(|e| refuse(e.to_string()))?;
        // Other programs have files of that name, too.
        if entry.get("network").is_none() || entry.get("format").is_none() {
            return Ok(None);
        }
        let size = |of: &str| -> Option<[usize; 2]> {
            let side = |side: &str| entry[of][side].as_u64().map(|side| side as usize);
            Some([side("height")?, side("width")?])
        };
        let read = || {
            let (loaded, seen) = (size("resize")?, size("crop")?);
            let prepared = Self {
                of: format!("the export in {}", super::shown(&folder.display().to_string())),
                mean: serde_json::from_value(entry["mean"].clone()).ok()?,
                std: serde_json::from_value(entry["std"].clone()).ok()?,
                seen,
                loaded: (loaded != seen).then_some(loaded),
                resize: ["squash", "crop", "pad"].into_iter().find(|name| entry["resize"]["kind"] == *name)?,
                filter: "Lanczos's",
                imagenet: false,
                classes: files::read_text(&folder.join(LABELS)).ok()?.lines().map(str::to_owned).collect(),
            };
            Some(prepared).filter(Self::is_possible).filter(|_| entry["format"] == 1)
        };
        read().map(Some).ok_or_else(|| refuse(format!("is not, with {LABELS}, what `warptape export` wrote")))
    }

    /// Whether channels can be normalized so.
    fn is_possible(&self) -> bool {
        self.mean.iter().chain(&self.std).all(|value| value.is_finite()) && self.std.iter().all(|&std| std > 0.0)
    }

    /// The settings of a training that prepares pictures alike.
    pub fn settings(&self) -> String {
        let size = |[height, width]: [usize; 2]| {
            if height == width { height.to_string() } else { format!("{height}x{width}") }
        };
        let load = self.loaded.map_or(String::new(), |loaded| format!(" load_size={}", size(loaded)));
        format!("image_size={}{load} resize={}", size(self.seen), self.resize)
    }

    /// What a training normalizes with alike: the name of it.
    pub fn normalize(&self) -> &'static str {
        if self.imagenet { "imagenet" } else { "weights" }
    }

    /// What of it a training does otherwise that normalizes with `mean` and `std`, and whose network sees `seen` of pictures of
    /// `loaded` rows and columns, in sentences with what to do; and whether `classes` are ImageNet's own.
    pub fn doubts(
        &self,
        [mean, std]: [[f32; 3]; 2],
        loaded: [usize; 2],
        seen: [usize; 2],
        classes: &[String],
    ) -> Vec<String> {
        /// Of full intensity: what two halves of a data set differ by, and no more.
        const ALIKE: f32 = 0.02;
        let mut doubts = Vec::new();
        let far =
            |one: &[f32; 3], other: &[f32; 3]| one.iter().zip(other).any(|(one, other)| (one - other).abs() > ALIKE);
        if far(&mean, &self.mean) || far(&std, &self.std) {
            let fix = format!("‹normalize={}›", self.normalize());
            let theirs = channels(&self.mean, &self.std);
            let ours = channels(&mean, &std);
            doubts.push(format!("pictures are normalized with {ours}, those of {} were with {theirs}: {fix}", self.of));
        }
        let size = |[height, width]: [usize; 2]| format!("{height}x{width}");
        if seen != self.seen || loaded != self.loaded.unwrap_or(self.seen) {
            let (ours, theirs) = (size(seen), size(self.seen));
            let of = |loaded: [usize; 2], seen: [usize; 2]| {
                if loaded == seen { String::new() } else { format!(" of {}", size(loaded)) }
            };
            let (ours, theirs) = (ours + &of(loaded, seen), theirs + &of(self.loaded.unwrap_or(self.seen), self.seen));
            let fix = self.settings();
            doubts.push(format!("the network sees {ours} pixels, that of {} saw {theirs}: ‹{fix}›", self.of));
        }
        let of_imagenet = |name: &&String| {
            name.len() >= 9 && name.starts_with('n') && name[1..].bytes().take(8).all(|b| b.is_ascii_digit())
        };
        if let (true, Some(class)) = (self.imagenet, classes.iter().find(of_imagenet)) {
            let what = "is a class of ImageNet's, whose pictures these weights have probably seen";
            doubts.push(format!("'{class}' {what}: accuracy here says little of others"));
        }
        doubts
    }
}

impl fmt::Display for Preparation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [height, width] = self.seen;
        let loaded = self.loaded.map_or(String::new(), |[height, width]| format!(" of {height}x{width}"));
        let Self { of, resize, filter, .. } = self;
        let channels = channels(&self.mean, &self.std);
        write!(f, "{of}: {channels}; {height}x{width} pixels{loaded}, {resize}, {filter}")
    }
}

fn channels(mean: &[f32; 3], std: &[f32; 3]) -> String {
    let three = |values: &[f32; 3]| values.map(|value| format!("{value:.3}")).join(" ");
    format!("mean {}, std {}", three(mean), three(std))
}
