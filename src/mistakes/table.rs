//! What is worth a look, as text for people and as tables.

use super::{Doubt, Mistakes, Twin};
use crate::error::{Error, Result};

/// Rows of each list on the screen.
const SHOWN: usize = 15;

impl Mistakes {
    /// Lists for people.
    pub fn text(&self, classes: &[String]) -> String {
        let count = self.doubted;
        let mut lines = vec![match count {
            0 => {
                "the network doubts the class of no picture; the most mistaken (1 is sure of another class):".to_owned()
            }
            _ => format!(
                "the network doubts the class of {count} (*: another is as probable as it is for pictures of that class on average); the \
                 most mistaken (1 is sure of another):"
            ),
        }];
        let row = |one: &Doubt| {
            let (mark, share) = (if one.doubted { '*' } else { ' ' }, 100.0 * one.probability);
            let (class, predicted) = (&classes[one.class], &classes[one.predicted]);
            let number = one.number;
            format!(
                "{mark} {:.3}  {number:>6} {}  {class}, taken for {predicted} ({share:.1} %)",
                one.mistakenness, one.file
            )
        };
        lines.extend(self.pictures.iter().take(SHOWN).map(row));
        lines.push("the hardest, where the network wavers most (1 is between all classes):".into());
        lines.extend(self.hardest().into_iter().take(SHOWN).map(|at| {
            let one = &self.pictures[at];
            let (class, predicted) = (&classes[one.class], &classes[one.predicted]);
            format!("  {:.3}  {:>6} {}  {class}, taken for {predicted}", one.hardness, one.number, one.file)
        }));
        let (pairs, differ) = (self.pairs.len(), self.pairs.iter().filter(|pair| pair.differ()).count());
        let harmless = match self.harmless {
            0 => String::new(),
            more => format!("; {more} more within a class and a part"),
        };
        lines.push(format!(
            "near-duplicates among {} pictures: {pairs} in other parts or of other classes, {differ} of them of other classes{harmless}",
            self.compared
        ));
        let twin = |twin: &Twin| {
            let class = twin.class.map_or("unlabelled", |class| &classes[class]);
            // Pictures that are no files are called by their part.
            let part = if twin.file.starts_with(&format!("{} ", twin.part)) { "" } else { &*format!("{} ", twin.part) };
            format!("{part}{} ({class})", twin.file)
        };
        let pair = |pair: &super::Pair| {
            let mark = if pair.differ() { '*' } else { ' ' };
            format!("{mark} {:.3}  {}  =  {}", pair.alike, twin(&pair.first), twin(&pair.second))
        };
        lines.extend(self.pairs.iter().take(SHOWN).map(pair));
        lines.join("\n")
    }

    /// `mistakes.csv`: a row for each picture of the part, the most mistaken first.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn csv(&self, classes: &[String]) -> Result<Vec<u8>> {
        let header = [
            "number",
            "file",
            "class",
            "predicted",
            "probability",
            "probability_of_class",
            "mistakenness",
            "hardness",
            "uniqueness",
            "doubted",
        ];
        let row = |one: &Doubt| {
            let numbers =
                [one.probability, one.of_class, one.mistakenness, one.hardness].map(|value| format!("{value:.6e}"));
            let unique = one.uniqueness.map_or(String::new(), |value| format!("{value:.6}"));
            let names = [&one.file, &classes[one.class], &classes[one.predicted]].map(String::clone);
            let first = std::iter::once(one.number.to_string()).chain(names);
            first.chain(numbers).chain([unique, u8::from(one.doubted).to_string()]).collect()
        };
        table("mistakes.csv", &header, self.pictures.iter().map(row))
    }

    /// `duplicates.csv`: a row for each pair, in the order of [`Mistakes::pairs`].
    ///
    /// # Errors
    /// None that input can cause.
    pub fn duplicates_csv(&self, classes: &[String]) -> Result<Vec<u8>> {
        let header = ["alike", "file", "part", "class", "other_file", "other_part", "other_class"];
        let twin = |twin: &Twin| {
            let class = twin.class.map_or(String::new(), |class| classes[class].clone());
            [twin.file.clone(), twin.part.clone(), class]
        };
        let row = |pair: &super::Pair| {
            let alike = format!("{:.6}", pair.alike);
            std::iter::once(alike).chain(twin(&pair.first)).chain(twin(&pair.second)).collect()
        };
        table("duplicates.csv", &header, self.pairs.iter().map(row))
    }
}

fn table(name: &str, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let failed = |e: &dyn std::error::Error| Error::file(name, e);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(|e| failed(&e))?;
    for row in rows {
        writer.write_record(row).map_err(|e| failed(&e))?;
    }
    writer.into_inner().map_err(|e| failed(e.error()))
}
