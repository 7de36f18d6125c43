//! Pictures as people name them: parts of the data by number and by what is wrong, files, folders, patterns.

use std::path::Path;
use std::sync::Arc;

use warptape::Error;
use warptape::data::Images;
use warptape::train::checkpoint::{Checkpoint, Meta};
use warptape::train::judged::{Judged, Part};
use warptape::train::named::{Name, Named, Place};
use warptape::train::report::predictions::Prediction;

use crate::command::{TEST, TRAIN, shared};
use crate::data::files::says;
use crate::data::folder::paint;

/// Truth, what it is taken for, and the probability of its class: of ten pictures.
const SAID: [(usize, usize, f64); 10] = [
    (0, 0, 0.9),
    (0, 1, 0.3),
    (1, 0, 0.2),
    (1, 2, 0.1),
    (2, 2, 0.8),
    (0, 1, 0.05),
    (0, 3, 0.4),
    (3, 1, 0.01),
    (1, 1, 0.7),
    (2, 0, 0.25),
];

fn meta() -> Meta {
    let path = shared().run.join("checkpoints/last.safetensors");
    let meta = Checkpoint::load(&path).unwrap().meta;
    Meta { classes: ["cat", "dog", "cat:dog", "two (2)"].map(String::from).to_vec(), ..meta }
}

/// The numbers that `words` name among ten test pictures, with a network that says [`SAID`].
fn numbers(words: &[&str]) -> Result<Vec<usize>, Error> {
    let labels = SAID.iter().map(|said| said.0 as i32).collect();
    let images = Images { pixels: vec![0; 10 * 12], labels, ..Images::new(2, 2) };
    let judged = Judged { images, name: "ten".into(), part: Part::Test, notes: Vec::new() };
    let one = |&(truth, predicted, of_truth): &(usize, usize, f64)| {
        let rank = if truth == predicted { 1 } else { 2 };
        Prediction { truth, predicted, probability: 0.5, of_truth, rank }
    };
    let names = words.iter().map(|word| Name::parse(word.as_ref(), true)).collect::<Result<Vec<_>, _>>()?;
    let says = |_: &Judged| Ok(SAID.iter().map(one).collect());
    let named = Named::find(&names, Path::new("nowhere"), &meta(), None, Some(&Arc::new(judged)), &says)?;
    let number = |place: &Place| match place {
        Place::Of { set: 0, number } => *number,
        other => panic!("{other:?}"),
    };
    Ok(named.places.iter().map(number).collect())
}

#[test]
fn parts_are_named_by_numbers_ranges_and_mistakes() {
    for (words, expected) in [
        (&["test:3,5,7"][..], &[3, 5, 7][..]),
        (&["test:2-4"], &[2, 3, 4]),
        (&["test:9, 0-1,4"], &[9, 0, 1, 4]),
        (&["test:1", "test:all"], &[1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        // Alone, of the part that the command is about.
        (&["8", "1-2"], &[8, 1, 2]),
        // The least probable first.
        (&["test:wrong"], &[7, 5, 3, 2, 9, 1, 6]),
        (&["test:wrong(3)"], &[7, 5, 3]),
        (&["test:wrong(99)"], &[7, 5, 3, 2, 9, 1, 6]),
        (&["test:wrong:cat"], &[5, 1, 6]),
        (&["test:wrong:cat(1)"], &[5]),
        (&["test:wrong:cat:two (2)"], &[6]),
        (&["test:wrong:cat:dog"], &[9]), // a class of that name
        (&["test:wrong:0:1"], &[5, 1]),
        (&["test:wrong:0:1(1)"], &[5]),
        (&["test:wrong:dog:cat:dog"], &[3]),
        (&["test:wrong:two (2)"], &[7]),
        (&["test:wrong:two (2)(5)"], &[7]),
    ] {
        assert_eq!(numbers(words).unwrap(), expected, "{words:?}");
    }
    for (word, part) in [
        ("test:", "test:: '' is not a number or a range; use numbers such as 3,50, ranges such as 10-20, all or wrong"),
        ("test:1,x", "'x' is not a number"),
        ("test:5-3", "'5-3' is not a number or a range"),
        ("test:wrongly", "'wrongly' is not a number"),
        ("test:-3", "'-3' is not a number"),
        ("test:3,10", "test:3,10: 10 is beyond the last: there are 10 test images, numbered from 0 to 9"),
        ("test:0-99", "99 is beyond the last"),
        ("test:wrong(0)", "how many? Use a number of 1 or more"),
        ("test:wrong:cta", "'cta' is no class: use an index from 0 to 3 or a name such as 'cat:dog', 'cat', "),
        ("test:wrong:cta(3)", "'cta' is no class"),
        ("test:wrong:dog:mouse", "'mouse' is no class"),
        ("test:wrong:two (2):dog(0)", "how many?"),
        ("test:wrong:dog:two (2)", "none of the 10 test images is wrong so"),
    ] {
        says(numbers(&[word]), &[part]);
    }
}

#[test]
fn numbers_are_those_of_the_parts_as_a_run_judges_them() {
    let path = shared().run.join("checkpoints/last.safetensors");
    let meta = Checkpoint::load(&path).unwrap().meta;
    let find = |words: &[&str]| {
        let names = words.iter().map(|word| Name::parse(word.as_ref(), false).unwrap()).collect::<Vec<_>>();
        Named::find(&names, &path, &meta, None, None, &|_| panic!("nobody asks what is wrong"))
    };
    let named = find(&["val:all", "train:all", "test:0", "val:1"]).unwrap();
    let counts = named.sets.iter().map(|set| set.images.len()).collect::<Vec<_>>();
    // Those that are held back are for validation, and not trained on.
    assert_eq!(counts, [TRAIN / 5, TRAIN - TRAIN / 5, TEST]);
    assert_eq!(named.places.len(), TRAIN + 2);
    for (at, place) in named.places.iter().enumerate() {
        let Place::Of { set, number } = place else { panic!("{place:?}") };
        let images = &named.sets[*set].images;
        assert_eq!(named.read(at).unwrap().as_raw(), images.image(*number));
        assert_eq!(named.truth(at), Some(images.labels[*number] as usize));
        assert_eq!(named.name(at), format!("{}:{number}", named.sets[*set].part));
    }
    says(find(&["new:0"]), &["has no pictures to judge in part new"]);
    // Without a part that a command is about, a number is a file's name.
    assert_eq!(find(&["3"]).unwrap().places, [Place::File("3".into())]);
}

#[test]
fn files_folders_and_patterns() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["b.png", "a.PNG", "deep/c.png", "deep/er/d.png", "deep/.hidden/e.png", "[x].png", "two/f.png"] {
        paint(&root.join(name), 4, 4, [9, 9, 9]);
    }
    for name in ["notes.txt", "deep/phone.heic", "deep/er/phone.heic", "text/only.txt"] {
        std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        std::fs::write(root.join(name), "no picture").unwrap();
    }
    // What no pattern can name, none matches.
    #[cfg(unix)]
    std::fs::write(root.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff.txt")), "").unwrap();
    let meta = meta();
    let find = |word: &str| {
        let name = Name::parse(root.join(word).as_ref(), false)?;
        Named::find(&[name], Path::new("nowhere"), &meta, None, None, &|_| panic!("nobody asks what is wrong"))
    };
    for (word, expected) in [
        ("", &["[x].png", "a.PNG", "b.png", "deep/c.png", "deep/er/d.png", "two/f.png"][..]),
        ("deep", &["deep/c.png", "deep/er/d.png"]),
        ("b.png", &["b.png"]),
        ("*.png", &["[x].png", "b.png"]),
        ("?.*", &["a.PNG", "b.png"]),
        ("[!a-c]*/*.png", &["deep/c.png", "two/f.png"]),
        ("**/*.png", &["[x].png", "b.png", "deep/c.png", "deep/er/d.png", "two/f.png"]),
        ("**", &["[x].png", "a.PNG", "b.png", "deep/c.png", "deep/er/d.png", "two/f.png"]),
        ("*", &["[x].png", "a.PNG", "b.png", "deep/c.png", "deep/er/d.png", "two/f.png"]),
        ("d*", &["deep/c.png", "deep/er/d.png"]),
        // What is there is no pattern; what is not is told by whoever reads it.
        ("[x].png", &["[x].png"]),
        ("nothing.png", &["nothing.png"]),
        ("notes.txt", &["notes.txt"]),
    ] {
        let named = find(word).unwrap();
        let expected: Vec<_> = expected.iter().map(|name| Place::File(root.join(name))).collect();
        assert_eq!(named.places, expected, "{word}");
        let unread = ["", "deep", "d*", "*"].contains(&word) || word == "**";
        assert_eq!(named.notes.len(), usize::from(unread), "{word}: {:?}", named.notes);
        assert!(named.notes.iter().all(|note| note.contains("2 .heic pictures are not read")), "{:?}", named.notes);
    }
    says(find("*.jpg"), &["*.jpg: matches no file; is it in quotes, and right?"]);
    says(find("*.txt"), &["matches 1 files, none of which is a picture (.jpg .jpeg"]);
    says(find("deep/*.heic"), &["matches 1 .heic pictures that are not read: convert them to JPEG or PNG"]);
    says(find("a**.png"), &["a**.png: is no pattern ("]);
    says(find("text"), &["text: has no pictures, there and below (1 other files)"]);
}
