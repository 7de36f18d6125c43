//! Names that users of timm, torchvision and Keras type: understood, or told what there is instead.

use warptape::cli::settings::as_options;
use warptape::cli::{command, complaint, names};
use warptape::device::Device;
use warptape::nn::models;
use warptape::tensor::DType;
use warptape::train::config::Config;
use warptape::train::precision::Precision;

use crate::command::{MEANINGLESS, fails, shared, succeeds};
use crate::support::has_compiler;

#[test]
fn names_of_theirs_are_spelled_our_way() {
    for (theirs, ours) in [
        ("ResNet18", "resnet18"),
        ("RESNET50:stem=imagenet", "resnet50:stem=imagenet"),
        ("VGG16", "vgg16"),
        ("vgg16-bn", "vgg16_bn"),
        ("VGG16BN", "vgg16_bn"),
        ("LittleConv", "little-conv"),
        ("little_conv", "little-conv"),
        ("resnet", "resnet"),
    ] {
        assert_eq!(models::respell(theirs), ours);
    }
    for (theirs, ours) in [("cpu", "host"), ("CPU", "host"), ("gpu", "cuda"), ("GPU:1", "cuda:1"), ("Auto", "auto")] {
        assert_eq!(Device::respell(theirs), ours);
    }
    for (theirs, ours) in [("CosineAnnealingLR:warmup=5", "cosine:warmup=5"), ("StepLR:30", "step:30")] {
        let mut config = Config { schedule: theirs.into(), optim: "AdamW".into(), ..Config::default() };
        config.respell();
        assert_eq!((&*config.schedule, &*config.optim), (ours, "adamw"));
    }
}

#[test]
fn a_line_says_what_was_chosen() {
    let mut config = Config { optim: "sgd".into(), ..Config::default() };
    config.lr = config.usual_lr();
    let given = ["model", "data", "optim", "schedule", "batch_size", "validation", "device"].map(String::from);
    let line = "by default: lr 0.05, momentum 0.9, nesterov false, weight decay 0, precision f32, 15 epochs, augment crop2, \
                label smoothing 0.1, train fraction 1, seed 0";
    assert_eq!(config.chosen(&given).unwrap(), line);
    assert_eq!(config.chosen(&Config::KEYS.map(String::from)), None);
    assert!(Config::default().chosen(&[]).unwrap().contains("model little-conv, data emoji, device auto"));
    let fields = serde_json::to_value(Config::default()).unwrap();
    assert!(fields.as_object().unwrap().keys().all(|key| Config::KEYS.contains(&key.as_str())), "{fields}");
}

#[test]
fn options_of_theirs_are_understood_or_explained() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run").display().to_string();
    for (words, hint) in [
        (&["--warmup-epochs", "5"][..], "--schedule cosine:warmup=STEPS"),
        (&["--warmup-epochs=5"], "--schedule cosine:warmup=STEPS"),
        (&["--clipvalue", "1"], "--clip-norm 1"),
        (&["--filter-bias-and-bn"], "--no-decay norm,bias"),
        (&["--amp"], "--precision f32, bf16 or f16"),
        (&["--pretrained"], "--weights FILE"),
        (&["--model-ema"], "--ema DECAY"),
    ] {
        fails(&[&["train"], words].concat(), 2, &[words[0].split('=').next().unwrap(), hint, "--help"]);
    }
    // Only the epochs are wrong: what stands behind them is understood, and nothing is trained.
    for words in [
        &["-b", "10", "-j", "1", "--wd", "0", "--opt", "SGD", "--sched", "Cosine", "--smoothing", "0"][..],
        &[
            "--img-size",
            "8",
            "--output-dir",
            &out,
            "--learning-rate",
            "1",
            "--num-workers",
            "1",
            "--validation-split",
            "0",
        ],
        &["--lr-scheduler", "cosine", "--output", &out, "--optimizer", "adamw"],
        &["--optim", "SGD", "--nesterov", "--model", "ResNet18", "--device", "CPU"],
        &["--optim", "sgd", "--nesterov=false"],
        &["--optim", "sgd", "--nesterov", "true"],
    ] {
        fails(&[&["train", "--epochs", "0"], words].concat(), 2, &["--epochs 0: must be"]);
    }
    fails(&["train", "--epochs", "0", "--dataset", "Emoji"], 2, &["--epochs 0"]);
    fails(&["eval", shared().run.to_str().unwrap(), "--device", "CPU:3"], 2, &["unknown device 'CPU:3'"]);
}

#[test]
fn a_folder_alone_is_data() {
    if !has_compiler() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (photos, file) = (folder.path().join("photos"), folder.path().join("run.toml"));
    for (class, shade) in [("dark", 0u8), ("light", 200)] {
        std::fs::create_dir_all(photos.join(class)).unwrap();
        for number in 0..10u8 {
            let picture = image::RgbImage::from_pixel(8, 8, image::Rgb([shade + number, shade, shade]));
            picture.save(photos.join(class).join(format!("{number}.png"))).unwrap();
        }
    }
    std::fs::write(&file, "opt = 'SGD'\nnum_epochs = 1\nmodel = 'Little_Conv'\n").unwrap();
    let (photos, file) = (photos.to_str().unwrap(), file.to_str().unwrap());
    for (name, words) in [("a", &[photos][..]), ("b", &["--data", photos])] {
        let out = folder.path().join(name);
        let common = ["train", "--config", file, "-b", "4", "--device", "cpu", "--output", out.to_str().unwrap()];
        let said = succeeds(&[&common[..], words].concat());
        assert!(said.starts_with("by default: lr 0.05, momentum 0.9"), "{said}");
        let info: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("run.json")).unwrap()).unwrap();
        let config = &info["config"];
        assert_eq!((&config["data"], &config["device"]), (&format!("folder:{photos}").into(), &"host".into()));
        assert_eq!((&config["model"], &config["lr"]), (&"little-conv".into(), &0.05.into()));
    }
    let data = succeeds(&["data", "info", photos, "--json"]);
    assert!(data.contains("\"dark\""), "{data}");
}

/// The library names settings in angle quotes.
#[test]
fn settings_are_told_as_options_and_all_else_stays() {
    for (text, told) in [
        ("‹batch_size=0›: must be above 0", "--batch-size 0: must be above 0"),
        ("leave ‹split› out, or ‹device=host›", "leave --split out, or --device host"),
        ("‹train resume=runs/a lr=1e-4›", "warptape train --resume runs/a --lr 1e-4"),
        ("`‹data fetch cifar10 to=a b›`", "`warptape data fetch cifar10 --to a b`"),
        ("or ‹arg='x=f32[4] zeros'›", "or --arg 'x=f32[4] zeros'"),
        ("one of `model`, `lr`, ‹lr", "one of `model`, `lr`, ‹lr"),
    ] {
        assert_eq!(as_options(text), told);
    }
}

/// Every command with what leads to it, below `command`, which `path` leads to.
fn commands(command: &clap::Command, path: &[String], found: &mut Vec<(Vec<String>, clap::Command)>) {
    for below in command.get_subcommands() {
        let path = [path, &[below.get_name().to_owned()]].concat();
        commands(below, &path, found);
        found.push((path, below.clone()));
    }
}

fn every_command() -> Vec<(Vec<String>, clap::Command)> {
    let mut found = Vec::new();
    commands(&command(), &[], &mut found);
    found
}

/// What is said of the arguments `words`, which are wrong.
fn said(words: &[String]) -> String {
    let error = command().try_get_matches_from([&["warptape".to_owned()], words].concat()).unwrap_err();
    complaint(&error, words)
}

/// A hint leads to an option of the command at hand, or says that it has none and whose it is.
#[test]
fn hints_name_options_that_the_command_has() {
    let train = command().find_subcommand("train").unwrap().clone();
    let has = |command: &clap::Command, option: &str| command.get_arguments().any(|arg| arg.get_long() == Some(option));
    let mut led = 0;
    for (path, command) in every_command() {
        for name in names::missing() {
            let Some(hint) = names::instead(name, &warptape::cli::command(), &path) else {
                panic!("{path:?} --{name}")
            };
            let (own, of) = match hint.split_once("; in `warptape train` ") {
                Some((own, rest)) => (own, rest),
                None => (&hint[..], ""),
            };
            assert!(of.is_empty() || own == format!("`warptape {}` has nothing like it", path.join(" ")), "{hint}");
            for (text, of) in [(own, &command), (of, &train)] {
                let word = |word: &str| word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-').to_owned();
                // Commands in backticks have options of their own.
                let plain: Vec<&str> = text.split('`').step_by(2).collect();
                for word in plain.join(" ").split_whitespace().map(word) {
                    let Some(option) = word.strip_prefix("--") else { continue };
                    assert!(has(of, option), "{path:?} --{name}: {hint}");
                    led += 1;
                }
            }
            assert!(
                !hint.contains(&format!("`warptape {} RUN`", path.join(" "))),
                "{path:?} --{name} leads to itself: {hint}"
            );
        }
    }
    assert!(led > 100, "{led} options named");
    let of = |words: &[&str]| said(&words.iter().map(|word| word.to_string()).collect::<Vec<_>>());
    assert!(
        of(&["eval", "RUN", "--half"]).contains("that which it was trained in; leave it out"),
        "{}",
        of(&["eval", "RUN", "--half"])
    );
    assert!(of(&["kernels", "check", "--fp16"]).contains("--element f32, bf16 or f16"));
    assert!(
        of(&["tune", "--warmup-epochs", "3"])
            .contains("`warptape tune` has nothing like it; in `warptape train` a warm-up")
    );
    assert!(of(&["eval", "RUN", "--test-only"]).contains("`warptape eval` has nothing like it"));
    assert!(command().try_get_matches_from(["warptape", "models", "show", "resnet18", "--num-classes", "7"]).is_ok());
}

/// What is no number is told in words for people, by every option that takes one.
#[test]
fn what_is_no_number_is_told_plainly() {
    let mut told = 0;
    for (path, command) in every_command() {
        let options = command.get_arguments().filter(|arg| arg.get_long().is_some() && arg.get_action().takes_values());
        for option in options.map(|arg| format!("--{}", arg.get_long().unwrap())) {
            for value in ["x", "", "-1", "0", "1.5", "99999999999999999999999", "4294967296"] {
                let words = [&path[..], &[option.clone(), value.to_owned()]].concat();
                let Err(error) =
                    warptape::cli::command().try_get_matches_from([&["warptape".into()], &words[..]].concat())
                else {
                    continue;
                };
                let line = complaint(&error, &words);
                let meaningless = MEANINGLESS.iter().find(|word| line.contains(**word));
                assert!(meaningless.is_none() && !line.contains("empty string"), "{words:?}: {line}");
                told += usize::from(line.contains(": expected "));
            }
        }
    }
    assert!(told > 100, "{told} numbers refused");
    for (shape, part) in [
        ("a,b,c", "invalid value 'a' for '--shape <SIZES>': expected a whole number, 0 or more"),
        ("99999999999999999999,1,1", "expected a smaller number"),
        ("4294967296,1,1", "m is 4294967296"),
        ("0,1,1", "three sizes from 1 to 2^31 - 1); m is 0"),
        ("1,,1", "expected a whole number"),
        ("1.5,1,1", "expected a whole number"),
        ("-1", "expected a whole number"),
    ] {
        fails(&["kernels", "check", "matmul", "--shape", shape], 2, &[part]);
    }
    fails(&["train", "--keep", "0"], 2, &["'0' for '--keep <N>': expected 1 to 4294967295"]);
}

/// One table has the names of element types, for files of options, the command line and kernels alike.
#[test]
fn element_types_are_understood_as_other_tools_spell_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.toml");
    let path = file.to_str().unwrap();
    let spellings = [
        (DType::F32, &["f32", "fp32", "float32", "Float", "single", "torch.float32"][..]),
        (DType::F16, &["f16", "FP16", "float16", "half", "torch.half", "mixed_float16", "16-mixed"]),
        (DType::BF16, &["bf16", "bfloat16", "BFloat16", "torch.bfloat16", "mixed_bfloat16", "bf16-mixed"]),
    ];
    for (dtype, names) in spellings {
        for name in names {
            assert_eq!(DType::spelled(name).unwrap(), dtype);
            assert_eq!(name.parse::<Precision>().unwrap().dtype(), dtype);
            let from_toml: Config = toml::from_str(&format!("precision = '{name}'")).unwrap();
            assert_eq!(from_toml.precision.dtype(), dtype, "{name}");
            let matches = command().try_get_matches_from(["warptape", "kernels", "check", "relu", "--element", name]);
            let matches = matches.unwrap();
            let check = matches.subcommand_matches("kernels").unwrap().subcommand_matches("check").unwrap();
            assert_eq!(check.get_one::<DType>("element"), Some(&dtype), "{name}");
        }
    }
    // Only the epochs are wrong.
    for line in ["precision = 'half'", "amp_dtype = 'float16'", "dtype = 'torch.bfloat16'", "mixed_precision = 'fp16'"]
    {
        std::fs::write(&file, format!("{line}\nepochs = 0\n")).unwrap();
        fails(&["train", "--config", path], 2, &["--epochs 0"]);
    }
    std::fs::write(&file, "epochs = 1\nprecision = 'fp8'\n").unwrap();
    fails(&["train", "--config", path], 1, &["line 2", "unknown precision 'fp8': use f32, bf16 or f16"]);
    fails(&["train", "--amp-dtype", "int8"], 2, &["unknown precision 'int8': use f32, bf16 or f16"]);
    fails(&["kernels", "check", "relu", "--element", "fp8"], 2, &["unknown element type 'fp8': use f32, f16 or bf16"]);
    assert_eq!(serde_json::to_string(&Precision::Bf16).unwrap(), "\"bf16\"");
}
