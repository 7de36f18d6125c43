//! Files that make no sweep: one line, with what is wrong.

use crate::command::{device, fails, shared};

/// Refused with these parts: a file of options, `[sweep]` and `[parameters]`.
fn refused(options: &str, sweep: &str, parameters: &str, parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sweep.toml");
    let text = format!("{options}\n[sweep]\n{sweep}\n[parameters]\n{parameters}\n");
    std::fs::write(&file, &text).unwrap();
    let out = folder.path().join("out");
    let (path, out_path, device) = (file.to_str().unwrap(), out.to_str().unwrap(), device());
    let words = ["sweep", path, &shared().data, "--device", &device, "--out", out_path];
    fails(&words, 1, &[&["sweep.toml"], parts].concat());
    assert!(!out.exists(), "{text}");
}

const GOOD: &str = "epochs = 3\nbatch_size = 8\nvalidation = 0.2";

#[test]
fn what_is_searched_must_make_sense() {
    for (options, sweep, parameters, parts) in [
        ("", "", "", &["nothing is searched", "[parameters]"][..]),
        ("", "", "learning_rat = [0.1, 0.2]", &["learning_rat", "no option is called so", "'lr'"]),
        ("", "", "wieght_decay = [0.1, 0.2]", &["no option", "nearest is 'weight_decay'", "{wieght_decay}"]),
        ("model = \"vgg11:dropout={dropuot}\"", "", "lr = [0.1, 0.2]", &["{dropuot} is none of the parameters"]),
        ("lr = 0.1", "", "lr = [0.1, 0.2]", &["'lr' is among the options", "and among the parameters"]),
        ("learning_rate = 0.1", "", "lr = [0.1, 0.2]", &["'lr' is among the options"]),
        ("", "", "data = [\"emoji\", \"cifar10:x\"]", &["'data' is among the options"]),
        ("", "", "lr = []", &["line 8", "an empty list"]),
        ("", "", "lr = [0.1]", &["line 8", "one value is no search"]),
        ("", "", "lr = [0.1, 0.1]", &["0.1 stands there twice"]),
        ("", "", "lr = [[0.1], [0.2]]", &["texts, numbers, true or false"]),
        ("", "", "lr = 0.1", &["a list of values, or a range such as { from = 1e-4"]),
        ("", "", "lr = { from = 0.1, to = 0.01 }", &["an empty range: from = 0.1 is above to = 0.01"]),
        ("", "", "lr = { from = 0.1, to = 0.1 }", &["one value is no search"]),
        ("", "", "lr = { from = 0, to = 0.1, log = true }", &["begins above 0"]),
        ("", "", "lr = { from = 0.1, to = inf }", &["finite ends"]),
        ("", "", "lr = { from = 0.1, to = 1, step = 3 }", &["unknown field `step`", "`steps`"]),
        ("", "", "lr = { from = 0.1, to = 1, steps = 1 }", &["steps = 2 or more"]),
        ("", "", "batch_size = { from = 8, to = 12.5, integer = true }", &["whole numbers as its ends"]),
        ("", "", "batch_size = { from = 8, to = 11, integer = true, steps = 9 }", &["fewer numbers in the range"]),
        ("", "", "batch_size = { from = 8, to = 16 }", &["batch_size = ", "expected a whole number"]),
        ("", "", "batch_size = [8, 400]", &["batch_size = 400", "there are 40 images to train on"]),
        ("", "", "optim = [\"adam\", \"lion\"]", &["optim = lion", "unknown optimizer 'lion'"]),
        ("", "", "model = [\"little-conv\", \"resnet19\"]", &["model = resnet19", "unknown model"]),
        ("", "", "momentum = [0.5, 1.5]", &["momentum = 1.5", "below 1"]),
    ] {
        let good =
            if parameters.contains("batch_size") { GOOD.replace("batch_size = 8\n", "") + "\n" } else { GOOD.into() };
        let options = format!("{good}\n{options}");
        refused(&options, sweep, parameters, parts);
    }
}

#[test]
fn how_it_is_searched_must_fit() {
    let many = "lr = { from = 1e-4, to = 1e-1, log = true }";
    for (options, sweep, parameters, parts) in [
        (GOOD, "serach = \"grid\"", many, &["line 5", "unknown field `serach`", "`search`"][..]),
        (GOOD, "search = \"bayes\"", many, &["unknown variant `bayes`", "`tpe`"]),
        (GOOD, "search = \"grid\"", many, &["lr: a grid cannot have all numbers of a range", "steps = N"]),
        (GOOD, "search = \"grid\"\ntrials = 2", "lr = [0.1, 0.2, 0.3]", &["as many as there are combinations, 3"]),
        (GOOD, "trials = 4", "lr = [0.1, 0.2, 0.3]", &["trials = 4", "only 3 combinations"]),
        (GOOD, "trials = 0", many, &["0 trials", "1 to 10000"]),
        (GOOD, "trials = 20000", many, &["20000 trials", "1 to 10000"]),
        (GOOD, "seeds = 0", many, &["seeds = 0"]),
        (GOOD, "seeds = 2", "seed = [1, 2, 3]", &["seeds repeat each trial", "'seed' is no parameter"]),
        (GOOD, "prune = \"median\"\nwarmup = 3", many, &["warmup = 3", "no epoch is left", "less than 3"]),
        (GOOD, "warmup = 0", many, &["warmup = 0"]),
        (GOOD, "prune = \"median\"\ntrials = 5", many, &["unpruned = 5", "of 5 trials"]),
        (
            "batch_size = 8\nvalidation = 0.2",
            "prune = \"hyperband\"",
            "epochs = [3, 4]",
            &["hyperband shares out epochs"],
        ),
        ("epochs = 3\nbatch_size = 8", "prune = \"median\"", many, &["validation pictures", "validation = 0.1"]),
        ("epochs = 3\nbatch_size = 8", "", many, &["never by those of the test", "validation = 0.1"]),
        (&format!("{GOOD}\nschedule = \"cosine:warmup=90\""), "", many, &["the warm-up of 90 steps"]),
        (&format!("{GOOD}\nepochs_ = 3"), "", many, &["line 4", "unknown key 'epochs_'", "the nearest is 'epochs'"]),
    ] {
        refused(options, sweep, parameters, parts);
    }
}

#[test]
fn a_folder_must_be_named_and_free() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sweep.toml");
    std::fs::write(&file, format!("{GOOD}\n[parameters]\nlr = [0.1, 0.2]\n[sweep]\ntrials = 2\n")).unwrap();
    let path = file.to_str().unwrap();
    fails(&["sweep", path, &shared().data], 2, &["--out <DIR>"]);
    let words = |out: &str| ["sweep", path, &shared().data, "--out", out, "--device", &device()].map(String::from);
    fails(&words(folder.path().to_str().unwrap()), 1, &["is not empty", "--out wants a new or empty folder"]);
    fails(&words(path), 1, &["sweep.toml"]);
    fails(&["sweep", "no-such.toml", "--out", "x"], 1, &["no-such.toml", "no such file"]);
}
