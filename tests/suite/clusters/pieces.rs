//! Shrinking maps, places, and grouping, each against known answers.

use warptape::clusters::grouping::grouped;
use warptape::clusters::places::{PLACES, SIDE, looked_at, shares};
use warptape::embed::Points;

#[test]
fn maps_are_shrunk_by_area_to_a_mass_of_one() {
    // Whatever the size, even below the grid's: what is the same everywhere stays so.
    for size in [[1, 1], [4, 4], [7, 5], [9, 9], [32, 32], [33, 100]] {
        let map = vec![0.3; size[0] * size[1]];
        let shares = shares(&map, size).unwrap();
        assert!(shares.iter().all(|share| (share - 1.0 / 81.0).abs() < 1e-12), "{size:?}: {shares:?}");
    }
    // The second of two pixels: of nine cells the last four, and half of the fifth.
    let right = shares(&[0.0, 2.0], [1, 2]).unwrap();
    for (at, share) in right.iter().enumerate() {
        let expected = [0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 1.0][at % SIDE] / (4.5 * 9.0);
        assert!((share - expected).abs() < 1e-12, "cell {at}: {share}, not {expected}");
    }
    // One pixel of 18 by 18 is a quarter of a cell.
    let mut one = vec![0.0; 18 * 18];
    one[17 * 18] = 5.0;
    assert_eq!(shares(&one, [18, 18]).unwrap()[8 * SIDE], 1.0);
    assert_eq!(shares(&[0.0; 16], [4, 4]), None);
    assert_eq!(shares(&[1.0, f32::NAN, 0.0, 0.0], [2, 2]), None);
}

#[test]
fn no_place_has_more_than_a_ninth_and_each_is_known_by_what_lies_there() {
    let even = [1.0 / 81.0; SIDE * SIDE];
    for place in &PLACES {
        assert!((place.mass(&even) - 1.0 / 9.0).abs() < 1e-12, "{}", place.name);
        // Nine cells; a map that has one of them and another elsewhere is looked at there if that one is half at least.
        let cells: Vec<usize> = (0..81)
            .filter(|&at| {
                let mut one = [0.0; 81];
                one[at] = 1.0;
                place.mass(&one) == 1.0
            })
            .collect();
        assert_eq!(cells.len(), 9, "{}", place.name);
        let map = |own: f64| {
            let mut map = vec![0.0; 81];
            cells.iter().for_each(|&at| map[at] = own / 9.0);
            map[40] += 1.0 - own;
            map
        };
        let found = looked_at(&map(0.51)).unwrap_or_else(|| panic!("nothing at {}", place.name));
        assert_eq!(found.0.name, place.name);
        assert!((found.1 - 0.51).abs() < 1e-12);
        assert_eq!(looked_at(&map(0.49)), None, "{}", place.name);
    }
    let names: std::collections::BTreeSet<_> = PLACES.iter().map(|place| place.name).collect();
    assert_eq!(names.len(), PLACES.len());
    assert_eq!(looked_at(&even), None);
}

/// Three heaps of eight points each.
fn heaps() -> Points {
    let coordinate = |at: usize| {
        let heap = (at % 3) as f64;
        let lift = if at % 3 == 1 { 2.5 } else { 0.0 };
        [3.0 * heap + (at * 7 % 5) as f64 * 0.3, lift + (at * 11 % 7) as f64 * 0.25]
    };
    Points::new(2, (0..24).flat_map(coordinate).collect())
}

#[test]
fn groups_are_those_of_wards_method_with_the_best_silhouette() {
    let found = grouped(&heaps());
    assert_eq!(found.count, 3);
    assert_eq!(found.of, (0..24).map(|at| at % 3).collect::<Vec<_>>());
    // scikit-learn's silhouette_score of SciPy's ward linkage cut at three.
    assert!((found.silhouette.unwrap() - 0.7622705592828822).abs() < 1e-12, "{:?}", found.silhouette);
    // The larger of two heaps is the first, wherever its first point stands.
    let two = Points::new(1, [5.0, 0.0, 0.1, 0.2, 5.1, 0.3, 0.4, 5.2, 0.5].to_vec());
    assert_eq!(grouped(&two).of, [1, 0, 0, 0, 1, 0, 0, 1, 0]);
}

#[test]
fn what_has_no_structure_is_one_group() {
    let one = |values: Vec<f64>| {
        let found = grouped(&Points::new(1, values));
        assert_eq!((found.count, found.silhouette), (1, None));
        assert!(found.of.iter().all(|&group| group == 0));
    };
    // All the same, too few, a single one.
    one(vec![0.25; 30]);
    one(vec![0.0, 0.0, 9.0, 9.0]);
    one(vec![1.0]);
    assert_eq!(grouped(&Points::new(1, Vec::new())).count, 0);
}
