//! Tiny-ImageNet's folders, as published and as people sort them.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::data::files::{load_from, says};
use crate::data::folder::paint;

const WNIDS: [&str; 2] = ["n01443537", "n02056570"];

/// A few pictures in the published layout: class 1 is brighter.
pub fn tiny(root: &Path) {
    for (class, wnid) in WNIDS.iter().enumerate() {
        for number in 0..3 {
            let path = root.join(format!("train/{wnid}/images/{wnid}_{number}.JPEG"));
            paint(&path, 64, 64, [100 * class as u8 + 50; 3]);
        }
        fs::write(root.join(format!("train/{wnid}/{wnid}_boxes.txt")), "").unwrap();
    }
    let mut list = String::new();
    for number in 0..4usize {
        let class = [1, 0, 0, 1][number];
        paint(&root.join(format!("val/images/val_{number}.JPEG")), 64, 64, [100 * class as u8 + 50; 3]);
        list += &format!("val_{number}.JPEG\t{}\t0\t32\t44\t62\n", WNIDS[class]);
    }
    fs::write(root.join("val/val_annotations.txt"), list).unwrap();
    // Grey, as a few of the real ones are.
    let grey = image::GrayImage::from_pixel(64, 64, image::Luma([50]));
    grey.save(root.join("val/images/val_1.JPEG")).unwrap();
}

#[test]
fn as_published() {
    let folder = TempDir::new().unwrap();
    tiny(&folder.path().join("tiny-imagenet-200"));
    let data = load_from("tiny-imagenet", folder.path()).unwrap();
    assert_eq!((data.classes.as_slice(), data.name.as_str()), (&WNIDS.map(String::from)[..], "tiny-imagenet"));
    assert_eq!((data.train.len(), data.val.len(), data.train.height, data.train.width), (6, 0, 64, 64));
    assert_eq!(
        (data.train.labels.as_slice(), data.test.labels.as_slice()),
        (&[0, 0, 0, 1, 1, 1][..], &[1, 0, 0, 1][..])
    );
    for (index, label) in data.test.labels.iter().enumerate() {
        let expected = 100 * *label as u8 + 50;
        assert!(data.test.image(index).iter().all(|value| value.abs_diff(expected) < 3), "picture {index}");
    }
    let words = "n00001740\tentity\nn02056570\tking penguin, Aptenodytes patagonica\n";
    fs::write(folder.path().join("tiny-imagenet-200/words.txt"), words).unwrap();
    let named = load_from("tiny-imagenet", &folder.path().join("tiny-imagenet-200")).unwrap();
    assert_eq!(named.classes, ["n01443537", "n02056570 king penguin"]);
}

#[test]
fn sorted_into_class_folders() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    tiny(root);
    let published = load_from("tiny-imagenet", root).unwrap();
    let sort = |file: &str, target: &str| {
        let target = root.join("val").join(target);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::rename(root.join("val/images").join(file), target).unwrap();
    };
    sort("val_1.JPEG", "n01443537/val_1.JPEG");
    sort("val_2.JPEG", "n01443537/images/val_2.JPEG");
    sort("val_0.JPEG", "n02056570/val_0.JPEG");
    says(load_from("tiny-imagenet", root), &["images", "no class of 'train'"]);
    sort("val_3.JPEG", "n02056570/val_3.JPEG");
    let sorted = load_from("tiny-imagenet", root).unwrap();
    assert_eq!((sorted.train, sorted.test.labels.as_slice()), (published.train, &[0, 0, 1, 1][..]));
}

#[test]
fn flat_beside_the_list() {
    let folder = TempDir::new().unwrap();
    tiny(folder.path());
    let hash = load_from("tiny-imagenet", folder.path()).unwrap().hash;
    for file in fs::read_dir(folder.path().join("val/images")).unwrap().flatten() {
        fs::rename(file.path(), folder.path().join("val").join(file.file_name())).unwrap();
    }
    fs::remove_dir(folder.path().join("val/images")).unwrap();
    assert_eq!(load_from("tiny-imagenet", folder.path()).unwrap().hash, hash);
}

#[test]
fn what_is_missing_is_named() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    says(load_from("tiny-imagenet", root), &["holds neither 'train' nor tiny-imagenet-200/train"]);
    tiny(root);
    let list = root.join("val/val_annotations.txt");
    let case = |text: &str, parts: &[&str]| {
        fs::write(&list, text).unwrap();
        says(load_from("tiny-imagenet", root), parts);
    };
    case("val_0.JPEG\tn99\t0\n", &["line 1", "class \"n99\" is not in 'train'"]);
    case("val_0.JPEG\tn01443537\n\nval_9.JPEG\tn01443537\n", &["line 3", "\"val_9.JPEG\" is no file in"]);
    case("../images/val_0.JPEG\tn01443537\n", &["line 1", "is no file in"]);
    case("val_0.JPEG\n", &["line 1", "expected a file, a tab and its class"]);
    case("\n", &["names no pictures"]);
    fs::remove_file(&list).unwrap();
    says(load_from("tiny-imagenet", root), &["val_annotations.txt", "no such file"]);
    fs::remove_dir_all(root.join("train/n01443537/images")).unwrap();
    says(load_from("tiny-imagenet", root), &["n01443537", "no pictures"]);
}
