//! What is told of a judgement: a table for people, one for programs, and what its columns mean.

use super::{Figures, Row, Trust, road, verdict};
use crate::error::{Error, Result};

/// What the table's columns mean, a line each.
const COLUMNS: [&str; 8] = [
    "insertion  mean probability of the class while the hottest pixels are put into the blurred picture first: high is good",
    "deletion   the same while they are taken out first: low is good",
    "ROAD       how much more it costs to remove the hottest 20 to 80 % of pixels, made up from neighbors, than the coldest:",
    "           high is good, 0 is chance",
    "drop       loss of probability where a picture is dimmed by its map: low is good; rise: share that gains: high is good",
    "random     rank correlation with the maps of the network as its layers are made random, the last first, mean of all steps",
    "           (SSIM likewise): low is good; from 0.6 on maps show the picture, not what was learned",
    "noise      how far maps move under noise of 0.2 standard deviations, as a share of their norm: low is good",
];

impl Trust {
    /// A table with a row for each method, what its columns mean, and the verdict.
    pub fn table(&self) -> String {
        let widest = self.rows.iter().map(|row| row.method.chars().count()).max().unwrap_or(0).max(6);
        let heading = format!(
            "{:<widest$}  insertion  deletion    ROAD  ± error    drop    rise  random    SSIM   noise  blank",
            "method"
        );
        let mut lines = vec![heading];
        for row in &self.rows {
            let name = format!("{:<widest$}", row.method);
            lines.push(match (&row.figures, &row.failed) {
                (Some(figures), _) => format!("{name}  {}", self.cells(row, figures)),
                (None, failed) => format!("{name}  {}", failed.as_deref().unwrap_or("not measured")),
            });
        }
        lines.push(String::new());
        lines.extend(COLUMNS.map(str::to_owned));
        if self.rows.iter().any(|row| row.control) {
            let names: Vec<&str> = self.rows.iter().filter(|row| row.control).map(|row| &*row.method).collect();
            lines.push(format!(
                "{} look at no network: what is no better than they are tells nothing of it",
                names.join(" and ")
            ));
        }
        lines.push(verdict::RULE.into());
        lines.push(self.verdict.sentence.clone());
        lines.join("\n")
    }

    fn cells(&self, row: &Row, figures: &Figures) -> String {
        let random =
            [figures.likeness, figures.ssim()].map(|mean| mean.map_or("-".into(), |mean| format!("{mean:.2}")));
        let error = figures.road.error.map_or("-".into(), |error| format!("{error:.3}"));
        format!(
            "{:>9.3}  {:>8.3}  {:>+6.3}  {error:>7}  {:>4.0} %  {:>4.0} %  {:>6}  {:>6}  {:>6.3}  {:>5}",
            figures.insertion.auc,
            figures.deletion.auc,
            figures.road.combined,
            100.0 * figures.average_drop,
            100.0 * figures.increase,
            random[0],
            random[1],
            figures.stability.mean,
            format!("{}/{}", row.blank, self.classes.len()),
        )
    }

    /// `trust.csv`: a line for each method. What was not measured is empty.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let failed = |what: String| Error::usage(format!("trust.csv cannot be written: {what}"));
        let mut table = csv::Writer::from_writer(Vec::new());
        let percentiles = |which: &str| road::PERCENTILES.map(|percentile| format!("road_{which}_keep_{percentile}"));
        let mut heading: Vec<String> = [
            "method",
            "control",
            "pictures",
            "blank",
            "failed",
            "insertion_auc",
            "deletion_auc",
            "road_combined",
            "road_error",
        ]
        .map(str::to_owned)
        .into();
        heading.extend(percentiles("most"));
        heading.extend(percentiles("least"));
        heading.extend(
            [
                "average_drop",
                "increase",
                "random_spearman",
                "random_ssim",
                "random_spearman_last",
                "noise_mean",
                "noise_max",
            ]
            .map(str::to_owned),
        );
        table.write_record(&heading).map_err(|e| failed(e.to_string()))?;
        for row in &self.rows {
            let mut cells = vec![
                row.method.clone(),
                row.control.to_string(),
                self.classes.len().to_string(),
                row.blank.to_string(),
                row.failed.clone().unwrap_or_default(),
            ];
            cells.extend(row.figures.iter().flat_map(Figures::numbers));
            cells.resize(heading.len(), String::new());
            table.write_record(&cells).map_err(|e| failed(e.to_string()))?;
        }
        table.into_inner().map_err(|e| failed(e.error().to_string()))
    }
}

impl Figures {
    /// The mean structural similarity of all steps of randomisation.
    fn ssim(&self) -> Option<f64> {
        let values: Vec<f64> = self.randomisation.iter().map(|rung| rung.ssim).collect();
        super::mean_and_error(&values).map(|(mean, _)| mean)
    }

    /// In the order of the table for programs.
    fn numbers(&self) -> Vec<String> {
        let text = |value: f64| value.to_string();
        let optional = |value: Option<f64>| value.map_or(String::new(), text);
        let mut cells = vec![text(self.insertion.auc), text(self.deletion.auc), text(self.road.combined)];
        cells.push(optional(self.road.error));
        cells.extend(self.road.most.iter().chain(&self.road.least).copied().map(text));
        cells.extend([text(self.average_drop), text(self.increase)]);
        let last = self.randomisation.last().map(|rung| rung.spearman);
        cells.extend([optional(self.likeness), optional(self.ssim()), optional(last)]);
        cells.extend([text(self.stability.mean), text(self.stability.max)]);
        cells
    }
}
