//! Numbers that need no file: weights, images and labels from a counter, the same bits here and in
//! tests/golden/generated.py, which says how. PyTorch computes from them what the goldens hold.

use std::collections::HashMap;

use warptape::nn::{Layer, State};
use warptape::{Device, Tensor};

/// Seeds of the layers that are not drawn from seed 0, by full name (`layer1.0.conv2`).
pub type Seeds = HashMap<String, u64>;

const PROJECTIONS: usize = 8;
const SAMPLES: usize = 32;

/// SplitMix64's finalizer.
fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

/// The stream (seed, name).
fn words(seed: u64, name: &str) -> impl Iterator<Item = u64> + use<> {
    const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let key = mix(seed.wrapping_mul(GAMMA)) ^ name.bytes().fold(0xcbf2_9ce4_8422_2325, fnv);
    (1u64..).map(move |i| mix(key.wrapping_add(i.wrapping_mul(GAMMA))))
}

/// `count` numbers in [middle − bound, middle + bound).
pub fn uniform(seed: u64, name: &str, count: usize, bound: f64, middle: f64) -> Vec<f32> {
    let number = |word: u64| (middle + ((word >> 40) as f64 / f64::from(1 << 23) - 1.0) * bound) as f32;
    words(seed, name).take(count).map(number).collect()
}

/// A parameter by its state-dict name, in PyTorch's layout.
fn parameter(seed: u64, name: &str, shape: &[usize]) -> Vec<f32> {
    let count = shape.iter().product();
    match shape {
        [_] if name.ends_with("weight") => uniform(seed, name, count, 0.5, 1.0),
        [_] => uniform(seed, name, count, 0.1, 0.0),
        [_, rest @ ..] => uniform(seed, name, count, (6.0 / rest.iter().product::<usize>() as f64).sqrt(), 0.0),
        [] => panic!("{name} has no shape"),
    }
}

/// Gives every parameter of `model` its numbers; running statistics stay as they are.
pub fn fill(model: &dyn Layer, seeds: &Seeds) {
    model.visit("", &mut |name, state| {
        // Scales that are not learned stay 1.
        if let State::Parameter(tensor, layout) | State::Fixed(tensor, layout) = state
            && (matches!(state, State::Parameter(..)) || tensor.shape().rank() > 1)
        {
            let layer = name.rsplit_once('.').expect("layers have names").0;
            let seed = seeds.get(layer).copied().unwrap_or(0);
            let values = parameter(seed, &name, &layout.shape(tensor));
            tensor.write(&layout.inward(&values, tensor)).unwrap();
        }
    });
}

/// `batch` images of height and width `input`, `[N, H, W, 3]`; they are drawn in PyTorch's order, `[N, 3, H, W]`.
pub fn images(device: &Device, seed: u64, batch: usize, input: [usize; 2]) -> Tensor {
    let (shape, pixels) = ([batch, input[0], input[1], 3], input[0] * input[1]);
    let planes = uniform(seed, "images", batch * 3 * pixels, 3f64.sqrt(), 0.0);
    let at = |i: usize| planes[(i / (pixels * 3) * 3 + i % 3) * pixels + i / 3 % pixels];
    let values: Vec<f32> = (0..planes.len()).map(at).collect();
    Tensor::from_slice(device, shape, &values).unwrap()
}

/// Their classes, `[N]`.
pub fn labels(device: &Device, seed: u64, batch: usize, classes: usize) -> Tensor {
    let values: Vec<i32> =
        words(seed, "labels").take(batch).map(|word| ((word >> 40) % classes as u64) as i32).collect();
    Tensor::from_slice(device, [batch], &values).unwrap()
}

/// What is kept of a tensor in PyTorch's order: its norm, its largest magnitude, sums with random signs, elements.
pub struct Digest {
    pub norm: f64,
    pub largest: f64,
    sums: Vec<f64>,
    elements: Vec<f64>,
}

impl Digest {
    /// Of a tensor's values.
    pub fn new(name: &str, values: &[f32]) -> Self {
        let (mut squares, mut largest, mut sums) = (0.0, 0.0f64, [0.0; PROJECTIONS]);
        for (&value, signs) in values.iter().zip(words(0, &format!("signs of {name}"))) {
            let value = f64::from(value);
            squares += value * value;
            // A NaN stays: max would drop it.
            largest = if value.abs() <= largest { largest } else { value.abs() };
            for (bit, sum) in sums.iter_mut().enumerate() {
                *sum += if signs >> bit & 1 == 1 { -value } else { value };
            }
        }
        let positions = words(0, &format!("samples of {name}")).map(|word| (word % values.len() as u64) as usize);
        let elements = positions.take(SAMPLES).map(|at| f64::from(values[at])).collect();
        Self { norm: squares.sqrt(), largest, sums: sums.into(), elements }
    }

    /// As a golden stores it.
    pub fn stored(values: &[f64]) -> Self {
        assert_eq!(values.len(), 2 + PROJECTIONS + SAMPLES, "a digest");
        let (sums, elements) = values[2..].split_at(PROJECTIONS);
        Self { norm: values[0], largest: values[1], sums: sums.into(), elements: elements.into() }
    }

    /// Compares with what was expected, given how far the whole may lie off by its norm, and each element.
    pub fn compare(&self, expected: &Self, norm: f64, element: f64) -> Result<(), String> {
        let close = |what: &str, got: f64, wanted: f64, tolerance: f64| {
            // Written so that NaN fails.
            if (got - wanted).abs() <= tolerance {
                return Ok(());
            }
            Err(format!("{what} is {got:e}, expected {wanted:e} ± {tolerance:e}"))
        };
        close("norm", self.norm, expected.norm, norm)?;
        close("largest magnitude", self.largest, expected.largest, element)?;
        for (i, (got, wanted)) in self.sums.iter().zip(&expected.sums).enumerate() {
            // The sum of an error of norm e with random signs has standard deviation e.
            close(&format!("sum {i}"), *got, *wanted, 4.0 * norm)?;
        }
        for (i, (got, wanted)) in self.elements.iter().zip(&expected.elements).enumerate() {
            close(&format!("sample {i}"), *got, *wanted, element)?;
        }
        Ok(())
    }
}
