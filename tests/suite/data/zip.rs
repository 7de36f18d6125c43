//! Data sets that come as a zip: Tiny-ImageNet, from a server in this process.

use std::fs;
use std::io::Write;
use std::path::Path;

use ::zip::ZipWriter;
use ::zip::write::SimpleFileOptions;
use md5::{Digest, Md5};
use tempfile::TempDir;
use warptape::data::fetch::{Archive, Outcome, fetch};
use warptape::data::tiny_imagenet;

use crate::data::fetch::{archive, ranged, serve};
use crate::data::files::{load_from, says};
use crate::data::tiny::tiny;
use crate::support::contents;

/// A zip archive of `files`.
fn zipped(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, contents) in files {
        match name.strip_suffix('/') {
            Some(folder) => archive.add_directory(folder, SimpleFileOptions::default()).unwrap(),
            None => {
                archive.start_file(name, SimpleFileOptions::default()).unwrap();
                archive.write_all(contents).unwrap();
            }
        }
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn tiny_imagenet_comes_as_a_zip_of_many_folders() {
    let folder = TempDir::new().unwrap();
    let made = folder.path().join("made");
    tiny(&made.join("tiny-imagenet-200"));
    for name in ["wnids.txt", "words.txt"] {
        fs::write(made.join("tiny-imagenet-200").join(name), "").unwrap();
    }
    let mut files = Vec::new();
    list(&made, &made, &mut files);
    let bytes = zipped(&files);
    let (url, server) = serve(vec![ranged(bytes.clone(), 1000), ranged(bytes.clone(), usize::MAX)]);
    let md5 = Md5::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let published = Archive { url, size: bytes.len() as u64, md5, ..tiny_imagenet::archive() };
    let to = folder.path().join("to");
    assert_eq!(fetch(&published, &to, &mut |_| {}).unwrap(), Outcome::Fetched);
    assert_eq!(server.join().unwrap(), [None, Some(1000)]);
    let [made, came] = [&made, &to].map(|root| load_from("tiny-imagenet", root).unwrap());
    assert_eq!((came.hash, came.train.len(), came.test.len()), (made.hash, 6, 4));
    assert_eq!(fetch(&published, &to, &mut |_| panic!("a download")).unwrap(), Outcome::AlreadyThere);

    // Nothing leaves its folder, and half an archive is none.
    let whole = [("set/a.bin".to_owned(), b"1".to_vec()), ("set/b.txt".to_owned(), b"2".to_vec())];
    let cases = [
        (zipped(&[&whole[..], &[("../harm".to_owned(), Vec::new())]].concat()), "no plain file in set"),
        (zipped(&[&whole[..], &[("/harm".to_owned(), Vec::new())]].concat()), "no plain file in set"),
        (zipped(&[&whole[..], &[("other/".to_owned(), Vec::new())]].concat()), "no plain file in set"),
        (zipped(&whole[..1]), "holds no set/b.txt"),
        (zipped(&whole)[..100].to_vec(), "cannot be unpacked"),
    ];
    for (bytes, part) in cases {
        let to = TempDir::new().unwrap();
        let archive = Archive { name: "set.zip".into(), ..archive(String::new(), &bytes) };
        fs::write(to.path().join("set.zip"), &bytes).unwrap();
        says(fetch(&archive, to.path(), &mut |_| {}), &[part]);
        assert_eq!(contents(to.path()), ["set.zip"]);
    }
}

/// Names from `root`, and contents, of all that is in `folder` and below.
fn list(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for name in contents(folder) {
        let path = folder.join(name);
        let named = path.strip_prefix(root).unwrap().display().to_string();
        if path.is_dir() {
            files.push((format!("{named}/"), Vec::new()));
            list(root, &path, files);
        } else {
            files.push((named, fs::read(&path).unwrap()));
        }
    }
}
