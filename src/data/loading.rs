//! What a user may say about how a data set is loaded: the size of its pictures, the split of a folder, threads.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::{Record, picture};
use crate::error::{Error, Result};

/// How [`Dataset::open`](super::Dataset::open) loads. All but `memory` and `workers` decides what the data are.
#[derive(Clone, Debug, Default)]
pub struct Loading {
    /// The size of pictures as a network sees them; the data set's own if none.
    pub image_size: Option<Size>,
    /// The size to bring all pictures to, of which a network sees a part; `image_size` if none.
    pub load_size: Option<Size>,
    /// What becomes of pictures whose sides have another ratio; squashed if none.
    pub resize: Option<Fit>,
    /// Whether files that cannot be read as pictures are left out, instead of refused.
    pub skip_broken: bool,
    /// The most pictures of each class, before a folder is split; of a data set with parts, the most to train on.
    pub limit_per_class: Option<usize>,
    /// How a folder without parts of its own is split; 8:1:1 if none.
    pub split: Option<Ratios>,
    /// Seed of that split and that limit.
    pub seed: u64,
    /// Whether a folder without parts of its own is not split but a test set as a whole, also one of pictures without class
    /// folders, whose labels are -1.
    pub whole: bool,
    /// Whether a class folder may be without pictures, which is an error where it is trained on; as torchvision's `allow_empty`.
    pub allow_empty: bool,
    /// The classes that labels index into, which the data set's are matched with by name; its own if none.
    pub classes: Option<Vec<String>>,
    /// Which picture is in which part, as a run stored it.
    pub record: Option<Arc<Record>>,
    /// The most bytes of pixels of picture files to hold in memory: more are decoded when they are needed. A quarter of the
    /// machine's memory if none. The result is the same either way.
    pub memory: Option<u64>,
    /// Threads that decode pictures; 0 means as many as there are cores. The result is the same with any number.
    pub workers: usize,
}

impl Loading {
    /// The number of threads to start.
    pub fn threads(workers: usize) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        if workers == 0 { cores() } else { workers.min(1024) }
    }

    /// What all pictures are brought to, and what a network sees of each, of a data set whose own size is `own`.
    ///
    /// # Errors
    /// A part that is not said, or is larger than the whole.
    pub fn sizes(&self, own: Size) -> Result<[Size; 2]> {
        match (self.load_size, self.image_size) {
            (None, image) => Ok([image.unwrap_or(own); 2]),
            (Some(load), Some(image)) if image.height <= load.height && image.width <= load.width => Ok([load, image]),
            (Some(load), Some(image)) => Err(Error::usage(format!(
                "‹load_size={load}›: ‹image_size={image}› is cut out of pictures of that size; load them as large at least"
            ))),
            (Some(load), None) => Err(Error::usage(format!(
                "‹load_size={load}›: say what is cut out of pictures of that size, by ‹image_size›"
            ))),
        }
    }

    /// `picture` in size `size`, as `[height, width, 3]` values.
    ///
    /// # Errors
    /// Those of [`picture::resize`].
    pub(super) fn fitted(&self, picture: &RgbImage, size: Size) -> Result<Vec<u8>> {
        picture::fitted(picture, size.height, size.width, self.resize.unwrap_or_default())
    }

    /// How what has no parts of its own will be split, for people; none if it will not be.
    pub(super) fn split_note(&self) -> Option<String> {
        let (ratios, seed) = (self.split.unwrap_or_default(), self.seed);
        let drawn = !self.whole && self.record.is_none();
        drawn.then(|| format!("split {ratios} with seed {seed}, stratified, equal pictures on one side"))
    }

    /// Refuses `split` for a data set that is split already.
    ///
    /// # Errors
    /// If there is one; `what` begins the sentence.
    pub fn refuse_split(&self, what: &str) -> Result<()> {
        match self.split {
            Some(split) => Err(Error::usage(format!("‹split={split}›: {what} is split already; leave ‹split› out"))),
            None => Ok(()),
        }
    }
}

/// Rows and columns of a picture, each 1 to 4096; written `32` or `32x48` (height first).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "NumberOrText", into = "String")]
pub struct Size {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Size {
    /// As many rows as columns.
    pub const fn square(side: usize) -> Self {
        Size { height: side, width: side }
    }

    /// Bytes of a picture: three channels of eight bits.
    pub fn bytes(self) -> usize {
        self.height * self.width * 3
    }
}

impl FromStr for Size {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let side = |text: &str| text.parse().ok().filter(|side| (1..=4096).contains(side));
        let (height, width) = text.split_once('x').unwrap_or((text, text));
        match (side(height), side(width)) {
            (Some(height), Some(width)) => Ok(Size { height, width }),
            _ => {
                let what = "expected N or HEIGHTxWIDTH, each 1 to 4096, such as 64 or 48x64";
                Err(Error::usage(format!("image size {text:?}: {what}")))
            }
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

impl From<Size> for String {
    fn from(size: Size) -> String {
        size.to_string()
    }
}

/// A size in a TOML or JSON file.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number of pixels or a text such as \"48x64\"")]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl TryFrom<NumberOrText> for Size {
    type Error = Error;

    fn try_from(value: NumberOrText) -> Result<Self> {
        match value {
            NumberOrText::Number(side) => side.to_string().parse(),
            NumberOrText::Text(text) => text.parse(),
        }
    }
}

/// How a picture is brought to a size whose sides have another ratio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Fit {
    /// Each side is brought to its length: nothing is lost, shapes are distorted.
    #[default]
    Squash,
    /// The shorter side is brought to its length and the middle of the longer one is taken: shapes stay, margins are lost.
    /// torchvision's `Resize(N)`, `CenterCrop(N)`.
    Crop,
    /// All of it, between black bars: shapes and margins stay, the picture gets smaller. Pillow's `ImageOps.pad`.
    Pad,
}

words!(Fit, "unknown way to resize {text:?}", Squash "squash", Crop "crop", Pad "pad");

impl From<Fit> for String {
    fn from(fit: Fit) -> String {
        fit.to_string()
    }
}

impl TryFrom<String> for Fit {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

/// Training, validation and test shares of a folder; written `8:1:1`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ratios {
    /// Above 0.
    pub train: f64,
    /// At least 0.
    pub val: f64,
    /// Above 0.
    pub test: f64,
}

impl Default for Ratios {
    fn default() -> Self {
        Ratios { train: 8.0, val: 1.0, test: 1.0 }
    }
}

impl Ratios {
    /// The shares of validation and test, 0 to 1.
    pub fn shares(self) -> (f64, f64) {
        let sum = self.train + self.val + self.test;
        (self.val / sum, self.test / sum)
    }
}

impl FromStr for Ratios {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // Ratios of a million to one are a slip, and numbers without bound add up to infinity.
        let share = |part: &str| part.trim().parse::<f64>().ok().filter(|share| (0.0..=1e6).contains(share));
        let parts: Option<Vec<f64>> = text.split(':').map(share).collect();
        match parts.as_deref() {
            Some(&[train, val, test]) if train > 0.0 && test > 0.0 => Ok(Ratios { train, val, test }),
            _ => {
                let what = "expected TRAIN:VAL:TEST, such as 8:1:1 or 9:0:1; TRAIN and TEST above 0";
                Err(Error::usage(format!("split {text:?}: {what}")))
            }
        }
    }
}

impl fmt::Display for Ratios {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}:{}", self.train, self.val, self.test)
    }
}

impl From<Ratios> for String {
    fn from(ratios: Ratios) -> String {
        ratios.to_string()
    }
}

impl TryFrom<String> for Ratios {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

/// Bytes of memory, written `256MB`, `1.5GB` or as a number; powers of 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl FromStr for Bytes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let lower = text.trim().to_lowercase();
        let digits = lower.trim_end_matches("ib").trim_end_matches('b');
        let units = [('k', 10), ('m', 20), ('g', 30), ('t', 40)];
        let unit = units.iter().find_map(|(letter, power)| Some((digits.strip_suffix(*letter)?, 1u64 << power)));
        let (number, unit) = unit.unwrap_or((digits, 1));
        let number = number.trim().parse::<f64>().ok().filter(|number| (0.0..1e18).contains(number));
        let bytes = number.map(|number| Bytes((number * unit as f64) as u64));
        bytes.ok_or_else(|| Error::usage(format!("memory {text:?}: expected a size such as 256MB, 1.5GB or 0")))
    }
}
