//! Problems for benches, kernels at work, and examples for tests.

use super::reference::{recoloured, sampled};
use super::{Augment, Augmentation, Channels, Mix, Sizes, Stage, stages};
use super::{augment, colour, mix, partner_labels, pick_labels, sample};
use super::{colour::Coloured, geometry::Size};
use crate::check::{Case, Input, Values};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::launch::ladder::Job;
use crate::op::random::Key;
use crate::op::workload::{self, Workload};
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

const KEY: Key = Key { seed: 1, step: 2, stream: 3 };
const CHANNELS: Channels = Channels { mean: [0.5, 0.4, 0.6], std: [0.5, 0.4, 0.25] };

/// Every colour transform, contrast neither first nor last.
const COLOURS: &str = "brightness(0.4)+grey(0.3)+contrast(0.4)+saturation(0.4)+hue(0.4)+cutout(4)";

fn order(text: &str) -> Augmentation {
    text.parse().expect("an order")
}

/// The maps that `text` draws for images 0 … b − 1, from pictures of the first of `sizes` to images of the second.
fn maps(text: &str, b: usize, sizes: [Size; 2]) -> Vec<Vec<Stage>> {
    let order = order(text);
    (0..b as u32).map(|index| stages(&order.moves(sizes, KEY, index), sizes)).collect()
}

/// The colours that `text` draws for images 0 … b − 1.
fn lists(text: &str, b: usize, size: Size) -> Vec<Vec<Coloured>> {
    let colours = order(text).colours;
    (0..b as u32).map(|index| colours.iter().map(|one| one.draw(size, KEY, index)).collect()).collect()
}

/// Pictures that tests draw as numbers, as bytes.
fn bytes(values: impl IntoIterator<Item = f64>) -> Vec<u8> {
    values.into_iter().map(|value| value as u8).collect()
}

/// `b` pictures on the device, and their numbers.
fn pictures(device: &Device, [b, h, w]: [usize; 3]) -> Result<(Tensor, Tensor, Vec<u8>)> {
    let images = Input::new([b, h, w, 3], Values::Labels(256));
    workload::fits(&images.shape)?;
    let pixels = bytes(images.draw(1, DType::F32));
    let numbers: Vec<i32> = (0..b as i32).collect();
    Ok((Tensor::from_slice(device, &images.shape, &pixels)?, Tensor::from_slice(device, [b], &numbers)?, pixels))
}

/// `value` in [0, 1] of channel `c` as a network gets it.
fn normalized(value: f64, c: usize) -> f64 {
    (value - f64::from(CHANNELS.mean[c])) / f64::from(CHANNELS.std[c])
}

/// Sets up a problem for benches: one to three stages.
pub(super) fn sample_job(device: &Device, problem: &str, element: DType) -> Result<Job> {
    let Sizes { b, h, w, k } = problem.parse()?;
    let orders =
        ["rotate(45)", "resized-crop(0.5-1,0.75-1.33)+rotate(45)", "resized-crop(0.5-1,0.75-1.33)+crop4+rotate(45)"];
    let text = orders.get(k - 1).ok_or_else(|| Error::usage(format!("augmentation '{problem}': k is 1, 2 or 3")))?;
    let (images, numbers, pixels) = pictures(device, [b, h, w])?;
    let maps = maps(text, b, [[h, w]; 2]);
    let values = 3 * h * w;
    let own = maps.clone();
    Ok(Job {
        flops: ((20 * k + 30) * b * h * w) as f64,
        bytes: ((1 + element.bytes()) * b * values) as f64,
        terms: (h + w) * (h + w),
        run: Box::new(move || sample(&images, &numbers, 0, [h, w], &maps, &CHANNELS, element)),
        element: Box::new(move |at| {
            let picture = &pixels[at / values * values..][..values];
            normalized(sampled(picture, [[h, w]; 2], &own[at / values])[at % values] / 255.0, at % 3)
        }),
    })
}

/// Sets up a problem for benches: the first one to six of [`COLOURS`].
pub(super) fn colour_job(device: &Device, problem: &str, element: DType) -> Result<Job> {
    let Sizes { b, h, w, k } = problem.parse()?;
    if k > 6 {
        return Err(Error::usage(format!("augmentation '{problem}': k is at most 6")));
    }
    let [x] = workload::tensors(device, &[Input::new([b, h, w, 3], Values::Range(0.0, 1.0)).single()], element)?;
    let mut lists = lists(COLOURS, b, [h, w]);
    lists.iter_mut().for_each(|list| list.truncate(k));
    let (own, image) = (lists.clone(), x.floats()?.into_iter().map(f64::from).collect::<Vec<_>>());
    let values = 3 * h * w;
    Ok(Job {
        flops: (10 * k * b * h * w) as f64,
        bytes: ((4 + element.bytes()) * b * values) as f64,
        terms: 64,
        run: Box::new(move || colour(&x, &lists, &CHANNELS, element)),
        element: Box::new(move |at| {
            let image = &image[at / values * values..][..values];
            normalized(recoloured(image, w, &own[at / values])[at % values], at % 3)
        }),
    })
}

/// Kernels at work at any size.
pub(super) fn workloads() -> Vec<Workload> {
    let whole_pixels = |device: &Device, [batch, h, w]: [usize; 3], element: DType| {
        let (images, picked, _) = pictures(device, [batch, h, w])?;
        let [labels] = workload::tensors(device, &[Input::new([batch], Values::Labels(10))], element)?;
        let middle = Augment { size: Some([h.div_ceil(2), w]), ..Augment::evaluation([0.5; 3], [0.25; 3]) };
        augment(&images, &picked, 0, batch, &middle, KEY, element)?;
        let how = Augment { size: None, padding: Some(2.min(h)), flip: true, ..middle };
        augment(&images, &picked, 0, batch, &how, KEY, element)?;
        pick_labels(&labels, &picked, 0, batch)?;
        partner_labels(&labels, &picked, 0, batch).map(drop)
    };
    let geometry = |device: &Device, [batch, h, w]: [usize; 3], element: DType| {
        let (images, picked, _) = pictures(device, [batch, h, w])?;
        let maps = maps("resized-crop(0.3-1,0.75-1.33)+flip+rotate(45)", batch, [[h, w]; 2]);
        sample(&images, &picked, 0, [h, w], &maps, &CHANNELS, element).map(drop)
    };
    let colours = |device: &Device, [batch, h, w]: [usize; 3], element: DType| {
        let x = Input::new([batch, h, w, 3], Values::Range(0.0, 1.0)).single();
        let [x] = workload::tensors(device, &[x], element)?;
        // With contrast, which needs a sum over the image, and without it.
        colour(&x, &lists("grey(0.5)+hue(0.1)", batch, [h, w]), &CHANNELS, element)?;
        colour(&x, &lists(COLOURS, batch, [h, w]), &CHANNELS, element).map(drop)
    };
    let mixing = |device: &Device, [batch, h, w]: [usize; 3], element: DType| {
        let [x] = workload::tensors(device, &[Input::new([batch, h, w, 3], Values::Uniform)], element)?;
        mix(&x, &Mix::blend([h, w], 0.7)).map(drop)
    };
    let (dims, default) = (["batch", "h", "w"], [9, 13, 15]);
    vec![
        Workload::new("augment", dims, default, whole_pixels),
        Workload::new("augment_sample", dims, default, geometry),
        Workload::new("augment_colour", dims, default, colours),
        Workload::new("augment_mix", dims, default, mixing),
    ]
}

/// Examples for tests and benches: each transform alone and several, in images smaller and larger than what a block takes.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [[1, 1, 1], [3, 5, 7], [2, 13, 11], [4, 8, 8], [1, 37, 33]];
    let orders = [
        "rotate(180)",
        "resized-crop(0.1-1,0.5-2)",
        "flip+rotate(30)+crop3",
        "crop3+rotate(60)+flip",
        "resized-crop(0.3-1,0.75-1.33)+flip+rotate(45)",
        "rotate(45)+resized-crop(0.3-1,0.75-1.33)",
        "crop3(reflect)+flip",
        "rotate(20)+crop4(reflect)+resized-crop(0.5-1,1-1)",
    ];
    let alike = orders.iter().flat_map(|text| sizes.map(|[b, h, w]| (*text, b, [[h, w]; 2])));
    // Pictures larger than images: what is written cuts, at first or later, or a crop before it.
    let larger = orders.into_iter().chain(["crop+rotate(60)", "flip+rotate(60)+crop"]);
    let larger = larger.map(|text| (text, 2, [[19, 12], [13, 11]]));
    for (text, b, size) in alike.chain(larger) {
        let [[rows, columns], [h, w]] = size;
        // A reflected margin is smaller than the image.
        if text.contains("reflect") && h.min(w) < 5 {
            continue;
        }
        let x = Input::new([b, rows, columns, 3], Values::Range(0.0, 255.99)).single();
        let numbers = Input::new([b], Values::Labels(b));
        let own = maps(text, b, size);
        let run = move |_: &mut Tape, x: &[Tensor]| {
            let pixels = bytes(x[0].floats()?.into_iter().map(f64::from));
            let images = Tensor::from_slice(x[0].device(), x[0].shape(), &pixels)?;
            let to = x[2].dtype();
            sample(&images, &x[1], 0, [h, w], &own, &CHANNELS, to)
        };
        let own = maps(text, b, size);
        let expected = move |x: &[Vec<f64>]| {
            let (pixels, values) = (bytes(x[0].iter().copied()), 3 * rows * columns);
            let image =
                |(map, &number): (&Vec<Stage>, &f64)| sampled(&pixels[number as usize * values..][..values], size, map);
            let all = own.iter().zip(&x[1]).flat_map(image);
            all.enumerate().map(|(at, value)| normalized(value / 255.0, at % 3)).collect()
        };
        // The third input says of which type the result is. A place has the rounding of a number as large as the image.
        let inputs = vec![x, numbers, Input::new([1], Values::Uniform)];
        let case = Case::new(format!("augment {text} {b} {size:?}"), inputs, run, expected);
        cases.push(case.terms((rows + columns) * (rows + columns)).forward_only());
    }
    for (text, size) in
        ["grey(0.5)", "hue(0.5)", "contrast(0.9)", "saturation(2)+brightness(0.9)", "cutout(5)", COLOURS]
            .iter()
            .flat_map(|text| [sizes[1], sizes[4]].map(|size| (text, size)))
    {
        let [b, h, w] = size;
        let inputs = vec![Input::new([b, h, w, 3], Values::Range(0.0, 1.0)).single(), Input::new([1], Values::Uniform)];
        let own = lists(text, b, [h, w]);
        let run = move |_: &mut Tape, x: &[Tensor]| colour(&x[0], &own, &CHANNELS, x[1].dtype());
        let own = lists(text, b, [h, w]);
        let expected = move |x: &[Vec<f64>]| {
            let all = x[0].chunks(3 * h * w).zip(&own).flat_map(|(image, list)| recoloured(image, w, list));
            all.enumerate().map(|(at, value)| normalized(value, at % 3)).collect()
        };
        cases.push(Case::new(format!("augment {text} {size:?}"), inputs, run, expected).terms(64).forward_only());
    }
    for ([b, h, w], how) in [
        ([1, 2, 3], Mix::blend([2, 3], 0.25)),
        ([5, 4, 3], Mix::blend([4, 3], 0.9)),
        ([3, 6, 45], Mix::paste([6, 45], [1, 4], [7, 45])),
        ([2, 3, 3], Mix::paste([3, 3], [2, 2], [0, 3])),
    ] {
        let run = move |_: &mut Tape, x: &[Tensor]| mix(&x[0], &how);
        let expected = move |x: &[Vec<f64>]| {
            let inside = |at: usize, [first, end]: [usize; 2]| (first..end).contains(&at);
            let one = |at: usize| {
                let (row, column, image) = (at / (3 * w) % h, at / 3 % w, 3 * h * w);
                let other = x[0][(at + (b - 1) * image) % (b * image)];
                let mixed = inside(row, how.rows) && inside(column, how.columns);
                if mixed { how.weight * x[0][at] + (1.0 - how.weight) * other } else { x[0][at] }
            };
            (0..x[0].len()).map(one).collect()
        };
        let inputs = vec![Input::new([b, h, w, 3], Values::Uniform)];
        cases.push(Case::new(format!("augment mix {how:?} [{b}, {h}, {w}]"), inputs, run, expected).forward_only());
    }
    cases
}
