//! Picture files as `predict` reads them: every format and pixel type, and whatever else may be given.

use std::fs;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat, Luma, Rgb, RgbImage, Rgba};
use tempfile::TempDir;
use warptape::data::Fit;
use warptape::data::picture::{self, Conversion};

use crate::data::files::{message, says};

/// A smooth picture, so that lossy formats stay close.
fn sample() -> RgbImage {
    RgbImage::from_fn(40, 24, |x, y| Rgb([(x * 6) as u8, (y * 10) as u8, 128]))
}

fn load(path: &Path, height: usize, width: usize, fit: Fit) -> Result<Vec<u8>, warptape::Error> {
    picture::fitted(&picture::open(path)?, height, width, fit)
}

fn saved(folder: &TempDir, name: &str, picture: &DynamicImage, format: ImageFormat) -> PathBuf {
    let path = folder.path().join(name);
    picture.save_with_format(&path, format).unwrap();
    path
}

const FORMATS: [(&str, ImageFormat); 6] = [
    ("a.png", ImageFormat::Png),
    ("a.jpg", ImageFormat::Jpeg),
    ("a.bmp", ImageFormat::Bmp),
    ("a.ppm", ImageFormat::Pnm),
    ("a.webp", ImageFormat::WebP),
    ("a.tiff", ImageFormat::Tiff),
];

#[test]
fn every_format_is_read_by_its_contents() {
    let folder = TempDir::new().unwrap();
    for (name, format) in FORMATS {
        // The name lies about the format.
        let path = saved(&folder, &format!("{name}.txt"), &sample().into(), format);
        let read = picture::open(&path).unwrap();
        assert_eq!(read.dimensions(), (40, 24), "{name}");
        let worst = read.iter().zip(sample().iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        let allowed = if format == ImageFormat::Jpeg { 24 } else { 0 };
        assert!(worst <= allowed, "{name}: off by {worst}");
        assert_eq!(load(&path, 32, 48, Fit::Squash).unwrap().len(), 32 * 48 * 3);
    }
}

#[test]
fn grey_sixteen_bits_and_transparency() {
    let folder = TempDir::new().unwrap();
    let png = |name: &str, picture: DynamicImage| {
        picture::open(&saved(&folder, name, &picture, ImageFormat::Png)).unwrap().get_pixel(1, 1).0
    };
    let grey = image::GrayImage::from_pixel(3, 3, Luma([77]));
    assert_eq!(png("grey.png", grey.into()), [77; 3]);
    let deep = image::ImageBuffer::from_pixel(3, 3, Luma([0x8080u16]));
    assert_eq!(png("grey16.png", deep.into()), [128; 3]);
    let deep = image::ImageBuffer::from_pixel(3, 3, Rgb([0xffffu16, 0, 0x4040]));
    assert_eq!(png("rgb16.png", deep.into()), [255, 0, 64]);
    let clear = |alpha| image::RgbaImage::from_pixel(3, 3, Rgba([200, 100, 0, alpha]));
    assert_eq!(png("none.png", clear(0).into()), [255; 3]);
    assert_eq!(png("all.png", clear(255).into()), [200, 100, 0]);
    assert_eq!(png("half.png", clear(51).into()), [244, 224, 204]);
}

#[test]
fn a_resize_keeps_colours_and_places() {
    let flat = RgbImage::from_pixel(50, 30, Rgb([10, 200, 90]));
    assert!(picture::resize(&flat, 32, 32).unwrap().chunks(3).all(|pixel| pixel == [10, 200, 90]));
    assert_eq!(picture::resize(&sample(), 24, 40).unwrap(), sample().into_raw());
    let small = picture::resize(&sample(), 12, 20).unwrap();
    // Red grows to the right, green downwards.
    assert!(small[3 * 19] > 200 && small[3 * 20 * 11 + 1] > 200 && small[0] < 20 && small[1] < 20);
    for (height, width) in [(0, 4), (4, 0), (1 << 40, 4)] {
        says(picture::resize(&sample(), height, width), &["picture size", "1 to 32768"]);
    }
}

/// A picture twice as wide as high, left third red, right third blue: what is left of the thirds tells what was done.
#[test]
fn pictures_of_another_shape_are_squashed_cropped_or_padded() {
    let color = |x: u32| {
        if x < 20 {
            [255, 0, 0]
        } else if x < 40 {
            [0, 255, 0]
        } else {
            [0, 0, 255]
        }
    };
    let wide = RgbImage::from_fn(60, 30, |x, _| Rgb(color(x)));
    let row = |fit: Fit, y: usize| {
        let pixels = picture::fitted(&wide, 30, 30, fit).unwrap();
        let letter = |pixel: &[u8]| match pixel {
            [0, 0, 0] => '.',
            [r, g, b] if r > g && r > b => 'r',
            [_, g, b] if g > b => 'g',
            _ => 'b',
        };
        pixels.chunks(3).skip(30 * y).take(30).map(letter).collect::<String>()
    };
    let thirds = format!("{}{}{}", "r".repeat(10), "g".repeat(10), "b".repeat(10));
    assert_eq!(row(Fit::Squash, 15), thirds);
    assert_eq!(row(Fit::Crop, 15), format!("{}{}{}", "r".repeat(5), "g".repeat(20), "b".repeat(5)));
    // Half as high as the square: rows 8 to 22, the even one of two middles.
    let bars = ".".repeat(30);
    assert_eq!([7, 8, 22, 23].map(|y| row(Fit::Pad, y)), [&bars, &thirds, &thirds, &bars].map(String::clone));
    // One that has the shape is the same in all three; sizes stay whole and at least one pixel.
    let same = |fit| picture::fitted(&wide, 15, 30, fit).unwrap();
    assert_eq!((same(Fit::Crop), same(Fit::Pad)), (same(Fit::Squash), same(Fit::Squash)));
    for (rows, columns) in [(1, 500), (20_000, 1)] {
        let line = RgbImage::from_pixel(columns, rows, Rgb([9, 9, 9]));
        for fit in [Fit::Squash, Fit::Crop, Fit::Pad] {
            let pixels = picture::fitted(&line, 70, 50, fit).unwrap();
            assert!(pixels.len() == 3 * 70 * 50 && pixels.contains(&9), "{fit}");
            assert!(fit == Fit::Pad || pixels.iter().all(|&value| value == 9), "{fit}");
            says(picture::fitted(&line, 0, 5, fit), &["picture size", "1 to 32768"]);
        }
    }
}

/// As for Pillow and so torchvision, while the decoder would fill the rest with grey: also where only the last byte is missing.
#[test]
fn a_jpeg_whose_end_is_missing_is_broken() {
    let folder = TempDir::new().unwrap();
    let whole = fs::read(saved(&folder, "a.jpg", &sample().into(), ImageFormat::Jpeg)).unwrap();
    let path = folder.path().join("cut.jpg");
    for missing in [1, 2, 3, 12, whole.len() / 2] {
        fs::write(&path, &whole[..whole.len() - missing]).unwrap();
        says(picture::open(&path), &["cut.jpg", "its end is missing", "save or download it again"]);
    }
    // What some cameras leave behind it is nothing of the picture's.
    fs::write(&path, [&whole[..], b"\0\0trailer"].concat()).unwrap();
    assert_eq!(picture::open(&path).unwrap(), picture::open(&folder.path().join("a.jpg")).unwrap());
}

#[test]
fn a_cameras_orientation_is_obeyed() {
    let folder = TempDir::new().unwrap();
    let jpeg = fs::read(saved(&folder, "a.jpg", &sample().into(), ImageFormat::Jpeg)).unwrap();
    // After the two bytes of the start: APP1 with a TIFF header and one entry, orientation (0x112) = 6, a quarter turn.
    let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let path = folder.path().join("turned.jpg");
    fs::write(&path, [&jpeg[..2], exif, &jpeg[2..]].concat()).unwrap();
    assert_eq!(picture::open(&path).unwrap().dimensions(), (24, 40));
}

#[test]
fn files_that_are_no_pictures() {
    let folder = TempDir::new().unwrap();
    let given = |name: &str, contents: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, contents).unwrap();
        message(load(&path, 32, 32, Fit::Squash))
    };
    assert!(given("empty.png", b"").contains("is empty"));
    assert!(given("text.png", b"hello, I am text\n").contains("not a known picture"));
    assert!(given("icon.ico", b"\0\0\x01\0\x01\0").contains("convert it"));
    says(load(&folder.path().join("absent.png"), 32, 32, Fit::Squash), &["absent.png"]);
    says(load(folder.path(), 32, 32, Fit::Squash), &[&folder.path().display().to_string()]);
    // A header that asks for 65 535 x 65 535 pixels and has none.
    let huge = given("huge.ppm", b"P6 65535 65535 255\n");
    assert!(huge.contains("huge.ppm"), "{huge}");
}

#[test]
fn damaged_pictures_are_refused_or_read_but_never_a_panic() {
    let folder = TempDir::new().unwrap();
    for (name, format) in FORMATS {
        let whole = fs::read(saved(&folder, name, &sample().into(), format)).unwrap();
        let path = folder.path().join(format!("damaged-{name}"));
        for part in [1, 3, 5, 7] {
            fs::write(&path, &whole[..whole.len() * part / 8]).unwrap();
            let result = load(&path, 32, 32, Fit::Squash);
            says(result, &[&format!("damaged-{name}")]);
        }
        for seed in 0..200usize {
            let mut bytes = whole.clone();
            let at = seed * 7919 % bytes.len().min(400);
            bytes[at] = bytes[at].wrapping_add(1 + seed as u8);
            fs::write(&path, &bytes).unwrap();
            if let Err(error) = load(&path, 32, 32, Fit::Squash) {
                assert!(!error.to_string().contains('\n'));
            }
        }
    }
}

/// What Pillow makes of unusual kinds, as `golden/pictures.py` wrote them.
#[test]
fn unusual_kinds_look_as_they_do_in_pillow() {
    let folder = TempDir::new().unwrap();
    let packed = include_bytes!("../../golden/pictures.tar.gz");
    tar::Archive::new(flate2::read::GzDecoder::new(&packed[..])).unpack(folder.path()).unwrap();
    use Conversion::{Alpha, Cmyk, First, Grey, Turned};
    // JPEG decoders may differ by a few steps in how they round; nothing else may differ at all.
    for (name, conversions, allowed) in [
        ("cmyk.jpg", &[Cmyk][..], 4),
        ("ycck.jpg", &[Cmyk], 4),
        ("cmyk-unmarked.jpg", &[Cmyk], 4),
        ("cmyk.tiff", &[Cmyk], 1),
        ("palette.png", &[], 0),
        ("palette-clear.png", &[Alpha], 0),
        ("palette.bmp", &[], 0),
        ("bits.png", &[Grey], 0),
        ("grey-alpha.png", &[Grey, Alpha], 1),
        ("grey.jpg", &[Grey], 2),
        ("progressive.jpg", &[], 4),
        ("palette.gif", &[], 0),
        ("clear.gif", &[Alpha], 0),
        ("color.tga", &[], 0),
        ("packed.tga", &[], 0),
        ("turned.jpg", &[Turned], 4),
        ("turned.webp", &[Turned], 0),
        ("turned.tiff", &[Turned], 0),
        ("side-1.png", &[], 0),
        ("side-2.png", &[Turned], 0),
        ("side-3.png", &[Turned], 0),
        ("side-4.png", &[Turned], 0),
        ("side-5.png", &[Turned], 0),
        ("side-6.png", &[Turned], 0),
        ("side-7.png", &[Turned], 0),
        ("side-8.png", &[Turned], 0),
        ("two.gif", &[First], 0),
        ("two.webp", &[First], 0),
        ("two.png", &[First], 0),
        ("two.tiff", &[First], 0),
    ] {
        let (picture, found) = picture::inspect(&folder.path().join(name)).unwrap();
        let expected = fs::read(folder.path().join(format!("{name}.rgb"))).unwrap();
        let lying = ["turned.", "side-5", "side-6", "side-7", "side-8"].iter().any(|start| name.starts_with(start));
        let size = if lying { (16, 24) } else { (24, 16) };
        assert_eq!((picture.dimensions(), picture.len()), (size, expected.len()), "{name}");
        let worst = picture.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= allowed, "{name}: off by {worst}");
        assert_eq!(found, conversions, "{name}");
    }
}

#[test]
fn what_was_converted_is_told() {
    let folder = TempDir::new().unwrap();
    let found = |name: &str, picture: DynamicImage| {
        picture::inspect(&saved(&folder, name, &picture, ImageFormat::Png)).unwrap().1
    };
    assert_eq!(found("plain.png", sample().into()), []);
    let deep = image::ImageBuffer::from_pixel(3, 3, Luma([0x8080u16]));
    assert_eq!(found("grey16.png", deep.into()), [Conversion::Grey, Conversion::Deep]);
    let clear = image::RgbaImage::from_pixel(3, 3, Rgba([0; 4]));
    assert_eq!(found("clear.png", clear.into()), [Conversion::Alpha]);
    // One pixel is a picture.
    let dot = saved(&folder, "dot é 1.png", &RgbImage::from_pixel(1, 1, Rgb([1, 2, 3])).into(), ImageFormat::Png);
    assert_eq!(load(&dot, 2, 3, Fit::Squash).unwrap(), [1, 2, 3].repeat(6));
}

/// Headers that promise pictures of gigabytes: refused before they are believed.
#[test]
fn decompression_bombs() {
    let folder = TempDir::new().unwrap();
    let whole = |name: &str, format| fs::read(saved(&folder, name, &sample().into(), format)).unwrap();
    let patched = |mut bytes: Vec<u8>, find: &[u8], replace: &[u8]| {
        let at = bytes.windows(find.len()).position(|window| window == find).expect("the size in the header");
        bytes[at..at + replace.len()].copy_from_slice(replace);
        bytes
    };
    let mut png = patched(whole("a.png", ImageFormat::Png), b"\0\0\0\x28\0\0\0\x18", b"\0\0\xff\xff\0\0\xff\xff");
    let mut sum = flate2::Crc::new();
    sum.update(&png[12..29]);
    png[29..33].copy_from_slice(&sum.sum().to_be_bytes());
    let jpeg = patched(whole("a.jpg", ImageFormat::Jpeg), b"\x08\0\x18\0\x28\x03", b"\x08\xff\xff\xff\xff\x03");
    let bmp = patched(whole("a.bmp", ImageFormat::Bmp), b"\x28\0\0\0\x18\0\0\0", b"\xff\xff\0\0\xff\xff\0\0");
    let tiff = patched(whole("a.tiff", ImageFormat::Tiff), b"\x28\0", b"\xff\xff");
    let ppm = b"P6 65535 65535 255\n".to_vec();
    for (name, bytes) in [("png", png), ("jpeg", jpeg), ("bmp", bmp), ("tiff", tiff), ("ppm", ppm)] {
        let path = folder.path().join(format!("bomb.{name}"));
        fs::write(&path, bytes).unwrap();
        says(picture::open(&path), &[&format!("bomb.{name}")]);
    }
}
