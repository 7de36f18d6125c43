//! The pictures that a layer finds most alike to one.

use image::RgbImage;
use serde_json::{Value, json};

use super::features::Features;
use super::neighbors::{Neighbor, nearest};
use super::pictures::{Pictures, seen};
use crate::draw::face;
use crate::error::Result;
use crate::explain::sheet::{Cell, Sheet, Tone, enlarged};

/// How many are shown.
const SHOWN: usize = 8;
/// The least side of a picture on the sheet, in pixels.
const VISIBLE: u32 = 96;

/// A picture and those most alike to it.
pub struct Near {
    /// What it is called: its number in the part, or its file.
    pub name: String,
    /// Its class, if that is known.
    pub class: Option<usize>,
    picture: RgbImage,
    nearest: Vec<Neighbor>,
}

impl Near {
    /// Of picture `at` of `pictures`.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub fn of(pictures: &Pictures, features: &Features, at: usize) -> Result<Self> {
        Ok(Self {
            name: format!("{} {}", pictures.numbers[at], pictures.files[at]),
            class: pictures.class(at),
            picture: seen(&pictures.images, at)?,
            nearest: nearest(features.points.row(at), &features.points, SHOWN, Some(at)),
        })
    }

    /// Of another picture called `name`, of this class if it is known, which the layer makes `point` of.
    pub fn other(name: String, class: Option<usize>, picture: RgbImage, point: &[f64], features: &Features) -> Self {
        let nearest = nearest(point, &features.points, SHOWN, None);
        Self { name, class, picture, nearest }
    }

    /// A list for people.
    pub fn text(&self, pictures: &Pictures, classes: &[String]) -> String {
        let class = self.class.map_or(String::new(), |class| format!(" ({})", classes[class]));
        let mut lines = vec![format!("nearest to {}{class}:", self.name)];
        lines.extend(self.nearest.iter().map(|Neighbor { index, distance }| {
            let (number, file) = (pictures.numbers[*index], &pictures.files[*index]);
            let class = pictures.class(*index).map_or(String::new(), |class| format!("  {}", classes[class]));
            format!("  {distance:10.4}  {number:>6} {file}{class}")
        }));
        lines.join("\n")
    }

    /// For programs: `picture`, `class` (a name or null), and `nearest`, each with `index`, `file`, `class` (likewise) and
    /// `distance`.
    pub fn json(&self, pictures: &Pictures, classes: &[String]) -> Value {
        let one = |Neighbor { index, distance }: &Neighbor| {
            let (number, file) = (pictures.numbers[*index], &pictures.files[*index]);
            let class = pictures.class(*index).map(|class| &classes[class]);
            json!({ "index": number, "file": file, "class": class, "distance": distance })
        };
        let found: Vec<Value> = self.nearest.iter().map(one).collect();
        json!({ "picture": self.name, "class": self.class.map(|class| &classes[class]), "nearest": found })
    }

    fn cells(&self, pictures: &Pictures, classes: &[String]) -> Result<Vec<Cell>> {
        let name =
            |class: Option<usize>| class.map_or("unlabelled".into(), |class| face::label(class, &classes[class]));
        let captions = vec![(name(self.class), Tone::Plain), (self.name.clone(), Tone::Faint)];
        let mut cells = vec![Cell { picture: enlarged(&self.picture, VISIBLE), above: None, captions }];
        for Neighbor { index, distance } in &self.nearest {
            let class = pictures.class(*index);
            let tone = match (self.class, class) {
                (None, _) | (_, None) => Tone::Plain,
                (Some(own), Some(class)) if own == class => Tone::Good,
                _ => Tone::Bad,
            };
            let captions =
                vec![(name(class), tone), (format!("{}, {distance:.3}", pictures.numbers[*index]), Tone::Faint)];
            cells.push(Cell { picture: enlarged(&seen(&pictures.images, *index)?, VISIBLE), above: None, captions });
        }
        Ok(cells)
    }
}

/// A row for each of `all` with those nearest to it, green where they are of its class.
///
/// # Errors
/// A file that cannot be read any more.
pub fn sheet(all: &[Near], pictures: &Pictures, classes: &[String], title: String, note: String) -> Result<Sheet> {
    let rows = all.iter().map(|near| near.cells(pictures, classes)).collect::<Result<Vec<_>>>()?;
    let header = std::iter::once("picture".into()).chain((1..=SHOWN).map(|rank| format!("nearest {rank}"))).collect();
    Ok(Sheet { title, notes: vec![note], header, rows, palette: None })
}
