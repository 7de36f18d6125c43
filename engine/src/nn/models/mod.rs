//! The networks, one file each: layers only.
//!
//! A network is asked for by name, with options behind a colon: `resnet18`, `resnet18:stem=imagenet`,
//! `vgg16_bn:head=imagenet,dropout=0.3`. Any takes `outputs=N`: it has N outputs, as for classes that it knows already, and below
//! them one more linear layer, `head`, to the classes asked for.
//!
//! One that a user writes goes by its file's name, `mynet.toml`, with numbers of its parameters behind a colon, and has its text in
//! the lines below ([`with_text`]): such a spec is the whole network, wherever it is kept.

mod airbench94;
mod little_conv;
mod my_net;
mod my_net_pro;
mod resnet;
mod vgg;
mod written;

use std::collections::BTreeMap;

use crate::device::{Device, Target, dry::Dry};
use crate::error::{Error, Result};
use crate::nn::{Builder, Layer, Linear, Sequential};
use resnet::Block;

/// One network.
pub struct Model {
    /// As the command line names it.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// What may stand behind the colon; empty if nothing.
    pub options: &'static str,
    build: fn(&mut Builder, &mut Wanted) -> Result<Sequential>,
}

const VGG: &str = "head=cifar|linear|imagenet, dropout=P, init=default|xavier";
const RESNET: &str = "stem=cifar|imagenet";

/// Every network there is; a new one is its file and a line here.
#[rustfmt::skip]
pub const MODELS: &[Model] = &[
    Model { name: "little-conv", about: "four 3×3 convolutions with batch normalization", options: "dropout=P", build: little_conv::build },
    Model { name: "vgg11", about: "VGG, configuration A", options: VGG, build: |b, w| vgg::build(b, w, vgg::A, false) },
    Model { name: "vgg13", about: "VGG, configuration B", options: VGG, build: |b, w| vgg::build(b, w, vgg::B, false) },
    Model { name: "vgg16", about: "VGG, configuration D", options: VGG, build: |b, w| vgg::build(b, w, vgg::D, false) },
    Model { name: "vgg19", about: "VGG, configuration E", options: VGG, build: |b, w| vgg::build(b, w, vgg::E, false) },
    Model { name: "vgg11_bn", about: "VGG A with batch normalization", options: VGG, build: |b, w| vgg::build(b, w, vgg::A, true) },
    Model { name: "vgg13_bn", about: "VGG B with batch normalization", options: VGG, build: |b, w| vgg::build(b, w, vgg::B, true) },
    Model { name: "vgg16_bn", about: "VGG D with batch normalization", options: VGG, build: |b, w| vgg::build(b, w, vgg::D, true) },
    Model { name: "vgg19_bn", about: "VGG E with batch normalization", options: VGG, build: |b, w| vgg::build(b, w, vgg::E, true) },
    Model { name: "resnet18", about: "8 residual blocks of two 3×3 convolutions", options: RESNET, build: |b, w| resnet::build(b, w, Block::Basic, [2, 2, 2, 2]) },
    Model { name: "resnet34", about: "16 residual blocks of two 3×3 convolutions", options: RESNET, build: |b, w| resnet::build(b, w, Block::Basic, [3, 4, 6, 3]) },
    Model { name: "resnet50", about: "16 bottleneck blocks of 1×1, 3×3 and 1×1 convolutions", options: RESNET, build: |b, w| resnet::build(b, w, Block::Bottleneck, [3, 4, 6, 3]) },
    Model { name: "mynet", about: "two 5×5 convolutions and two linear layers, for 224×224", options: "", build: my_net::build },
    Model { name: "mynetpro", about: "AlexNet with batch normalization, for 224×224", options: "dropout=P", build: my_net_pro::build },
    Model { name: "airbench94", about: "whitening, then three groups of two 3×3 convolutions, with GELU: 94 % on CIFAR-10 in seconds", options: "", build: airbench94::build },
];

/// What a network is built for.
pub struct Wanted {
    /// Logits per image.
    pub classes: usize,
    spec: String,
    input: [usize; 2],
    options: BTreeMap<String, String>,
}

impl Wanted {
    /// Option `name`, one of `known`; the first of them if it is not given.
    fn choice<'a>(&mut self, name: &str, known: &[&'a str]) -> Result<&'a str> {
        let Some(given) = self.options.remove(name) else { return Ok(known[0]) };
        known.iter().find(|&&value| value == given).copied().ok_or_else(|| {
            Error::usage(format!("model '{}': {name}={given} is unknown: use {}", self.spec, known.join(", ")))
        })
    }

    /// Option `name`, a number from 0 to 1.
    fn share(&mut self, name: &str, default: f32) -> Result<f32> {
        let Some(given) = self.options.remove(name) else { return Ok(default) };
        given.parse().ok().filter(|value| (0.0..=1.0).contains(value)).ok_or_else(|| {
            Error::usage(format!("model '{}': {name}={given}: expected a number from 0 to 1", self.spec))
        })
    }

    /// Option `name`, a number above 0, if it is given.
    fn count(&mut self, name: &str) -> Result<Option<usize>> {
        let Some(given) = self.options.remove(name) else { return Ok(None) };
        let count = given.parse().ok().filter(|&count| count > 0);
        let wrong = || Error::usage(format!("model '{}': {name}={given}: expected a number above 0", self.spec));
        count.map(Some).ok_or_else(wrong)
    }

    /// What `shrink` makes of the image's height and width, which must both be at least `least`.
    fn input_after(&self, least: usize, shrink: impl Fn(usize) -> usize) -> Result<[usize; 2]> {
        let [height, width] = self.input;
        if height < least || width < least {
            let what = format!("images of {height}×{width} pixels are too small, it takes at least {least}×{least}");
            return Err(Error::usage(format!("model '{}': {what}", self.spec)));
        }
        Ok([shrink(height), shrink(width)])
    }
}

/// What the network `spec` is called: all of it but the text.
pub fn name(spec: &str) -> &str {
    spec.split('\n').next().unwrap_or_default()
}

/// The text of the network `spec`, where that is written.
pub fn text(spec: &str) -> Option<&str> {
    split(spec).1
}

/// The file that `spec` names in place of a network; none where its text is there already.
pub fn file(spec: &str) -> Option<&str> {
    Some(parts(spec).0).filter(|name| !spec.contains('\n') && name.ends_with(TOML))
}

/// The spec of the network that `text` writes, which is called `name`: that of its file, with options as a person writes them.
pub fn with_text(name: &str, text: &str) -> String {
    format!("{}\n{text}", name.replace(char::is_control, " "))
}

/// `spec` with one option more.
pub fn with_option(spec: &str, option: &str) -> String {
    let (line, rest) = spec.split_at(name(spec).len());
    let (name, options) = parts(line);
    let between = if options.is_empty() { "" } else { "," };
    format!("{name}:{options}{between}{option}{rest}")
}

/// How names of files end that write networks.
const TOML: &str = ".toml";

/// A network's name, and its options.
fn parts(line: &str) -> (&str, &str) {
    let end = match line.find(".toml:") {
        Some(at) => at + TOML.len(),
        None if line.ends_with(TOML) => line.len(),
        None => line.find(':').unwrap_or(line.len()),
    };
    (&line[..end], line[end..].trim_start_matches(':'))
}

/// `spec` with the network's name in our spelling: any case, with or without `-` and `_`, as timm, torchvision and Keras
/// write it (`ResNet18`, `vgg16-bn`, `VGG16_BN`). A name that is not known stays as it is.
pub fn respell(spec: &str) -> String {
    let plain = |name: &str| name.to_lowercase().replace(['-', '_'], "");
    let (theirs, _) = parts(name(spec));
    let known = MODELS.iter().find(|model| plain(model.name) == plain(theirs));
    format!("{}{}", known.map_or(theirs, |model| model.name), &spec[theirs.len()..])
}

/// The model `spec` with `classes` outputs for images of `input` (height, width), initialized from `seed`. Input:
/// `[N, H, W, 3]`; output: logits `[N, classes]`.
///
/// # Errors
/// An unknown name or option (the error lists the known ones); images that are too small; a text that writes no network, with the
/// place and the fix.
pub fn build(spec: &str, classes: usize, input: [usize; 2], device: &Device, seed: u64) -> Result<Sequential> {
    let spelled = respell(spec);
    let (line, text) = split(&spelled);
    let builder = &mut Builder::new(device, seed);
    let mut wanted = Wanted { classes, spec: line.into(), input, options: options(line)? };
    let outputs = wanted.count(OUTPUTS)?;
    wanted.classes = outputs.unwrap_or(classes);
    let network = match text {
        Some(text) => written::build(builder, line, text, &wanted.options, wanted.classes, input)?,
        None => named(builder, parts(line).0, wanted)?,
    };
    match outputs {
        None => Ok(network),
        Some(_) if network.children().iter().any(|(name, _)| *name == HEAD) => Err(Error::usage(format!(
            "model '{line}': its own layer '{HEAD}' has the name of the one to add: use ‹head=replace›, or call it otherwise"
        ))),
        Some(outputs) => Ok(network.with(HEAD, Linear::new(builder, outputs, classes)?)),
    }
}

/// Outputs below an added head, as an option, and that layer.
const OUTPUTS: &str = "outputs";
const HEAD: &str = "head";

/// The line with name and options, and the text, if there is one.
fn split(spec: &str) -> (&str, Option<&str>) {
    spec.split_once('\n').map_or((spec, None), |(line, text)| (line, Some(text)))
}

/// The options in `line`.
fn options(line: &str) -> Result<BTreeMap<String, String>> {
    let mut parsed = BTreeMap::new();
    for option in parts(line).1.split(',').filter(|option| !option.is_empty()) {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        if parsed.insert(key.trim().to_owned(), value.trim().to_owned()).is_some() {
            return Err(Error::usage(format!("model '{line}': option '{key}' is given twice")));
        }
    }
    Ok(parsed)
}

/// One of [`MODELS`].
fn named(builder: &mut Builder, name: &str, mut wanted: Wanted) -> Result<Sequential> {
    let model = MODELS.iter().find(|model| model.name == name).ok_or_else(|| {
        let known: Vec<_> = MODELS.iter().map(|model| model.name).collect();
        Error::usage(format!("unknown model '{name}': use {}, or a TOML file that writes one", known.join(", ")))
    })?;
    let network = (model.build)(builder, &mut wanted)?;
    let spec = &wanted.spec;
    match wanted.options.keys().next() {
        None => Ok(network),
        Some(key) if model.options.is_empty() => {
            Err(Error::usage(format!("model '{spec}': {name} has no options, got '{key}'")))
        }
        Some(key) if model.options.contains(&format!("{key}=")) => {
            Err(Error::usage(format!("model '{spec}': option '{key}' does not go with the others: leave it out")))
        }
        Some(key) => Err(Error::usage(format!("model '{spec}': unknown option '{key}': use {}", model.options))),
    }
}

/// Refuses a spec that cannot be built for `classes` and `input`, without computing anything.
///
/// # Errors
/// As [`build`].
pub fn check(spec: &str, classes: usize, input: [usize; 2]) -> Result<()> {
    let device = Device::new(Box::new(Dry::new(Target::Host { lanes: 16 })));
    build(spec, classes, input, &device, 0).map(drop)
}

/// Refuses a spec that is no network's, whatever the classes and images.
///
/// # Errors
/// As [`build`], but for what a written network makes of its images.
pub fn check_spec(spec: &str) -> Result<()> {
    let (line, Some(text)) = split(spec) else { return check(spec, 1, [224, 224]) };
    let mut given = options(line)?;
    given.remove(OUTPUTS);
    written::check(line, text, &given)
}
