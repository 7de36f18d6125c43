//! The faces that texts in pictures are set in: two that the program carries (Latin, Greek, Cyrillic and signs; Chinese, Japanese,
//! Korean), and those of the machine for what these lack.
//!
//! A letter that no face has is never drawn as a box or another sign: a class is called by its number instead, and [`provide`] says
//! which package brings a face.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, RwLock};

use ab_glyph::{Font, FontRef};
use flate2::read::GzDecoder;
use plotters::style::{FontStyle, register_font};
use unicode_normalization::UnicodeNormalization;

use crate::environment::Environment;
use crate::files;

static CARRIED: [LazyLock<Option<Face>>; 2] = [
    LazyLock::new(|| Face::new(include_bytes!("../../assets/fonts/DejaVuSans.ttf"), "carried 0".into())),
    LazyLock::new(|| {
        let (packed, mut bytes) = (&include_bytes!("../../assets/fonts/DroidSansFallback.ttf.gz")[..], Vec::new());
        GzDecoder::new(packed).read_to_end(&mut bytes).ok()?;
        Face::new(bytes.leak(), "carried 1".into())
    }),
];
/// What [`provide`] found, for as long as the process runs.
static FOUND: RwLock<Vec<&'static Face>> = RwLock::new(Vec::new());

/// The most bytes that are read of a file of the machine's.
const MOST: u64 = 64 << 20;
/// How deep folders of faces are gone through.
const DEPTH: usize = 6;

/// Scripts whose letters join, stand above each other or run from the right: set letter by letter they are no text.
const SHAPED: [(char, char); 12] = [
    ('\u{590}', '\u{8ff}'),     // Hebrew, Arabic, Syriac, Thaana, N'Ko
    ('\u{900}', '\u{109f}'),    // India, Thailand, Laos, Tibet, Burma
    ('\u{1100}', '\u{11ff}'),   // Korean letters that are not put together
    ('\u{1700}', '\u{18af}'),   // Philippines, Khmer, Mongolian
    ('\u{1900}', '\u{1cff}'),   // Nepal, Java, Bali
    ('\u{a800}', '\u{a8ff}'),   // India
    ('\u{a900}', '\u{aaff}'),   // Indonesia, Vietnam
    ('\u{abc0}', '\u{abff}'),   // Manipur
    ('\u{d7b0}', '\u{d7ff}'),   // as 1100
    ('\u{fb1d}', '\u{fdff}'),   // Hebrew and Arabic forms
    ('\u{fe70}', '\u{fefe}'),   // Arabic forms
    ('\u{10800}', '\u{11fff}'), // ancient ones that run from the right, more of India
];

/// A face with what plotters calls it.
pub(super) struct Face {
    font: FontRef<'static>,
    /// As plotters knows it.
    pub(super) family: String,
    /// From its lowest to its highest line, in em: what plotters takes for the size of a text.
    pub(super) height: f64,
}

impl Face {
    fn new(bytes: &'static [u8], family: String) -> Option<Self> {
        let font = FontRef::try_from_slice(bytes).ok()?;
        register_font(&family, FontStyle::Normal, bytes).ok()?;
        let height = f64::from(font.height_unscaled() / font.units_per_em()?);
        Some(Self { font, family, height })
    }

    /// How wide `text` is, in em.
    pub(super) fn width(&self, text: &str) -> f64 {
        let (mut width, mut last) = (0.0, None);
        for glyph in text.chars().map(|c| self.font.glyph_id(c)) {
            width += self.font.h_advance_unscaled(glyph);
            width += last.map_or(0.0, |last| self.font.kern_unscaled(last, glyph));
            last = Some(glyph);
        }
        f64::from(width / self.font.units_per_em().unwrap_or(1.0))
    }
}

/// Whether `font` has an outline for `c`, or a space: faces of coloured pictures have neither.
fn has(font: &FontRef, c: char) -> bool {
    let glyph = font.glyph_id(c);
    glyph.0 != 0 && (c.is_whitespace() || font.outline(glyph).is_some())
}

/// The first face that has `c`.
fn face(c: char) -> Option<&'static Face> {
    if SHAPED.iter().any(|(first, last)| (*first..=*last).contains(&c)) {
        return None;
    }
    let carried = CARRIED.iter().filter_map(|face| face.as_ref()).find(|face| face.font.glyph_id(c).0 != 0);
    let found = || FOUND.read().expect("nobody panics with it").iter().copied().find(|face| has(&face.font, c));
    carried.or_else(found)
}

/// `text` as it is set: letters and their marks put together (macOS writes names of files apart), without what is not seen.
pub(super) fn plain(text: &str) -> String {
    let unseen = |c: &char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}')
            || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
    };
    text.nfc().filter(|c| !unseen(c)).collect()
}

/// `text` in stretches of one face each. In place of letters that no face has there are dots.
pub(super) fn runs(text: &str) -> Vec<(&'static Face, String)> {
    let mut runs: Vec<(&'static Face, String)> = Vec::new();
    let mut left_out = false;
    for c in plain(text).chars() {
        let found = face(c);
        if found.is_none() && left_out {
            continue;
        }
        left_out = found.is_none();
        let (own, c) = (found.or_else(|| face('…')), if left_out { '…' } else { c });
        match (runs.last_mut(), own) {
            (Some((last, run)), Some(own)) if std::ptr::eq(*last, own) => run.push(c),
            (_, Some(own)) => runs.push((own, c.into())),
            (_, None) => {}
        }
    }
    runs
}

/// How wide `text` is, in em.
pub fn width(text: &str) -> f64 {
    runs(text).iter().map(|(face, run)| face.width(run)).sum()
}

/// What pictures call class `number`: its `name`, or its number where there is no face for that.
pub fn label(number: usize, name: &str) -> String {
    if missing(name).is_some() { format!("class {number}") } else { name.into() }
}

/// The first letter of `text` that no face has.
fn missing(text: &str) -> Option<char> {
    plain(text).chars().find(|&c| face(c).is_none())
}

/// Looks in the folders of `environment` for faces that have what the carried ones lack of class names. Returns what is to be said of
/// names that have none even so, in a line.
pub fn provide(names: &[String], environment: &Environment) -> Option<String> {
    let lacking = || names.iter().enumerate().filter_map(|(number, name)| Some((number, name, missing(name)?)));
    lacking().next()?;
    let mut files = Vec::new();
    folders(environment).iter().for_each(|folder| list(folder, DEPTH, &mut files));
    // Plain faces first; the rest is by name, so that the same files are the same picture.
    let ornate = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        (!name.contains("sans"), !name.contains("regular"), path.clone())
    };
    files.sort_by_cached_key(ornate);
    for path in files {
        let Ok(bytes) = files::read(&path, MOST) else { continue };
        let Ok(font) = FontRef::try_from_slice(&bytes) else { continue };
        let wanted: String = lacking().map(|(_, name, _)| plain(name)).collect();
        if wanted.is_empty() {
            break;
        }
        if wanted.chars().any(|c| face(c).is_none() && has(&font, c)) {
            let mut found = FOUND.write().expect("nobody panics with it");
            let family = format!("found {}", found.len());
            found.extend(Face::new(bytes.leak(), family).map(|face| &*Box::leak(Box::new(face))));
        }
    }
    let (number, name, _) = lacking().next()?;
    let others = match lacking().count() {
        1 => String::new(),
        count => format!(" and {} other classes likewise", count - 1),
    };
    let mut remedies: Vec<(&str, String)> = lacking().map(|(_, _, letter)| remedy(letter)).collect();
    remedies.sort_by_key(|(package, _)| *package);
    remedies.dedup_by_key(|(package, _)| *package);
    let remedies: Vec<String> = remedies.into_iter().map(|(_, text)| text).collect();
    Some(format!("pictures say \"class {number}\" for {name:?}{others}: {}", remedies.join("; ")))
}

/// The package that has a face for `letter`, and what to do about it.
fn remedy(letter: char) -> (&'static str, String) {
    if SHAPED.iter().any(|(first, last)| (*first..=*last).contains(&letter)) {
        return ("", format!("the script of {letter:?} is not set here"));
    }
    let package = match letter {
        '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{faff}' | '\u{20000}'.. => "fonts-noto-cjk or fonts-hanazono",
        '\u{1f000}'..='\u{1ffff}' => "fonts-unifont",
        _ => "fonts-noto-core",
    };
    (package, format!("no font here has {letter:?}: install one that does, such as Debian's {package}"))
}

/// Where Linux, macOS and Windows keep fonts.
fn folders(environment: &Environment) -> Vec<PathBuf> {
    let (root, home) = (&environment.root, environment.path("HOME"));
    let machine = ["usr/share/fonts", "usr/local/share/fonts", "System/Library/Fonts", "Library/Fonts"];
    let mut all: Vec<PathBuf> = machine.iter().map(|folder| root.join(folder)).collect();
    all.extend(environment.paths("XDG_DATA_DIRS").iter().map(|folder| folder.join("fonts")));
    all.extend(environment.path("XDG_DATA_HOME").map(|folder| folder.join("fonts")));
    let own = [".local/share/fonts", ".fonts", "Library/Fonts"];
    all.extend(home.iter().flat_map(|home| own.map(|folder| home.join(folder))));
    all.extend(environment.path("WINDIR").map(|folder| folder.join("Fonts")));
    all.extend(environment.path("LOCALAPPDATA").map(|folder| folder.join("Microsoft/Windows/Fonts")));
    all
}

/// The fonts in `folder` and, `depth` levels down, below it.
fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if ["ttf", "otf", "ttc", "otc"].contains(&&*ending) {
            files.push(path);
        } else if depth > 0 && path.is_dir() {
            list(&path, depth - 1, files);
        }
    }
}
