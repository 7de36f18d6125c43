//! `warptape embed`: what it leaves behind, and what it refuses.

use std::path::Path;

use serde_json::Value;
use warptape::data::{Dataset, Loading};

use crate::command::{TEST, TRAIN, copy_of_run, device, done, fails, shared, succeeds, warptape};
use crate::support::contents;

/// Runs `embed` on `run` into `out` and returns what it says and `embed.json`.
pub(super) fn embed(run: &str, out: &Path, words: &[&str]) -> (String, Value) {
    let (out_name, device) = (out.to_str().unwrap(), device());
    let said = succeeds(&[&["embed", run, "--out", out_name, "--device", &device], words].concat());
    let facts = std::fs::read_to_string(out.join("embed.json")).unwrap();
    (said, serde_json::from_str(&facts).unwrap())
}

/// The rows of `embedding.csv`.
pub(super) fn table(out: &Path) -> Vec<csv::StringRecord> {
    let mut reader = csv::Reader::from_path(out.join("embedding.csv")).unwrap();
    assert_eq!(reader.headers().unwrap(), vec!["index", "file", "part", "class", "predicted", "x", "y"]);
    reader.records().map(Result::unwrap).collect()
}

#[test]
fn test_pictures_are_embedded_and_asked_of_training_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let run = shared().run.to_str().unwrap();
    let (said, facts) = embed(run, folder.path(), &[]);
    assert!(said.starts_with(&format!("{TEST} test images of cifar10 at layer avgpool (256) of ")), "{said}");
    // A fifth of the training part is held back for validation.
    let trained = TRAIN * 4 / 5;
    assert!(said.contains(&format!("right of {trained} training images: 10 nearest neighbors ")), "{said}");
    assert!(said.contains("to this layer they lie together ") && said.contains("trustworthiness"), "{said}");
    let data = Dataset::open(&shared().data, &Loading::default()).unwrap();
    let rows = table(folder.path());
    assert_eq!(rows.len(), TEST);
    let eval: Value = serde_json::from_str(&succeeds(&["eval", run, "--device", &device(), "--json"])).unwrap();
    let right = rows.iter().filter(|row| row[3] == row[4]).count() as f64 / TEST as f64;
    assert_eq!(eval["top1"].as_f64().unwrap(), right, "the network's own predictions are those that eval judges");
    assert_eq!(facts["scores"]["network"].as_f64().unwrap(), right);
    for (at, row) in rows.iter().enumerate() {
        assert_eq!((&row[0], &row[2]), (&*at.to_string(), "test"));
        assert_eq!(&row[3], data.classes[data.test.labels[at] as usize]);
        assert!(row[5].parse::<f32>().unwrap().is_finite() && row[6].parse::<f32>().unwrap().is_finite());
    }
    // The plane is that of the two largest variances.
    let mean = |column: usize| rows.iter().map(|row| row[column].parse::<f64>().unwrap()).sum::<f64>() / TEST as f64;
    let variance = |column: usize| {
        let square = |row: &csv::StringRecord| (row[column].parse::<f64>().unwrap() - mean(column)).powi(2);
        rows.iter().map(square).sum::<f64>() / (TEST - 1) as f64
    };
    let told = &facts["projection"]["explained_variance"];
    for (column, told) in [(5, &told[0]), (6, &told[1])] {
        let told = told.as_f64().unwrap();
        assert!((variance(column) - told).abs() < 1e-5 * told, "{} and {told}", variance(column));
    }
    let scores = &facts["scores"];
    assert_eq!((&scores["references"], &scores["neighbors"]), (&trained.into(), &10.into()));
    for key in ["nearest", "probe", "trustworthiness"] {
        assert!(scores[key].as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)), "{key}: {scores}");
    }
}

#[test]
fn the_projectors_files_fit_together() {
    let folder = tempfile::tempdir().unwrap();
    embed(shared().run.to_str().unwrap(), folder.path(), &["--layer", "features.9"]);
    let names = contents(folder.path());
    let expected = [
        "embed.json",
        "embedding.csv",
        "embedding.png",
        "metadata.tsv",
        "projector_config.pbtxt",
        "sprite.png",
        "tensors.tsv",
    ];
    assert_eq!(names, expected);
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let tensors: Vec<Vec<f32>> =
        text("tensors.tsv").lines().map(|line| line.split('\t').map(|v| v.parse().unwrap()).collect()).collect();
    // 8x8x128, of which the mean over pixels is left.
    assert!(tensors.len() == TEST && tensors.iter().all(|row| row.len() == 128));
    let metadata = text("metadata.tsv");
    let lines: Vec<&str> = metadata.lines().collect();
    assert_eq!((lines.len(), lines[0]), (1 + TEST, "index\tfile\tpart\tclass\tpredicted"));
    assert!(lines.iter().all(|line| line.split('\t').count() == 5));
    // 15 pictures of 32x32 in four rows of four; each where it is looked for.
    let sprite = image::open(folder.path().join("sprite.png")).unwrap().into_rgb8();
    assert_eq!(sprite.dimensions(), (128, 128));
    let data = Dataset::open(&shared().data, &Loading::default()).unwrap();
    let part = image::imageops::crop_imm(&sprite, 2 * 32, 32, 32, 32).to_image();
    assert_eq!(part.as_raw(), data.test.image(6));
    let config = text("projector_config.pbtxt");
    for line in ["tensor_path: \"tensors.tsv\"", "metadata_path: \"metadata.tsv\"", "image_path: \"sprite.png\""] {
        assert!(config.contains(line), "{config}");
    }
    assert_eq!(config.matches("single_image_dim: 32").count(), 2, "{config}");
}

#[test]
fn layers_epochs_and_parts_are_chosen() {
    let (folder, run) = copy_of_run();
    let run = run.to_str().unwrap();
    let out = folder.path().join("out");
    let (_, first) = embed(&format!("{run}@0"), &out, &["--layer", "features.14"]);
    assert_eq!(
        (&first["epoch"], &first["layer_shape"], &first["dimension"]),
        (&0.into(), &"4x4x256".into(), &256.into())
    );
    // The same numbers again.
    let table_of_first = std::fs::read(out.join("embedding.csv")).unwrap();
    let (_, again) = embed(&format!("{run}@0"), &out, &["--layer", "features.14"]);
    assert_eq!(
        (&again["scores"], std::fs::read(out.join("embedding.csv")).unwrap()),
        (&first["scores"], table_of_first)
    );
    let (_, last) = embed(&format!("{run}@last"), &out, &["--layer", "features.14"]);
    assert_ne!(last["scores"], first["scores"]);

    // Training pictures are asked of each other, and nothing is learned from them and judged on them.
    let (said, facts) = embed(run, &out, &["--part", "train"]);
    assert!(said.contains("right of each other, each without itself: 10 nearest neighbors"), "{said}");
    assert_eq!((&facts["scores"]["references"], &facts["scores"]["probe"]), (&Value::Null, &Value::Null));
    assert!(table(&out).iter().all(|row| &row[2] == "train"));
    embed(run, &out, &["--part", "val"]);
    assert!(table(&out).iter().all(|row| &row[2] == "held-back") && table(&out).len() == TRAIN / 5);

    // Some, drawn by the seed: which depends on nothing else.
    let drawn = |seed: &str| {
        let (said, _) = embed(run, &out, &["--limit", "12", "--seed", seed]);
        assert!(said.contains("they lie together in a way that so few pictures do not tell"), "{said}");
        assert!(said.starts_with(&format!("12 of {TEST} test images")), "{said}");
        table(&out).iter().map(|row| row[0].parse().unwrap()).collect::<Vec<usize>>()
    };
    let (one, other) = (drawn("1"), drawn("2"));
    assert!(one.is_sorted() && one.len() == 12 && one != other && one == drawn("1"), "{one:?} and {other:?}");

    // On other planes, which other options bring about.
    let by = |words: &[&str]| {
        let (said, facts) = embed(run, &out, words);
        (said, facts["projection"].clone(), std::fs::read(out.join("embedding.csv")).unwrap())
    };
    let (said, facts, few) = by(&["--method", "tsne", "--perplexity", "4"]);
    assert!(said.contains("\nt-SNE of perplexity 4: divergence ") && facts["perplexity"] == 4.0, "{said}");
    assert_ne!(few, by(&["--method", "tsne", "--perplexity", "6"]).2);
    let (said, facts, near) = by(&["--method", "umap", "--neighbors", "5", "--min-dist", "0.5", "--seed", "3"]);
    assert!(said.contains("\nUMAP of 5 neighbors, least distance 0.5, seed 3\n") && facts["neighbors"] == 5, "{said}");
    assert_ne!(near, by(&["--method", "umap", "--neighbors", "5", "--min-dist", "0.1", "--seed", "3"]).2);

    // Without a folder's name it is one of the run's.
    succeeds(&["embed", &format!("{run}@1"), "--device", &device()]);
    assert!(Path::new(run).join("embed/avgpool-pca-epoch-0001/embed.json").is_file());
}

#[test]
fn nearest_pictures_are_listed_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let data = Dataset::open(&shared().data, &Loading::default()).unwrap();
    let file = folder.path().join("own.png");
    image::RgbImage::from_raw(32, 32, data.test.image(4).to_vec()).unwrap().save(&file).unwrap();
    let out = folder.path().join("out");
    let run = shared().run.to_str().unwrap();
    let (said, facts) = embed(run, &out, &["--near", "4", file.to_str().unwrap()]);
    let near = facts["near"].as_array().unwrap();
    assert_eq!((near.len(), near[0]["nearest"].as_array().unwrap().len()), (2, 8));
    assert_eq!(near[0]["class"], data.classes[data.test.labels[4] as usize].as_str());
    // The same picture as a file, alone in its batch, is nearest to itself, and then come its neighbors.
    let found = |at: usize| near[at]["nearest"].as_array().unwrap();
    let own = &found(1)[0];
    assert!(own["index"] == 4 && own["distance"].as_f64().unwrap() < 1e-4, "{own}");
    for (one, other) in found(1)[1..].iter().zip(found(0)) {
        assert_eq!((&one["index"], &one["class"]), (&other["index"], &other["class"]));
    }
    let distances: Vec<f64> = found(0).iter().map(|one| one["distance"].as_f64().unwrap()).collect();
    assert!(distances.is_sorted() && distances[0] > 0.0);
    assert!(said.contains("\nnearest to 4 test picture 4 (") && said.contains("own.png:\n"), "{said}");
    let sheet = image::open(out.join("near.png")).unwrap();
    assert!(sheet.width() > 9 * 96 && sheet.height() > 2 * 96, "{}x{}", sheet.width(), sheet.height());
}

#[test]
fn without_training_pictures_they_are_asked_of_each_other() {
    let (folder, run) = copy_of_run();
    let other = folder.path().join("other");
    let data = Dataset::open(&shared().data, &Loading::default()).unwrap();
    for at in 0..TEST {
        let class = other.join(&data.classes[data.test.labels[at] as usize]);
        std::fs::create_dir_all(&class).unwrap();
        let picture = image::RgbImage::from_raw(32, 32, data.test.image(at).to_vec()).unwrap();
        picture.save(class.join(format!("{at}.png"))).unwrap();
    }
    // The run says that its data lie where they do not.
    let text = std::fs::read_to_string(run.join("run.json")).unwrap();
    assert!(text.contains(&shared().data));
    let out = folder.path().join("out");
    let spec = format!("folder:{}", other.display());
    let words =
        ["embed", run.to_str().unwrap(), "--data", &spec, "--device", &device(), "--out", out.to_str().unwrap()];
    let with = done(warptape().args(words));
    assert_eq!(with.code, Some(0), "{}", with.stderr);
    assert!(with.stdout.contains(" training images: 10 nearest"), "{}", with.stdout);
    let parts: Vec<csv::StringRecord> = table(&out);
    assert_eq!(parts.len(), TEST);
    let copied = folder.path().join("lone.safetensors");
    std::fs::copy(run.join("checkpoints/best.safetensors"), &copied).unwrap();
    let words =
        ["embed", copied.to_str().unwrap(), "--data", &spec, "--device", &device(), "--out", out.to_str().unwrap()];
    let alone = done(warptape().args(words));
    assert_eq!(alone.code, Some(0), "{}", alone.stderr);
    assert!(alone.stderr.starts_with("warning: no training pictures to ask and to learn from ("), "{}", alone.stderr);
    assert!(alone.stdout.contains("right of each other, each without itself"), "{}", alone.stdout);
}

#[test]
fn layers_are_listed() {
    let said = succeeds(&["embed", shared().run.to_str().unwrap(), "--list-layers", "--device", &device()]);
    assert!(said.contains("avgpool      256  (default)\n") && said.ends_with("fc           10\n"), "{said}");
    assert_eq!(said.matches("(default)").count(), 1);
}

#[test]
fn wrong_words_are_refused() {
    let run = shared().run.to_str().unwrap();
    let refuse = |run: &str, words: &[&str], code: i32, part: &str| {
        fails(&[&["embed", run, "--device", &device()], words].concat(), code, &[part]);
    };
    refuse(run, &["--layer", "avgpol"], 2, "no layer is called 'avgpol'; the nearest are avgpool 256, ");
    refuse(run, &["--near", "15"], 2, "15: 15 is beyond the last: there are 15 test images, numbered from 0 to 14");
    refuse(run, &["--near", "nothing.png"], 1, "nothing.png: ");
    refuse(run, &["--limit", "1"], 2, "--limit");
    refuse(run, &["--method", "mds"], 2, "use pca, tsne, umap");
    refuse(
        run,
        &["--method", "tsne"],
        2,
        "perplexity 30 of 15 pictures: it has to be above 0 and below their number; choose --perplexity",
    );
    refuse(run, &["--method", "umap", "--neighbors", "1"], 2, "choose --neighbors from 2 up");
    refuse(run, &["--method", "umap", "--neighbors", "5", "--min-dist", "3"], 2, "--min-dist 3: choose from 0 up");
    refuse(run, &["--part", "some"], 2, "use train, val, test, new or all");
    refuse(&format!("{run}@99"), &[], 1, "has no checkpoint 'epoch-0099'");
    refuse(&format!("{run}@first"), &[], 2, "use best, last or an epoch's number");
    refuse("nowhere", &[], 1, "no such file or folder");
}
