//! Transforms with given parameters against torchvision's, computed in f64 (tests/golden/augment.py).

use warptape::check::compare;
use warptape::op::augment::{
    Augment, Channels, Coloured, Mix, Moved, Size, augment, colour, mix, recoloured, sample, sampled, stages,
};
use warptape::op::cross_entropy::{Targets, cross_entropy_with};
use warptape::op::random::Key;
use warptape::{DType, Device, Tape, Tensor};

use crate::support::devices;
use crate::train::parity::Golden;

/// A place in the picture is a float of up to 17: neighbours that differ by the whole range differ here by as much as it is
/// rounded. Hues torchvision computes in float itself.
const TOLERANCE: f64 = 1e-5;

/// What a key of the golden file did to a picture of `size`.
fn steps(key: &str, size: Size) -> (Vec<Moved>, Vec<Coloured>) {
    let (mut moves, mut colours) = (Vec::new(), Vec::new());
    for step in key.split(" + ") {
        let (name, rest) = step.split_once(' ').unwrap_or((step, ""));
        let numbers: Vec<f64> = rest.split_whitespace().map(|number| number.parse().unwrap()).collect();
        let whole: Vec<usize> = numbers.iter().map(|&number| number as usize).collect();
        match (name, numbers.as_slice()) {
            ("resized-crop", [..]) => {
                let &[top, left, height, width] = whole.as_slice() else { panic!("{key}") };
                moves.push(Moved::ResizedCrop { top, left, height, width });
            }
            ("crop" | "crop-reflect", &[down, right]) => {
                let reflect = name == "crop-reflect";
                moves.push(Moved::Crop { down: down as i32, right: right as i32, reflect });
            }
            ("flip", []) => moves.push(Moved::Flip(true)),
            ("rotate", &[degrees]) => moves.push(Moved::Rotate(degrees)),
            ("grey", []) => colours.push(Coloured::Grey(true)),
            ("brightness", &[f]) => colours.push(Coloured::Brightness(f)),
            ("contrast", &[f]) => colours.push(Coloured::Contrast(f)),
            ("saturation", &[f]) => colours.push(Coloured::Saturation(f)),
            ("hue", &[f]) => colours.push(Coloured::Hue(f)),
            ("cutout", [..]) => {
                let &[top, left, height, width] = whole.as_slice() else { panic!("{key}") };
                colours.push(Coloured::Cutout { rows: [top, top + height], columns: [left, left + width] });
                assert!(top + height <= size[0] && left + width <= size[1], "{key}");
            }
            _ => panic!("{key}: {step}"),
        }
    }
    (moves, colours)
}

/// A picture of `size` through `moves` and `colours` on `device`, in [0, 1].
fn made(device: &Device, picture: &[u8], size: Size, (moves, colours): &(Vec<Moved>, Vec<Coloured>)) -> Vec<f32> {
    let images = Tensor::from_slice(device, [1, size[0], size[1], 3], picture).unwrap();
    let number = Tensor::from_slice(device, [1], &[0]).unwrap();
    let plain = Augment::evaluation([0.0; 3], [1.0; 3]);
    let key = Key { seed: 0, step: 0, stream: 0 };
    let moved = match moves.is_empty() {
        true => augment(&images, &number, 0, 1, &plain, key, DType::F32),
        false => sample(&images, &number, 0, size, &[stages(moves, [size; 2])], &Channels::PLAIN, DType::F32),
    };
    let moved = moved.unwrap();
    let all = if colours.is_empty() {
        moved
    } else {
        colour(&moved, std::slice::from_ref(colours), &Channels::PLAIN, DType::F32).unwrap()
    };
    device.check_guards().unwrap();
    all.to_vec().unwrap()
}

fn picture(golden: &Golden, name: &str) -> Vec<u8> {
    golden.floats(name).into_iter().map(|value| value as u8).collect()
}

fn keys(golden: &Golden, chains: bool) -> Vec<String> {
    let other = |key: &String| ["pictures", "photograph", "logits"].contains(&key.as_str()) || key.contains("mix");
    golden.names().into_iter().filter(|key| !other(key) && key.contains(" + ") == chains).collect()
}

#[test]
fn each_transform_alone_is_torchvisions() {
    let golden = Golden::named("augment");
    let (size, keys) = ([13, 17], keys(&golden, false));
    let first = &picture(&golden, "pictures")[..3 * 13 * 17];
    assert!(keys.len() > 35, "{keys:?}");
    for (label, device) in devices() {
        for key in &keys {
            let found = made(&device, first, size, &steps(key, size));
            compare(&format!("[{label}] {key}"), &found, &golden.floats(key), TOLERANCE).unwrap();
        }
    }
}

/// One map reads the picture once; torchvision reads what it has read before. Where at most one transform of a chain falls
/// between pixels, both are the same. Where a resized crop and a rotation follow each other, torchvision's picture is blurred
/// twice: they differ by 0.005 on average, of values in [0, 1], in a picture like a photograph, by 0.2 at its edges.
#[test]
fn a_composition_is_the_composed_map_and_near_torchvisions_chain() {
    let golden = Golden::named("augment");
    let (size, chains) = ([32, 32], keys(&golden, true));
    let picture = picture(&golden, "photograph");
    let (mut distances, mut same) = (Vec::new(), 0);
    for key in &chains {
        let (moves, colours) = steps(key, size);
        let map = sampled(&picture, [size; 2], &stages(&moves, [size; 2])).into_iter().map(|value| value / 255.0);
        let expected = recoloured(&map.collect::<Vec<_>>(), size[1], &colours);
        for (label, device) in devices() {
            let found = made(&device, &picture, size, &(moves.clone(), colours.clone()));
            compare(&format!("[{label}] {key}"), &found, &expected, TOLERANCE).unwrap();
        }
        let chain = golden.floats(key);
        let apart: Vec<f64> = chain.iter().zip(&expected).map(|(one, other)| (one - other).abs()).collect();
        if key.contains("resized-crop") {
            let most = apart.iter().copied().fold(0.0, f64::max);
            distances.push((apart.iter().sum::<f64>() / apart.len() as f64, most));
        } else {
            assert!(apart.iter().all(|&apart| apart < 1e-6), "{key}");
            same += 1;
        }
    }
    assert_eq!((distances.len(), same), (3, 5));
    let mean = distances.iter().map(|(mean, _)| mean).sum::<f64>() / distances.len() as f64;
    let most = distances.iter().map(|(_, most)| *most).fold(0.0, f64::max);
    assert!((0.0045..0.0055).contains(&mean) && (0.15..0.25).contains(&most), "{distances:?}");
}

#[test]
fn mixing_and_its_loss_are_torchvisions() {
    let golden = Golden::named("augment");
    let size = [13, 17];
    let pictures: Vec<f32> = golden.floats("pictures").into_iter().map(|value| value as f32 / 255.0).collect();
    let logits: Vec<f32> = golden.floats("logits").into_iter().map(|value| value as f32).collect();
    for (label, device) in devices() {
        for (key, how) in
            [("mixup 0.375", Mix::blend(size, 0.375)), ("cutmix 2 5 9 17", Mix::paste(size, [2, 9], [5, 17]))]
        {
            let name = format!("[{label}] {key}");
            let x = Tensor::from_slice(&device, [3, 13, 17, 3], &pictures).unwrap();
            let found = mix(&x, &how).unwrap().to_vec::<f32>().unwrap();
            compare(&name, &found, &golden.floats(key), 1e-6).unwrap();
            let logits = Tensor::from_slice(&device, [3, 5], &logits).unwrap();
            let [own, others] = [[0, 3, 1], [1, 0, 3]].map(|labels| Tensor::from_slice(&device, [3], &labels).unwrap());
            let mut tape = Tape::new();
            tape.watch(&logits);
            let two = Targets { labels: [&own, &others], weight: how.label as f32, ..Targets::of(&own, 0.125) };
            let loss = cross_entropy_with(&mut tape, &logits, &two).unwrap();
            let found = loss.to_vec::<f32>().unwrap();
            compare(&name, &found, &golden.floats(&format!("loss of {key}")), 1e-6).unwrap();
            let gradient = tape.backward(&loss).unwrap().get(&logits).unwrap().to_vec::<f32>().unwrap();
            compare(&name, &gradient, &golden.floats(&format!("gradient of {key}")), 1e-6).unwrap();
            device.check_guards().unwrap();
        }
    }
}
