//! Options that are wrong: one line that says what to do, exit code 2 (or 1 for a file of options), and never a panic.

use crate::command::{TRAIN, fails, quick as train, shared, succeeds};

#[test]
fn unknown_names_and_absurd_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let too_many = format!("{TRAIN} images");
    let cases: [(&[&str], &str); 37] = [
        (&["--model", "resnet-18000"], "unknown model 'resnet-18000': use little-conv"),
        (&["--model", ""], "unknown model"),
        (&["--data", "mnist"], "unknown data set \"mnist\": use emoji"),
        (&["--data", "cifar10"], "write cifar10:DIR"),
        (
            &["--device", "tpu"],
            "unknown device 'tpu': use auto, host, host:checked, cuda, cuda:N, ptx, ptx:sm_80 or ptx:checked",
        ),
        (&["--device", "cuda:x"], "unknown device"),
        (&["--optim", "lion"], "unknown optimizer 'lion': use sgd, adam or adamw"),
        (&["--schedule", "poly"], "there is constant"),
        (&["--schedule", "step:0"], "step:0"),
        (&["--schedule", "step"], "try step:30:0.1"),
        (&["--augment", "mixup"], "augmentation 'mixup': 'mixup' is not mixup(ALPHA)"),
        (&["--augment", "blur"], "use none, or of these, joined by +"),
        (&["--augment", "crop1000"], "is not crop, cropN or cropN(reflect): N from 1 to 64"),
        (&["--batch-size", "0"], "--batch-size 0"),
        (&["--batch-size", "51"], &too_many),
        (&["--batch-size", "18446744073709551615"], &too_many),
        (&["--epochs", "0"], "--epochs 0"),
        (&["--lr", "0"], "--lr 0: must be a finite number above 0"),
        (&["--lr", "nan"], "--lr NaN"),
        (&["--lr", "inf"], "--lr inf"),
        (&["--lr=-1"], "--lr -1"),
        (&["--train-fraction", "0"], "--train-fraction 0: must be above 0 and at most 1"),
        (&["--train-fraction", "2"], "--train-fraction 2"),
        (&["--train-fraction", "nan"], "--train-fraction NaN"),
        (&["--validation", "1"], "--validation 1: must be at least 0 and below 1"),
        (&["--weight-decay=-1"], "weight decay must be at least 0"),
        (&["--momentum", "1"], "--momentum 1"),
        (&["--label-smoothing", "1"], "--label-smoothing 1"),
        (&["--optim", "sgd", "--momentum", "0", "--nesterov", "true"], "momentum for Nesterov"),
        (&["--optim", "sgd", "--nesterov", "--dampening", "0.5"], "dampening for Nesterov must be 0, not 0.5"),
        (&["--optim", "sgd", "--dampening", "1"], "--dampening 1: must be at least 0 and below 1"),
        (&["--dampening", "0.5"], "--dampening 0.5 is of sgd: leave it out for adam"),
        (&["--optim", "sgd", "--betas", "0.9,0.95"], "--betas 0.9,0.95 is of adam and adamw: leave it out for sgd"),
        (&["--optim", "sgd", "--eps", "0.1"], "--eps 0.1 is of adam and adamw"),
        (&["--optim", "sgd", "--amsgrad"], "--amsgrad true is of adam and adamw"),
        (&["--betas", "0.9"], "betas '0.9': write two numbers from 0 to below 1, such as 0.9,0.999"),
        (&["--eps", "nan"], "epsilon must be at least 0, not NaN"),
    ];
    for (words, part) in cases {
        fails(&train(&[words, &["--out", out.to_str().unwrap()]].concat()), 2, &[part]);
        assert!(!out.exists(), "{words:?} leaves a folder");
    }
    let run = shared().run.to_str().unwrap();
    fails(&["eval", run, "--device", "tpu"], 2, &["unknown device 'tpu'"]);
    fails(&["predict", run, "picture.png", "--device", "tpu"], 2, &["unknown device 'tpu'"]);
}

#[test]
fn files_of_options() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.toml");
    let path = file.to_str().unwrap();
    fails(&train(&["--config", path]), 1, &[path, "no such file"]);
    fails(&train(&["--config", folder.path().to_str().unwrap()]), 1, &["directory"]);
    for (text, parts) in [
        ("epochs = 2\nlearn_rate = 1\n", &["line 2", "unknown key 'learn_rate'", "the nearest is 'lr'"][..]),
        ("[parameters]\nlr = [0.1, 0.2]\n", &["line 1", "unknown key 'parameters'", "`warptape sweep FILE`"]),
        (
            "epochs = 2\nwarmup_epochs = 1\n",
            &["line 2", "unknown key 'warmup_epochs'", "--schedule cosine:warmup=STEPS"],
        ),
        ("lr = 1\nlearning_rate = 1\n", &["line 2", "duplicate key"]),
        ("epochs = -2\n", &["expected a whole number, 0 or more"]),
        ("epochs = 2\n\nlr = 'fast'\n", &["line 3", "expected a number"]),
        ("epochs = -2\n", &["line 1", "-2"]),
        ("epochs = 2\nlr = = 3\n", &["line 2"]),
        ("\u{0}\u{1}\u{2}", &["line 1"]),
        ("seed = 123456789012345678901234567890\n", &["line 1"]),
    ] {
        std::fs::write(&file, text).unwrap();
        fails(&train(&["--config", path]), 1, &[&[path], parts].concat());
    }
    std::fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    fails(&train(&["--config", path]), 1, &[path]);
    std::fs::write(&file, "batch_size = 0\n").unwrap();
    fails(&train(&["--config", path]), 2, &["--batch-size 0"]);
}

#[test]
fn what_the_bad_options_are_added_to_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    succeeds(&train(&["--epochs", "1", "--out", out.to_str().unwrap()]));
}
