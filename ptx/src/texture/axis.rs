//! One axis of a texture: which texels a coordinate means.

/// What coordinates outside of an axis mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    Wrap,
    Mirror,
    Clamp,
    Border,
}

/// A texel of an axis, none for the border, and its share of the sample.
pub type Share = (Option<u32>, f64);

impl Addressing {
    /// The texel that an index means.
    pub fn texel(self, index: i64, size: u32) -> Option<u32> {
        let size = i64::from(size);
        let inside = match self {
            Addressing::Clamp => index.clamp(0, size - 1),
            Addressing::Border if !(0..size).contains(&index) => return None,
            Addressing::Border => index,
            Addressing::Wrap => index.rem_euclid(size),
            Addressing::Mirror => {
                let within = index.rem_euclid(2 * size);
                within.min(2 * size - 1 - within)
            }
        };
        Some(inside as u32)
    }

    /// The texel that a coordinate, counted in texels, lies in.
    pub fn nearest(self, at: f64, size: u32) -> Share {
        (self.texel(at.floor() as i64, size), 1.0)
    }

    /// The two texels between whose centers a coordinate lies, with their shares.
    pub fn neighbours(self, at: f64, size: u32) -> [Share; 2] {
        let between = at - 0.5;
        let first = between.floor();
        let second = share(between - first);
        let texel = |index: f64| self.texel(index as i64, size);
        [(texel(first), 1.0 - second), (texel(first + 1.0), second)]
    }
}

/// A share in nine bits of fixed point, of which eight are the fraction.
pub fn share(exact: f64) -> f64 {
    (exact * 256.0).round() / 256.0
}
