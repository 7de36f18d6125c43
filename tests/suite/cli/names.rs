//! Names that users of timm, torchvision and Keras type: understood, or told what there is instead.

use warptape::cli::settings::as_options;
use warptape::device::Device;
use warptape::nn::models;
use warptape::train::config::Config;

use crate::command::{fails, shared, succeeds};
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
