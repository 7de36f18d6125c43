//! One sheet for each class: a row for each cluster, with what its pictures look like on average, where they are looked at, and those
//! nearest to that.

use std::collections::HashMap;

use image::RgbImage;

use super::maps::each;
use super::places::SIDE;
use super::{Cluster, Clusters, OfClass, some};
use crate::data::Images;
use crate::device::Device;
use crate::draw::face;
use crate::embed::pictures::{Pictures, seen};
use crate::error::Result;
use crate::explain::paint::{Palette, overlay};
use crate::explain::sheet::{Cell, Sheet, Tone, enlarged};
use crate::explain::{Cam, Method, Request};
use crate::nn::Layer;
use crate::train::checkpoint::Meta;

/// The least side of a picture on a sheet, in pixels.
const VISIBLE: u32 = 112;

impl Clusters {
    /// A sheet for each class, in their order. The maps of the pictures that are shown are made once more, in full size.
    ///
    /// # Errors
    /// As [`Clusters::of`]; a file that cannot be read any more.
    pub fn sheets(
        &self,
        model: &dyn Layer,
        device: &Device,
        pictures: &Pictures,
        meta: &Meta,
        request: &Request,
        title: &str,
    ) -> Result<Vec<Sheet>> {
        let shown = self.shown();
        let mut cams = HashMap::new();
        let mut rest = shown.iter();
        if !shown.is_empty() {
            each(model, device, &some(pictures, &shown), meta, request, &mut |cam| {
                cams.extend(rest.next().map(|&at| (at, cam)));
                Ok(())
            })?;
        }
        self.classes.iter().map(|class| self.sheet(class, &pictures.images, &cams, request.method, title)).collect()
    }

    fn sheet(
        &self,
        class: &OfClass,
        images: &Images,
        cams: &HashMap<usize, Cam>,
        method: Method,
        title: &str,
    ) -> Result<Sheet> {
        let mut notes = vec![format!("{}; {} pictures of this class", title, class.pictures + class.blank)];
        if class.blank > 0 {
            notes.push(format!("on the maps of {} of them nothing is to be seen", class.blank));
        }
        let own = self.verdicts.iter().filter(|verdict| verdict.class == class.class);
        notes.extend(own.map(|verdict| verdict.text.clone()));
        let mut rows = Vec::new();
        for (number, cluster) in class.clusters.iter().enumerate() {
            rows.push(self.row(number, cluster, class.index, images, cams)?);
        }
        if rows.is_empty() {
            // Nothing to be seen on any map: the first picture stands for all.
            let first =
                self.members.iter().position(|member| member.class == class.index).expect("a class has pictures");
            let picture = enlarged(&seen(images, first)?, VISIBLE);
            rows.push(vec![Cell { picture, above: None, captions: vec![("blank".into(), Tone::Bad)] }]);
        }
        let header = ["on average", "where"].map(str::to_owned).into_iter();
        let nearest = rows.iter().map(Vec::len).max().unwrap_or(0).saturating_sub(2);
        Ok(Sheet {
            title: format!("{} for {}", method.title(), face::label(class.index, &class.class)),
            notes,
            header: header.chain((1..=nearest).map(|rank| format!("nearest {rank}"))).collect(),
            rows,
            palette: Some(Palette::Heat),
        })
    }

    fn row(
        &self,
        number: usize,
        cluster: &Cluster,
        class: usize,
        images: &Images,
        cams: &HashMap<usize, Cam>,
    ) -> Result<Vec<Cell>> {
        let own = |(_, member): &(usize, &super::Member)| member.class == class && member.cluster == Some(number);
        let members: Vec<usize> = self.members.iter().enumerate().filter(own).map(|(at, _)| at).collect();
        let mean = enlarged(&mean(images, &members)?, VISIBLE);
        let most = cluster.mean.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let map: Vec<f32> = cluster.mean.iter().map(|share| (share / most) as f32).collect();
        let looked_at = overlay(&mean, &map, [SIDE; 2], Palette::Heat);
        let share = format!("{:.0} % ({})", 100.0 * cluster.share, cluster.pictures);
        let looks = match (cluster.place, cluster.mass) {
            (Some(place), Some(mass)) => lines(&format!("{:.0} % in {place}", 100.0 * mass), Tone::Bad),
            _ => lines("in no corner and no border", Tone::Faint),
        };
        let mut cells = vec![
            Cell {
                picture: mean,
                above: Some(format!("cluster {}", number + 1)),
                captions: vec![(share, Tone::Plain)],
            },
            Cell { picture: looked_at, above: None, captions: looks },
        ];
        for &at in &cluster.nearest {
            let member = &self.members[at];
            let picture = enlarged(&seen(images, at)?, VISIBLE);
            let cam = &cams[&at];
            let picture = overlay(&picture, &cam.scaled, cam.size, Palette::Heat);
            let file = member.file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            let captions = vec![(file, Tone::Plain), (format!("number {}", member.number), Tone::Faint)];
            cells.push(Cell { picture, above: None, captions });
        }
        Ok(cells)
    }
}

/// `text` in captions as wide as the smallest picture.
fn lines(text: &str, tone: Tone) -> Vec<(String, Tone)> {
    const LETTERS: usize = 15;
    let mut lines: Vec<(String, Tone)> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some((line, _)) if line.len() + 1 + word.len() <= LETTERS => *line += &format!(" {word}"),
            _ => lines.push((word.into(), tone)),
        }
    }
    lines
}

/// The mean of pictures: what they have in common in one place, as a mark, is seen.
fn mean(images: &Images, at: &[usize]) -> Result<RgbImage> {
    let first = seen(images, at[0])?;
    let mut sums = vec![0u64; first.len()];
    for &at in at {
        sums.iter_mut().zip(seen(images, at)?.iter()).for_each(|(sum, value)| *sum += u64::from(*value));
    }
    let count = at.len() as u64;
    let pixels = sums.into_iter().map(|sum| ((sum + count / 2) / count) as u8).collect();
    Ok(RgbImage::from_raw(first.width(), first.height(), pixels).expect("as many bytes"))
}
