//! Maps from 0 to 1 in the size of the input, exactly as pytorch-grad-cam 1.5 makes them.

/// What is added to the largest value before dividing by it.
const EPS: f32 = 1e-7;

/// [`positive`]; and because enlarging lowers peaks, minus minimum and divided once more. A NaN anywhere makes everything NaN.
pub fn scaled(raw: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    unit(positive(raw, from, to))
}

/// ReLU; minus the minimum, divided by 1e-7 + the maximum; enlarged from `from` to `to` (height, width). Of several layers it is
/// these that are averaged.
pub fn positive(raw: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    // Not f32::max, which would take a NaN for a zero.
    let positive = raw.iter().map(|&v| if v < 0.0 { 0.0 } else { v }).collect();
    enlarge(&unit(positive), from, to)
}

/// Divided by the largest magnitude and enlarged: −1 to 1, zero stays zero.
pub fn signed(raw: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let largest = raw.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    enlarge(&raw.iter().map(|v| v / largest.max(f32::MIN_POSITIVE)).collect::<Vec<_>>(), from, to)
}

/// A scaled map that nowhere is as bright has nothing on it: with anything, it reaches 1.
pub const BLANK: f32 = 0.5;

/// Whether nothing is to be seen on a scaled map.
pub fn blank(scaled: &[f32]) -> bool {
    let brightest = scaled.iter().copied().fold(0.0, f32::max);
    brightest < BLANK || scaled.iter().any(|v| v.is_nan())
}

/// Minus the minimum, divided by 1e-7 + the maximum.
pub fn unit(mut map: Vec<f32>) -> Vec<f32> {
    let smallest = map.iter().copied().fold(f32::INFINITY, f32::min);
    let largest = map.iter().map(|v| v - smallest).fold(0.0, f32::max);
    let nan = map.iter().any(|v| v.is_nan());
    map.iter_mut().for_each(|v| *v = if nan { f32::NAN } else { (*v - smallest) / (EPS + largest) });
    map
}

/// Bilinear, with OpenCV's `INTER_LINEAR` convention: pixel centres lie at halves, the border is repeated.
pub fn enlarge(map: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    // For each output position along one axis: the two input positions around it and the share of the second.
    let axis = |from: usize, to: usize| -> Vec<(usize, usize, f32)> {
        let step = from as f64 / to as f64;
        let place = |i: usize| {
            let at = ((i as f64 + 0.5) * step - 0.5).clamp(0.0, (from - 1) as f64);
            (at as usize, (at as usize + 1).min(from - 1), at.fract() as f32)
        };
        (0..to).map(place).collect()
    };
    let (rows, columns) = (axis(from[0], to[0]), axis(from[1], to[1]));
    let mut out = Vec::with_capacity(to[0] * to[1]);
    for &(above, below, down) in &rows {
        for &(left, right, along) in &columns {
            let across = |row: usize| {
                let row = &map[row * from[1]..];
                row[left] * (1.0 - along) + row[right] * along
            };
            out.push(across(above) * (1.0 - down) + across(below) * down);
        }
    }
    out
}
