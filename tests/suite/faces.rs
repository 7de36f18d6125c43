//! The faces that texts in pictures are set in: what they cover, what is looked for on the machine, what is drawn without any.

use std::path::Path;

use ab_glyph::{Font, FontRef};
use image::RgbImage;
use tempfile::TempDir;
use warptape::Environment;
use warptape::draw::face::{label, provide, width};
use warptape::train::report::confusion::Confusion;
use warptape::train::report::heatmap;

/// An environment whose machine is the folder `root`, and nobody's home but that.
fn machine(root: &Path) -> Environment {
    let mut environment = Environment::of_process().with("HOME", root.join("home").into_os_string());
    for name in ["XDG_DATA_DIRS", "XDG_DATA_HOME", "WINDIR", "LOCALAPPDATA"] {
        environment = environment.with(name, "");
    }
    Environment { root: root.into(), ..environment }
}

/// Whether `text` is drawn as it is.
fn known(text: &str) -> bool {
    label(7, text) == text
}

/// The confusion matrix of classes with these names, in which only the names differ.
fn picture(names: &[&str]) -> RgbImage {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let labels: Vec<i32> = (0..names.len() as i32).collect();
    heatmap::bitmap("names", &names, &Confusion::count(&labels, &labels, names.len()).unwrap()).unwrap()
}

/// Every letter of the alphabets, kana, Hangul, and the ideographs of Unicode 1.1, which hold all national sets.
#[test]
fn carried_faces_cover_the_scripts() {
    let dejavu = std::fs::read("assets/fonts/DejaVuSans.ttf").unwrap();
    let mut droid = Vec::new();
    let packed = std::fs::File::open("assets/fonts/DroidSansFallback.ttf.gz").unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed), &mut droid).unwrap();
    assert!(droid.len() < 5 << 20, "{} bytes", droid.len());
    let faces = [&dejavu, &droid].map(|bytes| FontRef::try_from_slice(bytes).unwrap());
    let ranges = [
        ('!', '~'),
        ('\u{a1}', '\u{ac}'),
        ('\u{ae}', '\u{24f}'),
        ('\u{1e00}', '\u{1efb}'),
        ('\u{384}', '\u{38a}'),
        ('\u{38e}', '\u{3a1}'),
        ('\u{3a3}', '\u{3ff}'),
        ('\u{400}', '\u{525}'),
        ('\u{3041}', '\u{3094}'),
        ('\u{30a1}', '\u{30f6}'),
        ('\u{3105}', '\u{3129}'),
        ('\u{ac00}', '\u{d7a3}'),
        ('\u{4e00}', '\u{9fa5}'),
        ('\u{ff01}', '\u{ff5e}'),
        ('\u{3001}', '\u{3003}'),
        ('\u{300a}', '\u{3011}'),
    ];
    for c in ranges.into_iter().flat_map(|(first, last)| first..=last) {
        assert!(known(&c.to_string()), "{c:?} U+{:04x}", c as u32);
        let drawn = faces.iter().any(|face| {
            let glyph = face.glyph_id(c);
            glyph.0 != 0 && face.outline(glyph).is_some()
        });
        assert!(drawn, "{c:?} U+{:04x} has no outline", c as u32);
    }
}

#[test]
fn texts_of_several_scripts_are_set_in_several_faces() {
    for text in ["Größe Ωμέγα Щука", "北京 dog 강아지", "ねこ/кошка", "e\u{301}te\u{301}", "강아지", "naïve — “x” …"]
    {
        assert!(known(text), "{text}");
        // As wide as their parts, but for kerning.
        let parts: f64 = text.split_inclusive(' ').map(width).sum();
        assert!((width(text) - parts).abs() < 0.1 && parts > 0.5, "{text}: {parts}");
    }
    // What macOS writes apart is the same text; what nobody sees takes no room.
    let same =
        |one: &str, other: &str| assert!(width(one) == width(other) && picture(&[one, "b"]) == picture(&[other, "b"]));
    same("été", "e\u{301}te\u{301}");
    same("강아지", "\u{1100}\u{1161}\u{11bc}\u{110b}\u{1161}\u{110c}\u{1175}");
    same("が", "か\u{3099}");
    same("ab", "a\u{200b}b\u{fe0f}");
    // An ideograph is an em wide.
    assert!((width("北") - 1.0).abs() < 0.01 && width("i") < 0.4);
    // Every name is another picture, none is that of letters without a glyph.
    let names = ["Щука", "Ωμέγα", "北京", "東京", "ねこ", "강아지", "\u{2d30}\u{2d31}", "?"];
    let pictures = names.map(|name| picture(&[name, "b"]));
    for (i, j) in (0..names.len()).flat_map(|j| (0..j).map(move |i| (i, j))) {
        assert!(pictures[i] != pictures[j], "{} and {}", names[i], names[j]);
    }
}

/// In one test, for what is found is kept as long as the process runs.
#[test]
fn what_the_carried_faces_lack_is_looked_for_on_the_machine() {
    let (empty, made) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let names = ["dog", "\u{2d30} a", "\u{13a0}"].map(String::from);
    assert_eq!(provide(&["dog".into(), "狗".into()], &machine(empty.path())), None);
    let said = provide(&names, &machine(empty.path())).unwrap();
    assert_eq!(
        said,
        "pictures say \"class 1\" for \"ⴰ a\" and 1 other classes likewise: no font here has 'ⴰ': install one that does, such as Debian's \
         fonts-noto-core"
    );
    assert_eq!([label(0, &names[0]), label(1, &names[1]), label(2, &names[2])], ["dog", "class 1", "class 2"]);
    assert_eq!(picture(&["dog", &names[1]]), picture(&["dog", "class 1"]));
    let say = |name: &str| provide(&[name.to_owned()], &machine(empty.path())).unwrap();
    assert!(say("\u{20bb7}").contains("fonts-noto-cjk or fonts-hanazono"));
    assert!(say("\u{1f9a5}").contains("fonts-unifont"));
    let several = ["ไทย", "\u{2d30}", "\u{13a0}", "\u{20bb7}"].map(String::from);
    let said = provide(&several, &machine(empty.path())).unwrap();
    let told = [
        "and 3 other classes likewise",
        "the script of 'ไ' is not set here; no font",
        "Debian's fonts-noto-core",
        "-hanazono",
    ];
    assert!(told.iter().all(|part| said.contains(part)) && said.matches("noto-core").count() == 1, "{said}");
    // No font would help.
    assert!(say("ไทย").contains("the script of 'ไ' is not set here") && !say("עברית").contains("install"));

    let packed = include_bytes!("../golden/fonts.tar.gz");
    tar::Archive::new(flate2::read::GzDecoder::new(&packed[..])).unpack(made.path()).unwrap();
    let half = Environment { root: made.path().into(), ..machine(empty.path()) };
    let said = provide(&names, &half).unwrap();
    assert!(said.starts_with("pictures say \"class 2\" for \"Ꭰ\": no font here has 'Ꭰ'"), "{said}");
    assert_eq!([label(1, &names[1]), label(2, &names[2])], ["ⴰ a", "class 2"]);
    assert_eq!(provide(&names, &machine(made.path())), None);
    assert!(names.iter().all(|name| known(name)));
    // Squares of half an em, in TrueType and in PostScript outlines.
    assert!((width("\u{2d30}") - 0.5).abs() < 1e-6 && (width("\u{13a0}\u{13a0}") - 1.0).abs() < 1e-6);
    let black = |name: &str| picture(&["dog", name]).pixels().filter(|pixel| pixel.0 == [38, 42, 51]).count() as f64;
    let (none, one, two) = (black(" "), black("\u{2d30}"), black("\u{13a0}"));
    // 5.5 points of two pixels each, beside the matrix and below it.
    assert!(one - none > 150.0 && (one - two).abs() < 0.2 * (one - none), "{none} {one} {two}");
}
