//! `warptape embed` where something is missing: classes, differences, a picture among those that are drawn; and options that do
//! not go together.

use std::path::Path;

use serde_json::Value;
use warptape::data::{Dataset, Images, Loading};

use super::command::{embed, table};
use crate::command::{TEST, device, done, fails, shared, warptape};

/// Picture `at` of `images` in a new file.
fn save(images: &Images, at: usize, file: &Path) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    image::RgbImage::from_raw(32, 32, images.image(at).to_vec()).unwrap().save(file).unwrap();
}

fn data() -> Dataset {
    Dataset::open(&shared().data, &Loading::default()).unwrap()
}

#[test]
fn pictures_of_unknown_classes_are_embedded_without_scores() {
    let folder = tempfile::tempdir().unwrap();
    let (flat, data) = (folder.path().join("flat"), data());
    (0..TEST).for_each(|at| save(&data.test, at, &flat.join(format!("{at:02}.png"))));
    save(&data.train, 0, &flat.join("trained on.png"));
    let (run, spec, out) = (shared().run.to_str().unwrap(), flat.to_str().unwrap(), folder.path().join("out"));
    let out_name = out.to_str().unwrap();
    let words = ["embed", run, "--data", spec, "--near", "3", "--out", out_name, "--device", &device()];
    let told = done(warptape().args(words));
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let trained_on = table(&out).iter().filter(|row| &row[1] == "trained on.png").count();
    // Which may be one that is held back for validation.
    let left_out = told.stderr.contains("1 picture was trained on and left out");
    assert!(left_out != (trained_on == 1) && !told.stderr.contains("in another class"), "{}", told.stderr);
    for part in ["their classes are not known: nothing says", "lie together "] {
        assert!(told.stdout.contains(part), "{part:?} is not in {}", told.stdout);
    }
    assert!(!told.stdout.contains("of the class"), "{}", told.stdout);
    let facts: Value = serde_json::from_str(&std::fs::read_to_string(out.join("embed.json")).unwrap()).unwrap();
    for key in ["nearest", "probe", "network", "references"] {
        assert!(facts["scores"][key].is_null(), "{key}: {facts}");
    }
    let near = &facts["near"][0];
    assert!(
        near["class"].is_null() && near["nearest"][0]["class"].is_null() && near["nearest"][0]["distance"].is_f64()
    );
    assert!(image::open(out.join("embedding.png")).is_ok() && image::open(out.join("near.png")).is_ok());

    // The same points and guesses as with their classes.
    let labelled = folder.path().join("labelled");
    embed(run, &labelled, &[]);
    let tensors = |out: &Path| std::fs::read_to_string(out.join("tensors.tsv")).unwrap();
    let points = |out: &Path| tensors(out).lines().map(String::from).collect::<Vec<_>>();
    let (known, unknown) = (table(&labelled), table(&out));
    assert_eq!(known.len() + trained_on, unknown.len());
    let (with, without) = (points(&labelled), points(&out));
    for (at, row) in known.iter().enumerate() {
        let file = format!("{:02}.png", row[0].parse::<usize>().unwrap());
        let other = unknown.iter().position(|other| other[1] == file).unwrap();
        assert_eq!((&unknown[other][3], &unknown[other][4]), ("", &row[4]));
        let numbers = |line: &str| -> Vec<f64> { line.split('\t').map(|number| number.parse().unwrap()).collect() };
        for (one, other) in numbers(&with[at]).into_iter().zip(numbers(&without[other])) {
            assert!((one - other).abs() <= 1e-4 * one.abs().max(1.0), "{one} and {other}");
        }
    }
}

#[test]
fn a_number_names_the_same_picture_whatever_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let (run, data) = (shared().run.to_str().unwrap(), data());
    let limit = ["--limit", "5", "--seed", "1"];
    embed(run, folder.path(), &limit);
    let drawn: Vec<usize> = table(folder.path()).iter().map(|row| row[0].parse().unwrap()).collect();
    let absent = (0..TEST).find(|at| !drawn.contains(at)).unwrap();
    let (absent, present) = (absent.to_string(), drawn[2].to_string());
    let (said, facts) = embed(run, folder.path(), &[&limit[..], &["--near", &absent, &present]].concat());
    let near = facts["near"].as_array().unwrap();
    for (near, number, others) in [(&near[0], &absent, 5), (&near[1], &present, 4)] {
        let class = &data.classes[data.test.labels[number.parse::<usize>().unwrap()] as usize];
        assert!(said.contains(&format!("\nnearest to {number} test picture {number} ({class}):\n")), "{said}");
        let found = near["nearest"].as_array().unwrap();
        assert_eq!((found.len(), &near["class"]), (others, &class.as_str().into()));
        assert!(found.iter().all(|one| drawn.contains(&(one["index"].as_u64().unwrap() as usize))));
    }
    let parts = ["15 is beyond the last: there are 15 test images, numbered from 0 to 14"];
    fails(&[&["embed", run, "--near", "15"], &limit[..]].concat(), 2, &parts);
}

/// Whatever the method, and though the last of them are in a shorter batch.
#[test]
fn pictures_that_are_all_the_same_are_refused() {
    let (folder, data) = (tempfile::tempdir().unwrap(), data());
    let class = folder.path().join(&data.classes[0]);
    (0..40).for_each(|at| save(&data.test, 0, &class.join(format!("{at}.png"))));
    let (run, spec) = (shared().run.to_str().unwrap(), folder.path().to_str().unwrap());
    for method in ["pca", "tsne", "umap"] {
        let out = folder.path().join("out").display().to_string();
        let words = ["embed", run, "--data", spec, "--method", method, "--out", &out, "--device", &device()];
        let told = done(warptape().args(words));
        let end = "error: all pictures are the same to this layer: there is nothing to show\n";
        assert!(told.code == Some(2) && told.stderr.ends_with(end), "{method}: {}", told.stderr);
    }
}

#[test]
fn options_of_another_method_are_refused() {
    let run = shared().run.to_str().unwrap();
    for (words, parts) in [
        (["--method", "pca", "--perplexity", "20"], ["--perplexity is of --method tsne, not of pca"]),
        (["--method", "umap", "--perplexity", "20"], ["--perplexity is of --method tsne, not of umap"]),
        (["--method", "tsne", "--neighbors", "5"], ["--neighbors is of --method umap, not of tsne"]),
        (["--method", "pca", "--min-dist", "0.5"], ["--min-dist is of --method umap, not of pca"]),
    ] {
        fails(&[&["embed", run], &words[..]].concat(), 2, &parts);
    }
}
