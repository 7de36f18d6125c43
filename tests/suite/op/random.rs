//! Random numbers: the published vectors, the same on every device; and dropout's rate.

use warptape::check::compare;
use warptape::device::{Defines, Function, Geometry};
use warptape::op::dropout::dropout;
use warptape::op::random::{Key, philox};
use warptape::{DType, Tape, Tensor};

use crate::support::{devices, tree};

/// From the authors' own test vectors (Random123, `kat_vectors`): counter, key, result.
const KNOWN: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
    ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
    ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
    (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
        [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
    ),
];

const KERNEL: &str = r#"
#include "prelude/philox.cuh"
extern "C" __global__ void philox_test(unsigned* out, unsigned c0, unsigned c1, unsigned c2, unsigned c3,
                                       unsigned k0, unsigned k1) {
    RandomWords words = philox(c0, c1, c2, c3, k0, k1);
    for (int i = 0; i < 4; ++i) out[i] = words.word[i];
}
"#;

#[test]
fn philox_gives_the_published_numbers() {
    for (counter, key, result) in KNOWN {
        assert_eq!(philox(counter, key), result);
    }
    for (label, device) in devices() {
        let source = tree().source("philox_test.cu", KERNEL, &Defines::new()).unwrap();
        // SAFETY: the text initialises nothing.
        let module = unsafe { device.compile(&source) }.unwrap();
        let function = Function::of(&module, "philox_test").unwrap();
        for (counter, key, result) in KNOWN {
            let out = Tensor::zeros(&device, [4], DType::I32).unwrap();
            let words = counter.iter().chain(&key).map(|&word| word.into());
            let args: Vec<_> = [out.arg()].into_iter().chain(words).collect();
            crate::support::launch(&device, &function, Geometry::linear(1, 1), &args).unwrap();
            assert_eq!(out.to_vec::<i32>().unwrap(), result.map(|word| word as i32), "{label}");
        }
    }
}

#[test]
fn a_key_uses_all_its_bits() {
    let key = Key { seed: 1, step: 2, stream: 3 };
    let others = [
        Key { seed: 1 << 40 | 1, ..key },
        Key { step: 1 << 40 | 2, ..key },
        Key { stream: 4, ..key },
        Key { seed: 2, step: 1, ..key },
    ];
    assert!(others.iter().all(|other| other.block(0) != key.block(0)));
    assert_ne!(key.block(0), key.block(1));
    assert_eq!(key.word(7), key.block(1)[3]);
}

#[test]
fn dropout_drops_at_its_rate_and_keeps_the_mean() {
    let n = 1 << 18;
    for (label, device) in devices() {
        let x = Tensor::full(&device, [n], 1.0).unwrap();
        for p in [0.1f32, 0.5, 0.9] {
            let key = Key { seed: 42, step: 7, stream: 1 };
            let y = dropout(&mut Tape::new(), &x, p, key).unwrap().to_vec::<f32>().unwrap();
            let dropped = y.iter().filter(|&&v| v == 0.0).count() as f64 / n as f64;
            // Five standard deviations of a binomial proportion.
            let slack = 5.0 * (f64::from(p) * f64::from(1.0 - p) / n as f64).sqrt();
            assert!((dropped - f64::from(p)).abs() < slack, "{label}: dropped {dropped} at {p}");
            assert!(y.iter().all(|&v| v == 0.0 || v == 1.0 / (1.0 - p)), "{label}");
        }
    }
}

#[test]
fn dropout_has_the_same_bits_on_every_device_and_another_mask_per_step() {
    let n = 10_007;
    let values: Vec<f32> = (0..n).map(|i| (i as f32 * 0.37).sin()).collect();
    let run = |device: &warptape::Device, step| {
        let x = Tensor::from_slice(device, [n], &values).unwrap();
        let y = dropout(&mut Tape::new(), &x, 0.3, Key { seed: 5, step, stream: 0 }).unwrap();
        y.to_vec::<f32>().unwrap()
    };
    let devices = devices();
    let first = run(&devices[0].1, 0);
    for (label, device) in &devices {
        let same = run(device, 0).iter().zip(&first).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same, "{label} draws another mask");
    }
    assert_ne!(first, run(&devices[0].1, 1));
    let reference = |i: usize| {
        let kept = Key { seed: 5, step: 0, stream: 0 }.word(i) >= (f64::from(0.3f32) * 4_294_967_296.0) as u32;
        if kept { f64::from(values[i]) / f64::from(1.0 - 0.3f32) } else { 0.0 }
    };
    compare("dropout", &first, &(0..n).map(reference).collect::<Vec<_>>(), 1e-6).unwrap();
}

#[test]
fn dropout_refuses_what_is_no_probability() {
    let (_, device) = &devices()[0];
    let x = Tensor::full(device, [4], 1.0).unwrap();
    for p in [-0.1, 1.1, f32::NAN] {
        assert!(dropout(&mut Tape::new(), &x, p, Key { seed: 0, step: 0, stream: 0 }).is_err());
    }
    let y = dropout(&mut Tape::new(), &x, 0.0, Key { seed: 0, step: 0, stream: 0 }).unwrap();
    assert_eq!(y.id(), x.id(), "nothing is dropped, nothing is copied");
}
