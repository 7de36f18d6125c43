//! From a text to plain layers: blocks become the layers that they stand for, parameters their numbers.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeTable;

use super::super::OUTPUTS;
use super::text::{Entry, Lines, Value, entries, find, instead};
use crate::nn::init::{Filters, Weights};

/// Keys of the text.
pub(super) const BLOCK: &str = "block";
pub(super) const REPEAT: &str = "repeat";
const PARAMETERS: &str = "parameters";
const LAYERS: &str = "layers";
const BRANCH: &str = "branch";
/// A sum's shortcut, as the layer that it becomes is called.
pub(super) const DOWNSAMPLE: &str = "downsample";
/// The number of classes, wherever a number may stand.
pub(super) const CLASSES: &str = "classes";

/// Numbers by name.
pub(super) type Parameters = BTreeMap<String, f64>;

/// A network as layers that know their numbers.
pub(super) struct Plain {
    pub filters: Filters,
    pub weights: Weights,
    pub layers: Vec<Layer>,
}

/// A layer, and the line in which it is written.
pub(super) struct Layer {
    pub name: String,
    pub line: usize,
    pub is: Is,
}

/// What a layer is.
pub(super) enum Is {
    Conv { filters: usize, size: usize, stride: usize, padding: usize, dilation: usize, groups: usize, bias: bool },
    BatchNorm,
    Relu,
    Gelu,
    Pool { of: Of, size: usize, stride: usize, padding: usize },
    GlobalAvgPool,
    AdaptivePool { of: Of, bins: usize },
    Flatten,
    Dropout(f32),
    Linear { outputs: usize, bias: bool },
    Chain(Vec<Layer>),
    Sum { branch: Vec<Layer>, downsample: Option<Vec<Layer>> },
}

/// What pooling makes of its pixels.
#[derive(Clone, Copy)]
pub(super) enum Of {
    Maxima,
    Means,
}

/// `[block.NAME]`.
#[derive(Clone)]
pub(super) struct Block<'a> {
    pub at: usize,
    pub parameters: Parameters,
    pub layers: &'a Value<'a>,
    /// Whether those are a branch, to whose output the shortcut's is added.
    pub is_sum: bool,
    pub downsample: Option<&'a Value<'a>>,
}

/// What layers are read with.
pub(super) struct Reader<'a> {
    pub lines: Lines,
    pub classes: usize,
    pub blocks: BTreeMap<&'a str, Block<'a>>,
    /// Blocks that are being read, each inside the one before.
    pub open: Vec<&'a str>,
    pub used: BTreeSet<&'a str>,
    /// Layers so far.
    pub count: usize,
}

/// Reads `text` for `classes`, with the numbers `given` in place of those of its own parameters.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn read(text: &str, given: &BTreeMap<String, String>, classes: usize) -> Result<Plain, String> {
    let lines = Lines::of(text);
    let document = lines.parse(text)?;
    let root = entries(&document);
    let (blocks, open, used) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
    let mut reader = Reader { lines, classes, blocks, open, used, count: 0 };
    reader.known(&root, &[PARAMETERS, "init", LAYERS, BLOCK], "key", "")?;
    let mut parameters = reader.parameters(&root)?;
    for (name, number) in given {
        let known: Vec<&str> = parameters.keys().map(String::as_str).collect();
        if !parameters.contains_key(name) {
            return Err(format!("no parameter of the network is called {}", instead(name, &known)));
        }
        let number = number.parse().map_err(|_| format!("{name}={number}: expected a number"))?;
        parameters.insert(name.clone(), number);
    }
    let (filters, weights) = reader.init(&root)?;
    if let Some(blocks) = find(&root, BLOCK) {
        for Entry { key, at, value } in entries(reader.table(blocks, "blocks are tables, [block.NAME]")?) {
            let block = reader.block(key, at, value)?;
            reader.blocks.insert(key, block);
        }
    }
    let layers = find(&root, LAYERS).ok_or("it has no layers: write them below [layers]")?;
    let layers = reader.chain(layers, "", &parameters)?;
    match reader.blocks.iter().find(|(name, _)| !reader.used.contains(*name)) {
        None => Ok(Plain { filters, weights, layers }),
        Some((name, block)) => {
            let fix = format!("use it by {{ block = \"{name}\" }}, or leave it out");
            Err(reader.wrong(block.at, "", &format!("nothing is made of block '{name}': {fix}")))
        }
    }
}

impl<'a> Reader<'a> {
    /// A mistake at byte `at`, in the layer `path` unless that is empty.
    pub fn wrong(&self, at: usize, path: &str, what: &str) -> String {
        let layer = if path.is_empty() { String::new() } else { format!(", layer '{path}'") };
        format!("line {}{layer}: {what}", self.lines.line(at))
    }

    /// Refuses an entry whose key is not among `keys`.
    pub fn known(&self, found: &[Entry], keys: &[&str], what: &str, path: &str) -> Result<(), String> {
        let odd = found.iter().find(|entry| !keys.contains(&entry.key));
        odd.map_or(Ok(()), |odd| Err(self.wrong(odd.at, path, &format!("unknown {what} {}", instead(odd.key, keys)))))
    }

    fn table(&self, value: &'a Value<'a>, what: &str) -> Result<&'a DeTable<'a>, String> {
        value.get_ref().as_table().ok_or_else(|| self.wrong(value.span().start, "", what))
    }

    /// The parameters that stand among `found`.
    fn parameters(&self, found: &[Entry<'a>]) -> Result<Parameters, String> {
        let (mut parameters, none) = (Parameters::new(), Parameters::new());
        let Some(value) = find(found, PARAMETERS) else { return Ok(parameters) };
        let form = "parameters are a table of numbers, { width = 64, stride = 1 }";
        for Entry { key, at, value } in entries(self.table(value, form)?) {
            if !is_name(key) || [CLASSES, OUTPUTS, BLOCK, REPEAT].contains(&key) {
                return Err(self.wrong(at, "", &format!("no parameter can be called '{key}': choose another name")));
            }
            parameters.insert(key.to_owned(), self.number(value, key, "", &none)?);
        }
        Ok(parameters)
    }

    /// How weights begin.
    fn init(&self, root: &[Entry<'a>]) -> Result<(Filters, Weights), String> {
        let (mut filters, mut weights) = (Filters::Default, Weights::Default);
        let Some(value) = find(root, "init") else { return Ok((filters, weights)) };
        let table = entries(self.table(value, "init is a table, { conv = \"kaiming\", linear = \"normal(0.01)\" }")?);
        self.known(&table, &["conv", "linear"], "layer", "")?;
        for Entry { key, value, .. } in table {
            let word = value.get_ref().as_str().unwrap_or_default();
            let odd = |what: &str| Err(self.wrong(value.span().start, "", what));
            match (key, word) {
                ("conv", "default") => filters = Filters::Default,
                ("conv", "xavier") => filters = Filters::XavierNormal,
                ("conv", "kaiming") => filters = Filters::KaimingNormal,
                ("conv", _) => return odd("filters begin as \"default\", \"xavier\" or \"kaiming\""),
                (_, "default") => weights = Weights::Default,
                _ => match deviation(word) {
                    Some(deviation) => weights = Weights::Normal(deviation),
                    None => return odd("linear layers begin as \"default\" or \"normal(0.01)\", of any deviation"),
                },
            }
        }
        Ok((filters, weights))
    }

    fn block(&self, name: &str, at: usize, value: &'a Value<'a>) -> Result<Block<'a>, String> {
        let table = entries(self.table(value, "a block is a table, [block.NAME]")?);
        self.known(&table, &[PARAMETERS, LAYERS, BRANCH, DOWNSAMPLE], "key of a block", "")?;
        let (layers, branch, downsample) = (find(&table, LAYERS), find(&table, BRANCH), find(&table, DOWNSAMPLE));
        let wrong = |what: &str| self.wrong(at, "", &format!("block '{name}': {what}"));
        let layers = match (layers, branch) {
            (Some(_), None) if downsample.is_some() => {
                return Err(wrong("a downsample is the shortcut beside a branch: write branch in place of layers"));
            }
            (Some(layers), None) | (None, Some(layers)) => layers,
            _ => return Err(wrong("it has either layers or, for a sum with a shortcut, a branch")),
        };
        // Repeated, it would never come to an end.
        if layers.get_ref().as_array().is_some_and(|items| items.is_empty()) {
            return Err(wrong("there are no layers in it: write one, or leave it out"));
        }
        Ok(Block { at, parameters: self.parameters(&table)?, layers, is_sum: branch.is_some(), downsample })
    }
}

/// What stands in `normal(…)`.
fn deviation(word: &str) -> Option<f32> {
    let number = word.strip_prefix("normal(")?.strip_suffix(')')?;
    number.parse().ok().filter(|deviation: &f32| deviation.is_finite() && *deviation >= 0.0)
}

/// Whether a layer or a parameter can be called so: options name them between commas, dots and equals signs.
pub(super) fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}
