//! The order that a map puts a picture's pixels in.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The map of one picture.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// The picture's number.
    pub picture: usize,
    /// Row by row, from 0 to 1.
    pub map: Vec<f32>,
    /// The pixels from the largest value to the smallest.
    pub order: Vec<usize>,
}

impl Ranked {
    /// Of a `map` without NaN. Where ReLU leaves zeros, and where a layer is coarse, many values are equal: their order is drawn
    /// from `seed`, the same for all maps of that picture, so that neither the upper left corner nor a method is favoured.
    pub fn new(picture: usize, map: Vec<f32>, seed: u64) -> Self {
        let mut random = random(seed, picture, Draw::Ties);
        let drawn: Vec<u32> = map.iter().map(|_| random.next_u32()).collect();
        let mut order: Vec<usize> = (0..map.len()).collect();
        order.sort_by(|&a, &b| map[b].total_cmp(&map[a]).then(drawn[a].cmp(&drawn[b])).then(a.cmp(&b)));
        Self { picture, map, order }
    }
}

/// What random numbers are drawn for.
#[derive(Clone, Copy)]
pub enum Draw {
    /// The order of equal values.
    Ties,
    /// What is added to pixels that were made up.
    Imputed,
    /// What pictures are disturbed with.
    Noise,
    /// A map that knows nothing.
    Map,
}

/// Random numbers of their own for each picture and purpose.
pub fn random(seed: u64, picture: usize, what: Draw) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(4 * picture as u64 + what as u64);
    random
}

/// A number between 0 and 1, never 0 or 1.
pub fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (f64::from(random.next_u32()) + 0.5) / 4_294_967_296.0
}

/// A number of the standard normal distribution (Box and Muller).
pub fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (radius, turn) = (uniform(random), uniform(random));
    (-2.0 * libm::log(radius)).sqrt() * libm::cos(std::f64::consts::TAU * turn)
}
