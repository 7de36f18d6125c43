//! How far attention moves from one epoch to the next.

use super::report::Shown;

/// The drift between two maps of one picture: 1 − r, with r Pearson's correlation of their pixels. 0: the same places,
/// however bright; 1: unrelated; 2: the opposite. None if either has the same value everywhere (a blank map is nowhere).
pub fn drift(a: &[f32], b: &[f32]) -> Option<f64> {
    let mean = |map: &[f32]| map.iter().map(|&v| f64::from(v)).sum::<f64>() / map.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let [mut both, mut of_a, mut of_b] = [0.0; 3];
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a) - mean_a, f64::from(b) - mean_b);
        both += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    let r = both / (of_a * of_b).sqrt();
    r.is_finite().then_some(1.0 - r.clamp(-1.0, 1.0))
}

/// The drifts of pictures from each epoch to the next.
pub struct Drifts {
    epochs: Vec<u32>,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    /// For each step: the class that was explained before and after it, and the drift.
    steps: Vec<([String; 2], Option<f64>)>,
}

impl Drifts {
    /// Of the maps of each picture, in the order of epochs.
    pub fn of(maps: &[Vec<Shown>]) -> Self {
        let step = |pair: &[Shown]| {
            let class = |shown: &Shown| shown.cam.target(|class| shown.classes[class].clone());
            ([class(&pair[0]), class(&pair[1])], drift(&pair[0].map(), &pair[1].map()))
        };
        let row =
            |row: &Vec<Shown>| Row { name: row[0].picture.name.clone(), steps: row.windows(2).map(step).collect() };
        let epochs = maps.first().map_or(Vec::new(), |row| row.iter().map(|shown| shown.epoch).collect());
        Self { epochs, rows: maps.iter().map(row).collect() }
    }

    /// One line for each picture and step; an unknown drift is empty.
    ///
    /// # Errors
    /// None: it is written to memory.
    pub fn csv(&self) -> csv::Result<Vec<u8>> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(["image", "from_epoch", "to_epoch", "from_class", "to_class", "drift"])?;
        for row in &self.rows {
            for (epochs, ([from, to], drift)) in self.epochs.windows(2).zip(&row.steps) {
                let [before, after] = [epochs[0], epochs[1]].map(|epoch| epoch.to_string());
                let drift = drift.map_or(String::new(), |drift| drift.to_string());
                table.write_record([&row.name, &before, &after, from, to, &drift])?;
            }
        }
        table.into_inner().map_err(|e| e.into_error().into())
    }

    /// A table for people: a row for each picture, a column for each step, their means below.
    pub fn table(&self) -> String {
        let widest = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(7);
        let mut text = String::from(
            "drift of attention (1 - correlation of a map with the one before: 0 same places, 1 unrelated)",
        );
        text += &format!("\n{:<widest$}", "picture");
        self.epochs.windows(2).for_each(|pair| text += &format!("{:>11}", format!("{} to {}", pair[0], pair[1])));
        let cell = |drift: Option<f64>| drift.map_or("-".into(), |drift| format!("{drift:.3}"));
        let mut changed = false;
        for row in &self.rows {
            text += &format!("\n{:<widest$}", row.name);
            for ([from, to], drift) in &row.steps {
                changed |= from != to;
                text += &format!("{:>10}{}", cell(*drift), if from == to { ' ' } else { '*' });
            }
        }
        text += &format!("\n{:<widest$}", "mean");
        for step in 0..self.epochs.len().saturating_sub(1) {
            let known: Vec<f64> = self.rows.iter().filter_map(|row| row.steps[step].1).collect();
            let mean = (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64);
            text += &format!("{:>10} ", cell(mean));
        }
        if changed {
            text += "\n* the class that is explained changed, too; ‹target=true› or a class keeps it";
        }
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}
