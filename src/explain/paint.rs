//! Maps as colours over pictures.

use image::{Rgb, RgbImage};

use super::scale::enlarge;

/// What the values of a map look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// 0 to 1: Turbo, a rainbow from blue over green to red whose lightness rises and falls evenly.
    Heat,
    /// −1 to 1: blue against, white neither, red for.
    Signed,
}

impl Palette {
    /// The color of a value; grey for NaN.
    pub fn color(self, value: f32) -> [u8; 3] {
        if value.is_nan() {
            return [128; 3];
        }
        let color = match self {
            Self::Heat => colorous::TURBO.eval_continuous(f64::from(value.clamp(0.0, 1.0))),
            Self::Signed => colorous::RED_BLUE.eval_continuous(f64::from(0.5 - value.clamp(-1.0, 1.0) / 2.0)),
        };
        [color.r, color.g, color.b]
    }
}

/// `picture` with the map `[from]` enlarged to its size and laid over it, half and half.
pub fn overlay(picture: &RgbImage, map: &[f32], from: [usize; 2], palette: Palette) -> RgbImage {
    let (width, height) = picture.dimensions();
    let map = enlarge(map, from, [height as usize, width as usize]);
    RgbImage::from_fn(width, height, |x, y| {
        let color = palette.color(map[(y * width + x) as usize]);
        let pixel = picture.get_pixel(x, y).0;
        Rgb([0, 1, 2].map(|channel| ((u16::from(pixel[channel]) + u16::from(color[channel])) / 2) as u8))
    })
}

/// What stands for an overlay where the map is blank: the picture in pale grey, so that nobody takes it for a result.
pub fn faded(picture: &RgbImage) -> RgbImage {
    let grey = |pixel: &Rgb<u8>| {
        let [red, green, blue] = pixel.0.map(u32::from);
        ((299 * red + 587 * green + 114 * blue) / 1000 / 2 + 120) as u8
    };
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| Rgb([grey(picture.get_pixel(x, y)); 3]))
}
