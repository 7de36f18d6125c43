//! How alike two maps are.

/// The side of SSIM's window, in pixels.
const WINDOW: usize = 7;

/// Spearman's rank correlation of two maps of equal length: −1 to 1. Equal values share the mean of their ranks, as in
/// `scipy.stats.spearmanr`. A map that is the same everywhere puts nothing in order, and its correlation with any is 0 here.
pub fn spearman(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let middle = (a.len() as f64 - 1.0) / 2.0;
    let [mut both, mut of_a, mut of_b] = [0.0; 3];
    for (a, b) in a.iter().zip(&b) {
        let (a, b) = (a - middle, b - middle);
        both += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    if of_a > 0.0 && of_b > 0.0 { (both / (of_a * of_b).sqrt()).clamp(-1.0, 1.0) } else { 0.0 }
}

/// The rank of each value, from 0; equal ones have the mean of theirs.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // Not total_cmp, to which −0 and 0 differ.
    order.sort_by(|&a, &b| values[a].partial_cmp(&values[b]).unwrap_or(std::cmp::Ordering::Equal));
    let (mut ranks, mut first) = (vec![0.0; values.len()], 0);
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = first as f64 + (equal.len() as f64 - 1.0) / 2.0;
        equal.iter().for_each(|&at| ranks[at] = mean);
        first += equal.len();
    }
    ranks
}

/// The structural similarity of two maps from 0 to 1 of `height` and `width` (Wang et al. 2004): 1 if they are equal. As
/// `skimage.metrics.structural_similarity` with `data_range=1` and its other defaults: a uniform window of 7 × 7, sample
/// covariances; the mean of all windows that lie inside. Of smaller maps the window is the largest odd one that fits.
pub fn ssim(a: &[f32], b: &[f32], [height, width]: [usize; 2]) -> f64 {
    let (c1, c2) = (0.01f64.powi(2), 0.03f64.powi(2));
    let least = height.min(width);
    let side = WINDOW.min(least - 1 + least % 2);
    let count = (side * side) as f64;
    let sample = if count > 1.0 { count / (count - 1.0) } else { 1.0 };
    let of = |value: &dyn Fn(f64, f64) -> f64| Sums::of(a, b, [height, width], value);
    let sums = [of(&|x, _| x), of(&|_, y| y), of(&|x, _| x * x), of(&|_, y| y * y), of(&|x, y| x * y)];
    let mut total = 0.0;
    for top in 0..=height - side {
        for left in 0..=width - side {
            let [x, y, xx, yy, xy] = [0, 1, 2, 3, 4].map(|which| sums[which].window(top, left, side) / count);
            let (of_x, of_y, both) = (sample * (xx - x * x), sample * (yy - y * y), sample * (xy - x * y));
            total += (2.0 * x * y + c1) * (2.0 * both + c2) / ((x * x + y * y + c1) * (of_x + of_y + c2));
        }
    }
    total / ((height - side + 1) * (width - side + 1)) as f64
}

/// Sums over all rectangles from the upper left corner, of which four give the sum over any.
struct Sums {
    row: usize,
    values: Vec<f64>,
}

impl Sums {
    fn of(a: &[f32], b: &[f32], [height, width]: [usize; 2], value: &dyn Fn(f64, f64) -> f64) -> Self {
        let row = width + 1;
        let mut values = vec![0.0; (height + 1) * row];
        for y in 0..height {
            let mut sum = 0.0;
            for x in 0..width {
                sum += value(f64::from(a[y * width + x]), f64::from(b[y * width + x]));
                values[(y + 1) * row + x + 1] = values[y * row + x + 1] + sum;
            }
        }
        Self { row, values }
    }

    fn window(&self, top: usize, left: usize, side: usize) -> f64 {
        let at = |y: usize, x: usize| self.values[y * self.row + x];
        at(top + side, left + side) - at(top, left + side) - at(top + side, left) + at(top, left)
    }
}
