//! Samples: which texels a point means, and what they make together.

use super::axis::{Addressing, Share, share};
use super::{Array, Geometry, Sampler, Texel};

/// Where a texture is read.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// The index of a layer or cube.
    pub layer: u32,
    /// x, y, z; of cubes a direction.
    pub at: [f64; 3],
    /// Whether these are integers, which count texels whatever the sampler says.
    pub integers: bool,
    /// Texels that are added to x, y, z.
    pub offset: [i32; 3],
}

/// Which levels are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lod {
    Base,
    Level(f32),
    /// What x, y, z change by from a pixel to the next, to the right and down.
    Gradients([f32; 3], [f32; 3]),
}

/// A texel of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap {
    /// None for the border.
    pub address: Option<u64>,
    pub share: f64,
}

/// The texels that make a sample.
#[derive(Clone, Debug, Default)]
pub struct Footprint {
    pub taps: Vec<Tap>,
}

impl Array {
    /// The texels that a point is a mix of.
    pub fn footprint(&self, sampler: &Sampler, point: &Point, lod: Lod) -> Footprint {
        let mut taps = Vec::new();
        for (level, part) in self.levels_of(sampler, lod) {
            let ([x, y, z], layer) = self.located(sampler, point, level);
            let linear = sampler.linear && !point.integers;
            let mix = |at: f64, axis: usize| -> [Share; 2] {
                let (addressing, size) = (self.addressing(sampler, axis), self.levels[level].size[axis]);
                match axis < self.geometry.axes() {
                    true if linear => addressing.neighbours(at, size),
                    true => [addressing.nearest(at, size), (None, 0.0)],
                    false => [(Some(0), 1.0), (None, 0.0)],
                }
            };
            for (z, deep) in mix(z, 2) {
                for (y, down) in mix(y, 1) {
                    for (x, along) in mix(x, 0) {
                        let share = part * deep * down * along;
                        let whole = x.zip(y).zip(z);
                        let address = whole.map(|((x, y), z)| self.address(level, [x, y], z + layer));
                        taps.push(Tap { address, share });
                    }
                }
            }
        }
        taps.retain(|tap| tap.share != 0.0);
        Footprint { taps }
    }

    /// The four texels around a point of a plane, whose y grows downwards: below it from left to right, then above from right to
    /// left (`tld4`: counter-clockwise from the lower left).
    pub fn corners(&self, sampler: &Sampler, point: &Point) -> Footprint {
        let ([x, y, _], layer) = self.located(sampler, point, 0);
        let pair =
            |at, axis| self.addressing(sampler, axis).neighbours(at, self.levels[0].size[axis]).map(|(at, _)| at);
        let ([left, right], [upper, lower]) = (pair(x, 0), pair(y, 1));
        let order = [(left, lower), (right, lower), (right, upper), (left, upper)];
        let address = |(x, y): (Option<u32>, Option<u32>)| Some(self.address(0, [x?, y?], layer));
        Footprint { taps: order.map(|corner| Tap { address: address(corner), share: 1.0 }).to_vec() }
    }

    /// Levels and their shares (OpenGL 8.14.1 to 8.14.3).
    fn levels_of(&self, sampler: &Sampler, lod: Lod) -> Vec<(usize, f64)> {
        let last = (self.levels.len() - 1) as f64;
        let wanted = match lod {
            Lod::Base => return vec![(0, 1.0)],
            Lod::Level(level) => f64::from(level),
            Lod::Gradients(right, down) => {
                let texels = |axis: usize| if sampler.normalized { f64::from(self.levels[0].size[axis]) } else { 1.0 };
                let length = |by: [f32; 3]| {
                    let squares = (0..self.geometry.axes()).map(|axis| (f64::from(by[axis]) * texels(axis)).powi(2));
                    squares.sum::<f64>().sqrt()
                };
                length(right).max(length(down)).log2()
            }
        };
        let [least, most] = sampler.level_range.map(f64::from);
        let level = (wanted + f64::from(sampler.level_bias)).max(least).min(most).max(0.0).min(last);
        if !sampler.mixes_levels {
            return vec![((level + 0.5).ceil() as usize - 1, 1.0)];
        }
        let above = share(level.fract());
        let both = [(level as usize, 1.0 - above), (level as usize + 1, above)];
        both.into_iter().filter(|(_, share)| *share > 0.0).collect()
    }

    /// A point in texels of a level, and its layer.
    fn located(&self, sampler: &Sampler, point: &Point, level: usize) -> ([f64; 3], u32) {
        let size = self.levels[level].size.map(f64::from);
        let (mut at, mut layer) = (point.at.map(|at| if at.is_nan() { 0.0 } else { at }), 0);
        if self.geometry.indexed() {
            let each = if self.geometry == Geometry::Cubes { 6 } else { 1 };
            layer = point.layer.min(self.layers / each - 1) * each;
        }
        let mut normalized = sampler.normalized && !point.integers;
        if self.geometry.is_cube() {
            let (face, [s, t]) = face(at);
            (layer, at, normalized) = (layer + face, [s, t, 0.0], true);
        }
        let texels = |axis: usize| {
            let scaled = if normalized { at[axis] * size[axis] } else { at[axis] };
            // Farther away than any array is long, so that indices stay small.
            (scaled + f64::from(point.offset[axis])).clamp(-1e12, 1e12)
        };
        (std::array::from_fn(texels), layer)
    }

    fn addressing(&self, sampler: &Sampler, axis: usize) -> Addressing {
        match sampler.addressing[axis] {
            _ if self.geometry.is_cube() => Addressing::Clamp,
            // What linear memory does not have is zeros.
            _ if self.geometry == Geometry::Linear => Addressing::Border,
            Addressing::Wrap | Addressing::Mirror if !sampler.normalized => Addressing::Clamp,
            addressing => addressing,
        }
    }
}

/// The face of a cube that a direction meets, and where on it, from 0 to 1 (OpenGL 8.13, table 8.19).
fn face([x, y, z]: [f64; 3]) -> (u32, [f64; 2]) {
    let [ax, ay, az] = [x, y, z].map(f64::abs);
    let (face, s, t, along) = match () {
        () if az >= ax && az >= ay && z >= 0.0 => (4, x, -y, az),
        () if az >= ax && az >= ay => (5, -x, -y, az),
        () if ay >= ax && y >= 0.0 => (2, x, z, ay),
        () if ay >= ax => (3, x, -z, ay),
        () if x >= 0.0 => (0, -z, -y, ax),
        () => (1, z, -y, ax),
    };
    let placed = |at: f64| if along == 0.0 { 0.5 } else { (at / along + 1.0) / 2.0 };
    (face, [placed(s), placed(t)])
}

impl Footprint {
    /// What texels make together, in the order of the taps.
    pub fn mixed(&self, texels: &[Texel]) -> Texel {
        if let [only] = texels
            && self.taps[0].share == 1.0
        {
            return *only;
        }
        let mut sums = [0f64; 4];
        for (tap, texel) in self.taps.iter().zip(texels) {
            if let Texel::Float(values) = texel {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += tap.share * f64::from(*value));
            }
        }
        Texel::Float(sums.map(|sum| sum as f32))
    }
}
