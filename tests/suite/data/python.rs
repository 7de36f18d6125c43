//! CIFAR's Python version: every form that Python has written it in, damaged ones, and pickles that want to be run.

use std::fs;
use std::io::Read;

use tempfile::TempDir;
use warptape::data::split;
use warptape::pickle::Pickle;

use crate::data::files::{load_from, says};

/// What `golden/cifar.py` wrote.
fn golden() -> TempDir {
    let folder = TempDir::new().unwrap();
    let packed = include_bytes!("../../golden/cifar.tar.gz");
    tar::Archive::new(flate2::read::GzDecoder::new(&packed[..])).unpack(folder.path()).unwrap();
    folder
}

const VERSIONS: [&str; 7] = ["python2", "protocol0", "protocol1", "protocol2", "protocol3", "protocol4", "protocol5"];

#[test]
fn all_versions_are_the_same_data() {
    let folder = golden();
    let binary = load_from("cifar100", &folder.path().join("binary")).unwrap();
    assert_eq!((binary.train.labels.as_slice(), binary.test.labels.as_slice()), (&[7, 48, 89][..], &[30, 71][..]));
    assert_eq!((binary.classes.len(), binary.classes[48].as_str()), (100, "fine 48"));
    // Picture 1, pixel 2: planes begin at 37 and rise by 1, 2, 3.
    assert_eq!(binary.train.image(1)[6..9], [39, 41, 43]);
    for version in VERSIONS {
        let python = load_from("cifar100", &folder.path().join(version)).unwrap();
        assert_eq!(python.hash, binary.hash, "{version}");
    }
    let ten = |name: &str| load_from("cifar10", &folder.path().join(name)).unwrap();
    assert_eq!(ten("python10").hash, ten("binary10").hash);
    assert_eq!(ten("python10").train.labels, [0, 1, 2, 3, 4]);
    assert_eq!(ten("python10").classes[9], "truck");
}

#[test]
fn versions_are_found_in_their_published_folders() {
    let folder = golden();
    let rename = |from: &str, to: &str| fs::rename(folder.path().join(from), folder.path().join(to)).unwrap();
    rename("python2", "cifar-100-python");
    rename("python10", "cifar-10-batches-py");
    let python = load_from("cifar100", folder.path()).unwrap();
    assert_eq!(load_from("cifar10", folder.path()).unwrap().train.len(), 5);
    rename("binary", "cifar-100-binary");
    assert_eq!(load_from("cifar100", folder.path()).unwrap().hash, python.hash);
    // Without names the published ones count.
    fs::remove_file(folder.path().join("cifar-100-binary/fine_label_names.txt")).unwrap();
    let classes = load_from("cifar100", folder.path()).unwrap().classes;
    assert_eq!((classes.len(), classes[0].as_str(), classes[99].as_str()), (100, "apple", "worm"));
}

#[test]
fn two_label_bytes_are_told_from_one() {
    let folder = golden();
    let files = folder.path().join("binary");
    let whole = fs::read(files.join("test.bin")).unwrap();
    fs::write(files.join("test.bin"), &whole[..3074 + 1]).unwrap();
    says(load_from("cifar100", &files), &["test.bin", "record 1", "begins at offset 3074", "1 of 3074 bytes"]);
    let mut wrong = whole.clone();
    wrong[3074 + 1] = 100;
    fs::write(files.join("test.bin"), wrong).unwrap();
    says(load_from("cifar100", &files), &["record 1 at offset 3074", "label 100", "0 to 99"]);
}

/// The error of reading `program`.
fn refused(program: &[u8]) -> String {
    Pickle::parse(program).err().expect("an error")
}

#[test]
fn nothing_is_run() {
    for (program, name) in [
        (&b"cos\nsystem\n(S'echo hello > harm'\ntR."[..], "\"os.system\""),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", "\"builtins.eval\""),
        (b"(ios\nsystem\n.", "operation 0x69"),
        (b"cnumpy\nload\n.", "\"numpy.load\""),
        (b"\x80\x02\x82\x01.", "operation 0x82"),
        (b"Pperson\n.", "operation 0x50"),
        (b"c_codecs\nencode\n(S'x'\nS'utf-8'\ntR.", "not known"),
    ] {
        let text = refused(program);
        assert!(text.contains(name) && text.contains("at offset"), "{name}: {text}");
    }
    assert!(!std::path::Path::new("harm").exists());
    let offset = refused(b"(lp0\n0cposix\nsystem\n.");
    assert!(offset.contains("operation at offset 6") && offset.contains("is not run"), "{offset}");
}

#[test]
fn programs_that_are_wrong() {
    for (program, part) in [
        (&b""[..], "ends at offset 0: truncated"),
        (b"}", "truncated"),
        (b".", "a value is missing"),
        (b"].", "something else than a dictionary"),
        (b"X\xff\xff\xff\xffabc.", "4294967295 bytes are announced where 4 are left"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "announced"),
        (b"g5\n.", "nothing is kept under number 5"),
        (b"(a.", "a value is missing"),
        (b"t.", "a mark is missing"),
        (b"}(0N.", "a value is missing"),
        (b"}(K\x01u.", "a key without a value"),
        (b"]K\x01K\x02s.", "no dictionary"),
        (b"I12x\n.", "a number that is none"),
        (b"\x8a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01.", "more than 64 bits"),
        (b"S'abc\n.", "without its quotes"),
        (b"K\x01)R.", "no name"),
        (b"]Nb.", "no numpy object"),
        (b"X\x02\x00\x00\x00\xff\xff.", "not UTF-8"),
        (b"Vabc", "truncated"),
        (b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR.", "whole numbers"),
    ] {
        let text = refused(program);
        assert!(text.contains(part), "{:?}: {text}", String::from_utf8_lossy(program));
    }
    // A text that is unescaped again and again, and a stack that only grows.
    let again = [
        &b"cnumpy\ndtype\n0c_codecs\nencode\np0\n0(V"[..],
        &[b'x'; 1000],
        b"\nVlatin1\ntp1\n0",
        &b"g0\ng1\nR0".repeat(20),
        b".",
    ];
    assert!(refused(&again.concat()).contains("many times its own size"));
    assert!(refused(&[b'N'; 4_000_001]).contains("more than 4000000 operations"));
}

#[test]
fn batches_that_do_not_fit_together() {
    let folder = golden();
    let path = folder.path().join("protocol2");
    let whole = fs::read(path.join("test")).unwrap();
    let case = |from: &[u8], to: &[u8], parts: &[&str]| {
        let at = whole.windows(from.len()).position(|window| window == from).unwrap();
        fs::write(path.join("test"), [&whole[..at], to, &whole[at + from.len()..]].concat()).unwrap();
        says(load_from("cifar100", &path), &[&["protocol2", "test:"], parts].concat());
    };
    case(b"fine_labels", b"find_labels", &["neither 'labels' nor 'fine_labels'"]);
    case(b"\x04\x00\x00\x00data", b"\x04\x00\x00\x00date", &["has no 'data'"]);
    case(b"u1", b"i1", &["no array of bytes"]);
    case(b"M\x00\x0c", b"M\x00\x06", &["an array of shape [2, 1536] with 6144 bytes"]);
    case(b"K\x02M\x00\x0c", b"K\x01M\x00\x18", &["shape [1, 6144]", "expected [2, 3072]"]);
    case(b"K\x1eKG", b"K\x1eKd", &["record 1: label 100, expected 0 to 99"]);
    case(b"K\x1eKG", b"K\x1eNN", &["no list of numbers"]);
    fs::write(path.join("test"), &whole).unwrap();
    fs::write(path.join("meta"), b"}.").unwrap();
    says(load_from("cifar100", &path), &["meta", "no list of class names"]);
    fs::write(path.join("meta"), b"}S'fine_label_names'\n(S'a'\nls.").unwrap();
    says(load_from("cifar100", &path), &["meta", "1 class names; expected 100"]);
}

/// Bytes changed, dropped and repeated at random, in every protocol: an error or a value, never a panic.
#[test]
fn random_damage() {
    let folder = golden();
    for version in VERSIONS {
        let mut whole = Vec::new();
        fs::File::open(folder.path().join(version).join("test")).unwrap().read_to_end(&mut whole).unwrap();
        let mut refused = 0;
        for seed in 0..3000u64 {
            let dice = split::shuffle(256, seed, 1);
            let mut bytes = whole.clone();
            for hit in dice.chunks(4).take(1 + seed as usize % 5) {
                // Most of a file is pixels; its ends are where operations stand.
                let near = (hit[0] * 256 + hit[1]) as usize % 400;
                let length = bytes.len().max(1);
                let at = if hit[2] % 2 == 0 { near } else { length.saturating_sub(1 + near) } % length;
                match hit[3] % 4 {
                    0 if at < bytes.len() => drop(bytes.remove(at)),
                    1 => bytes.truncate(at),
                    2 if at < bytes.len() => bytes[at] = dice[254] as u8,
                    _ => bytes.insert(at.min(bytes.len()), dice[255] as u8),
                }
            }
            match Pickle::parse(&bytes) {
                Ok(pickle) => {
                    let item = ["data", "fine_labels", "filenames"].map(|key| pickle.get(key));
                    item.into_iter().flatten().for_each(|item| {
                        let _ = (pickle.integers(item), pickle.bytes(item), pickle.texts(item));
                    });
                }
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 1000, "{version}: only {refused} of 3000 damaged files were refused");
    }
}
