//! Made pictures: shapes on one colour or on blotches, with or without a mark in a corner.

use std::path::Path;

use image::{Rgb, RgbImage};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The side of a picture, and of the mark.
pub const SIDE: u32 = 32;
const MARK: u32 = 5;

/// The classes.
pub const CLASSES: [&str; 3] = ["cross", "disc", "square"];

/// Draws numbers from a seed.
pub struct Drawn(ChaCha8Rng);

impl Drawn {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// From `from` up to `to`.
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * f64::from(self.0.next_u32()) / 4_294_967_296.0
    }

    /// Below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.between(0.0, end as f64) as usize
    }

    fn color(&mut self) -> [f64; 3] {
        [0; 3].map(|_| self.between(0.0, 256.0))
    }
}

/// A picture of class `class`, an index of [`CLASSES`]. On one colour, drawn as the shape's is, so that form alone tells classes; or,
/// `easy`, on blotches, no two pictures' alike, with a colour of the class's own.
pub fn picture(drawn: &mut Drawn, class: usize, easy: bool) -> RgbImage {
    let (middle, size) = ([0; 2].map(|_| drawn.between(11.0, 21.0)), drawn.between(6.0, 10.0));
    let (ground, mut shape) = (drawn.color(), drawn.color());
    while ground.iter().zip(&shape).map(|(a, b)| (a - b).powi(2)).sum::<f64>() < 120.0 * 120.0 {
        shape = drawn.color();
    }
    if easy {
        shape = [0, 1, 2].map(|channel| if channel == class { 230.0 } else { 40.0 });
    }
    let blotches: Vec<[f64; 3]> = (0..25).map(|_| drawn.color()).collect();
    let blotched = |x: u32, y: u32| {
        let [(left, right), (above, below)] = [x, y].map(|at| ((at / 8) as usize, f64::from(at % 8) / 8.0));
        let share = |row: usize, column: usize, share: f64| {
            blotches[(above + row) * 5 + left + column].map(|value| share * value)
        };
        let parts = [
            share(0, 0, (1.0 - below) * (1.0 - right)),
            share(0, 1, (1.0 - below) * right),
            share(1, 0, below * (1.0 - right)),
            share(1, 1, below * right),
        ];
        [0, 1, 2].map(|channel| parts.iter().map(|part| part[channel]).sum::<f64>())
    };
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let (across, down) = ((f64::from(x) - middle[0]).abs(), (f64::from(y) - middle[1]).abs());
        let inside = match CLASSES[class] {
            "disc" => across.hypot(down) <= size,
            "square" => across.max(down) <= 0.85 * size,
            _ => across.min(down) <= 0.3 * size && across.max(down) <= size,
        };
        let ground = if easy { blotched(x, y) } else { ground };
        let color = if inside { shape } else { ground };
        Rgb(color.map(|value| (value + drawn.between(-12.0, 12.0)).clamp(0.0, 255.0) as u8))
    })
}

/// Puts the mark into the lower left corner: a light cross on dark.
pub fn mark(picture: &mut RgbImage, drawn: &mut Drawn) {
    let (left, top) = (1 + drawn.below(2) as u32, SIDE - MARK - 1 - drawn.below(2) as u32);
    for y in 0..MARK {
        for x in 0..MARK {
            let value = if x == y || x + y == MARK - 1 { 240 } else { 20 };
            picture.put_pixel(left + x, top + y, Rgb([value; 3]));
        }
    }
}

/// Saves `picture` as `folder/part/class/name.png`.
pub fn save(picture: &RgbImage, folder: &Path, part: &str, class: usize, name: &str) {
    let place = folder.join(part).join(CLASSES[class]);
    std::fs::create_dir_all(&place).unwrap();
    picture.save(place.join(format!("{name}.png"))).unwrap();
}
