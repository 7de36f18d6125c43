//! What is to be known of an embedding: scores, as text and JSON, and the table of its points.

use std::fmt::Write;

use serde_json::{Value, json};

use super::colors::{Grouping, NEIGHBORS};
use super::features::Features;
use super::pictures::Pictures;
use super::probe::Probe;
use super::projection::Projection;
use super::{Points, neighbors, scores};
use crate::error::{Error, Result};
use crate::train::judged::Part;

/// Neighbors that trustworthiness asks of, scikit-learn's default.
const TRUSTED: usize = 5;

/// What one layer's output knows.
#[derive(Clone, Debug)]
pub struct Scores {
    /// How many training pictures are asked and learned from; none: the pictures are asked of each other.
    pub references: Option<usize>,
    /// How many neighbors vote, of each picture.
    pub voters: usize,
    /// The share of pictures whose class the nearest neighbors vote for; none where classes are not known.
    pub nearest: Option<f64>,
    /// The share whose class a logistic regression knows that has learned from the training pictures.
    pub probe: Option<f64>,
    /// The share whose class the network knows; none where that is not known.
    pub network: Option<f64>,
    /// Whether pictures lie together by class or by colour, to this layer.
    pub grouping: Grouping,
    /// The same on the plane.
    pub flat_grouping: Grouping,
    /// How far neighbors on the plane are neighbors to the layer; none of fewer than 11 pictures.
    pub trustworthiness: Option<f64>,
}

impl Scores {
    /// Of pictures of `classes` classes with these `features`, mean `colors` and places on a plane. `references` are training
    /// pictures and their classes.
    ///
    /// # Errors
    /// References of one class.
    pub fn of(
        pictures: &Pictures,
        classes: usize,
        features: &Features,
        colors: &Points,
        flat: &Points,
        references: Option<(&Points, &[usize])>,
    ) -> Result<Self> {
        let (points, labels) = (&features.points, pictures.labels.as_deref());
        let near = neighbors::within(points, NEIGHBORS);
        let near_flat = neighbors::within(flat, NEIGHBORS);
        let nearest = labels.map(|labels| {
            let votes = match references {
                Some((among, known)) => scores::vote(&neighbors::between(points, among, NEIGHBORS), known, classes),
                None => scores::vote(&near, labels, classes),
            };
            scores::accuracy(&votes, labels)
        });
        let probe = match (references, labels) {
            (Some((among, known)), Some(labels)) => {
                Some(scores::accuracy(&Probe::fit(among, known)?.predict(points), labels))
            }
            _ => None,
        };
        Ok(Self {
            references: references.map(|(among, _)| among.len()),
            voters: NEIGHBORS.min(references.map_or(points.len().saturating_sub(1), |(among, _)| among.len())),
            nearest,
            probe,
            network: labels.map(|labels| scores::accuracy(&features.predicted, labels)),
            grouping: Grouping::of(&near, labels, classes, colors),
            flat_grouping: Grouping::of(&near_flat, labels, classes, colors),
            trustworthiness: scores::trustworthiness(points, &near_flat, TRUSTED),
        })
    }

    /// Lines for people.
    pub fn text(&self) -> String {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let voters = self.voters;
        let mut text = match (self.nearest.zip(self.network), self.references.zip(self.probe)) {
            (Some((nearest, network)), Some((count, probe))) => format!(
                "right of {count} training images: {voters} nearest neighbors {}, linear probe {}; the network {}\n",
                percent(nearest),
                percent(probe),
                percent(network)
            ),
            (Some((nearest, network)), None) => format!(
                "right of each other, each without itself: {voters} nearest neighbors {}; the network {}\n",
                percent(nearest),
                percent(network)
            ),
            (None, _) => {
                "their classes are not known: nothing says what neighbors and the network are right of\n".into()
            }
        };
        let _ = writeln!(text, "to this layer they lie together {}", self.grouping);
        let _ = writeln!(text, "on the plane {}", self.flat_grouping);
        if let Some(trust) = self.trustworthiness {
            let _ = writeln!(text, "trustworthiness of the plane (k = {TRUSTED}) {trust:.4}");
        }
        text
    }

    /// For programs: `references` (a number or null), `nearest`, `probe`, `network`, `trustworthiness` (shares or null), `grouping`
    /// and `flat_grouping`, each with `class`, `color` and `answer`.
    pub fn json(&self) -> Value {
        let group = |of: &Grouping| json!({ "class": of.class, "color": of.color, "answer": of.answer() });
        json!({
            "neighbors": self.voters, "references": self.references, "nearest": self.nearest, "probe": self.probe,
            "network": self.network, "grouping": group(&self.grouping), "flat_grouping": group(&self.flat_grouping),
            "trustworthiness": self.trustworthiness,
        })
    }
}

/// The headings of [`rows`].
pub const HEADINGS: [&str; 5] = ["index", "file", "part", "class", "predicted"];

/// What is known of each picture, in the order of [`HEADINGS`]; nothing in place of a class that is not known.
pub fn rows(pictures: &Pictures, classes: &[String], features: &Features) -> Vec<Vec<String>> {
    let row = |at: usize| {
        let (file, part) = (pictures.files[at].clone(), pictures.parts[at].clone());
        let name = |class: usize| classes[class].clone();
        let (class, predicted) = (pictures.class(at).map_or(String::new(), name), name(features.predicted[at]));
        vec![pictures.numbers[at].to_string(), file, part, class, predicted]
    };
    (0..pictures.len()).map(row).collect()
}

/// `embedding.csv`: a row for each picture, what [`rows`] knows and its place on the plane.
///
/// # Errors
/// None that input can cause.
pub fn csv(rows: &[Vec<String>], projection: &Projection) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| Error::usage(format!("embedding.csv cannot be written: {e}"));
    writer.write_record(HEADINGS.iter().chain(&["x", "y"])).map_err(failed)?;
    for (row, place) in rows.iter().zip(projection.points.rows()) {
        let place = place.iter().map(|value| (*value as f32).to_string());
        writer.write_record(row.iter().cloned().chain(place)).map_err(failed)?;
    }
    writer.into_inner().map_err(|e| Error::usage(format!("embedding.csv cannot be written: {}", e.error())))
}

/// What the pictures are called in a sentence: `886 test images`, `500 of 886 test images`.
pub fn counted(pictures: &Pictures, part: Part) -> String {
    let (count, of, words) = (pictures.len(), pictures.of, part.words());
    if count == of { format!("{count} {words}") } else { format!("{count} of {of} {words}") }
}
