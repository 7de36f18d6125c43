//! The random parameters of an augmentation.
//!
//! They are drawn here, in f64, and handed to kernels as a small table: all devices get the same numbers, a table that a test
//! makes up takes the same way, and to draw a part of a picture again until it fits, or from a Beta distribution, is no
//! kernel's work. What an image gets depends on the key and its own number, never on its place in a batch.

use super::colour::Coloured;
use super::geometry::{Moved, Size};
use super::mix::Mix;
use super::written::{Augmentation, Colouring, Geometric, Mixing};
use crate::op::random::Key;

/// Streams of random numbers, a new one for each attempt of what tries again. Layers count theirs from 1 up, these lie above;
/// crop and flip have the key's own, whose words `gather.cu` draws as well.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Stream {
    ResizedCrop = 0xffff_ff00,
    Rotate = 0xffff_ff10,
    Grey,
    Brightness,
    Contrast,
    Saturation,
    Hue,
    Cutout,
    Mixing,
    AlternatingFlip,
}

impl Stream {
    fn of(self, key: Key) -> Key {
        Key { stream: self as u32, ..key }
    }
}

/// Uniform in (0, 1).
fn unit(word: u32) -> f64 {
    (f64::from(word) + 0.5) / 4_294_967_296.0
}

fn between([low, high]: [f64; 2], word: u32) -> f64 {
    low + (high - low) * unit(word)
}

/// One of 0 … count − 1.
fn choice(count: usize, word: u32) -> usize {
    ((u64::from(word) * count as u64) >> 32) as usize
}

impl Geometric {
    /// Its parameters for image `index`, where a picture of size `from` is to become one of size `to`.
    pub fn draw(self, [from, to]: [Size; 2], key: Key, index: u32) -> Moved {
        match self {
            Self::ResizedCrop { scale, ratio } => resized_crop(scale, ratio, from, key, index),
            Self::Crop { padding, reflect } => {
                let words = key.block(index);
                let shift = |axis: usize| {
                    let places = (from[axis] + 2 * padding).saturating_sub(to[axis]) + 1;
                    choice(places, words[axis]) as i32 - padding as i32
                };
                Moved::Crop { down: shift(0), right: shift(1), reflect }
            }
            Self::Flip => Moved::Flip(key.block(index)[2] >> 31 == 1),
            Self::AlternatingFlip { other } => {
                // One coin for all of a training.
                let coin = Stream::AlternatingFlip.of(Key { step: 0, ..key }).block(index)[0] >> 31 == 1;
                Moved::Flip(coin != other)
            }
            Self::Rotate(most) => Moved::Rotate(between([-most, most], Stream::Rotate.of(key).block(index)[0])),
        }
    }
}

impl Augmentation {
    /// What is drawn of its geometry for image `index`: moves through which a picture of size `from` becomes one of size `to`. The
    /// first crop that is written cuts it out, or one before all else.
    pub fn moves(&self, [from, to]: [Size; 2], key: Key, index: u32) -> Vec<Moved> {
        let mut size = from;
        let draw = |one: &Geometric| {
            let moved = one.draw([size, to], key, index);
            size = if one.cuts() { to } else { size };
            moved
        };
        let cut = (from != to && !self.geometry.iter().any(Geometric::cuts)).then_some(&Geometric::CUT);
        cut.into_iter().chain(&self.geometry).map(draw).collect()
    }
}

/// As torchvision's `RandomResizedCrop`: ten attempts, then as much of the middle as the ratios allow.
fn resized_crop(scale: [f64; 2], ratio: [f64; 2], size: Size, key: Key, index: u32) -> Moved {
    let [rows, columns] = size.map(|length| length as f64);
    for attempt in 0..10 {
        let own = Key { stream: Stream::ResizedCrop as u32 + attempt, ..key };
        let [share, shape, down, right] = own.block(index);
        let area = rows * columns * between(scale, share);
        let ratio = between(ratio.map(f64::ln), shape).exp();
        let [height, width] = [area / ratio, area * ratio].map(|square| square.sqrt().round_ties_even() as usize);
        if (1..=size[0]).contains(&height) && (1..=size[1]).contains(&width) {
            let (top, left) = (choice(size[0] - height + 1, down), choice(size[1] - width + 1, right));
            return Moved::ResizedCrop { top, left, height, width };
        }
    }
    let own = columns / rows;
    let [height, width] = match own {
        _ if own < ratio[0] => [(columns / ratio[0]).round_ties_even(), columns],
        _ if own > ratio[1] => [rows, (rows * ratio[1]).round_ties_even()],
        _ => [rows, columns],
    };
    let [height, width] = [height, width].map(|length| (length as usize).max(1));
    let [top, left] = [size[0].saturating_sub(height) / 2, size[1].saturating_sub(width) / 2];
    Moved::ResizedCrop { top, left, height, width }
}

impl Colouring {
    /// Its parameters for image `index` of `size`.
    pub fn draw(self, size: Size, key: Key, index: u32) -> Coloured {
        let words = |stream: Stream| stream.of(key).block(index);
        // As ColorJitter: no factor below 0.
        let factor = |x: f64, stream| between([(1.0 - x).max(0.0), 1.0 + x], words(stream)[0]);
        match self {
            Self::Grey(probability) => Coloured::Grey(unit(words(Stream::Grey)[0]) < probability),
            Self::Brightness(x) => Coloured::Brightness(factor(x, Stream::Brightness)),
            Self::Contrast(x) => Coloured::Contrast(factor(x, Stream::Contrast)),
            Self::Saturation(x) => Coloured::Saturation(factor(x, Stream::Saturation)),
            Self::Hue(x) => Coloured::Hue(between([-x, x], words(Stream::Hue)[0])),
            Self::Cutout(side) => {
                let [down, right, ..] = words(Stream::Cutout);
                // Around a pixel that may be any: squares reach over the edge, where they are cut off.
                let span = |length: usize, word: u32| {
                    let first = choice(length, word) as i64 - side as i64 / 2;
                    [first, first + side as i64].map(|end| end.clamp(0, length as i64) as usize)
                };
                Coloured::Cutout { rows: span(size[0], down), columns: span(size[1], right) }
            }
        }
    }
}

impl Mixing {
    /// How the images of `size` of one batch are mixed, as torchvision's `MixUp` and `CutMix` do.
    pub fn draw(self, size: Size, key: Key) -> Mix {
        let key = Stream::Mixing.of(key);
        let mut words = (0..).flat_map(|block| key.block(block)).map(unit);
        match self {
            Self::Mixup(alpha) => Mix::blend(size, beta(alpha, &mut words)),
            Self::Cutmix(alpha) => {
                let share = beta(alpha, &mut words);
                let mut span = |length: usize| {
                    let middle = (words.next().expect("endless") * length as f64) as usize;
                    let half = (0.5 * (1.0 - share).sqrt() * length as f64) as usize;
                    [middle.saturating_sub(half), (middle + half).min(length)]
                };
                let columns = span(size[1]);
                Mix::paste(size, span(size[0]), columns)
            }
        }
    }
}

/// A number from Beta(α, α), as x / (x + y) of two from Gamma(α).
fn beta(alpha: f64, uniform: &mut impl Iterator<Item = f64>) -> f64 {
    let [x, y] = [gamma_log(alpha, uniform), gamma_log(alpha, uniform)];
    1.0 / (1.0 + (y - x).exp())
}

/// The logarithm of a number from Gamma(α), which for small α no float holds (Marsaglia, Tsang: "A simple method for generating
/// gamma variables", ACM TOMS 26, 2000; for α below 1 their section 6).
fn gamma_log(alpha: f64, uniform: &mut impl Iterator<Item = f64>) -> f64 {
    if alpha < 1.0 {
        let power = uniform.next().expect("endless").ln() / alpha;
        return gamma_log(alpha + 1.0, uniform) + power;
    }
    let mut next = || uniform.next().expect("endless");
    let d = alpha - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        // Box and Muller's: normal.
        let (radius, angle) = ((-2.0 * next().ln()).sqrt(), std::f64::consts::TAU * next());
        let x = radius * angle.cos();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && next().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d.ln() + v.ln();
        }
    }
}
