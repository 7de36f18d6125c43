//! What users of timm, torchvision and Keras type: their names for our options, and what there is instead of options
//! that do not exist here.

use clap::{Arg, Command};

use crate::train::config::Config;

/// Our option, another short name for it, and the other long names that are understood.
type Alias = (&'static str, Option<char>, &'static [&'static str]);

/// Every alias there is: the command line and the keys of files of options share it.
const ALIASES: &[Alias] = &[
    ("model", None, &["arch"]),
    ("weights", None, &["initial-checkpoint"]),
    ("data", None, &["data-path", "data-dir", "dataset"]),
    ("image-size", None, &["img-size", "input-size", "crop-size", "train-crop-size", "val-crop-size"]),
    ("load-size", None, &["resize-size", "val-resize-size"]),
    ("workers", Some('j'), &["num-workers"]),
    ("epochs", None, &["num-epochs"]),
    ("batch-size", Some('b'), &["batch"]),
    ("batch", Some('b'), &["batch-size"]),
    ("accumulate", None, &["grad-accum-steps", "gradient-accumulation-steps", "accumulate-grad-batches", "accum-iter"]),
    ("clip-norm", None, &["clip-grad", "clip-grad-norm", "clipnorm", "max-grad-norm", "max-norm", "gradient-clip-val"]),
    ("ema", None, &["model-ema-decay", "ema-decay", "ema-momentum"]),
    ("patience", None, &["early-stopping", "early-stopping-patience"]),
    ("precision", None, &["amp-dtype", "mixed-precision", "dtype"]),
    ("element", None, &["dtype", "precision"]),
    ("classes", None, &["num-classes"]),
    ("optim", None, &["opt", "optimizer"]),
    ("lr", None, &["learning-rate"]),
    ("schedule", None, &["sched", "lr-scheduler", "scheduler"]),
    ("weight-decay", None, &["wd"]),
    ("betas", None, &["opt-betas", "adam-betas"]),
    ("eps", None, &["opt-eps", "adam-epsilon", "epsilon"]),
    ("label-smoothing", None, &["smoothing"]),
    ("augment", None, &["augmentation"]),
    ("validation", None, &["validation-split", "val-split"]),
    ("out", None, &["output", "output-dir"]),
];

const WARMUP: &str = "a warm-up is part of the schedule: --schedule cosine:warmup=STEPS";
const CLIP: &str = "gradients are clipped by the norm of all together: --clip-norm 1";
const HALF: &str = "activations are --precision f32, bf16 or f16";
const HALF_ELEMENTS: &str = "tensors are --element f32, bf16 or f16";
const HALF_RUN: &str = "the precision of a RUN is that which it was trained in; leave it out";
const SCRATCH: &str = "weights of others are --weights FILE, a .safetensors, .pth or .pt; --head replace is for other classes than theirs";
const AVERAGE: &str = "weights are averaged at every step by --ema DECAY, such as 0.999";
const AUGMENT: &str = "augmentation is --augment none, or an order such as crop4+flip+rotate(15)+mixup(0.2); `train --help` lists what there is";
const LOAD: &str = "a part is cut out of what is loaded: --load-size 256 --image-size 224";
const STEPS: &str = "steps are part of the schedule: --schedule step:EPOCHS:FACTOR or multistep:E,E:FACTOR";
const DROPOUT: &str = "dropout is part of the model: --model vgg16:dropout=P; `warptape models` lists such options";
const ONE: &str = "one device trains: --device host, cuda, cuda:N or ptx";
const DEVICE: &str = "the device is --device host, ptx or, where kernels are not watched, cuda";
const MOMENTS: &str = "Adam's betas are --betas 0.9,0.999";
const PATIENCE: &str = "--schedule plateau:PATIENCE:FACTOR lowers the rate, --patience EPOCHS ends the training";
const DECAY: &str = "norms and biases are left without weight decay by --no-decay norm,bias; layers likewise";
const RESTARTS: &str = "cycles of a cosine are part of the schedule: --schedule restarts:EPOCHS:FACTOR";
const COMPILE: &str = "kernels are always compiled; leave it out";
const LAYOUT: &str = "pictures always lie channels last; leave it out";
const NORMALIZE: &str =
    "pictures are normalized by --normalize data (the training set's own mean and std), imagenet or weights";
const CLASSES: &str = "the data set says how many classes there are; leave it out";
const LOG: &str = "steps.csv and metrics.csv in the run's folder hold every step and epoch; leave it out";
const RESUME: &str = "go on with a run by --resume RUN";
const EVAL: &str = "look at a trained network by `warptape eval RUN`";

/// What stands in place of an option of theirs: of several hints the first that names what the command at hand has.
#[rustfmt::skip]
const MISSING: &[(&[&str], &[&str])] = &[
    (&[WARMUP], &["warmup", "warmup-epochs", "warmup-steps", "warmup-lr", "lr-warmup-epochs", "lr-warmup-method", "lr-warmup-decay"]),
    (&[CLIP], &["clip-mode", "clipvalue", "clip-value", "global-clipnorm"]),
    (&[HALF, HALF_ELEMENTS, HALF_RUN], &["amp", "fp16", "bf16", "half"]),
    (&[SCRATCH], &["pretrained", "pretrained-path", "finetune"]),
    (&[AVERAGE], &["model-ema", "use-ema", "model-ema-steps", "model-ema-warmup"]),
    (&[AUGMENT], &["mixup", "mixup-alpha", "cutmix", "cutmix-alpha", "aa", "auto-augment", "reprob", "random-erase", "hflip", "vflip", "color-jitter", "no-aug"]),
    (&[LOAD], &["crop-pct", "crop-mode", "train-crop-mode"]),
    (&[STEPS], &["lr-step-size", "lr-gamma", "step-size", "gamma", "milestones", "decay-epochs", "decay-milestones", "decay-rate"]),
    (&[DROPOUT], &["drop", "dropout"]),
    (&[ONE], &["distributed", "world-size", "local-rank", "gpus", "sync-bn", "dist-url"]),
    (&[DEVICE], &["cuda", "no-cuda", "gpu", "cpu"]),
    (&[MOMENTS], &["beta1", "beta2", "beta-1", "beta-2", "adam-beta1", "adam-beta2"]),
    (&[PATIENCE], &["patience-epochs", "lr-patience"]),
    (&[DECAY], &["norm-weight-decay", "bias-weight-decay", "no-weight-decay", "filter-bias-and-bn"]),
    (&[RESTARTS], &["lr-cycle-mul", "lr-cycle-decay", "lr-cycle-limit", "restarts"]),
    (&[COMPILE], &["compile", "torchcompile", "torchscript"]),
    (&[LAYOUT], &["channels-last"]),
    (&[NORMALIZE], &["mean", "std"]),
    (&[CLASSES], &["num-classes"]),
    (&[LOG], &["verbose", "print-freq", "log-interval", "log-wandb"]),
    (&[RESUME], &["checkpoint", "start-epoch"]),
    (&[EVAL], &["test-only", "evaluate"]),
];

/// `command` and its subcommands, whose options also answer to their aliases. Help does not show them.
pub fn understood(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    let command = command.mut_args(also);
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, understood))
}

fn also(arg: Arg) -> Arg {
    // `--lr -1` is a number that is wrong, and no option.
    let numbers = arg.get_long().is_some() && arg.get_action().takes_values();
    let arg = if numbers { arg.allow_negative_numbers(true) } else { arg };
    let known = ALIASES.iter().find(|(ours, ..)| arg.get_long() == Some(ours));
    let Some((_, short, long)) = known else { return arg };
    let arg = arg.aliases(*long);
    short.map_or(arg.clone(), |short| arg.short_alias(short))
}

/// The key of a file of options that `key` is another name of, with `_` for `-`.
pub fn key(key: &str) -> Option<String> {
    let word = key.replace('_', "-");
    let known = ALIASES.iter().find(|(_, _, long)| long.contains(&word.as_str()));
    known.map(|(ours, ..)| ours.replace('-', "_"))
}

/// The key of a file of options that is most like `key`, among our names and those that are understood.
pub fn nearest(key: &str) -> String {
    let theirs = ALIASES.iter().flat_map(|(ours, _, all)| all.iter().map(move |name| (*name, *ours)));
    let ours = Config::KEYS.into_iter().map(|name| (name, name)).chain(theirs);
    let likeness = |name: &str| (strsim::jaro_winkler(&key.replace('_', "-"), &name.replace('_', "-")) * 1e9) as u64;
    ours.max_by_key(|(name, _)| likeness(name)).map_or(String::new(), |(_, ours)| ours.replace('-', "_"))
}

/// The names of all options that other tools have and no command here.
pub fn missing() -> impl Iterator<Item = &'static str> {
    MISSING.iter().flat_map(|(_, theirs)| theirs.iter().copied())
}

/// What there is instead of the option `name` (with or without dashes before it, `_` or `-` within) in the command that `words`
/// begin with, if it is one that other tools have.
pub fn instead<S: AsRef<str>>(name: &str, root: &Command, words: &[S]) -> Option<String> {
    let word = name.trim_start_matches('-').replace('_', "-");
    let word = word.split('=').next().unwrap_or_default();
    let (hints, _) = MISSING.iter().find(|(_, theirs)| theirs.contains(&word))?;
    let (mut command, mut path) = (root, root.get_name().to_owned());
    while let Some(below) =
        words.get(path.split(' ').count() - 1).and_then(|word| command.find_subcommand(word.as_ref()))
    {
        (command, path) = (below, format!("{path} {}", below.get_name()));
    }
    if let Some(hint) = hints.iter().find(|hint| is_for(hint, command, &path)) {
        return Some((*hint).into());
    }
    let none = format!("`{path}` has nothing like it");
    let of_training = root.find_subcommand("train").filter(|train| is_for(hints[0], train, &path));
    Some(of_training.map_or(none.clone(), |_| format!("{none}; in `{} train` {}", root.get_name(), hints[0])))
}

/// Whether all that `hint` names is there in `command`: its options, a RUN among its arguments, and no way to `command` itself.
fn is_for(hint: &str, command: &Command, path: &str) -> bool {
    let word = |word: &str| word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-').to_owned();
    let has = |word: String| match word.strip_prefix("--") {
        Some(option) => command.get_arguments().any(|arg| arg.get_long() == Some(option)),
        None => word != "RUN" || command.get_arguments().any(|arg| arg.get_id() == "run" || arg.get_id() == "resume"),
    };
    !hint.contains(&format!("`{path} ")) && hint.split_whitespace().map(word).all(has)
}
