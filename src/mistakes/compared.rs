//! The pictures among which pairs are looked for: all parts of a run's data, and other data if the run is judged on those.

use rayon::prelude::*;

use super::alike::{Look, pairs};
use super::{Pair, Twin};
use crate::data::record::Record;
use crate::data::{Dataset, Images};
use crate::device::Device;
use crate::embed::Points;
use crate::embed::features::Features;
use crate::embed::pictures::{Pictures, drawn, seen};
use crate::error::Result;
use crate::nn::Layer;
use crate::train::checkpoint::Meta;

/// Sets of pictures with what the run did with each.
#[derive(Default)]
pub struct Compared {
    sets: Vec<(Images, Vec<Twin>)>,
}

impl Compared {
    /// The parts of `data`, of each no more than `limit`, drawn by `seed`; `record` knows what the run did with the pictures.
    pub fn of(data: &Dataset, record: Option<&Record>, limit: usize, seed: u64) -> Self {
        let mut compared = Self::default();
        for (images, part) in [(&data.train, "train"), (&data.val, "val"), (&data.test, "test"), (&data.new, "new")] {
            let numbers = drawn(images.len(), limit, seed);
            let role = |images: &Images, at: usize| {
                let role = record.and_then(|record| record.role(images.origins.get(at)?.digest));
                role.filter(|_| part != "new").map_or(part.to_owned(), |role| role.to_string())
            };
            compared.push(images.select(&numbers), role);
        }
        compared
    }

    /// These as well, which are of other data than the run's.
    pub fn add(&mut self, pictures: &Pictures) {
        self.push(pictures.images.clone(), |_, _| "data".into());
    }

    fn push(&mut self, images: Images, part: impl Fn(&Images, usize) -> String) {
        let set = self.sets.len();
        let twin = |at: usize| Twin {
            file: images.origins.get(at).map_or(String::new(), |origin| origin.file.clone()),
            part: part(&images, at),
            class: usize::try_from(images.labels[at]).ok(),
            at: (set, at),
        };
        let twins = (0..images.len()).map(twin).collect();
        self.sets.push((images, twins));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sets.iter().map(|(_, twins)| twins.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The picture of one of a pair, as the network sees it.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub fn picture(&self, twin: &Twin) -> Result<image::RgbImage> {
        seen(&self.sets[twin.at.0].0, twin.at.1)
    }

    /// The pairs of other classes or in other parts, those of other classes first, then the most alike; and how many more there are.
    pub(super) fn pairs(
        &self,
        model: &dyn Layer,
        device: &Device,
        meta: &Meta,
        layer: Option<&str>,
    ) -> Result<(Vec<Pair>, usize)> {
        let (mut values, mut dimension, mut looks, mut twins) = (Vec::new(), 1, Vec::new(), Vec::new());
        for (images, own) in self.sets.iter().filter(|(images, _)| !images.is_empty()) {
            let points = Features::of(model, device, images, meta, layer)?.points;
            dimension = points.dimension();
            values.extend(points.rows().flatten());
            let own_looks: Result<Vec<Look>> =
                (0..images.len()).into_par_iter().map(|at| Ok(Look::of(&seen(images, at)?))).collect();
            looks.extend(own_looks?);
            twins.extend(own);
        }
        let found = pairs(&Points::new(dimension, values), &looks);
        let all = found.len();
        let pair = |(first, second, alike): (usize, usize, f64)| {
            let (first, second): (&Twin, &Twin) = (twins[first], twins[second]);
            Pair { first: first.clone(), second: second.clone(), alike }
        };
        let mut pairs: Vec<Pair> = found.into_iter().map(pair).collect();
        pairs.retain(|pair| pair.differ() || pair.first.part != pair.second.part);
        // What is equal stays in the order of the pictures.
        pairs.sort_by(|a, b| b.differ().cmp(&a.differ()).then(b.alike.total_cmp(&a.alike)));
        let harmless = all - pairs.len();
        Ok((pairs, harmless))
    }
}
