//! The files of TensorBoard's embedding projector: `tensorboard --logdir FOLDER` shows the points in three dimensions.
//!
//! `tensors.tsv` has a point a line, `metadata.tsv` what belongs to each below a line of headings, `sprite.png` all thumbnails in
//! one square grid, row by row, and `projector_config.pbtxt`, a protocol buffer as text, names them.

use std::fmt::Write;
use std::path::Path;

use image::RgbImage;
use image::imageops::replace;

use super::Points;
use crate::draw::pen::png;
use crate::error::Result;
use crate::files::write_atomic;

/// The most pixels of a sprite's side, which browsers' textures set.
const MOST: u32 = 8192;

/// What the projector shows.
pub struct Projector<'a> {
    /// What the points are called.
    pub name: &'a str,
    /// The points.
    pub points: &'a Points,
    /// The headings of what is known of each.
    pub headings: &'a [&'a str],
    /// What is known of each, a text for each heading.
    pub known: &'a [Vec<String>],
    /// A picture of each, all of one size.
    pub thumbnails: &'a [RgbImage],
}

impl Projector<'_> {
    /// Writes the four files into `folder`; the sprite is left out where it would be larger than browsers show.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let line = |row: &[f64]| row.iter().map(|value| (*value as f32).to_string()).collect::<Vec<_>>().join("\t");
        let tensors: String = self.points.rows().map(|row| line(row) + "\n").collect();
        write_atomic(&folder.join("tensors.tsv"), tensors.as_bytes())?;
        let plain = |text: &str| text.replace(char::is_control, " ");
        let mut metadata = self.headings.join("\t") + "\n";
        for row in self.known {
            metadata += &row.iter().map(|text| plain(text)).collect::<Vec<_>>().join("\t");
            metadata.push('\n');
        }
        write_atomic(&folder.join("metadata.tsv"), metadata.as_bytes())?;
        let sprite = sprite(self.thumbnails);
        if let Some(sprite) = &sprite {
            write_atomic(&folder.join("sprite.png"), &png(sprite)?)?;
        }
        let size = self.thumbnails.first().filter(|_| sprite.is_some()).map(RgbImage::dimensions);
        write_atomic(&folder.join("projector_config.pbtxt"), self.config(size).as_bytes())
    }

    fn config(&self, size: Option<(u32, u32)>) -> String {
        let name: String = self.name.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect();
        let mut text = format!("embeddings {{\n  tensor_name: \"{name}\"\n  tensor_path: \"tensors.tsv\"\n");
        text += "  metadata_path: \"metadata.tsv\"\n";
        if let Some((width, height)) = size {
            let _ = write!(text, "  sprite {{\n    image_path: \"sprite.png\"\n    single_image_dim: {width}\n");
            let _ = writeln!(text, "    single_image_dim: {height}\n  }}");
        }
        text + "}\n"
    }
}

/// All pictures in a grid of as many rows as columns; none if that is too large.
fn sprite(thumbnails: &[RgbImage]) -> Option<RgbImage> {
    let (width, height) = thumbnails.first()?.dimensions();
    let across = (1u32..).find(|side| (side * side) as usize >= thumbnails.len())?;
    if across * width.max(height) > MOST {
        return None;
    }
    let mut sheet = RgbImage::new(across * width, across * height);
    for (at, picture) in (0..).zip(thumbnails) {
        replace(&mut sheet, picture, i64::from(at % across * width), i64::from(at / across * height));
    }
    Some(sheet)
}
