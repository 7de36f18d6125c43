//! Augmentation against the same steps written out, one after the other, in plain Rust.

mod draws;
mod torchvision;
mod written;

use warptape::check::compare;
use warptape::op::augment::{Augment, augment, pick_labels};
use warptape::op::random::Key;
use warptape::{DType, Device, Tensor};

use crate::support::devices;

const KEY: Key = Key { seed: 9, step: 4, stream: 2 };
const EVALUATION: Augment = Augment::evaluation([0.4914, 0.4822, 0.4465], [0.2471, 0.2435, 0.2616]);
const CIFAR: Augment = Augment { padding: Some(4), flip: true, ..EVALUATION };

fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 7919 % 251) as u8).collect()
}

/// Pad with black, crop, mirror, scale, normalize: as torchvision does, an intermediate image at a time.
fn reference(image: &[u8], [rows, columns]: [usize; 2], how: &Augment, draw: [u32; 4]) -> Vec<f64> {
    let [height, width] = how.size.unwrap_or([rows, columns]);
    let p = how.padding.unwrap_or(0);
    let mut padded = vec![[0u8; 3]; (rows + 2 * p) * (columns + 2 * p)];
    for (at, pixel) in image.chunks(3).enumerate() {
        padded[(at / columns + p) * (columns + 2 * p) + at % columns + p].copy_from_slice(pixel);
    }
    let choose = |word: u32, places: usize| ((u64::from(word) * places as u64) >> 32) as usize;
    let [down, right] = [rows - height, columns - width];
    let (top, left) = match how.padding {
        Some(_) => (choose(draw[0], down + 2 * p + 1), choose(draw[1], right + 2 * p + 1)),
        // Python rounds halves to even numbers.
        None => ((down as f64 / 2.0).round_ties_even() as usize, (right as f64 / 2.0).round_ties_even() as usize),
    };
    let mut out = Vec::new();
    for y in 0..height {
        let row = &padded[(top + y) * (columns + 2 * p) + left..][..width];
        let mut row = row.to_vec();
        if how.flip && draw[2] >= 1 << 31 {
            row.reverse();
        }
        for pixel in row {
            let normalized = |c: usize| (f64::from(pixel[c]) / 255.0 - f64::from(how.mean[c])) / f64::from(how.std[c]);
            out.extend((0..3).map(normalized));
        }
    }
    out
}

fn run(device: &Device, images: &Tensor, indices: &[i32], offset: usize, batch: usize, how: &Augment) -> Vec<f32> {
    let indices = Tensor::from_slice(device, [indices.len()], indices).unwrap();
    augment(images, &indices, offset, batch, how, KEY, DType::F32).unwrap().to_vec().unwrap()
}

#[test]
fn augmentation_agrees_with_its_steps_and_has_the_same_bits_everywhere() {
    let wide = Augment { padding: Some(9), ..CIFAR };
    let part = |how: Augment, size| Augment { size: Some(size), ..how };
    let inner = Augment { padding: Some(0), ..CIFAR };
    let alike = [([32, 32], CIFAR), ([32, 32], EVALUATION), ([5, 7], CIFAR), ([1, 1], EVALUATION), ([9, 3], wide)];
    let smaller = [
        ([19, 14], part(EVALUATION, [12, 9])),
        ([20, 21], part(EVALUATION, [17, 20])),
        ([19, 14], part(inner, [12, 9])),
        ([19, 14], part(CIFAR, [19, 5])),
        ([9, 33], part(CIFAR, [1, 32])),
    ];
    for ([height, width], how) in alike.into_iter().chain(smaller) {
        let n = 11;
        let size = height * width * 3;
        let data = bytes(n * size);
        let indices = [3, 10, 0, 7, 7, 1, 2];
        let (offset, batch) = (1, 5);
        let mut first: Option<Vec<f32>> = None;
        for (label, device) in devices() {
            let images = Tensor::from_slice(&device, [n, height, width, 3], &data).unwrap();
            let found = run(&device, &images, &indices, offset, batch, &how);
            let expected: Vec<f64> = indices[offset..offset + batch]
                .iter()
                .flat_map(|&i| {
                    reference(&data[i as usize * size..][..size], [height, width], &how, KEY.block(i as u32))
                })
                .collect();
            compare(&format!("{label}: {height}x{width} {how:?}"), &found, &expected, 1e-6).unwrap();
            let first = first.get_or_insert_with(|| found.clone());
            assert!(first.iter().zip(&found).all(|(a, b)| a.to_bits() == b.to_bits()), "{label} has other bits");
            device.check_guards().unwrap();
        }
    }
}

#[test]
fn an_image_is_treated_alike_wherever_it_lands() {
    let (_, device) = &devices()[0];
    let images = Tensor::from_slice(device, [300, 8, 8, 3], &bytes(300 * 192)).unwrap();
    let alone = run(device, &images, &[123], 0, 1, &CIFAR);
    let among = run(device, &images, &[5, 17, 123], 0, 3, &CIFAR);
    assert_eq!(alone, among[2 * 192..]);
}

#[test]
fn crops_and_flips_are_uniform() {
    let mut counts = ([0usize; 9], [0usize; 9], 0usize);
    let n = 20_000;
    for i in 0..n {
        let draw = KEY.block(i);
        let choose = |word: u32| ((u64::from(word) * 9) >> 32) as usize;
        counts.0[choose(draw[0])] += 1;
        counts.1[choose(draw[1])] += 1;
        counts.2 += (draw[2] >> 31) as usize;
    }
    // Five standard deviations.
    let near = |count: usize, p: f64| {
        let expected = f64::from(n) * p;
        (count as f64 - expected).abs() < 5.0 * (expected * (1.0 - p)).sqrt()
    };
    assert!(counts.0.iter().chain(&counts.1).all(|&c| near(c, 1.0 / 9.0)) && near(counts.2, 0.5), "{counts:?}");
}

#[test]
fn an_index_out_of_range_shows_and_touches_nothing() {
    for (label, device) in devices() {
        let images = Tensor::from_slice(&device, [2, 4, 4, 3], &bytes(96)).unwrap();
        let found = run(&device, &images, &[0, 2, -1, i32::MAX, 1], 0, 5, &CIFAR);
        for (i, image) in found.chunks(48).enumerate() {
            let known = i == 0 || i == 4;
            assert!(image.iter().all(|v| v.is_nan() != known), "{label}: image {i}");
        }
        let labels = Tensor::from_slice(&device, [2], &[7, 8]).unwrap();
        let indices = Tensor::from_slice(&device, [5], &[1, 0, 2, -1, 1]).unwrap();
        let picked = pick_labels(&labels, &indices, 1, 4).unwrap().to_vec::<i32>().unwrap();
        assert_eq!(picked, [7, -1, -1, 8], "{label}");
        device.check_guards().unwrap();
    }
}

#[test]
fn wrong_requests_are_refused() {
    let (_, device) = &devices()[0];
    let images = Tensor::zeros(device, [2, 4, 4, 3], DType::U8).unwrap();
    let indices = Tensor::zeros(device, [3], DType::I32).unwrap();
    assert!(augment(&images, &indices, 2, 2, &CIFAR, KEY, DType::F32).is_err());
    assert!(augment(&images, &indices, usize::MAX, 2, &CIFAR, KEY, DType::F32).is_err());
    assert!(augment(&images, &images, 0, 2, &CIFAR, KEY, DType::F32).is_err());
    assert!(augment(&indices, &indices, 0, 2, &CIFAR, KEY, DType::F32).is_err());
    assert!(augment(&images, &indices, 0, 2, &Augment { std: [0.2, 0.0, 0.2], ..CIFAR }, KEY, DType::F32).is_err());
    assert!(augment(&images, &indices, 0, 2, &Augment { padding: Some(1 << 40), ..CIFAR }, KEY, DType::F32).is_err());
    for size in [[5, 4], [4, 5], [0, 4], [4, 0]] {
        assert!(augment(&images, &indices, 0, 2, &Augment { size: Some(size), ..CIFAR }, KEY, DType::F32).is_err());
    }
}

#[test]
fn a_batch_in_half_precision_is_the_same_one_rounded() {
    let how = Augment { padding: Some(2), ..CIFAR };
    for (label, device) in devices() {
        let images = Tensor::from_slice(&device, [3, 5, 7, 3], &bytes(3 * 5 * 7 * 3)).unwrap();
        let indices = Tensor::from_slice(&device, [3], &[2, 0, 1]).unwrap();
        let batch = |to| augment(&images, &indices, 0, 3, &how, KEY, to).unwrap().floats().unwrap();
        let single = batch(DType::F32);
        for narrow in [DType::F16, DType::BF16] {
            let rounded: Vec<f32> = single.iter().map(|&value| narrow.round(value.into()) as f32).collect();
            assert_eq!(batch(narrow), rounded, "{label}, {narrow}");
        }
        assert!(augment(&images, &indices, 0, 3, &how, KEY, DType::I32).is_err());
        device.check_guards().unwrap();
    }
}
