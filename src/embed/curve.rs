//! The curve by which nearness falls with the distance in UMAP's layouts.

/// Samples of the curve, from 0 to 3.
const SAMPLES: usize = 300;
const END: f64 = 3.0;

/// `a` and `b` for which `1 / (1 + a d^2b)` is, in least squares, 1 up to `min_dist` and falls as `exp(min_dist − d)` beyond: what
/// umap-learn's `find_ab_params` finds with its spread of 1. By Levenberg and Marquardt's method from 1 and 1.
pub fn fitted(min_dist: f64) -> (f64, f64) {
    let samples: Vec<(f64, f64)> = (0..SAMPLES)
        .map(|at| END * at as f64 / (SAMPLES - 1) as f64)
        .map(|d| (d, if d < min_dist { 1.0 } else { (min_dist - d).exp() }))
        .collect();
    let nearness = |d: f64, a: f64, b: f64| 1.0 / (1.0 + a * d.powf(2.0 * b));
    let miss = |a: f64, b: f64| samples.iter().map(|&(d, wanted)| (wanted - nearness(d, a, b)).powi(2)).sum::<f64>();
    let (mut a, mut b, mut damping) = (1.0f64, 1.0f64, 1e-3);
    for _ in 0..200 {
        // The normal equations of the linearized curve: [[p, q], [q, r]] step = [u, v].
        let [mut p, mut q, mut r, mut u, mut v] = [0.0; 5];
        for &(d, wanted) in samples.iter().filter(|(d, _)| *d > 0.0) {
            let near = nearness(d, a, b);
            let power = d.powf(2.0 * b);
            let (by_a, by_b) = (-near * near * power, -near * near * a * power * 2.0 * d.ln());
            (p, q, r) = (p + by_a * by_a, q + by_a * by_b, r + by_b * by_b);
            (u, v) = (u + by_a * (wanted - near), v + by_b * (wanted - near));
        }
        let (dp, dr) = (p * (1.0 + damping), r * (1.0 + damping));
        let determinant = dp * dr - q * q;
        let (step_a, step_b) = ((u * dr - v * q) / determinant, (v * dp - u * q) / determinant);
        let (next_a, next_b) = (a + step_a, b + step_b);
        if next_a > 0.0 && next_b > 0.0 && miss(next_a, next_b) <= miss(a, b) {
            (a, b, damping) = (next_a, next_b, damping / 10.0);
            if step_a.abs() <= 1e-12 * a && step_b.abs() <= 1e-12 * b {
                break;
            }
        } else {
            damping *= 10.0;
        }
    }
    (a, b)
}
