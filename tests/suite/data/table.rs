//! Data sets that a CSV table lists.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use warptape::data::{Dataset, Loading};

use crate::data::files::says;
use crate::data::folder::paint;

/// Ten pictures, `0.png` to `9.png` of red 0 to 9, and a table of them.
fn listed(table: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..10u8 {
        paint(&folder.path().join(format!("pictures/{number}.png")), 8, 8, [number, 0, 0]);
    }
    fs::write(folder.path().join("labels.csv"), table).unwrap();
    folder
}

fn open(folder: &Path, loading: &Loading) -> Result<Dataset, warptape::Error> {
    Dataset::open(&folder.join("labels.csv").display().to_string(), loading)
}

#[test]
fn parts_columns_and_classes_are_read_as_they_stand() {
    // Excel's mark, another order of columns, a column that is nobody's, spaces, a name with a comma.
    let rows = ["train,10,", "train, 9 ,x", "valid,10,", "test,9,", "TEST,10,\"a,b\""];
    let rows: String = rows.iter().zip(0..).map(|(row, n)| format!("pictures/{n}.png,{row}\n")).collect();
    let folder = listed(&format!("\u{feff}File,part,LABEL,note\n{rows}\n"));
    let data = open(folder.path(), &Loading::default()).unwrap();
    // Numbers by size.
    assert_eq!((&data.name[..], &data.classes[..]), ("labels", &["9".to_string(), "10".to_string()][..]));
    let reds = [&data.train, &data.val, &data.test]
        .map(|part| (0..part.len()).map(|at| (part.image(at)[0], part.labels[at])).collect::<Vec<_>>());
    assert_eq!(reds, [vec![(0, 1), (1, 0)], vec![(2, 1)], vec![(3, 0), (4, 1)]]);
    assert_eq!(data.train.origins[1].file, "pictures/1.png");
    says(
        open(folder.path(), &Loading { split: Some("8:1:1".parse().unwrap()), ..Loading::default() }),
        &["‹split=8:1:1›", "has a column 'part'"],
    );
}

#[test]
fn a_table_without_parts_is_split() {
    let rows: String = (0..10).map(|n| format!("pictures/{n}.png,{}\n", ["cat", "dog"][n % 2])).collect();
    let folder = listed(&format!("file,label\n{rows}"));
    let data = open(folder.path(), &Loading::default()).unwrap();
    assert_eq!(data.classes, ["cat", "dog"]);
    // Of five of a class, half a picture goes to validation and to test, which is one.
    assert_eq!([data.train.len(), data.val.len(), data.test.len()], [6, 2, 2]);
}

#[test]
fn rows_that_cannot_be_are_named_by_line() {
    let wrong = "file,label,part\n\
        pictures/0.png,a,train\npictures/absent.png,a,train\npictures/1.png,,train\npictures/2.png,b,tset\n\
        pictures/0.png,a,test\npictures/3.png\npictures/4.png,a,test\npictures/gone.png,a,test\n";
    let parts = [
        "labels.csv: line 3 \"pictures/absent.png\" is no file in",
        "line 4 has no file or no label",
        "line 5 has a part that is none of train, val, test",
        "line 6 \"pictures/0.png\" stands in line 2, too",
        "line 7 has no file or no label; and 1 more: correct or remove these rows",
    ];
    says(open(listed(wrong).path(), &Loading::default()), &parts);
    for (table, parts) in [
        ("", ["line 1", "file,label"]),
        ("path,class\nx,y\n", ["line 1", "expected the columns file,label"]),
        ("file,label\n", ["labels.csv", "lists no pictures"]),
        ("file,label,part\npictures/0.png,a,test\n", ["no row of part 'train'", "nothing to train on"]),
        ("file,label\npictures/0.png,\"a\u{7}\"\n", ["line 2", "control characters"]),
    ] {
        says(open(listed(table).path(), &Loading::default()), &parts);
    }
    let folder = listed("file,label\n\"pictures/0.png,a\n");
    says(open(folder.path(), &Loading::default()), &["labels.csv"]);
    says(Dataset::open("csv:absent.csv", &Loading::default()), &["absent.csv"]);
}
