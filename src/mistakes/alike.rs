//! Pictures that are nearly the same: who lies near whom to the network, and looks so as well.

use std::collections::BTreeSet;

use image::RgbImage;
use image::imageops::{FilterType, flip_horizontal, resize};
use rayon::prelude::*;

use crate::algebra::dot;
use crate::embed::Points;
use crate::embed::neighbors::within;

/// To so many of a picture's nearest it is compared: nearest to the network, and nearest as they look from far.
const CANDIDATES: usize = 10;
/// The side to which pictures are shrunk before they are compared, and from far: what compression or a slight move changes is gone then.
const SIDE: u32 = 16;
const FAR: u32 = 8;
/// Pictures whose pixels correlate so much are nearly the same. Photographs of 32×32 moved by a pixel have 0.88 to 0.95; others hardly
/// ever reach it, unless they are drawn alike.
pub const ALIKE: f64 = 0.9;
/// A picture whose values deviate by less than this, of 255, is of one colour.
const PLAIN: f64 = 1.0;

/// What a picture looks like.
pub struct Look {
    /// Of the shrunk picture and its mirror image; none if it is of one colour.
    shapes: Option<[Vec<f64>; 2]>,
    /// From far; all 0 if it is of one colour.
    far: Vec<f64>,
    /// The means of the channels.
    colors: [f64; 3],
}

impl Look {
    /// Of what the network sees.
    pub fn of(picture: &RgbImage) -> Self {
        let small = resize(picture, SIDE, SIDE, FilterType::Triangle);
        let shapes = shape(&small).zip(shape(&flip_horizontal(&small))).map(|(own, mirrored)| [own, mirrored]);
        let far = shape(&resize(picture, FAR, FAR, FilterType::Triangle)).filter(|_| shapes.is_some());
        Self { shapes, far: far.unwrap_or_else(|| vec![0.0; (3 * FAR * FAR) as usize]), colors: means(&small) }
    }

    /// The correlation of two pictures' pixels, or of one's with the other's mirror image if that is larger: 1 is the same but for
    /// brightness and contrast. Two of one colour are alike if it is the same.
    pub fn alike(&self, other: &Self) -> f64 {
        match (&self.shapes, &other.shapes) {
            (Some([own, _]), Some([same, mirrored])) => dot(own, same).max(dot(own, mirrored)),
            (None, None) => {
                let near = self.colors.iter().zip(&other.colors).all(|(one, other)| (one - other).abs() <= 2.0 * PLAIN);
                f64::from(u8::from(near))
            }
            _ => 0.0,
        }
    }
}

fn means(picture: &RgbImage) -> [f64; 3] {
    let count = f64::from(picture.width() * picture.height());
    [0, 1, 2].map(|channel| picture.pixels().map(|pixel| f64::from(pixel.0[channel])).sum::<f64>() / count)
}

/// The values without their channel's mean, of length 1; none for a picture of one colour.
fn shape(picture: &RgbImage) -> Option<Vec<f64>> {
    let means = means(picture);
    let values: Vec<f64> = picture.iter().enumerate().map(|(at, &value)| f64::from(value) - means[at % 3]).collect();
    let length = dot(&values, &values).sqrt();
    (length > PLAIN * (values.len() as f64).sqrt()).then(|| values.iter().map(|value| value / length).collect())
}

/// Pairs of pictures that are nearly the same, each once, with how much they are alike: of those with these `features` and `looks`.
pub fn pairs(features: &Points, looks: &[Look]) -> Vec<(usize, usize, f64)> {
    let far = Points::new((3 * FAR * FAR) as usize, looks.iter().flat_map(|look| look.far.iter().copied()).collect());
    let near = [within(features, CANDIDATES), within(&far, CANDIDATES)];
    let candidates = near.iter().flat_map(|near| near.iter().enumerate());
    let named = candidates.flat_map(|(at, near)| near.iter().map(move |one| (at.min(one.index), at.max(one.index))));
    let different: BTreeSet<(usize, usize)> = named.collect();
    let pair = |(first, second): (usize, usize)| (first, second, looks[first].alike(&looks[second]));
    let mut pairs: Vec<(usize, usize, f64)> = different.into_par_iter().map(pair).collect();
    pairs.retain(|(_, _, alike)| *alike >= ALIKE);
    pairs
}
