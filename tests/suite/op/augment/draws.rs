//! The random parameters of augmentation: their distributions, and what they depend on.

use warptape::op::augment::{
    Augment, Augmentation, Channels, Chosen, Coloured, Colouring, Geometric, Mixing, Moved, augment, by_order, sample,
    stages,
};
use warptape::op::random::Key;
use warptape::{DType, Device, Tensor};

use crate::support::devices;

const KEY: Key = Key { seed: 11, step: 5, stream: 0 };
const COUNT: u32 = 4000;
const SIZE: [usize; 2] = [240, 320];

/// Kolmogorov and Smirnov's test: how far the distribution of `values` lies from the function `below`, by √n. Above 1.95 it is for
/// one of 1000 samples that are distributed so (Smirnov 1948).
fn apart(mut values: Vec<f64>, below: impl Fn(f64) -> f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let gap = |(i, &value): (usize, &f64)| (below(value) - i as f64 / n).max((i + 1) as f64 / n - below(value));
    values.iter().enumerate().map(gap).fold(0.0, f64::max) * n.sqrt()
}

fn uniform([low, high]: [f64; 2]) -> impl Fn(f64) -> f64 {
    move |value| ((value - low) / (high - low)).clamp(0.0, 1.0)
}

/// Pearson's χ² of counts that ought to be equal, as standard deviations from its mean (Wilson, Hilferty 1931).
fn uneven(counts: &[f64]) -> f64 {
    let (cells, mean) = (counts.len() as f64, counts.iter().sum::<f64>() / counts.len() as f64);
    let square: f64 = counts.iter().map(|count| (count - mean).powi(2) / mean).sum();
    let freedom = 2.0 / (9.0 * (cells - 1.0));
    ((square / (cells - 1.0)).cbrt() - 1.0 + freedom) / freedom.sqrt()
}

fn moved<T>(one: Geometric, take: impl Fn(Moved) -> T) -> Vec<T> {
    (0..COUNT).map(|index| take(one.draw([SIZE; 2], KEY, index))).collect()
}

#[test]
fn geometry() {
    let angles = moved(Geometric::Rotate(45.0), |one| if let Moved::Rotate(angle) = one { angle } else { f64::NAN });
    assert!(apart(angles, uniform([-45.0, 45.0])) < 1.95);
    let flips = moved(Geometric::Flip, |one| one == Moved::Flip(true)).iter().filter(|&&flip| flip).count();
    assert!((f64::from(COUNT) / 2.0 - flips as f64).abs() < 3.3 * (f64::from(COUNT) / 4.0).sqrt(), "{flips}");
    let mut counts = [[0.0; 9]; 2];
    moved(Geometric::Crop { padding: 4, reflect: true }, |one| {
        let Moved::Crop { down, right, reflect: true } = one else { panic!("{one:?}") };
        [(down + 4) as usize, (right + 4) as usize]
    })
    .into_iter()
    .for_each(|[down, right]| {
        counts[0][down] += 1.0;
        counts[1][right] += 1.0;
    });
    assert!(counts.iter().all(|counts| uneven(counts) < 3.1), "{counts:?}");
}

/// Half of the pictures, in the next epoch the other half, whatever the steps are.
#[test]
fn alternating_flips() {
    let order: Augmentation = "flip(alternating)".parse().unwrap();
    let flips = |epoch: u64, key: Key| -> Vec<bool> {
        let order = order.clone().in_epoch(epoch);
        (0..COUNT).map(|index| order.moves([SIZE; 2], key, index) == [Moved::Flip(true)]).collect()
    };
    let [first, second, other] = [(1, 11), (2, 11), (1, 12)].map(|(epoch, seed)| flips(epoch, Key { seed, ..KEY }));
    let count = |flips: &[bool]| flips.iter().filter(|&&flip| flip).count() as f64;
    let even = |count: f64| (f64::from(COUNT) / 2.0 - count).abs() < 3.3 * (f64::from(COUNT) / 4.0).sqrt();
    assert!(even(count(&first)), "{}", count(&first));
    assert!(first.iter().zip(&second).all(|(one, next)| one != next));
    assert!(first == flips(3, Key { step: 77, ..KEY }) && second == flips(4, Key { step: 0, ..KEY }));
    let same: Vec<bool> = first.iter().zip(&other).map(|(one, other)| one == other).collect();
    assert!(even(count(&same)), "another seed flips others: {}", count(&same));
    // On the device, too, each is the mirror of the other.
    for (label, device) in devices() {
        let numbers = [5, 2, 7, 0];
        let [one, next] = [1, 2].map(|epoch| made(&device, &numbers, [9, 11], &order.clone().in_epoch(epoch)));
        for (row, mirrored) in one.chunks(33).zip(next.chunks(33)) {
            let back: Vec<f32> = mirrored.chunks(3).rev().flatten().copied().collect();
            assert!(row == back, "{label}");
        }
        let plain = made(&device, &numbers, [9, 11], &Augmentation::default());
        for (at, &number) in numbers.iter().enumerate() {
            let of = |values: &[f32]| values[at * 297..(at + 1) * 297].to_vec();
            assert_eq!(of(&one) == of(&plain), !first[number as usize], "{label} {number}");
        }
    }
}

/// 300 loaded, 224 seen: torchvision's RandomCrop(224), each of 77 places down and of 77 across.
#[test]
fn parts_of_larger_pictures() {
    let (loaded, seen) = ([300, 300], [224, 224]);
    let counts = |order: &str, margin: usize| {
        let order: Augmentation = order.parse().unwrap();
        let mut counts = [vec![0.0; 77 + 2 * margin], vec![0.0; 77 + 2 * margin]];
        for index in 0..20 * COUNT {
            let moves = order.moves([loaded, seen], KEY, index);
            let cut = moves.iter().find_map(|one| match *one {
                Moved::Crop { down, right, reflect: false } => Some([down, right]),
                _ => None,
            });
            let place = cut.unwrap().map(|place| (place + margin as i32) as usize);
            (0..2).for_each(|axis| counts[axis][place[axis]] += 1.0);
        }
        counts
    };
    // Cut out before all else, or where it is written, or with a margin.
    for (order, margin) in [("flip", 0), ("rotate(30)+crop", 0), ("crop4", 4)] {
        let counts = counts(order, margin);
        assert!(counts.iter().all(|counts| uneven(counts) < 3.1), "{order}: {counts:?}");
    }
    let moves = |order: &str| order.parse::<Augmentation>().unwrap().moves([loaded, seen], KEY, 3);
    assert!(matches!(moves("flip+rotate(30)")[..], [Moved::Crop { .. }, Moved::Flip(_), Moved::Rotate(_)]));
    assert!(matches!(moves("rotate(30)+crop+flip")[..], [Moved::Rotate(_), Moved::Crop { .. }, Moved::Flip(_)]));
    // A part of what is loaded, in any of its places, becomes what is seen.
    let all = (0..COUNT).map(|index| {
        let order: Augmentation = "resized-crop(0.5-1,0.75-1.33)".parse().unwrap();
        let [Moved::ResizedCrop { top, left, height, width }] = order.moves([loaded, seen], KEY, index)[..] else {
            panic!("one crop")
        };
        [top + height, left + width]
    });
    let ends = all.fold([0; 2], |most, ends| [most[0].max(ends[0]), most[1].max(ends[1])]);
    assert_eq!(ends, loaded);
}

#[test]
fn resized_crops() {
    let draw = |scale, ratio| {
        moved(Geometric::ResizedCrop { scale, ratio }, |one| {
            let Moved::ResizedCrop { top, left, height, width } = one else { panic!("{one:?}") };
            assert!(top + height <= SIZE[0] && left + width <= SIZE[1] && height > 0 && width > 0, "{one:?}");
            [top, left, height, width].map(|pixels| pixels as f64)
        })
    };
    // All of these fit, so none is drawn again. Sides are whole pixels: a jitter of half a pixel makes them continuous.
    let found = draw([0.2, 0.4], [0.75, 4.0 / 3.0]);
    let column = |take: fn(&[f64; 4]) -> f64| found.iter().map(take).collect::<Vec<_>>();
    let area = (SIZE[0] * SIZE[1]) as f64;
    let shares = column(|[_, _, height, width]| height * width).into_iter().map(|pixels| pixels / area).collect();
    assert!(apart(shares, uniform([0.2, 0.4])) < 1.95);
    let ratios = column(|[_, _, height, width]| (width / height).ln());
    assert!(apart(ratios, uniform([0.75f64.ln(), (4.0f64 / 3.0).ln()])) < 1.95);
    let places = column(|[top, _, height, _]| (top + 0.5) / (240.0 - height + 1.0));
    assert!(apart(places, uniform([0.0, 1.0])) < 1.95);
    let places = column(|[_, left, _, width]| (left + 0.5) / (320.0 - width + 1.0));
    assert!(apart(places, uniform([0.0, 1.0])) < 1.95);
    // Nothing so wide fits: all of the width in the middle, as high as the ratio allows.
    assert!(draw([1.0, 1.0], [8.0, 9.0]).iter().all(|&part| part == [100.0, 0.0, 40.0, 320.0]));
}

#[test]
fn colours() {
    let draw = |one: Colouring| (0..COUNT).map(move |index| one.draw(SIZE, KEY, index));
    let factors = |one| {
        draw(one)
            .map(|one| match one {
                Coloured::Brightness(f) | Coloured::Contrast(f) | Coloured::Saturation(f) | Coloured::Hue(f) => f,
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    let all = [
        (Colouring::Brightness(0.4), [0.6, 1.4]),
        (Colouring::Contrast(0.25), [0.75, 1.25]),
        (Colouring::Saturation(1.5), [0.0, 2.5]),
        (Colouring::Hue(0.125), [-0.125, 0.125]),
    ];
    let drawn: Vec<Vec<f64>> = all.iter().map(|&(one, _)| factors(one)).collect();
    for ((one, range), values) in all.iter().zip(&drawn) {
        assert!(apart(values.clone(), uniform(*range)) < 1.95, "{one:?}");
    }
    // None follows from another.
    for (i, j) in [(0, 1), (1, 2), (2, 3), (0, 3)] {
        let scaled = |at: usize| drawn[at].iter().map(move |value| uniform(all[at].1)(*value) - 0.5);
        let product: f64 = scaled(i).zip(scaled(j)).map(|(a, b)| a * b).sum();
        assert!(product.abs() < 3.3 * f64::from(COUNT).sqrt() / 12.0, "{i} {j}: {product}");
    }
    let grey = draw(Colouring::Grey(0.25)).filter(|one| *one == Coloured::Grey(true)).count() as f64;
    assert!((grey - 1000.0).abs() < 3.3 * 750.0f64.sqrt(), "{grey}");
    let mut counts = [[0.0; 10]; 2];
    for one in draw(Colouring::Cutout(1)) {
        let Coloured::Cutout { rows: [top, bottom], columns: [left, right] } = one else { panic!("{one:?}") };
        assert!(bottom == top + 1 && right == left + 1);
        counts[0][top * 10 / SIZE[0]] += 1.0;
        counts[1][left * 10 / SIZE[1]] += 1.0;
    }
    assert!(counts.iter().all(|counts| uneven(counts) < 3.1), "{counts:?}");
    // A square that reaches out of the picture is cut off there.
    let heights = draw(Colouring::Cutout(9)).map(|one| match one {
        Coloured::Cutout { rows, .. } => rows[1] - rows[0],
        other => panic!("{other:?}"),
    });
    let heights: std::collections::BTreeSet<usize> = heights.collect();
    assert_eq!(heights.into_iter().collect::<Vec<_>>(), [5, 6, 7, 8, 9]);
}

#[test]
fn weights_of_mixing() {
    let draw = |one: Mixing| (0..COUNT).map(move |step| one.draw(SIZE, Key { step: step.into(), ..KEY }));
    let weights = |alpha| draw(Mixing::Mixup(alpha)).map(|mix| mix.label).collect::<Vec<_>>();
    // Beta(α, α) for α of 1, ½ and 2.
    assert!(apart(weights(1.0), uniform([0.0, 1.0])) < 1.95);
    assert!(apart(weights(0.5), |x| std::f64::consts::FRAC_2_PI * x.sqrt().asin()) < 1.95);
    assert!(apart(weights(2.0), |x| x * x * (3.0 - 2.0 * x)) < 1.95);
    // Where no float holds the numbers of which it is made: one or the other.
    let tiny = weights(1e-3);
    let ends =
        tiny.iter().filter(|&&weight| (0.0..1e-6).contains(&weight) || (1.0 - 1e-6..=1.0).contains(&weight)).count();
    assert!(ends > 3900, "{ends}");
    let own = tiny.iter().filter(|&&weight| weight > 0.5).count() as f64;
    assert!((own - 2000.0).abs() < 3.3 * 1000.0f64.sqrt(), "{own}");
    for mix in draw(Mixing::Cutmix(1.0)) {
        let area = (mix.rows[1] - mix.rows[0]) * (mix.columns[1] - mix.columns[0]);
        assert_eq!((mix.weight, mix.label), (0.0, 1.0 - area as f64 / (SIZE[0] * SIZE[1]) as f64));
        assert!(mix.rows[1] <= SIZE[0] && mix.columns[1] <= SIZE[1]);
    }
    // Of about half the area, so with sides of 0.7, around any pixel: one end at least shows where its middle is.
    let middle = |[first, end]: [usize; 2], length: usize| {
        let half = 0.5f64.sqrt() * length as f64 / 2.0;
        if first > 0 { first as f64 + half } else { end as f64 - half }
    };
    let mut counts = [[0.0; 8]; 2];
    for mix in draw(Mixing::Cutmix(1000.0)) {
        let middles = [middle(mix.rows, SIZE[0]) / SIZE[0] as f64, middle(mix.columns, SIZE[1]) / SIZE[1] as f64];
        (0..2).for_each(|axis| counts[axis][((8.0 * middles[axis]) as usize).min(7)] += 1.0);
    }
    assert!(counts.iter().all(|counts| uneven(counts) < 3.1), "{counts:?}");
}

fn images(device: &Device, count: usize) -> Tensor {
    let bytes: Vec<u8> = (0..count * 9 * 11 * 3).map(|i| (i * 7919 % 251) as u8).collect();
    Tensor::from_slice(device, [count, 9, 11, 3], &bytes).unwrap()
}

fn made(device: &Device, numbers: &[u32], size: [usize; 2], order: &Augmentation) -> Vec<f32> {
    let indices: Vec<i32> = numbers.iter().map(|&number| number as i32).collect();
    let indices = Tensor::from_slice(device, [numbers.len()], &indices).unwrap();
    let channels = Channels { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };
    let chosen = Chosen { numbers, indices: &indices, offset: 0 };
    let batch = by_order(&images(device, 8), chosen, size, order, &channels, KEY, DType::F32).unwrap();
    device.check_guards().unwrap();
    batch.to_vec().unwrap()
}

#[test]
fn an_image_is_treated_alike_wherever_it_stands() {
    let order =
        "resized-crop(0.3-1,0.75-1.33)+flip+rotate(30)+crop2(reflect)+brightness(0.4)+contrast(0.4)+hue(0.1)+cutout(3)";
    let order = order.parse().unwrap();
    for (label, device) in devices() {
        for size in [[9, 11], [6, 10]] {
            let (one, other) = (made(&device, &[5, 2, 7], size, &order), made(&device, &[7, 5], size, &order));
            let values = size[0] * size[1] * 3;
            assert!(one[..values] == other[values..] && one[2 * values..] == other[..values], "{label}");
            assert!(one[..values] != one[values..2 * values], "{label}");
        }
    }
}

/// Crop and flip take whole pixels by a kernel of their own, as runs have always had it; the map has the same numbers.
#[test]
fn whole_pixels_and_the_map_agree_to_the_last_bit() {
    let (mean, std) = ([0.4, 0.5, 0.6], [0.2, 0.25, 0.3]);
    let whole = [9, 11];
    let orders = [("crop3+flip", 3, true, whole), ("crop3+flip", 3, true, [4, 10]), ("flip", 0, true, [8, 5])];
    for (label, device) in devices() {
        for (text, padding, flip, size) in orders {
            let order: Augmentation = text.parse().unwrap();
            let numbers = [3, 0, 6, 1, 7];
            let indices = Tensor::from_slice(&device, [5], &numbers).unwrap();
            let how = Augment { size: Some(size), padding: Some(padding), flip, mean, std };
            let moved = augment(&images(&device, 8), &indices, 0, 5, &how, KEY, DType::F32).unwrap();
            let moved = moved.to_vec::<f32>().unwrap();
            assert!(made(&device, &numbers.map(|number| number as u32), size, &order) == moved, "{label} {text}");
            let map = |&number: &i32| stages(&order.moves([whole, size], KEY, number as u32), [whole, size]);
            let maps: Vec<_> = numbers.iter().map(map).collect();
            let images = images(&device, 8);
            let sampled = sample(&images, &indices, 0, size, &maps, &Channels { mean, std }, DType::F32).unwrap();
            assert!(sampled.to_vec::<f32>().unwrap() == moved, "{label} {text} {size:?}");
            device.check_guards().unwrap();
        }
    }
}

/// Where nothing is drawn, training sees what evaluation sees.
#[test]
fn without_an_order_it_is_the_middle() {
    for (label, device) in devices() {
        let middle = made(&device, &[4, 1], [6, 8], &Augmentation::default());
        let how = Augment { size: Some([6, 8]), ..Augment::evaluation([0.4, 0.5, 0.6], [0.2, 0.25, 0.3]) };
        let indices = Tensor::from_slice(&device, [2], &[4, 1]).unwrap();
        let seen = augment(&images(&device, 8), &indices, 0, 2, &how, KEY, DType::F32).unwrap();
        assert!(seen.to_vec::<f32>().unwrap() == middle, "{label}");
        assert!(made(&device, &[4, 1], [6, 8], &"hue(0.1)".parse().unwrap()) != middle, "{label}");
    }
}
