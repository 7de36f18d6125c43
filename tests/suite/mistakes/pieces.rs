//! Scores and likeness against known answers.

use image::imageops::flip_horizontal;
use image::{Rgb, RgbImage};
use warptape::embed::Points;
use warptape::mistakes::alike::{ALIKE, Look, pairs};
use warptape::mistakes::scores::scores;

use crate::shapes::{Drawn, picture};

#[test]
fn scores_are_those_of_their_formulas() {
    // Three classes; the third has no pictures.
    let probabilities = [
        [0.9, 0.1, 0.0],
        [0.5, 0.5, 0.0],
        [0.2, 0.7, 0.1],
        [0.1, 0.8, 0.1],
        [0.4, 0.3, 0.3],
        [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0],
    ];
    let labels = [0, 0, 0, 1, 1, 1];
    let found = scores(&probabilities.concat(), &labels, 3);
    let mistakenness: Vec<f64> = found.iter().map(|one| one.mistakenness).collect();
    for (found, expected) in mistakenness.iter().zip([0.1, 0.5, 0.75, 0.15, 0.55, 0.5]) {
        assert!((found - expected).abs() < 1e-12, "{mistakenness:?}");
    }
    let hardness = |at: usize| found[at].hardness;
    assert!((hardness(5) - 1.0).abs() < 1e-12);
    // -(0.9 ln 0.9 + 0.1 ln 0.1) / ln 3
    assert!((hardness(0) - 0.295_903_0).abs() < 1e-6, "{}", hardness(0));
    assert_eq!((found[1].predicted, found[2].predicted, found[4].predicted), (0, 1, 0));
    // Class 0 has 0.533 on average, class 1 has 0.478: the second and third picture have more of class 1 than that, and less of their own.
    assert_eq!(found.iter().map(|one| one.doubted).collect::<Vec<_>>(), [false, true, true, false, false, false]);
    // One class is never wrong.
    let only = scores(&[1.0, 1.0], &[0, 0], 1);
    assert!(only.iter().all(|one| (one.mistakenness, one.hardness, one.doubted) == (0.0, 0.0, false)), "{only:?}");
    assert!(scores(&[], &[], 3).is_empty());
}

#[test]
fn a_picture_is_like_itself_in_other_light_and_mirrored_and_unlike_others() {
    let drawn = &mut Drawn::new(5);
    let (one, other) = (picture(drawn, 0, true), picture(drawn, 0, true));
    let lighter = RgbImage::from_fn(32, 32, |x, y| Rgb(one.get_pixel(x, y).0.map(|value| value / 2 + 100)));
    let look = Look::of(&one);
    assert!((look.alike(&look) - 1.0).abs() < 1e-12);
    assert!(look.alike(&Look::of(&lighter)) > 0.999 && look.alike(&Look::of(&flip_horizontal(&one))) > 0.999);
    assert!(look.alike(&Look::of(&other)) < ALIKE, "{}", look.alike(&Look::of(&other)));
    // Of one colour there is no correlation, and no number that is none.
    let plain = |value: u8| Look::of(&RgbImage::from_pixel(32, 32, Rgb([value, 10, 10])));
    assert_eq!((plain(50).alike(&plain(50)), plain(50).alike(&plain(90)), plain(50).alike(&look)), (1.0, 0.0, 0.0));
}

#[test]
fn each_pair_is_told_once_whoever_finds_it() {
    let drawn = &mut Drawn::new(6);
    let pictures: Vec<RgbImage> = (0..30).map(|_| picture(drawn, 1, true)).collect();
    let told = |twin: &RgbImage, features: Vec<f64>| {
        let looks: Vec<Look> = pictures.iter().chain([twin]).map(Look::of).collect();
        pairs(&Points::new(1, features), &looks).iter().map(|&(a, b, _)| (a, b)).collect::<Vec<_>>()
    };
    // The last is the first again, which the eye finds, however far the network has them apart.
    let apart: Vec<f64> = (0..31).map(|at| at as f64).collect();
    assert_eq!(told(&pictures[0], apart.clone()), [(0, 30)]);
    // Mirrored it looks different from far, and the network must have it near.
    let mirrored = flip_horizontal(&pictures[0]);
    let near: Vec<f64> = (0..30).map(|at| at as f64).chain([0.25]).collect();
    assert_eq!(told(&mirrored, near), [(0, 30)]);
    assert_eq!(told(&picture(drawn, 1, true), apart), []);
    assert!(pairs(&Points::new(1, vec![0.0]), &[Look::of(&mirrored)]).is_empty());
}
