//! Instructions of whole warps on matrices, as NVRTC writes them, exact on integers.

mod atomics;
mod multiply;

/// Small integers that look random.
pub fn integers(count: usize, seed: u64) -> Vec<i32> {
    let mut random = crate::tensor::Random(seed);
    (0..count).map(|_| (random.next() % 15) as i32 - 7).collect()
}

/// A (m, k) × B (k, n), row-major.
pub fn product(a: &[i32], b: &[i32], n: usize, k: usize) -> Vec<i32> {
    let rows = a.chunks_exact(k);
    rows.flat_map(|row| (0..n).map(move |column| row.iter().enumerate().map(|(i, x)| x * b[i * n + column]).sum()))
        .collect()
}

/// As f16.
pub fn halves(values: &[i32]) -> Vec<u16> {
    values.iter().map(|value| warptape_ptx::tensor::element::f32_to_f16(*value as f32) as u16).collect()
}
