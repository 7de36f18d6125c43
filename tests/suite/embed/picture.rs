//! The picture of an embedding: what it shows where, for any number of classes and in any script.

use image::RgbImage;
use warptape::embed::Points;
use warptape::embed::picture::Picture;

/// A picture of `count` points of `classes` classes, each thumbnail of one colour.
fn draw(places: Vec<f64>, classes: &[String], shade: impl Fn(usize) -> [u8; 3], axes: Option<[String; 2]>) -> RgbImage {
    let count = places.len() / 2;
    let thumbnails: Vec<RgbImage> = (0..count).map(|at| RgbImage::from_pixel(32, 32, image::Rgb(shade(at)))).collect();
    let labels: Vec<usize> = (0..count).map(|at| at % classes.len()).collect();
    let picture = Picture {
        title: "t-SNE of layer avgpool of a network on some data ".repeat(9),
        notes: vec!["some pictures".into(), "two notes".into()],
        axes,
        places: &Points::new(2, places),
        thumbnails: &thumbnails,
        labels: &labels,
        classes,
        seed: 0,
    };
    picture.draw().unwrap()
}

/// How many pixels of `picture` have this colour exactly, and their mean place.
fn patch(picture: &RgbImage, color: [u8; 3]) -> (usize, f64, f64) {
    let found: Vec<(u32, u32)> =
        picture.enumerate_pixels().filter(|(_, _, pixel)| pixel.0 == color).map(|(x, y, _)| (x, y)).collect();
    let mean = |of: fn(&(u32, u32)) -> u32| found.iter().map(|at| f64::from(of(at))).sum::<f64>() / found.len() as f64;
    (found.len(), mean(|at| at.0), mean(|at| at.1))
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|class| format!("class {class}")).collect()
}

#[test]
fn pictures_stand_where_their_points_lie() {
    // Four corners, of which one is farther out, and the middle.
    let places = vec![0.0, 0.0, 4.0, 0.0, 0.0, 3.0, 4.0, 3.0, 2.0, 1.5];
    let shade = |at: usize| [200, 40 * at as u8 + 5, 77];
    let picture = draw(places.clone(), &names(2), shade, None);
    let found: Vec<(usize, f64, f64)> = (0..5).map(|at| patch(&picture, shade(at))).collect();
    for (at, (count, ..)) in found.iter().enumerate() {
        assert_eq!(*count, 40 * 40, "thumbnail {at} is enlarged to 40x40 and wholly to be seen");
    }
    // Up is up, and a unit is as long in both directions.
    let (across, up) = (found[1].1 - found[0].1, found[0].2 - found[2].2);
    assert!(across > 0.0 && up > 0.0 && (across / 4.0 - up / 3.0).abs() < 0.5, "{across} and {up}");
    assert!(
        (found[4].1 - (found[0].1 + found[3].1) / 2.0).abs() < 1.0
            && (found[4].2 - (found[0].2 + found[3].2) / 2.0).abs() < 1.0
    );
    // Frames have their classes' colours: those of every second picture.
    let frame = |at: usize| picture.get_pixel(found[at].1 as u32 - 21, found[at].2 as u32).0;
    assert!(frame(0) == frame(2) && frame(1) == frame(3) && frame(0) != frame(1));
    assert_ne!(
        picture.get_pixel(found[0].1 as u32 - 25, found[0].2 as u32).0,
        frame(0),
        "a frame is three pixels wide"
    );
    // With names of axes it is a little higher.
    let axes = Some(["component 1".into(), "component 2".into()]);
    assert!(draw(places, &names(2), shade, axes).height() > picture.height());
}

#[test]
fn of_pictures_that_would_cover_each_other_one_is_shown() {
    // Two hundred at nearly one place, and one elsewhere.
    let near = (0..200).flat_map(|at| [f64::from(at) * 1e-4, f64::from(at % 7) * 1e-4]);
    let places: Vec<f64> = near.chain([1.0, 0.8]).collect();
    let shade = |at: usize| [10, (at % 250) as u8, 200 + (at / 250) as u8];
    let picture = draw(places, &names(3), shade, None);
    let counts: Vec<usize> = (0..201).map(|at| patch(&picture, shade(at)).0).collect();
    assert_eq!(counts.iter().filter(|&&count| count == 1600).count(), 2, "{counts:?}");
    assert!(counts[200] == 1600 && counts.iter().all(|&count| count == 1600 || count == 0), "none is cut: {counts:?}");
}

#[test]
fn any_number_of_classes_in_any_script() {
    let scripts = [
        "Katze",
        "Кошка",
        "猫",
        "고양이",
        "γάτα",
        "\u{1f600}",
        "قطة",
        "a name that is far too long for one column of a legend",
    ];
    for count in [1, 2, 9, 10, 11, 61, 200, 1000] {
        let names: Vec<String> = (0..count).map(|class| scripts[class % scripts.len()].into()).collect();
        let places = (0..2 * count.max(40)).map(|at| f64::from((at * 7919 % 1009) as u32)).collect();
        let picture = draw(places, &names, |_| [1, 2, 3], None);
        assert!(
            picture.width() == 1680 && (900..2400).contains(&picture.height()),
            "{count}: {:?}",
            picture.dimensions()
        );
    }
    // All at one place, or in one line, is no reason to fail.
    draw(vec![1.0; 20], &names(2), |_| [9; 3], None);
    draw((0..20).map(|at| f64::from(at % 2 * at)).collect(), &names(2), |_| [9; 3], None);
}
