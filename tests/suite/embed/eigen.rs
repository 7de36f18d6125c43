//! Principal components where they are awkward: few points, equal variances, none.

use warptape::embed::Points;
use warptape::embed::pca::pca;

use crate::data::files::says;

#[test]
fn few_points_and_flat_ones() {
    // Three points on a line in space: one component has it all.
    let line = Points::new(3, vec![0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 2.0, 4.0, 4.0]);
    let found = pca(&line, 10).unwrap();
    assert_eq!(found.variance.len(), 3);
    assert!((found.variance[0] - 9.0).abs() < 1e-12 && found.variance[1..].iter().all(|&v| v.abs() < 1e-12));
    assert!((found.ratio[0] - 1.0).abs() < 1e-12);
    for (got, expected) in found.components[0].iter().zip([1.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0]) {
        assert!((got - expected).abs() < 1e-12, "{:?}", found.components[0]);
    }
    // One number each, and two points.
    let two = pca(&Points::new(1, vec![1.0, 3.0]), 2).unwrap();
    assert_eq!((two.variance.len(), two.projected.dimension()), (1, 1));
    assert!((two.variance[0] - 2.0).abs() < 1e-12);
    says(pca(&Points::new(2, vec![1.0, 3.0]), 2).map(|_| ()), &["two pictures at least, not 1"]);
    says(pca(&Points::new(2, vec![1.0, 3.0, 1.0, 3.0]), 2).map(|_| ()), &["all pictures are the same"]);
}

#[test]
fn equal_variances_are_all_found() {
    // The corners of a cube vary alike in three directions, and less in a fourth that is none of the axes.
    let corner = |at: u32| (0..3).map(move |bit| f64::from(at >> bit & 1) * 2.0 - 1.0);
    let tilted = |values: Vec<f64>, fourth: f64| [values[0], values[1], values[2], fourth, -fourth];
    let points = (0..16u32).flat_map(|at| tilted(corner(at % 8).collect(), if at < 8 { 0.3 } else { -0.3 }));
    let found = pca(&Points::new(5, points.collect()), 5).unwrap();
    let expected = [16.0 / 15.0, 16.0 / 15.0, 16.0 / 15.0, 0.18 * 16.0 / 15.0, 0.0];
    for (got, expected) in found.variance.iter().zip(expected) {
        assert!((got - expected).abs() < 1e-12, "{:?}", found.variance);
    }
    for (at, one) in found.components.iter().enumerate() {
        for (other, two) in found.components.iter().enumerate() {
            let product: f64 = one.iter().zip(two).map(|(a, b)| a * b).sum();
            assert!((product - f64::from(u8::from(at == other))).abs() < 1e-12, "{at} and {other}: {product}");
        }
    }
}

#[test]
fn many_components_of_many_numbers() {
    // A known spectrum: 60 orthogonal waves of 200 samples, each with its own strength.
    let (count, size) = (200, 60);
    let wave = |row: usize, column: usize| {
        let angle = std::f64::consts::PI * (row as f64 + 0.5) * (column as f64 + 1.0) / count as f64;
        angle.cos() * (1.0 + (column as f64).sqrt())
    };
    let points = (0..count).flat_map(|row| (0..size).map(move |column| wave(row, column)));
    let found = pca(&Points::new(size, points.collect()), 12).unwrap();
    for (at, got) in found.variance.iter().enumerate() {
        let strength = 1.0 + ((size - 1 - at) as f64).sqrt();
        let expected = strength * strength * 0.5 * count as f64 / (count - 1) as f64;
        assert!((got - expected).abs() < 1e-10 * expected, "component {at}: {got}, not {expected}");
    }
}
