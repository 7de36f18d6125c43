//! Many small pictures as one: what a page shows of a set of pictures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, replace, resize};

use crate::error::{Error, Result};

/// Quality of JPEG files, 1 to 100.
const QUALITY: u8 = 82;

/// A grid of pictures of one size.
#[derive(Clone, Debug)]
pub struct Sprite {
    /// The whole, as a `data:` address.
    pub address: String,
    /// Width and height of a picture.
    pub cell: [u32; 2],
    /// Pictures in a row.
    pub columns: u32,
    /// How many there are.
    pub count: u32,
}

impl Sprite {
    /// Of `pictures`, all of one size, `columns` in a row.
    ///
    /// # Errors
    /// No pictures.
    pub fn of(pictures: &[RgbImage], columns: u32) -> Result<Self> {
        let Some((width, height)) = pictures.first().map(RgbImage::dimensions) else {
            return Err(Error::usage("there are no pictures to show"));
        };
        let count = pictures.len() as u32;
        let columns = columns.min(count);
        let mut whole = RgbImage::new(width * columns, height * count.div_ceil(columns));
        for (at, picture) in (0..).zip(pictures) {
            replace(&mut whole, picture, i64::from(at % columns * width), i64::from(at / columns * height));
        }
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
        whole.write_with_encoder(encoder).map_err(|e| Error::usage(format!("pictures of a page: {e}")))?;
        let address = format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes));
        Ok(Self { address, cell: [width, height], columns, count })
    }

    /// Where picture `at` lies in a background that is as much larger than an element as the whole is than a picture: `50% 0%`.
    pub fn place(&self, at: usize) -> String {
        let share = |at: u32, of: u32| if of > 1 { 100.0 * f64::from(at) / f64::from(of - 1) } else { 0.0 };
        let (at, rows) = (at as u32, self.count.div_ceil(self.columns));
        format!("{:.5}% {:.5}%", share(at % self.columns, self.columns), share(at / self.columns, rows))
    }

    /// What the rules of a style sheet say of an element that shows a picture of this.
    pub fn shape(&self) -> String {
        let ([width, height], rows) = (self.cell, self.count.div_ceil(self.columns));
        format!("aspect-ratio:{width}/{height};background-size:{}% {}%", 100 * self.columns, 100 * rows)
    }
}

/// `picture` so that its longer side is `side` pixels long, or as it is, if that is shorter.
pub fn small(picture: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let longest = width.max(height);
    if longest <= side {
        return picture.clone();
    }
    let fit = |length: u32| (length * side / longest).max(1);
    resize(picture, fit(width), fit(height), FilterType::Triangle)
}
