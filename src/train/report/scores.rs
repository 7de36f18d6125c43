//! Precision, recall and F1 of every class, from counts over the whole set: scikit-learn's `classification_report`, with its
//! definitions and its layout.
//!
//! With TP, the images of a class that were taken for it: precision is TP / images taken for the class, recall (the
//! class's accuracy) TP / images of the class, F1 = 2 TP / (images of the class + images taken for it). What would be
//! divided by 0 is 0 (`zero_division=0`). Averages are over all classes, plain ("macro") or weighted by support.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::confusion::Confusion;

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Share, 0 to 1, of what was taken for the class that is of it.
    pub precision: f64,
    /// Share, 0 to 1, of the class's images that were taken for it.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Images.
    pub support: u64,
}

/// The whole table.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Of each class.
    pub classes: Vec<Score>,
    /// Share of all images that were taken for what they are.
    pub accuracy: f64,
    /// Mean recall of the classes that have images: the accuracy if all had equally many (scikit-learn's `balanced_accuracy_score`).
    pub balanced_accuracy: f64,
    /// Plain averages over the classes.
    pub macro_average: Score,
    /// Averages over the classes, weighted by their images.
    pub weighted_average: Score,
    /// Classes that nothing was taken for: their precision is set to 0.
    pub never_predicted: Vec<usize>,
    /// Classes without images: their recall is set to 0.
    pub absent: Vec<usize>,
}

impl Scores {
    /// The scores of what was counted. Without any image all are 0.
    pub fn of(confusion: &Confusion) -> Self {
        let (support, predicted) = (confusion.support(), confusion.predicted());
        let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        let score = |class: usize| {
            let (right, of, taken) = (confusion.at(class, class), support[class], predicted[class]);
            Score {
                precision: share(right, taken),
                recall: share(right, of),
                f1: share(2 * right, of + taken),
                support: of,
            }
        };
        let classes: Vec<Score> = (0..confusion.classes()).map(score).collect();
        let total = confusion.total();
        let average = |weight: fn(&Score) -> f64| {
            let whole: f64 = classes.iter().map(weight).sum();
            // Without any image there is nothing to weigh by.
            let mean = |value: fn(&Score) -> f64| {
                let sum: f64 = classes.iter().map(|score| weight(score) * value(score)).sum();
                if whole == 0.0 { 0.0 } else { sum / whole }
            };
            Score { precision: mean(|s| s.precision), recall: mean(|s| s.recall), f1: mean(|s| s.f1), support: total }
        };
        let none = |counts: &[u64]| (0..counts.len()).filter(|&class| counts[class] == 0).collect();
        Self {
            accuracy: share((0..classes.len()).map(|class| confusion.at(class, class)).sum(), total),
            balanced_accuracy: {
                let present: Vec<f64> = classes.iter().filter(|s| s.support > 0).map(|score| score.recall).collect();
                present.iter().sum::<f64>() / present.len().max(1) as f64
            },
            macro_average: average(|_| 1.0),
            weighted_average: average(|score| score.support as f64),
            never_predicted: none(&predicted),
            absent: none(&support),
            classes,
        }
    }

    /// The table as text, letter for letter as scikit-learn prints it with `digits` decimals, its last line break too. Where
    /// nothing was right, that includes its images as `94.0`.
    pub fn table(&self, names: &[String], digits: usize) -> String {
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let width = longest.max("weighted avg".len()).max(digits);
        let mut text =
            format!("{:width$}  {:>9} {:>9} {:>9} {:>9}\n\n", "", "precision", "recall", "f1-score", "support");
        let images = |count: u64| if self.accuracy > 0.0 { count.to_string() } else { format!("{count}.0") };
        let row = |text: &mut String, name: &str, score: &Score| {
            let Score { precision, recall, f1, support } = score;
            let support = images(*support);
            let numbers = format!("{precision:>9.digits$} {recall:>9.digits$} {f1:>9.digits$} {support:>9}");
            let _ = writeln!(text, "{name:>width$}  {numbers}");
        };
        for (name, score) in names.iter().zip(&self.classes) {
            row(&mut text, name, score);
        }
        let (accuracy, total) = (self.accuracy, images(self.macro_average.support));
        let _ = writeln!(text, "\n{:>width$}  {:>9} {:>9} {accuracy:>9.digits$} {total:>9}", "accuracy", "", "");
        row(&mut text, "macro avg", &self.macro_average);
        row(&mut text, "weighted avg", &self.weighted_average);
        text
    }

    /// As scikit-learn's `output_dict=True`, but for the classes, which have an object of their own under `classes`, so
    /// that one may be called "accuracy": beside it stand `accuracy`, `balanced accuracy`, `macro avg` and `weighted avg`. Each but the accuracy
    /// has `precision`, `recall`, `f1-score` and `support`.
    pub fn json(&self, names: &[String]) -> Value {
        let line = |score: &Score| {
            let Score { precision, recall, f1, support } = score;
            json!({"precision": precision, "recall": recall, "f1-score": f1, "support": support})
        };
        let classes: Map<String, Value> =
            names.iter().zip(&self.classes).map(|(name, score)| (name.clone(), line(score))).collect();
        json!({
            "classes": classes, "accuracy": self.accuracy, "balanced accuracy": self.balanced_accuracy,
            "macro avg": line(&self.macro_average), "weighted avg": line(&self.weighted_average),
        })
    }

    /// What was set to 0 for want of something to divide by: one line each, none where all is defined.
    pub fn notes(&self, names: &[String]) -> Vec<String> {
        let list = |classes: &[usize]| classes.iter().map(|&class| &*names[class]).collect::<Vec<_>>().join(", ");
        let mut notes = Vec::new();
        if !self.never_predicted.is_empty() {
            notes.push(format!("never predicted, precision set to 0: {}", list(&self.never_predicted)));
        }
        if !self.absent.is_empty() {
            notes.push(format!("without images, recall set to 0: {}", list(&self.absent)));
        }
        notes
    }
}
