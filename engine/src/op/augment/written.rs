//! The written order of an augmentation: `resized-crop(0.5-1,0.75-1.33)+flip+rotate(45)+grey(0.5)`.

use std::str::FromStr;

use super::geometry::Size;
use crate::error::{Error, Result};

/// What moves pixels. All that is written of it becomes one map, see [`stages`](super::geometry::stages).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Geometric {
    /// A part of the picture brought to the image's size; torchvision's `RandomResizedCrop`.
    ResizedCrop {
        /// Its area, least and greatest, as a share of the picture's.
        scale: [f64; 2],
        /// Its width by its height, least and greatest; the logarithm is uniform.
        ratio: [f64; 2],
    },
    /// A crop of the image's size from the picture with a margin; torchvision's `RandomCrop(padding)`.
    Crop {
        /// Pixels of margin on each side.
        padding: usize,
        /// Whether the margin mirrors the picture (without its outermost pixels) rather than being black.
        reflect: bool,
    },
    /// Every other picture mirrored; `RandomHorizontalFlip`.
    Flip,
    /// Half of the pictures mirrored, in the next epoch the other half: in two epochs a picture is seen from both sides (Jordan:
    /// "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024).
    AlternatingFlip {
        /// Whether it is the other half; see [`Augmentation::in_epoch`].
        other: bool,
    },
    /// Turned by up to so many degrees either way, black around; `RandomRotation(fill=0)`.
    Rotate(f64),
}

/// What changes colours, pixel by pixel, in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Colouring {
    /// Greyscale with that probability; `RandomGrayscale`.
    Grey(f64),
    /// Times a factor of 1 ± x; this and the next three are `ColorJitter`'s.
    Brightness(f64),
    /// Away from or towards the mean of the picture's grey.
    Contrast(f64),
    /// Away from or towards each pixel's grey.
    Saturation(f64),
    /// The hue turned by up to x of a turn either way.
    Hue(f64),
    /// A black square of that many pixels a side around a random pixel (DeVries, Taylor 2017).
    Cutout(usize),
}

/// What makes one picture of two, the same for all of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mixing {
    /// A weighted sum, the weight from Beta(α, α) (Zhang et al. 2018).
    Mixup(f64),
    /// A rectangle out of the other, of a share that is 1 − Beta(α, α) (Yun et al. 2019).
    Cutmix(f64),
}

/// A written order: geometric transforms, then colours, then mixing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// In the order in which they are applied.
    pub geometry: Vec<Geometric>,
    /// In the order in which they are applied.
    pub colours: Vec<Colouring>,
    /// Last.
    pub mixing: Option<Mixing>,
}

impl Geometric {
    /// A crop without margin: what is cut out of pictures that are larger than images.
    pub(super) const CUT: Self = Self::Crop { padding: 0, reflect: false };

    /// Whether its result may have another size than the picture.
    pub(super) fn cuts(&self) -> bool {
        matches!(self, Self::ResizedCrop { .. } | Self::Crop { .. })
    }
}

impl Augmentation {
    /// Padding and flip of an order whose geometry is crop with black margin and flip alone, or nothing: then pixels are moved
    /// as they are, and nothing is sampled between them. Without padding, where nothing at all is drawn, the middle is taken.
    pub fn whole_pixels(&self) -> Option<(Option<usize>, bool)> {
        let (mut padding, mut flip) = ((*self != Self::default()).then_some(0), false);
        for one in &self.geometry {
            match *one {
                // Which of the two is first makes no difference but from which end a shift is counted, and those are as likely.
                Geometric::Crop { padding: pixels, reflect: false } => padding = Some(pixels),
                Geometric::Flip => flip = true,
                _ => return None,
            }
        }
        Some((padding, flip))
    }

    /// The same in `epoch`, from 1.
    pub fn in_epoch(mut self, epoch: u64) -> Self {
        for one in &mut self.geometry {
            if let Geometric::AlternatingFlip { other } = one {
                *other = epoch.is_multiple_of(2);
            }
        }
        self
    }

    /// Refuses what pictures of size `from` are too small for: a margin that reflects more than there is, or leaves nothing of the
    /// picture; and a crop without margin that cuts nothing off, because images of size `to` are as large.
    ///
    /// # Errors
    /// One line: the largest margin that would do.
    pub fn check(&self, [from, to]: [Size; 2]) -> Result<()> {
        let mut size = from;
        for one in &self.geometry {
            let &Geometric::Crop { padding, reflect } = one else {
                size = if one.cuts() { to } else { size };
                continue;
            };
            if *one == Geometric::CUT && size == to {
                let what =
                    "leaves pictures as they are: give it a margin, such as crop4, or load them larger, by ‹load_size›";
                return Err(Error::usage(format!("augmentation 'crop': {what}")));
            }
            let (most, how) = if reflect {
                (size[0].min(size[1]).saturating_sub(1), "(reflect)")
            } else {
                (size[0].max(size[1]), "")
            };
            if padding > most {
                let [height, width] = size;
                let what = format!("images of {height} x {width} pixels take a margin of at most {most}");
                return Err(Error::usage(format!("augmentation 'crop{padding}{how}': {what}")));
            }
            size = to;
        }
        Ok(())
    }
}

/// A transform as it is written.
struct Kind {
    name: &'static str,
    /// How it is written, and what its numbers may be.
    form: &'static str,
    numbers: &'static str,
    read: fn(&str) -> Option<Step>,
}

enum Step {
    Geometric(Geometric),
    Colouring(Colouring),
    Mixing(Mixing),
}

/// All that can be written; messages and the command line's help are made from it.
#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind { name: "resized-crop", form: "resized-crop(A-B,R-S)", numbers: "shares of the area above 0 and up to 1, ratios above 0", read: resized_crop },
    Kind { name: "crop", form: "crop, cropN or cropN(reflect)", numbers: "N from 1 to 64", read: crop },
    Kind { name: "flip", form: "flip or flip(alternating)", numbers: "it takes nothing else", read: flip },
    Kind { name: "rotate", form: "rotate(DEGREES)", numbers: "above 0 and up to 180", read: |text| Some(Step::Geometric(Geometric::Rotate(number(text, 180.0)?))) },
    Kind { name: "grey", form: "grey(P)", numbers: "a probability above 0 and up to 1", read: |text| Some(Step::Colouring(Colouring::Grey(number(text, 1.0)?))) },
    Kind { name: "brightness", form: "brightness(X)", numbers: "X above 0; factors are from 1 - X to 1 + X", read: |text| Some(Step::Colouring(Colouring::Brightness(number(text, f64::MAX)?))) },
    Kind { name: "contrast", form: "contrast(X)", numbers: "X above 0; factors are from 1 - X to 1 + X", read: |text| Some(Step::Colouring(Colouring::Contrast(number(text, f64::MAX)?))) },
    Kind { name: "saturation", form: "saturation(X)", numbers: "X above 0; factors are from 1 - X to 1 + X", read: |text| Some(Step::Colouring(Colouring::Saturation(number(text, f64::MAX)?))) },
    Kind { name: "hue", form: "hue(X)", numbers: "X above 0 and up to 0.5, a share of a turn", read: |text| Some(Step::Colouring(Colouring::Hue(number(text, 0.5)?))) },
    Kind { name: "cutout", form: "cutout(N)", numbers: "N pixels, from 1", read: |text| Some(Step::Colouring(Colouring::Cutout(argument(text)?.parse().ok().filter(|&n: &u16| n > 0)?.into()))) },
    Kind { name: "mixup", form: "mixup(ALPHA)", numbers: "ALPHA above 0", read: |text| Some(Step::Mixing(Mixing::Mixup(number(text, f64::MAX)?))) },
    Kind { name: "cutmix", form: "cutmix(ALPHA)", numbers: "ALPHA above 0", read: |text| Some(Step::Mixing(Mixing::Cutmix(number(text, f64::MAX)?))) },
];

/// How transforms are written, one after the other.
pub fn forms() -> String {
    KINDS.iter().map(|kind| kind.form).collect::<Vec<_>>().join(", ")
}

/// What stands between the parentheses that are all of `text`.
fn argument(text: &str) -> Option<&str> {
    text.strip_prefix('(')?.strip_suffix(')')
}

/// The number above 0 and up to `most` in parentheses.
fn number(text: &str, most: f64) -> Option<f64> {
    argument(text)?.parse().ok().filter(|&value| value > 0.0 && value <= most)
}

fn resized_crop(text: &str) -> Option<Step> {
    let range = |text: &str, most: f64| {
        let (low, high) = text.split_once('-')?;
        let [low, high]: [f64; 2] = [low.trim().parse().ok()?, high.trim().parse().ok()?];
        (0.0 < low && low <= high && high <= most).then_some([low, high])
    };
    let (scale, ratio) = argument(text)?.split_once(',')?;
    Some(Step::Geometric(Geometric::ResizedCrop { scale: range(scale, 1.0)?, ratio: range(ratio, f64::MAX)? }))
}

fn crop(text: &str) -> Option<Step> {
    if text.is_empty() {
        return Some(Step::Geometric(Geometric::CUT));
    }
    let (pixels, reflect) = text.strip_suffix("(reflect)").map_or((text, false), |pixels| (pixels, true));
    let padding = pixels.parse().ok().filter(|pixels| (1..=64).contains(pixels))?;
    Some(Step::Geometric(Geometric::Crop { padding, reflect }))
}

fn flip(text: &str) -> Option<Step> {
    match (text, argument(text)) {
        ("", _) => Some(Step::Geometric(Geometric::Flip)),
        (_, Some("alternating")) => Some(Step::Geometric(Geometric::AlternatingFlip { other: false })),
        _ => None,
    }
}

impl FromStr for Augmentation {
    type Err = Error;

    /// # Errors
    /// One line: what is not a transform, or in a wrong place, and what to write.
    fn from_str(text: &str) -> Result<Self> {
        let mut all = Self::default();
        if text == "none" {
            return Ok(all);
        }
        let fail = |what: String| Err(Error::usage(format!("augmentation '{text}': {what}")));
        let mut seen: Vec<&Kind> = Vec::new();
        for part in text.split('+').map(str::trim) {
            let name = &part[..part.find(|c: char| c != '-' && !c.is_ascii_lowercase()).unwrap_or(part.len())];
            let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
                return fail(format!("there is no '{part}': use none, or of these, joined by +: {}", forms()));
            };
            let Some(step) = (kind.read)(&part[name.len()..]) else {
                return fail(format!("'{part}' is not {}: {}", kind.form, kind.numbers));
            };
            if seen.iter().any(|other| other.name == name) {
                return fail(format!("{name} stands there twice: leave one out"));
            }
            let early = match step {
                Step::Geometric(_) => all.colours.is_empty() && all.mixing.is_none(),
                Step::Colouring(_) => all.mixing.is_none(),
                Step::Mixing(_) => true,
            };
            if !early {
                let before = seen.last().expect("something stands before it").name;
                let order = "first what moves pixels, then colours and cutout, then mixup or cutmix";
                return fail(format!("{name} comes before {before}: {order}"));
            }
            match step {
                Step::Geometric(one) => all.geometry.push(one),
                Step::Colouring(one) => all.colours.push(one),
                Step::Mixing(_) if all.mixing.is_some() => return fail("use mixup or cutmix, not both".into()),
                Step::Mixing(one) => all.mixing = Some(one),
            }
            seen.push(kind);
        }
        Ok(all)
    }
}
