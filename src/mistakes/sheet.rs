//! Sheets: the most mistaken pictures, and near-duplicates side by side.

use super::{Compared, Doubt, Mistakes, Twin};
use crate::draw::face;
use crate::embed::pictures::{Pictures, seen};
use crate::error::Result;
use crate::explain::sheet::{Cell, Sheet, Tone, enlarged};

/// The least side of a picture on a sheet, in pixels.
const VISIBLE: u32 = 112;
/// Pictures on a sheet, and in a row of it; of pairs a half of that.
const SHOWN: usize = 32;
const ROW: usize = 8;

impl Mistakes {
    /// The most mistaken of `pictures`. Above each stands the class that it is said to be of, below it what it was taken for.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub fn sheet(&self, pictures: &Pictures, classes: &[String], title: &str) -> Result<Sheet> {
        let cell = |one: &Doubt| {
            let name = |class: usize| face::label(class, &classes[class]);
            let right = one.class == one.predicted;
            let tone = if right { Tone::Good } else { Tone::Bad };
            let captions = vec![
                (format!("{:.0} % {}", 100.0 * one.probability, name(one.predicted)), tone),
                (format!("mistaken {:.3}{}", one.mistakenness, if one.doubted { " *" } else { "" }), Tone::Faint),
                (short(&one.file), Tone::Faint),
            ];
            let picture = enlarged(&seen(&pictures.images, one.at)?, VISIBLE);
            Ok(Cell { picture, above: Some(format!("{} {}", one.number, name(one.class))), captions })
        };
        let cells = self.pictures.iter().take(SHOWN).map(cell).collect::<Result<Vec<Cell>>>()?;
        Ok(Sheet {
            title: "Pictures whose class may be wrong".into(),
            notes: vec![
                title.into(),
                "above: number and class; below: what it was taken for, how likely the class is wrong (*: doubted), its file".into(),
            ],
            header: Vec::new(),
            rows: cells.chunks(ROW).map(<[Cell]>::to_vec).collect(),
            palette: None,
        })
    }

    /// Near-duplicates side by side, four pairs in a row; none if there are none.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub fn duplicates(&self, compared: &Compared, classes: &[String], title: &str) -> Result<Option<Sheet>> {
        let mut cells = Vec::new();
        for pair in self.pairs.iter().take(SHOWN / 2) {
            for (twin, right) in [(&pair.first, format!("alike {:.3}", pair.alike)), (&pair.second, String::new())] {
                let tone = if pair.differ() { Tone::Bad } else { Tone::Plain };
                let cell = |twin: &Twin| {
                    let class = twin.class.map_or("unlabelled".into(), |class| face::label(class, &classes[class]));
                    let captions = vec![(class, tone), (short(&twin.file), Tone::Faint), (right.clone(), Tone::Faint)];
                    let picture = enlarged(&compared.picture(twin)?, VISIBLE);
                    Ok::<_, crate::error::Error>(Cell { picture, above: Some(twin.part.clone()), captions })
                };
                cells.push(cell(twin)?);
            }
        }
        let rows: Vec<Vec<Cell>> = cells.chunks(ROW).map(<[Cell]>::to_vec).collect();
        let title = title.to_owned();
        let notes = vec![title, "two and two belong together; those of other classes come first, in red".into()];
        let sheet =
            Sheet { title: "Pictures that are nearly the same".into(), notes, header: Vec::new(), rows, palette: None };
        Ok((!self.pairs.is_empty()).then_some(sheet))
    }
}

/// A file's name without its folders.
fn short(file: &str) -> String {
    file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}
