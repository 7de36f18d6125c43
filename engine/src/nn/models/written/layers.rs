//! Layers as they are written: a word, a table with settings, a list, or a block in their place.

use toml::de::DeValue;

use super::read::{BLOCK, Block, DOWNSAMPLE, Is, Layer, Of, Parameters, REPEAT, Reader, is_name};
use super::settings::Settings;
use super::text::{Entry, Value, entries, find, instead};

/// The most layers of a network: far more than any has.
const MOST: usize = 4096;
/// The most blocks and lists inside each other.
const DEEPEST: usize = 32;

/// Layers that a word says.
const WORDS: [&str; 5] = ["batchnorm", "relu", "gelu", "flatten", "global_avgpool"];
/// Those that a table says: what may be set beside their number, and one of them.
const TABLES: [(&str, &[&str], &str); 8] = [
    ("conv", &["size", "stride", "padding", "dilation", "groups", "bias"], "{ conv = 64, size = 3 }"),
    ("maxpool", &["stride", "padding"], "{ maxpool = 2 }"),
    ("avgpool", &["stride", "padding"], "{ avgpool = 2 }"),
    ("adaptive_maxpool", &[], "{ adaptive_maxpool = 7 }"),
    ("adaptive_avgpool", &[], "{ adaptive_avgpool = 7 }"),
    ("dropout", &[], "{ dropout = 0.5 }"),
    ("linear", &["bias"], "{ linear = 100 }"),
    (BLOCK, &[REPEAT], "{ block = \"NAME\" }"),
];
/// The parameter that only the first of several repeats has, and those behind it 1.
const STRIDE: &str = "stride";

/// `inner` in `path`.
pub(super) fn join(path: &str, inner: &str) -> String {
    if path.is_empty() { inner.into() } else { format!("{path}.{inner}") }
}

impl<'a> Reader<'a> {
    /// Layers one after the other: a list, in which they have numbers, or a table of names.
    pub fn chain(&mut self, value: &'a Value<'a>, path: &str, parameters: &Parameters) -> Result<Vec<Layer>, String> {
        let mut layers = Vec::new();
        match value.get_ref() {
            DeValue::Array(items) => {
                items.iter().try_for_each(|item| self.add(&mut layers, None, item, path, parameters))?;
            }
            DeValue::Table(table) => {
                for Entry { key, at, value } in entries(table) {
                    if !is_name(key) {
                        let what = format!("'{key}' is no name of a layer: use letters, digits, _ and -");
                        return Err(self.wrong(at, path, &what));
                    }
                    self.add(&mut layers, Some(key), value, path, parameters)?;
                }
            }
            _ => {
                let what = "layers are a list, [\"batchnorm\", \"relu\"], or a table of their names";
                return Err(self.wrong(value.span().start, path, what));
            }
        }
        let none = || self.wrong(value.span().start, path, "there are no layers in it: write one, or leave it out");
        if layers.is_empty() { Err(none()) } else { Ok(layers) }
    }

    /// Appends what `value` says to `layers` in `path`; without a name, under its number.
    fn add(
        &mut self,
        layers: &mut Vec<Layer>,
        name: Option<&str>,
        value: &'a Value<'a>,
        path: &str,
        parameters: &Parameters,
    ) -> Result<(), String> {
        let at = value.span().start;
        let own = name.map_or_else(|| layers.len().to_string(), str::to_owned);
        let full = join(path, &own);
        self.count += 1;
        if self.count > MOST {
            return Err(self.wrong(at, &full, &format!("these are more than {MOST} layers: repeat less")));
        }
        if self.open.len() + full.split('.').count() > DEEPEST {
            return Err(self.wrong(at, &full, &format!("it lies in more than {DEEPEST} others: nest less")));
        }
        let is = match value.get_ref() {
            DeValue::String(word) => self.word(word, at, &full)?,
            DeValue::Array(_) => Is::Chain(self.chain(value, &full, parameters)?),
            DeValue::Table(table) => {
                let found = entries(table);
                let kind = self.kind(&found, at, &full)?;
                if kind == BLOCK {
                    return self.block_in(layers, name, &found, at, path, parameters);
                }
                self.layer(kind, &Settings { reader: self, found: &found, at, path: &full, parameters })?
            }
            _ => {
                return Err(self.wrong(
                    at,
                    &full,
                    "a layer is a word, \"relu\", a table, { conv = 64, size = 3 }, or a list",
                ));
            }
        };
        layers.push(Layer { name: own, line: self.lines.line(at), is });
        Ok(())
    }

    fn word(&self, word: &str, at: usize, path: &str) -> Result<Is, String> {
        let example = TABLES.iter().find(|(kind, ..)| *kind == word).map(|(.., example)| example);
        let what = match (word, example) {
            ("batchnorm", _) => return Ok(Is::BatchNorm),
            ("relu", _) => return Ok(Is::Relu),
            ("gelu", _) => return Ok(Is::Gelu),
            ("flatten", _) => return Ok(Is::Flatten),
            ("global_avgpool", _) => return Ok(Is::GlobalAvgPool),
            (_, Some(example)) => format!("{word} needs a number: {example}"),
            _ if self.blocks.contains_key(word) => format!("'{word}' is a block: {{ block = \"{word}\" }}"),
            _ => format!("no layer is called {}", instead(word, &kinds())),
        };
        Err(self.wrong(at, path, &what))
    }

    /// Which of the layers with settings `found` says.
    fn kind(&self, found: &[Entry<'a>], at: usize, path: &str) -> Result<&'static str, String> {
        let said: Vec<_> = TABLES.iter().filter(|(kind, ..)| find(found, kind).is_some()).collect();
        match (&said[..], found.first()) {
            ([(kind, ..)], _) if *kind == BLOCK => Ok(kind),
            ([(kind, settings, _)], _) => {
                let keys: Vec<&str> = std::iter::once(*kind).chain(settings.iter().copied()).collect();
                self.known(found, &keys, &format!("setting of {kind}"), path).map(|()| *kind)
            }
            ([(one, ..), (other, ..), ..], _) => {
                Err(self.wrong(at, path, &format!("{one} and {other} are two layers: write a list of both")))
            }
            ([], first) => {
                let word = first.filter(|entry| WORDS.contains(&entry.key));
                let word = word.map(|entry| format!("{0} has no settings: \"{0}\"", entry.key));
                let first = first.map_or("", |entry| entry.key);
                Err(self.wrong(
                    at,
                    path,
                    &word.unwrap_or_else(|| format!("no layer is called {}", instead(first, &kinds()))),
                ))
            }
        }
    }

    fn layer(&self, kind: &'static str, settings: &Settings) -> Result<Is, String> {
        let count = |key: &str, least: usize, default: usize| settings.count(key, least, Some(default));
        let number = || settings.count(kind, 1, None);
        Ok(match kind {
            "conv" => Is::Conv {
                filters: number()?,
                size: settings.count("size", 1, None)?,
                stride: count("stride", 1, 1)?,
                padding: count("padding", 0, 0)?,
                dilation: count("dilation", 1, 1)?,
                groups: count("groups", 1, 1)?,
                bias: settings.flag("bias")?,
            },
            "maxpool" | "avgpool" => {
                let size = number()?;
                let (stride, padding) = (count("stride", 1, size)?, count("padding", 0, 0)?);
                Is::Pool { of: if kind == "maxpool" { Of::Maxima } else { Of::Means }, size, stride, padding }
            }
            "adaptive_maxpool" => Is::AdaptivePool { of: Of::Maxima, bins: number()? },
            "adaptive_avgpool" => Is::AdaptivePool { of: Of::Means, bins: number()? },
            "dropout" => Is::Dropout(settings.share(kind)?),
            "linear" => Is::Linear { outputs: number()?, bias: settings.flag("bias")? },
            _ => unreachable!("a kind of TABLES"),
        })
    }

    /// Appends the layers of the block that `found` uses. In a list, one that is a list itself goes on with its numbers.
    fn block_in(
        &mut self,
        layers: &mut Vec<Layer>,
        name: Option<&str>,
        found: &[Entry<'a>],
        at: usize,
        path: &str,
        parameters: &Parameters,
    ) -> Result<(), String> {
        let full = join(path, &name.map_or_else(|| layers.len().to_string(), str::to_owned));
        let value = find(found, BLOCK).expect("the layer's kind");
        let called = value.get_ref().as_str().unwrap_or_default();
        let Some((&called, block)) = self.blocks.get_key_value(called) else {
            let known: Vec<&str> = self.blocks.keys().copied().collect();
            let what = format!("no block is called {}", instead(called, &known));
            return Err(self.wrong(value.span().start, &full, &what));
        };
        let block = block.clone();
        let keys: Vec<&str> = block.parameters.keys().map(String::as_str).chain([BLOCK, REPEAT]).collect();
        self.known(found, &keys, &format!("parameter of block '{called}'"), &full)?;
        if self.open.contains(&called) {
            let way = self.open.iter().chain([&called]).copied().collect::<Vec<_>>().join(" → ");
            return Err(self.wrong(at, &full, &format!("block '{called}' is made of itself: {way}")));
        }
        let mut own = block.parameters.clone();
        for Entry { key, value, .. } in found.iter().filter(|entry| own_key(entry)) {
            own.insert((*key).to_owned(), self.number(value, key, &full, parameters)?);
        }
        let settings = Settings { reader: self, found, at, path: &full, parameters };
        let repeat = find(found, REPEAT).map(|_| settings.count(REPEAT, 1, None)).transpose()?;
        self.used.insert(called);
        self.open.push(called);
        match (name, repeat) {
            (Some(name), None) => {
                let is = self.body(&block, &full, &own)?;
                layers.push(Layer { name: name.into(), line: self.lines.line(at), is });
            }
            (Some(name), Some(times)) => {
                let mut inner = Vec::new();
                self.repeated(&mut inner, &block, times, at, &full, own)?;
                layers.push(Layer { name: name.into(), line: self.lines.line(at), is: Is::Chain(inner) });
            }
            (None, times) => self.repeated(layers, &block, times.unwrap_or(1), at, path, own)?,
        }
        self.open.pop();
        Ok(())
    }

    /// Appends `block` so many times, under numbers.
    fn repeated(
        &mut self,
        layers: &mut Vec<Layer>,
        block: &Block<'a>,
        times: usize,
        at: usize,
        path: &str,
        mut parameters: Parameters,
    ) -> Result<(), String> {
        for _ in 0..times {
            match block.layers.get_ref() {
                DeValue::Array(items) if !block.is_sum => {
                    items.iter().try_for_each(|item| self.add(layers, None, item, path, &parameters))?;
                }
                _ => {
                    let name = layers.len().to_string();
                    let is = self.body(block, &join(path, &name), &parameters)?;
                    layers.push(Layer { name, line: self.lines.line(at), is });
                }
            }
            parameters.entry(STRIDE.into()).and_modify(|stride| *stride = 1.0);
        }
        Ok(())
    }

    /// What `block` stands for.
    fn body(&mut self, block: &Block<'a>, path: &str, parameters: &Parameters) -> Result<Is, String> {
        let layers = self.chain(block.layers, path, parameters)?;
        if !block.is_sum {
            return Ok(Is::Chain(layers));
        }
        if layers.iter().any(|layer| layer.name == DOWNSAMPLE) {
            let what = format!("{DOWNSAMPLE} is the name of the shortcut: call this layer otherwise");
            return Err(self.wrong(block.at, &join(path, DOWNSAMPLE), &what));
        }
        let shortcut = block.downsample.map(|value| self.chain(value, &join(path, DOWNSAMPLE), parameters));
        Ok(Is::Sum { branch: layers, downsample: shortcut.transpose()? })
    }
}

fn own_key(entry: &&Entry) -> bool {
    ![BLOCK, REPEAT].contains(&entry.key)
}

/// All layers, as they are written.
fn kinds() -> Vec<&'static str> {
    TABLES.iter().map(|(kind, ..)| *kind).chain(WORDS).collect()
}
