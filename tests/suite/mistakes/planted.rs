//! Wrong classes and twins that are planted in a made set are found.

use std::collections::BTreeSet;
use std::path::Path;

use image::imageops::flip_horizontal;
use image::{Rgb, RgbImage};
use serde_json::Value;

use crate::command::{device, succeeds};
use crate::shapes::{CLASSES, Drawn, picture, save};
use crate::support::contents;

/// Test pictures of each class; of all together 6 carry another class's name.
const TEST: usize = 40;
const WRONG: usize = 6;
/// Pairs of a training picture and a test picture that is nearly the same, of which the first third have another class.
const TWINS: usize = 9;

/// Lighter, moved by a pixel with new noise, mirrored, in turns.
fn changed(picture: &RgbImage, how: usize, drawn: &mut Drawn) -> RgbImage {
    match how % 3 {
        0 => RgbImage::from_fn(32, 32, |x, y| Rgb(picture.get_pixel(x, y).0.map(|value| value / 2 + 60))),
        1 => RgbImage::from_fn(32, 32, |x, y| {
            let pixel = picture.get_pixel(x.saturating_sub(1), y).0;
            Rgb(pixel.map(|value| (f64::from(value) + drawn.between(-6.0, 6.0)).clamp(0.0, 255.0) as u8))
        }),
        _ => flip_horizontal(picture),
    }
}

/// The set, in `folder`, and the names of the pictures with a wrong class.
fn made(folder: &Path) -> BTreeSet<String> {
    let drawn = &mut Drawn::new(3);
    let mut wrong = BTreeSet::new();
    for class in 0..CLASSES.len() {
        for number in 0..80 {
            let one = picture(drawn, class, true);
            save(&one, folder, "train", class, &format!("{number:02}"));
            let twin = class * 3 + number;
            if number < TWINS / 3 {
                let said = if number == 0 { (class + 1) % 3 } else { class };
                save(&changed(&one, twin, drawn), folder, "test", said, &format!("twin-{twin}"));
            }
        }
        for number in 0..TEST {
            let said = if number < WRONG / 3 { (class + 1 + number) % 3 } else { class };
            let name = format!("{class}-{number:02}");
            save(&picture(drawn, class, true), folder, "test", said, &name);
            if said != class {
                wrong.insert(name);
            }
        }
    }
    wrong
}

#[test]
fn wrong_classes_come_first_and_twins_are_paired() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = made(&folder.path().join("data"));
    let [data, run, out] = ["data", "run", "out"].map(|name| folder.path().join(name).display().to_string());
    let device = device();
    succeeds(&["train", &data, "--epochs", "6", "--batch-size", "16", "--device", &device, "--out", &run]);
    let said = succeeds(&["mistakes", &format!("{run}@last"), "--device", &device, "--out", &out]);
    let out = Path::new(&out);
    let facts: Value = serde_json::from_str(&std::fs::read_to_string(out.join("mistakes.json")).unwrap()).unwrap();
    let stem = |file: &Value| Path::new(file.as_str().unwrap()).file_stem().unwrap().to_str().unwrap().to_owned();
    let pictures = facts["pictures"].as_array().unwrap();
    assert_eq!(pictures.len(), 3 * TEST + TWINS);
    // Among the first, with the three twins of another class, are nearly all that were planted.
    let planted = WRONG + TWINS / 3;
    let is_planted = |name: &String| wrong.contains(name) || ["twin-0", "twin-3", "twin-6"].contains(&&**name);
    let found = pictures.iter().take(planted).filter(|one| is_planted(&stem(&one["file"]))).count();
    assert!(found >= planted - 1, "{found} of {planted}: {said}");
    let doubted: Vec<String> =
        pictures.iter().filter(|one| one["doubted"] == true).map(|one| stem(&one["file"])).collect();
    // Confident learning stars few, where a network is sure of most: a part of them, and no other.
    assert!(doubted.len() >= planted / 4 && doubted.iter().all(is_planted), "{doubted:?}: {said}");
    let order: Vec<f64> = pictures.iter().map(|one| one["mistakenness"].as_f64().unwrap()).collect();
    assert!(order.is_sorted_by(|a, b| a >= b) && order.iter().all(|value| (0.0..=1.0).contains(value)));

    let pairs = facts["pairs"].as_array().unwrap();
    let names: BTreeSet<String> = pairs.iter().map(|pair| stem(&pair["second"]["file"])).collect();
    let twins = (0..TWINS).filter(|twin| names.contains(&format!("twin-{twin}"))).count();
    assert!(twins >= TWINS - 1, "{twins} of {TWINS}: {said}");
    assert!(pairs.len() <= TWINS + 1, "pairs of pictures that are not alike: {said}");
    let differ = |pair: &Value| pair["first"]["class"] != pair["second"]["class"];
    let first = pairs.iter().take_while(|pair| differ(pair)).count();
    assert!(first >= TWINS / 3 - 1 && pairs[first..].iter().all(|pair| !differ(pair)), "{said}");
    assert!(pairs.iter().all(|pair| pair["first"]["part"] == "train" && pair["second"]["part"] == "test"), "{said}");
    let files = ["duplicates.csv", "duplicates.png", "mistakes.csv", "mistakes.json", "mistakes.png"];
    assert_eq!(contents(out), files);

    // Of the training part, with a word of caution; the same pairs.
    let run = format!("{run}@last");
    let trained = crate::command::done(
        crate::command::warptape().args(["mistakes", &run, "--part", "train", "--device", &device]),
    );
    assert!(trained.code == Some(0) && trained.stderr.contains("was trained on these pictures"), "{}", trained.stderr);
    assert!(
        trained.stdout.contains("240 training images") && trained.stdout.contains("near-duplicates among 369 pictures")
    );
}
