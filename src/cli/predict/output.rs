//! What is said of each picture: a line or a list for people, JSON or CSV for programs.

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;

use serde_json::json;
use unicode_width::UnicodeWidthStr;

use crate::cli::{padded, print};
use crate::data::record::Role;
use crate::error::{Error, Result};
use crate::train::named::Named;

/// Classes of a single picture that are listed where nothing else is asked for.
const LISTED: usize = 5;
/// The widest column of names.
const WIDEST: usize = 60;

/// A picture and what a network says of it.
pub struct Predicted<'a> {
    /// Which of those that were named.
    pub at: usize,
    /// What the run did with it, if it had it.
    pub role: Option<Role>,
    /// Of each class.
    pub logits: &'a [f32],
    /// Likewise.
    pub probabilities: &'a [f32],
}

impl Predicted<'_> {
    /// The classes, the most probable first; of equal ones the first.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.logits.len()).collect();
        order.sort_by(|&a, &b| self.logits[b].total_cmp(&self.logits[a]));
        order
    }
}

/// Where predictions go.
pub struct Output<'a> {
    named: &'a Named,
    classes: &'a [String],
    /// Classes of each picture in the file; none is all.
    top: Option<usize>,
    /// Classes that are listed of each picture; none where each has a line of a table.
    listed: Option<usize>,
    json: bool,
    file: Option<csv::Writer<BufWriter<&'a mut File>>>,
    /// The object that is yet to be printed: whether a comma stands behind it, the next tells.
    last: Option<String>,
    /// Columns that the pictures' names and the classes' take.
    widths: [usize; 2],
}

impl<'a> Output<'a> {
    /// For the pictures that were `named` and a network that knows `classes`, of which `top` are wanted: on the screen, as JSON if
    /// `json`, and as CSV into `file`.
    ///
    /// # Errors
    /// A screen or file that cannot be written to.
    pub fn new(
        named: &'a Named,
        classes: &'a [String],
        top: Option<usize>,
        json: bool,
        file: Option<&'a mut File>,
    ) -> Result<Self> {
        let count = named.places.len();
        let top = top.map(|top| top.min(classes.len()));
        let listed = top.or((count == 1).then_some(LISTED.min(classes.len())));
        let names = (0..count).map(|at| named.name(at).width()).max().unwrap_or(0).min(WIDEST);
        let widest = classes.iter().map(|name| name.width()).max().unwrap_or(0);
        let widths =
            if listed.is_some() { [names, widest.max(24)] } else { [names.max("picture".len()), widest.max(6)] };
        let file = file.map(|file| csv::Writer::from_writer(BufWriter::new(file)));
        let mut output = Self { named, classes, top, listed, json, file, last: None, widths };
        output.begin()?;
        Ok(output)
    }

    fn begin(&mut self) -> Result<()> {
        let columns: Vec<String> = match self.top {
            Some(top) => (2..=top).flat_map(|rank| [format!("class_{rank}"), format!("probability_{rank}")]).collect(),
            None => self.classes.iter().map(|class| format!("probability of {class}")).collect(),
        };
        let header = ["picture", "part", "true", "class", "probability"].map(String::from).into_iter().chain(columns);
        self.row(header)?;
        if self.json || self.listed.is_some() {
            return Ok(());
        }
        let [name, class] = self.widths;
        let class = padded("class", class);
        print(format_args!("{}  {class}           {}", padded("picture", name), "second"))
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// A screen or file that cannot be written to.
    pub fn add(&mut self, batch: &[Predicted]) -> Result<()> {
        let mut text = String::new();
        for one in batch {
            let order = one.order();
            self.csv(one, &order)?;
            if self.json {
                let object = format!("{:#}", self.object(one, &order)).replace('\n', "\n  ");
                match self.last.replace(object) {
                    Some(object) => text += &format!("  {object},\n"),
                    None => text += "[\n",
                }
            } else {
                text += &self.lines(one, &order);
            }
        }
        text.pop();
        print(text)
    }

    /// Says that these were all.
    ///
    /// # Errors
    /// A screen or file that cannot be written to.
    pub fn end(mut self) -> Result<()> {
        if let Some(file) = &mut self.file {
            file.flush().map_err(|e| Error::file("‹out›", e))?;
        }
        self.last.map_or(Ok(()), |object| print(format_args!("  {object}\n]")))
    }

    fn object(&self, one: &Predicted, order: &[usize]) -> serde_json::Value {
        json!({
            "image": self.named.name(one.at),
            "part": one.role.map(|role| role.to_string()),
            "true": self.named.truth(one.at).map(|class| &self.classes[class]),
            "class": self.classes[order[0]],
            "classes": self.classes,
            "probabilities": one.probabilities,
            "logits": one.logits,
        })
    }

    /// For people.
    fn lines(&self, one: &Predicted, order: &[usize]) -> String {
        let [names, classes] = self.widths;
        let name = self.named.name(one.at);
        let truth = self.named.truth(one.at).map(|class| format!(" (true: {})", self.classes[class]));
        let trained = (one.role == Some(Role::Train)).then(|| " (was trained on)".to_owned());
        let remarks = [truth, trained].into_iter().flatten().collect::<String>();
        let class = |class: usize| (100.0 * one.probabilities[class], padded(&self.classes[class], classes));
        let Some(listed) = self.listed else {
            let of = |at: &usize| {
                let (percent, name) = class(*at);
                format!("{name} {percent:6.2} %")
            };
            let best: Vec<String> = order.iter().take(2).map(of).collect();
            return format!("{}  {}{remarks}\n", padded(&name, names), best.join("  "));
        };
        let mut text = format!("{name}{remarks}\n");
        for &at in order.iter().take(listed) {
            let (percent, name) = class(at);
            let _ = writeln!(text, "  {percent:6.2} %  {name}  logit {:.3}", one.logits[at]);
        }
        text
    }

    fn csv(&mut self, one: &Predicted, order: &[usize]) -> Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        let share = |class: usize| format!("{:.6e}", one.probabilities[class]);
        let name = |class: usize| self.classes[class].clone();
        let truth = self.named.truth(one.at).map_or(String::new(), name);
        let part = one.role.map_or(String::new(), |role| role.to_string());
        let mut cells = vec![self.named.name(one.at), part, truth, name(order[0]), share(order[0])];
        match self.top {
            Some(top) => cells.extend(order[1..top].iter().flat_map(|&class| [name(class), share(class)])),
            None => cells.extend((0..self.classes.len()).map(share)),
        }
        self.row(cells)
    }

    /// Adds a row to the file, if there is one.
    fn row(&mut self, cells: impl IntoIterator<Item = String>) -> Result<()> {
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_record(cells));
        written.map_err(|e| Error::file("‹out›", e))
    }
}
