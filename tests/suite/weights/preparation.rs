//! What weights ask of pictures: told, warned of where a training's are others, and taken over on demand.

use safetensors::SafeTensors;
use serde_json::Value;
use warptape::weights::Preparation;

use crate::command::{Done, done, fails, quick, shared, succeeds, warptape};

fn imagenet() -> Preparation {
    Preparation { of: "torchvision's resnet18, trained on ImageNet".into(), ..Preparation::IMAGENET }
}

#[test]
fn what_differs_is_told_with_what_to_do() {
    let (wanted, classes) = (imagenet(), ["cat".to_owned(), "n1".to_owned()]);
    let channels = [wanted.mean, wanted.std];
    assert_eq!(wanted.doubts(channels, [256, 256], [224, 224], &classes), [""; 0]);
    let near = [wanted.mean.map(|value| value + 0.01), wanted.std];
    assert_eq!(wanted.doubts(near, [256, 256], [224, 224], &classes), [""; 0]);
    let all = wanted.doubts([[0.5; 3], [0.25; 3]], [32, 32], [32, 32], &["n02085620-Chihuahua".to_owned()]);
    let of = "torchvision's resnet18, trained on ImageNet";
    assert_eq!(
        all,
        [
            format!(
                "pictures are normalized with mean 0.500 0.500 0.500, std 0.250 0.250 0.250, those of {of} were with mean 0.485 \
                 0.456 0.406, std 0.229 0.224 0.225: ‹normalize=imagenet›"
            ),
            format!(
                "the network sees 32x32 pixels, that of {of} saw 224x224 of 256x256: ‹image_size=224 load_size=256 resize=crop›"
            ),
            "'n02085620-Chihuahua' is a class of ImageNet's, whose pictures these weights have probably seen: accuracy here says \
             little of others"
                .to_owned(),
        ]
    );
    let whole = wanted.doubts(channels, [224, 224], [224, 224], &classes);
    assert!(whole[0].contains("sees 224x224 pixels, that") && whole[0].contains("saw 224x224 of 256x256"), "{whole:?}");
    assert!(
        Preparation { imagenet: false, ..wanted }
            .doubts(channels, [256, 256], [224, 224], &["n02085620-x".into()])
            .is_empty()
    );
}

#[test]
fn a_run_says_what_it_was_trained_with() {
    let run = shared().run.display().to_string();
    let told = succeeds(&["weights", "info", &run]);
    let line = "for pictures as those of a run on cifar10: mean 0.";
    assert!(told.contains(line) && told.contains("; 32x32 pixels, squash, Lanczos's\n"), "{told}");
    assert!(told.contains("as in a training with --image-size 32 --resize squash --normalize weights\n"), "{told}");
    let json: Value = serde_json::from_str(&succeeds(&["weights", "info", &run, "--json"])).unwrap();
    assert_eq!(json["preparation"]["seen"], serde_json::json!([32, 32]));
}

/// Mean and deviation in a checkpoint, and the setting.
fn channels(checkpoint: &std::path::Path) -> [Value; 3] {
    let bytes = std::fs::read(checkpoint).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let meta: Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["warptape"]).unwrap();
    [meta["mean"].clone(), meta["std"].clone(), meta["config"]["normalize"].clone()]
}

#[test]
fn a_training_takes_it_over() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    let theirs = out("theirs.safetensors");
    std::fs::copy(shared().run.join("checkpoints/best.safetensors"), &theirs).unwrap();
    let train = |name: &str, rest: &[&str]| {
        let at = out(name).display().to_string();
        let data = ["--data", "emoji", "--train-fraction", "0.01", "--schedule", "constant", "--out", &at];
        let Done { code, stdout, stderr } = done(warptape().args(quick(&[&data[..], rest].concat())));
        assert_eq!(code, Some(0), "{stderr}");
        (stdout, stderr)
    };
    let weights = ["--weights", theirs.to_str().unwrap(), "--ignore-head", "--epochs", "1"];
    let (told, warned) = train("own", &weights);
    assert!(told.contains("weights: for pictures as those of a run on cifar10: mean 0."), "{told}");
    assert!(warned.starts_with("warning: pictures are normalized with mean 0."), "{warned}");
    assert!(warned.ends_with(": --normalize weights\n") && warned.lines().count() == 1, "{warned}");
    let [mean, std, setting] = channels(&out("own/checkpoints/last.safetensors"));
    assert!(setting.is_null(), "the default is not recorded, as in runs of before");
    let (_, warned) = train("taken", &[&weights[..], &["--normalize", "weights"]].concat());
    assert_eq!(warned, "");
    let there = channels(&shared().run.join("checkpoints/last.safetensors"));
    let last = out("taken/checkpoints/last.safetensors");
    assert_eq!(channels(&last), [there[0].clone(), there[1].clone(), "weights".into()]);
    assert!(there[0] != mean && there[1] != std);
    // The file may be gone when it goes on.
    std::fs::remove_file(&theirs).unwrap();
    succeeds(&["train", "--resume", out("taken").to_str().unwrap(), "--epochs", "2"]);
    assert_eq!(channels(&last)[..2], there[..2]);
    train("imagenet", &["--normalize", "imagenet", "--epochs", "1"]);
    let [mean, std, _] = channels(&out("imagenet/checkpoints/last.safetensors"));
    let near = |value: &Value, numbers: [f64; 3]| {
        value
            .as_array()
            .unwrap()
            .iter()
            .zip(numbers)
            .all(|(value, number)| (value.as_f64().unwrap() - number).abs() < 1e-6)
    };
    assert!(near(&mean, [0.485, 0.456, 0.406]) && near(&std, [0.229, 0.224, 0.225]), "{mean} {std}");
    fails(
        &quick(&["--normalize", "weights", "--epochs", "1"]),
        2,
        &["--normalize weights", "name them with --weights"],
    );
    fails(&quick(&["--normalize", "mine"]), 2, &["use data, imagenet or weights"]);
    let golden = super::golden();
    let foreign = golden.path().join("net.pth").display().to_string();
    fails(&quick(&["--weights", &foreign, "--normalize", "weights"]), 1, &["does not fit the network"]);
}

/// What `export` leaves is taken as a run is: its weights, and how pictures were prepared for them.
#[test]
fn an_exported_folder_is_begun_with() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).display().to_string();
    let (run, exported) = (shared().run.join("checkpoints/last.safetensors"), out("exported"));
    succeeds(&["export", run.to_str().unwrap(), "--out", &exported]);
    let told = succeeds(&["weights", "info", &exported]);
    let line = format!("for pictures as those of the export in {exported}: mean 0.");
    assert!(told.contains(&line) && told.contains("32x32 pixels, squash") && told.contains("fits --model little-conv"));

    let train = |name: &str, rest: &[&str]| {
        let at = out(name);
        let data =
            ["--data", "emoji", "--train-fraction", "0.01", "--schedule", "constant", "--epochs", "1", "--out", &at];
        done(warptape().args(quick(&[&data[..], rest].concat())))
    };
    let begun = |name: &str, rest: &[&str]| {
        let told = train(name, rest);
        assert_eq!(told.code, Some(0), "{}", told.stderr);
        told.stderr
    };
    let said = begun("other", &["--weights", &exported, "--head", "replace"]);
    assert!(said.contains("those of the export in") && said.contains("--normalize weights"), "{said}");
    let said = begun("taken", &["--weights", &exported, "--head", "replace", "--normalize", "weights"]);
    assert!(!said.contains("normalize"), "{said}");
    let taken = folder.path().join("taken/checkpoints/last.safetensors");
    assert_eq!(channels(&taken)[..2], channels(&run)[..2]);
    let zero = folder.path().join("taken/checkpoints/epoch-0000.safetensors").display().to_string();
    let Done { stdout, .. } = done(warptape().args(["weights", "diff", &exported, &zero]));
    assert!(stdout.ends_with("24 tensors are equal, 0 differ in numbers, 2 in name or shape\n"), "{stdout}");

    // The run again, as long as the weights are what they were.
    let again = out("taken/run.json");
    begun("again", &["--config", &again]);
    let model = folder.path().join("exported/model.safetensors");
    let kept = std::fs::read(&model).unwrap();
    std::fs::copy(shared().run.join("checkpoints/epoch-0001.safetensors"), &model).unwrap();
    let told = train("third", &["--config", &again]);
    assert!(told.stderr.contains("is another file than the weights that the run began with"), "{}", told.stderr);
    assert!(!folder.path().join("third").exists());
    std::fs::write(&model, kept).unwrap();

    // Its preprocessing is as it was written, or nobody's.
    let how = folder.path().join("exported/preprocessing.json");
    let whole = std::fs::read_to_string(&how).unwrap();
    for (text, what) in [
        (whole.replace("\"format\": 1", "\"format\": 2"), "is not, with labels.txt, what `warptape export` wrote"),
        (whole.replace("\"squash\"", "\"stretch\""), "is not, with labels.txt, what `warptape export` wrote"),
        (whole[..whole.len() / 2].to_owned(), "EOF while parsing"),
    ] {
        std::fs::write(&how, text).unwrap();
        fails(&["weights", "info", &exported], 1, &["preprocessing.json", what, "export the network again"]);
    }
    std::fs::write(&how, "{}").unwrap();
    let told = train("nobodys", &["--weights", &exported, "--head", "replace", "--normalize", "weights"]);
    assert!(told.stderr.contains("nothing says what these weights were trained with"), "{}", told.stderr);
}

/// Commands that take runs say so where weights are named.
#[test]
fn weights_alone_are_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let exported = folder.path().join("exported").display().to_string();
    succeeds(&["export", shared().run.to_str().unwrap(), "--out", &exported]);
    let [pth, safetensors] = ["pth", "safetensors"].map(|ending| format!("{exported}/model.{ending}"));
    for command in ["embed", "eval"] {
        let begin = |weights: &str| format!("warptape train --weights {weights}");
        let parts = ["model.pth: holds weights alone (PyTorch, zip)", "name a run's folder", &begin(&pth)];
        fails(&[command, &pth], 1, &parts);
        fails(
            &[command, &safetensors],
            1,
            &["not a checkpoint of warptape", "name a run's folder", &begin(&safetensors)],
        );
        fails(&[command, &exported], 1, &["is not a run directory", "it is an export", &begin(&exported)]);
    }
}
