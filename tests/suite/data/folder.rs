//! Class folders of picture files: layouts, order, splits, sizes, and what is wrong with them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{Rgb, RgbImage};
use tempfile::TempDir;
use warptape::data::source::Entry;
use warptape::data::{Ahead, Dataset, Files, Fit, Images, Loading, Ratios, Size, read};

use crate::data::files::{load_from, says};

/// Writes a picture of one color.
pub fn paint(path: &Path, height: u32, width: u32, color: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(width, height, Rgb(color)).save(path).unwrap();
}

/// `count` pictures in each of the folders `classes`, of a color that tells class and number.
pub fn paint_classes(root: &Path, classes: &[&str], count: u8) {
    for (class, name) in classes.iter().enumerate() {
        for number in 0..count {
            paint(&root.join(name).join(format!("{number:03}.png")), 8, 8, [class as u8, number, 100]);
        }
    }
}

fn open(folder: &Path, loading: &Loading) -> Result<Dataset, warptape::Error> {
    Dataset::open(&format!("folder:{}", folder.display()), loading)
}

#[test]
fn classes_are_sorted_and_pictures_found_below_them() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    paint_classes(root, &["zebra", "ant", "Élan à deux"], 10);
    paint(&root.join("ant/deep/er/9.PNG"), 8, 8, [1, 200, 100]);
    paint(&root.join("ant/x.png/inside.bmp"), 8, 8, [1, 201, 100]);
    paint(&root.join("ant/.hidden.png"), 8, 8, [0, 0, 0]);
    fs::write(root.join("ant/readme.txt"), "no picture").unwrap();
    fs::write(root.join("stray.txt"), "no class").unwrap();
    fs::create_dir(root.join(".git")).unwrap();
    let data = load_from("folder", root).unwrap();
    assert_eq!(data.classes, ["ant", "zebra", "Élan à deux"]);
    assert_eq!((data.train.height, data.train.width), (32, 32));
    let [train, val, test] = data.class_counts();
    assert_eq!([train, val, test], [[10, 8, 8], [1, 1, 1], [1, 1, 1]]);
    // Label and color agree in every picture: nothing got mixed up on the way.
    let class_of_red = [1, 0, 2];
    for part in [&data.train, &data.val, &data.test] {
        for index in 0..part.len() {
            let pixel = &part.image(index)[..3];
            assert_eq!((class_of_red[pixel[0] as usize], pixel[2]), (part.labels[index], 100));
        }
    }
    assert!(data.name.starts_with(".tmp"), "{}", data.name);
}

/// What a phone takes today, and what lost its ending: read, or counted and named.
#[test]
fn pictures_of_other_kinds_are_read_or_named() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    paint_classes(root, &["a", "b"], 5);
    for name in ["x.gif", "x.tga", "x.jfif.png"] {
        paint(&root.join("a").join(name), 8, 8, [0, 99, 100]);
    }
    fs::rename(root.join("a/x.jfif.png"), root.join("a/no ending")).unwrap();
    fs::write(root.join("a/X.PBM"), ["P1 8 8", &" 0".repeat(64)].concat()).unwrap();
    fs::write(root.join("a/Makefile"), "all:\n").unwrap();
    for name in ["a/1.HEIC", "b/2.heic", "b/3.avif"] {
        fs::write(root.join(name), b"\0\0\0\x18ftypheic").unwrap();
    }
    fs::write(root.join("b/phone"), b"\0\0\0\x18ftypheic\0\0\0\0").unwrap();
    let data = load_from("folder", root).unwrap();
    assert_eq!(data.train.len() + data.val.len() + data.test.len(), 14);
    let named =
        "2 .heic and 1 .avif and 1 HEIF or AVIF without an ending pictures are not read: convert them to JPEG or PNG";
    assert_eq!(data.warnings.len(), 1);
    for part in named.split(" and ") {
        assert!(data.warnings[0].contains(part), "{} in {}", part, data.warnings[0]);
    }
    // A class of nothing else cannot be left out in silence.
    fs::create_dir(root.join("c")).unwrap();
    fs::write(root.join("c/1.heic"), "").unwrap();
    says(load_from("folder", root), &["class \"c\" has 1 .heic pictures", "convert them"]);
}

#[test]
fn splits_follow_seed_and_ratios() {
    let folder = TempDir::new().unwrap();
    paint_classes(folder.path(), &["a", "b"], 20);
    let hash = |seed, split: &str| {
        let split: Option<Ratios> = Some(split.parse().unwrap());
        open(folder.path(), &Loading { seed, split, ..Loading::default() }).unwrap().hash
    };
    assert_eq!(hash(3, "8:1:1"), hash(3, "16:2:2"));
    assert_ne!(hash(3, "8:1:1"), hash(4, "8:1:1"));
    assert_ne!(hash(3, "8:1:1"), hash(3, "9:0:1"));
    assert_eq!(hash(0, "8:1:1"), load_from("folder", folder.path()).unwrap().hash);
}

#[test]
fn the_number_of_workers_changes_nothing() {
    let folder = TempDir::new().unwrap();
    for number in 0..60u32 {
        let picture =
            RgbImage::from_fn(20 + number, 50 - number / 2, |x, y| Rgb([(x * y) as u8, x as u8, number as u8]));
        let path = folder.path().join(["a", "b"][number as usize % 2]).join(format!("{number}.jpg"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        picture.save(path).unwrap();
    }
    let hash = |workers| {
        let image_size = Some("24x40".parse().unwrap());
        let data = open(folder.path(), &Loading { workers, image_size, ..Loading::default() }).unwrap();
        assert_eq!((data.train.height, data.train.width, data.train.image(0).len()), (24, 40, 24 * 40 * 3));
        data.hash
    };
    let one = hash(1);
    assert!([0, 2, 7, 500].into_iter().all(|workers| hash(workers) == one));
}

#[test]
fn parts_in_folders_of_their_own() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    paint_classes(&root.join("train"), &["a", "b"], 4);
    says(load_from("folder", root), &["'train' but neither 'val' nor 'test'", "train splits it"]);
    paint_classes(&root.join("valid"), &["a", "b"], 2);
    let lens = |data: &Dataset| [data.train.len(), data.val.len(), data.test.len()];
    let train = load_from("folder", root).unwrap().train;
    let numbers: Vec<u8> = (0..8).map(|index| train.image(index)[1]).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 0, 1, 2, 3], "in the order of their names");
    assert_eq!(lens(&load_from("folder", root).unwrap()), [8, 0, 4], "val is the test set where there is no other");
    fs::create_dir(root.join("test")).unwrap();
    paint(&root.join("test/unlabelled.png"), 8, 8, [0; 3]);
    assert_eq!(lens(&load_from("folder", root).unwrap()), [8, 0, 4], "and where the other has no labels");
    paint_classes(&root.join("test"), &["a", "b"], 3);
    assert_eq!(lens(&load_from("folder", root).unwrap()), [8, 4, 6]);
    let split = Loading { split: Some(Ratios::default()), ..Loading::default() };
    says(open(root, &split), &["‹split=8:1:1›", "is split already"]);
    paint(&root.join("test/c/1.png"), 8, 8, [0; 3]);
    says(load_from("folder", root), &["test: has a class \"c\", unlike", "train"]);
    fs::remove_dir_all(root.join("test/c")).unwrap();
    fs::remove_dir_all(root.join("valid/a")).unwrap();
    says(load_from("folder", root), &["valid: has no class \"a\""]);
    // A class may be called train.
    let vehicles = TempDir::new().unwrap();
    paint_classes(vehicles.path(), &["bus", "train"], 3);
    assert_eq!(load_from("folder", vehicles.path()).unwrap().classes, ["bus", "train"]);
}

#[test]
fn folders_that_are_no_data_set() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    says(load_from("folder", &root.join("absent")), &["absent", "cannot be read as a folder"]);
    says(load_from("folder", root), &["holds no folders; expected one for each class"]);
    paint_classes(root, &["full"], 3);
    fs::create_dir(root.join("empty one")).unwrap();
    fs::write(root.join("empty one/notes.txt"), "").unwrap();
    says(load_from("folder", root), &["class \"empty one\" has no pictures (1 other files)", ".webp"]);
    fs::remove_dir_all(root.join("empty one")).unwrap();
    fs::create_dir(root.join("bell\u{7}")).unwrap();
    says(load_from("folder", root), &["class name", "control characters"]);
    fs::remove_dir(root.join("bell\u{7}")).unwrap();
    symlink(root, root.join("full/loop")).unwrap();
    says(load_from("folder", root), &["is a link to", "which it is in"]);
    fs::remove_file(root.join("full/loop")).unwrap();
    symlink(root.join("nowhere"), root.join("full/dangling.png")).unwrap();
    says(load_from("folder", root), &["dangling.png", "no such file"]);
    fs::remove_file(root.join("full/dangling.png")).unwrap();
    let deep: PathBuf = root.join("full").join("d/".repeat(70));
    fs::create_dir_all(deep).unwrap();
    says(load_from("folder", root), &["64 folders deep"]);
}

#[test]
fn links_to_other_places_are_followed() {
    let (elsewhere, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    paint_classes(elsewhere.path(), &["a"], 3);
    paint_classes(folder.path(), &["b"], 3);
    symlink(elsewhere.path().join("a"), folder.path().join("a")).unwrap();
    // The same folder twice is no circle.
    symlink(elsewhere.path().join("a"), folder.path().join("b/more")).unwrap();
    let data = load_from("folder", folder.path()).unwrap();
    assert_eq!(data.train.len() + data.val.len() + data.test.len(), 9);
}

#[test]
fn the_first_broken_file_is_named() {
    let folder = TempDir::new().unwrap();
    paint_classes(folder.path(), &["a", "b"], 30);
    for (file, contents) in [("a/020.png", &b""[..]), ("b/001.png", b"text"), ("b/002.png", b"GIF89a")] {
        fs::write(folder.path().join(file), contents).unwrap();
    }
    let split: Option<Ratios> = Some("1:0:1e-6".parse().unwrap());
    for workers in [1, 2, 8] {
        let result = open(folder.path(), &Loading { workers, split, ..Loading::default() });
        says(result, &["020.png", "is empty", "data info", "‹skip_broken› leaves them out"]);
    }
    // Left out, the others are what they would be without them.
    let skip = Loading { skip_broken: true, workers: 3, ..Loading::default() };
    let data = open(folder.path(), &skip).unwrap();
    assert_eq!(data.train.len() + data.val.len() + data.test.len(), 57);
    let mut left: Vec<&str> = data.broken.iter().map(|broken| broken.file.rsplit('/').next().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, ["001.png", "002.png", "020.png"]);
    assert!(data.broken.iter().all(|broken| !broken.reason.is_empty()));
    assert!(
        data.warnings[0].starts_with("3 files cannot be read and are left out; the first: "),
        "{:?}",
        data.warnings
    );
    assert_eq!(data.train.image(0)[..3], [0, data.train.image(0)[1], 100]);
}

#[test]
fn more_than_the_memory_is_refused_before_anything_is_read() {
    let entry = Entry { path: "absent.png".into(), label: 0 };
    let files = vec![entry; 1_000_000];
    let size = Size { height: 4096, width: 4096 };
    says(
        read::decoded(&files, Path::new(""), size, &Loading::default(), true, &mut Vec::new()),
        &["1000000 pictures of 4096x4096", "46875.0 GiB", "‹image_size›"],
    );
}

#[test]
fn sizes() {
    for (text, height, width) in [("1", 1, 1), ("64", 64, 64), ("48x64", 48, 64), ("4096x4096", 4096, 4096)] {
        assert_eq!(text.parse::<Size>().unwrap(), Size { height, width });
    }
    for bad in ["", "0", "4097", "x", "32x", "x32", "1x2x3", "-1", "3.5", "64X64", "0x9"] {
        says(bad.parse::<Size>(), &["image size", "1 to 4096"]);
    }
    let (emoji, small) =
        (Loading::default(), Loading { image_size: Some(Size { height: 16, width: 24 }), ..Loading::default() });
    let (emoji, small) = (Dataset::open("emoji", &emoji).unwrap(), Dataset::open("emoji", &small).unwrap());
    assert_eq!((small.test.height, small.test.width, small.test.pixels.len()), (16, 24, 886 * 16 * 24 * 3));
    assert_eq!(small.test.labels, emoji.test.labels);
    let (mean, other) = (emoji.train.mean_std().0, small.train.mean_std().0);
    assert!(mean.iter().zip(other).all(|(a, b)| (a - b).abs() < 0.01), "{mean:?} {other:?}");
}

#[test]
fn one_picture_of_each_class_leaves_none_to_test_on() {
    let folder = TempDir::new().unwrap();
    paint_classes(folder.path(), &["a", "b"], 1);
    let error = open(folder.path(), &Loading::default()).map(drop).unwrap_err().to_string();
    let why = "leaves no picture to test on, having one of each class (equal pictures are one): add pictures, or";
    assert!(error.contains(why), "{error}");
    // One more of one class is enough.
    paint_classes(folder.path(), &["a"], 2);
    assert_eq!(open(folder.path(), &Loading::default()).unwrap().test.len(), 1);
}

/// Whether pixels are held or read when they are needed changes nothing but where they are.
#[test]
fn more_than_the_share_of_memory_is_read_when_it_is_needed() {
    let folder = TempDir::new().unwrap();
    paint_classes(folder.path(), &["a", "b"], 30);
    paint(&folder.path().join("a/wide.png"), 8, 80, [1, 2, 3]);
    let loading = Loading { resize: Some(Fit::Pad), limit_per_class: Some(25), ..Loading::default() };
    let held = open(folder.path(), &loading).unwrap();
    let streamed = open(folder.path(), &Loading { memory: Some(1000), ..loading }).unwrap();
    assert_eq!(held.hash, streamed.hash);
    assert_eq!(held.train.mean_std(), streamed.train.mean_std());
    for (held, streamed) in [(&held.train, &streamed.train), (&held.test, &streamed.test)] {
        assert!(streamed.is_streamed() && !held.is_streamed());
        assert_eq!((&held.labels, &held.origins), (&streamed.labels, &streamed.origins));
        (0..held.len()).for_each(|at| assert_eq!(held.image(at), &*streamed.read(at).unwrap()));
    }
    let images = Arc::new(streamed.train);
    let order: Vec<u32> = (0..images.len() as u32).rev().chain(0..7).collect();
    let expected: Vec<u8> = order.iter().skip(3).flat_map(|&at| held.train.image(at as usize)).copied().collect();
    for (workers, room) in [(1, 1), (1, 10), (4, 3), (4, 1000)] {
        let files = Files { workers, ..images.files.clone().unwrap() };
        let images = Arc::new(Images { files: Some(files), ..(*images).clone() });
        let mut ahead = Ahead::new(&images, order.clone(), 3, room);
        let mut pixels = Vec::new();
        for count in [5, 1, 0, 8, 1000] {
            assert_eq!(ahead.position(), 3 + pixels.len() / images.stride());
            pixels.extend(ahead.pictures(count).unwrap());
        }
        assert!(pixels == expected, "{workers} workers, room for {room}");
        // One that is not asked for all leaves no thread behind that waits for ever.
        Ahead::new(&images, order.clone(), 0, room).pictures(2).unwrap();
    }
    // What changes meanwhile is no picture of this run.
    let file = &images.origins[0].file;
    paint(&folder.path().join(file), 8, 8, [9, 9, 9]);
    says(Ahead::new(&images, vec![1, 0], 0, 4).pictures(2), &[file, "was changed while it was in use"]);
    fs::remove_file(folder.path().join(file)).unwrap();
    says(Ahead::new(&images, vec![1, 0], 0, 4).pictures(2), &[file]);
}
