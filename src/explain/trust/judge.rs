//! One method on its way through all measures.

use super::curves::{self, Curve, Game};
use super::explainer::{Explainer, Map};
use super::pictures::Pictures;
use super::randomisation::Rung;
use super::ranked::Ranked;
use super::{Figures, RoadFigures, Row, changes, drop_and_increase, mean_and_error, road, similarity, stability};
use crate::error::{Error, Result};
use crate::nn::Sequential;
use crate::tensor::Tensor;

/// A method on its way through the measures.
pub(super) struct Judged<'a> {
    explainer: &'a Explainer<'a>,
    blank: usize,
    maps: Vec<Ranked>,
    /// Maps of disturbed pictures, for each sample.
    disturbed: Vec<Vec<Map>>,
    rungs: Vec<Rung>,
    failed: Option<String>,
}

impl<'a> Judged<'a> {
    /// Makes the maps of `pictures`.
    pub fn of(explainer: &'a Explainer, model: &Sequential, pictures: &Pictures, seed: u64) -> Self {
        let mut one =
            Self { explainer, blank: 0, maps: Vec::new(), disturbed: Vec::new(), rungs: Vec::new(), failed: None };
        let Some(maps) = one.ask(model, &pictures.x, &pictures.classes) else { return one };
        let mut why = None;
        for (picture, map) in maps.into_iter().enumerate() {
            match map {
                Ok(map) => one.maps.push(Ranked::new(picture, map, seed)),
                Err(cause) => why = why.or(Some(cause)),
            }
        }
        one.blank = pictures.len() - one.maps.len();
        if one.maps.is_empty() {
            one.failed = Some(format!("all maps are blank: {}", why.unwrap_or_default()));
        }
        one
    }

    /// The maps; none where they cannot be made, which is noted, or could not be before.
    fn ask(&mut self, model: &Sequential, x: &Tensor, classes: &[usize]) -> Option<Vec<Map>> {
        if self.failed.is_some() {
            return None;
        }
        (self.explainer.maps)(model, x, classes).map_err(|error| self.failed = Some(error.to_string())).ok()
    }

    /// Notes the maps of disturbed pictures.
    pub fn disturb(&mut self, model: &Sequential, x: &Tensor, classes: &[usize]) {
        let maps = self.ask(model, x, classes);
        self.disturbed.extend(maps);
    }

    /// Notes how alike maps are that `model` has after its layers from `layer` on were made random.
    pub fn randomise(&mut self, model: &Sequential, pictures: &Pictures, layer: &str, random: usize) {
        let Some(maps) = self.ask(model, &pictures.x, &pictures.classes) else { return };
        let count = self.maps.len() as f64;
        let nothing = vec![0.0; pictures.pixels()];
        let other = |one: &Ranked| maps[one.picture].as_ref().unwrap_or(&nothing);
        let mean = |alike: &dyn Fn(&Ranked) -> f64| self.maps.iter().map(alike).sum::<f64>() / count;
        let rung = Rung {
            layer: layer.into(),
            random,
            spearman: mean(&|one| similarity::spearman(&one.map, other(one))),
            ssim: mean(&|one| similarity::ssim(&one.map, other(one), pictures.size)),
            blank: self.maps.iter().filter(|one| maps[one.picture].is_err()).count(),
        };
        self.rungs.push(rung);
    }

    /// Asks the network of changed pictures, and puts all together.
    pub fn row(self, pictures: &Pictures, steps: usize, noise: &[Vec<f32>]) -> Result<Row> {
        let (method, control, blank) = (self.explainer.name.clone(), self.explainer.control, self.blank);
        if self.failed.is_some() {
            return Ok(Row { method, control, blank, failed: self.failed, figures: None });
        }
        let maps = &self.maps;
        let mean =
            |game| Curve::mean(&curves::curves(pictures, maps, game, steps)?).ok_or_else(|| Error::usage("no maps"));
        let changes = changes(pictures, maps)?;
        let (average_drop, increase) = drop_and_increase(pictures, maps, &changes);
        let stability = stability::stability(maps, &self.disturbed).ok_or_else(|| Error::usage("no maps"))?;
        let figures = Figures {
            insertion: mean(Game::Insertion)?,
            deletion: mean(Game::Deletion)?,
            road: RoadFigures::of(pictures, maps, noise)?,
            average_drop,
            increase,
            likeness: mean_and_error(&self.rungs.iter().map(|rung| rung.spearman).collect::<Vec<f64>>())
                .map(|(mean, _)| mean),
            randomisation: self.rungs,
            stability,
        };
        Ok(Row { method, control, blank, failed: None, figures: Some(figures) })
    }
}

impl RoadFigures {
    fn of(pictures: &Pictures, maps: &[Ranked], noise: &[Vec<f32>]) -> Result<Self> {
        let roads = road::road(pictures, maps, noise)?;
        let mean = |of: fn(&road::Road) -> &Vec<f64>| -> Vec<f64> {
            let at = |which: usize| roads.iter().map(|road| of(road)[which]).sum::<f64>() / roads.len() as f64;
            (0..road::PERCENTILES.len()).map(at).collect()
        };
        let combined: Vec<f64> = roads.iter().map(road::Road::combined).collect();
        let mut each = vec![None; pictures.len()];
        maps.iter().zip(&combined).for_each(|(one, combined)| each[one.picture] = Some(*combined));
        let (middle, error) = mean_and_error(&combined).ok_or_else(|| Error::usage("no maps"))?;
        Ok(Self { most: mean(|road| &road.most), least: mean(|road| &road.least), combined: middle, error, each })
    }
}
