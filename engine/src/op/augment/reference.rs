//! What augmentation computes, in f64: the formulas, image by image.

use super::colour::Coloured;
use super::geometry::{Edge, Size, Stage};

/// What a picture (bytes) of size `from` looks like in size `to` through the map `stages`, in [0, 255].
pub fn sampled(picture: &[u8], [from, to]: [Size; 2], stages: &[Stage]) -> Vec<f64> {
    let [height, width] = from;
    let mut values = Vec::with_capacity(3 * to[0] * to[1]);
    for (y, x) in (0..to[0]).flat_map(|y| (0..to[1]).map(move |x| (y, x))) {
        let mut light = 1.0;
        let mut at = [x as f64, y as f64];
        for Stage { map: [a, b, c, d, e, f], window, edge } in stages {
            let moved = [a * at[0] + b * at[1] + c, d * at[0] + e * at[1] + f];
            for axis in 0..2 {
                let [least, most] = [window[2 * axis], window[2 * axis + 1]];
                let mut place = moved[axis];
                let fade = ((place - least).min(most - place) + 1.0).clamp(0.0, 1.0);
                match edge {
                    Edge::Clamped => {}
                    Edge::Reflected if place < least => place = 2.0 * least - place,
                    Edge::Reflected if place > most => place = 2.0 * most - place,
                    Edge::Reflected => {}
                    Edge::Black => light *= fade,
                    Edge::BlackTwice => light *= fade * fade,
                }
                at[axis] = place.clamp(least, most);
            }
        }
        let [left, top] = at.map(|place| place.floor() as usize);
        let [across, down] = at.map(f64::fract);
        let pixel = |row: usize, column: usize, channel: usize| {
            let (row, column) = (row.min(height - 1), column.min(width - 1));
            f64::from(picture[(row * width + column) * 3 + channel])
        };
        values.extend((0..3).map(|channel| {
            let row = |row| (1.0 - across) * pixel(row, left, channel) + across * pixel(row, left + 1, channel);
            light * ((1.0 - down) * row(top) + down * row(top + 1))
        }));
    }
    values
}

/// The image `[H, W, 3]` of `width` columns, in [0, 1], after the transforms of `list`.
pub fn recoloured(image: &[f64], width: usize, list: &[Coloured]) -> Vec<f64> {
    let grey = |pixel: &[f64]| 0.2989 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    let blend = |value: f64, other: f64, f: f64| (f * value + (1.0 - f) * other).clamp(0.0, 1.0);
    let mut image = image.to_vec();
    for one in list {
        let mean = image.chunks(3).map(grey).sum::<f64>() * 3.0 / image.len() as f64;
        for (number, pixel) in image.chunks_mut(3).enumerate() {
            let (row, column, own) = (number / width, number % width, grey(pixel));
            match *one {
                Coloured::Grey(true) => pixel.fill(own),
                Coloured::Grey(false) => {}
                Coloured::Brightness(f) => pixel.iter_mut().for_each(|value| *value = blend(*value, 0.0, f)),
                Coloured::Contrast(f) => pixel.iter_mut().for_each(|value| *value = blend(*value, mean, f)),
                Coloured::Saturation(f) => pixel.iter_mut().for_each(|value| *value = blend(*value, own, f)),
                Coloured::Hue(turns) => turn(pixel, turns),
                Coloured::Cutout { rows, columns } => {
                    if (rows[0]..rows[1]).contains(&row) && (columns[0]..columns[1]).contains(&column) {
                        pixel.fill(0.0);
                    }
                }
            }
        }
    }
    image
}

/// To hue, saturation and value and back.
fn turn(pixel: &mut [f64], turns: f64) {
    let &mut [r, g, b] = pixel else { return };
    let (value, least) = (r.max(g).max(b), r.min(g).min(b));
    if value == least {
        return;
    }
    let hue = match () {
        () if value == r => (g - b) / (value - least),
        () if value == g => 2.0 + (b - r) / (value - least),
        () => 4.0 + (r - g) / (value - least),
    };
    let (hue, saturation) = ((hue + 6.0 * turns).rem_euclid(6.0), (value - least) / value);
    let rest = hue.fract();
    let [p, q, t] = [1.0, rest, 1.0 - rest].map(|share| value * (1.0 - saturation * share));
    pixel.copy_from_slice(&match hue as u32 {
        0 => [value, t, p],
        1 => [q, value, p],
        2 => [p, value, t],
        3 => [p, q, value],
        4 => [t, p, value],
        _ => [value, p, q],
    });
}
