//! The classification report and the confusion matrix against scikit-learn's and against counting by hand.

use serde_json::Value;
use warptape::train::report::confusion::{Confusion, Mistake, mistakes};
use warptape::train::report::heatmap;
use warptape::train::report::scores::Scores;

use crate::data::files::says;

fn golden() -> Vec<Value> {
    let text = include_str!("../../golden/reports.json");
    let golden: Value = serde_json::from_str(text).unwrap();
    let cases = golden["cases"].as_array().unwrap().clone();
    assert_eq!(cases.len(), 20);
    cases
}

fn numbers<T: TryFrom<i64, Error: std::fmt::Debug>>(value: &Value) -> Vec<T> {
    value.as_array().unwrap().iter().map(|v| T::try_from(v.as_i64().unwrap()).unwrap()).collect()
}

fn names(case: &Value) -> Vec<String> {
    case["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn confusion(case: &Value) -> Confusion {
    let classes = names(case).len();
    Confusion::count(&numbers::<i32>(&case["labels"]), &numbers::<i32>(&case["predictions"]), classes).unwrap()
}

/// Asserts that every number of `expected`, an object of objects, is in `got` too, to 12 digits.
fn agrees(got: &Value, expected: &Value, place: &str) {
    match expected {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| agrees(&got[key], value, &format!("{place}/{key}")));
        }
        number => {
            let (got, expected) = (got.as_f64().unwrap_or(f64::NAN), number.as_f64().unwrap());
            assert!((got - expected).abs() <= 1e-12, "{place}: {got}, scikit-learn says {expected}");
        }
    }
}

#[test]
fn the_table_is_letter_for_letter_scikit_learns() {
    for case in golden() {
        let digits = case["digits"].as_u64().unwrap() as usize;
        let table = Scores::of(&confusion(&case)).table(&names(&case), digits);
        assert_eq!(table, case["text"].as_str().unwrap(), "{}", case["name"]);
    }
}

#[test]
fn the_numbers_are_scikit_learns() {
    for case in golden() {
        let (confusion, names) = (confusion(&case), names(&case));
        let json = Scores::of(&confusion).json(&names);
        agrees(&json["balanced accuracy"], &case["balanced"], &format!("{}/balanced", case["name"]));
        let mut expected = case["dict"].as_object().unwrap().clone();
        for key in ["accuracy", "macro avg", "weighted avg"] {
            agrees(&json[key], &expected.remove(key).unwrap(), &format!("{}/{key}", case["name"]));
        }
        assert_eq!(expected.len(), names.len());
        assert_eq!(json["classes"].as_object().unwrap().len(), names.len());
        agrees(&json["classes"], &Value::Object(expected), &case["name"].to_string());
        if let Some(rows) = case["confusion"].as_array() {
            assert_eq!(rows.len(), names.len());
            for (truth, row) in rows.iter().enumerate() {
                assert_eq!(confusion.row(truth), numbers::<u64>(row), "{} row {truth}", case["name"]);
            }
        }
    }
}

/// Labels and predictions of six images of four classes: the third is never predicted, the fourth has none.
const LABELS: [i32; 6] = [0, 0, 0, 1, 1, 2];
const PREDICTIONS: [i32; 6] = [0, 1, 1, 1, 0, 3];

#[test]
fn counts_by_hand() {
    let confusion = Confusion::count(&LABELS, &PREDICTIONS, 4).unwrap();
    let rows: Vec<&[u64]> = (0..4).map(|truth| confusion.row(truth)).collect();
    assert_eq!(rows, [[1, 2, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]);
    assert_eq!((confusion.support(), confusion.predicted()), (vec![3, 2, 1, 0], vec![2, 3, 0, 1]));
    assert_eq!((confusion.total(), confusion.at(0, 1), confusion.classes()), (6, 2, 4));
    let scores = Scores::of(&confusion);
    let class =
        |index: usize| (scores.classes[index].precision, scores.classes[index].recall, scores.classes[index].f1);
    assert_eq!(class(0), (1.0 / 2.0, 1.0 / 3.0, 2.0 / 5.0));
    assert_eq!(class(1), (1.0 / 3.0, 1.0 / 2.0, 2.0 / 5.0));
    assert_eq!((class(2), class(3)), ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)));
    assert_eq!((scores.accuracy, scores.macro_average.f1), (2.0 / 6.0, 0.8 / 4.0));
    assert!((scores.weighted_average.f1 - (3.0 * 0.4 + 2.0 * 0.4) / 6.0).abs() < 1e-15);
    assert_eq!((&scores.never_predicted[..], &scores.absent[..]), (&[2][..], &[3][..]));
    let names = ["a", "b", "c", "d"].map(String::from);
    assert_eq!(scores.notes(&names), ["never predicted, precision set to 0: c", "without images, recall set to 0: d"]);
    let all_defined = Confusion::count(&[0, 1], &[1, 0], 2).unwrap();
    assert!(Scores::of(&all_defined).notes(&names).is_empty());
}

#[test]
fn mistakes_are_ordered_and_name_their_images() {
    let mistake = |truth, predicted, images: &[usize]| Mistake { truth, predicted, images: images.into() };
    let expected = [mistake(0, 1, &[1, 2]), mistake(1, 0, &[4]), mistake(2, 3, &[5])];
    assert_eq!(mistakes(&LABELS, &PREDICTIONS), expected);
    assert_eq!(mistakes(&LABELS, &LABELS), []);
    for case in golden() {
        let (labels, predictions) = (numbers::<i32>(&case["labels"]), numbers::<i32>(&case["predictions"]));
        let (found, counts) = (mistakes(&labels, &predictions), confusion(&case));
        let wrong = labels.iter().zip(&predictions).filter(|(a, b)| a != b).count();
        assert_eq!(found.iter().map(|m| m.images.len()).sum::<usize>(), wrong);
        assert!(found.windows(2).all(|pair| pair[0].images.len() >= pair[1].images.len()));
        for Mistake { truth, predicted, images } in found {
            assert_eq!(counts.at(truth, predicted), images.len() as u64);
            assert!(images.iter().all(|&i| (labels[i], predictions[i]) == (truth as i32, predicted as i32)));
        }
    }
}

#[test]
fn what_is_no_class_is_refused() {
    says(Confusion::count(&[0, 1], &[0], 2), &["2 labels and 1 predictions"]);
    says(Confusion::count(&[0, 2], &[0, 0], 2), &["image 1", "label 2", "2 classes"]);
    says(Confusion::count(&[0, 1], &[-1, 0], 2), &["image 0", "prediction -1"]);
    let nothing = Scores::of(&Confusion::count(&[], &[], 2).unwrap());
    assert_eq!((nothing.accuracy, nothing.weighted_average.f1, nothing.absent.len()), (0.0, 0.0, 2));
}

#[test]
fn the_csv_reads_back() {
    let names = ["plain", "with, comma", "with \"quotes\"", "größe"].map(String::from);
    let confusion = Confusion::count(&LABELS, &PREDICTIONS, 4).unwrap();
    let bytes = confusion.csv(&names).unwrap();
    assert!(bytes.starts_with(b"true \\ predicted,plain,\"with, comma\","));
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    assert_eq!(reader.headers().unwrap().iter().skip(1).collect::<Vec<_>>(), names);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4);
    for (truth, row) in rows.iter().enumerate() {
        let counts: Vec<u64> = row.iter().skip(1).map(|cell| cell.parse().unwrap()).collect();
        assert_eq!((&row[0], &counts[..]), (&*names[truth], confusion.row(truth)));
    }
}

#[test]
fn the_picture_shows_every_cell_for_any_number_of_classes() {
    for classes in [1, 2, 9, 100, 200, 1000] {
        let names: Vec<String> = (0..classes).map(|class| format!("class \u{1f600} {class}")).collect();
        let labels: Vec<i32> = (0..classes as i32).collect();
        let mut predictions = labels.clone();
        // One mistake in the upper right corner, where there would else be nothing.
        predictions[0] = classes as i32 - 1;
        let confusion = Confusion::count(&labels, &predictions, classes).unwrap();
        let picture = heatmap::bitmap(&"a long title ".repeat(40), &names, &confusion).unwrap();
        assert!(picture.width() < 2600 && picture.height() < 2600, "{:?}", picture.dimensions());
        // The last class is right: its cell, at the lower right, is dark, as is the mistake's at the upper right.
        let dark = |pixel: &image::Rgb<u8>| pixel.0[0] < 30 && pixel.0[2] > 80 && pixel.0[2] < 130;
        // Below the title and the scale of colours.
        let below = picture.enumerate_pixels().filter(|(_, y, pixel)| *y > 124 && dark(pixel));
        let columns: Vec<(u32, u32)> = below.map(|(x, y, _)| (x, y)).collect();
        let right = columns.iter().map(|at| at.0).max().unwrap();
        let in_last: Vec<u32> = columns.iter().filter(|at| at.0 == right).map(|at| at.1).collect();
        let (top, bottom) = (*in_last.first().unwrap(), *in_last.last().unwrap());
        assert!(classes == 1 || bottom - top > picture.height() / 20, "{classes}: {top} to {bottom}");
    }
}
