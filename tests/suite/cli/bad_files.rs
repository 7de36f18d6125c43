//! Data, pictures, checkpoints and runs that are missing, damaged or another's: one line that says what to do, exit code 1.

use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensors;
use serde_json::{Value, json};
use warptape::launch_plan::Plan;

use crate::command::{
    checkpoints, copy_of_run, device, fails, metrics, quick as train, record, same_runs, shared, succeeds, write_data,
};

#[test]
fn data_files() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let spec = write_data(&data, 10, 2);
    let refuse = |parts: &[&str]| fails(&train(&["--data", &spec, "--epochs", "1"]), 1, parts);
    let change = |name: &str, bytes: Option<Vec<u8>>, parts: &[&str]| {
        let (path, before) = (data.join(name), std::fs::read(data.join(name)).unwrap());
        std::fs::remove_file(&path).unwrap();
        bytes.into_iter().for_each(|bytes| std::fs::write(&path, bytes).unwrap());
        refuse(&[&[name], parts].concat());
        std::fs::write(&path, before).unwrap();
    };
    let whole = || [record(0), record(1)].concat();
    let labelled = |label: u8| [&whole()[..3073], &[label], &whole()[3074..]].concat();
    change("data_batch_3.bin", None, &["missing", "unpack it again"]);
    change("test_batch.bin", None, &["missing"]);
    change("data_batch_1.bin", Some(Vec::new()), &["empty"]);
    change("data_batch_2.bin", Some(whole()[..3100].to_vec()), &["truncated", "offset 3100"]);
    change("test_batch.bin", Some([whole(), vec![0]].concat()), &["truncated", "record 2"]);
    change("data_batch_5.bin", Some(labelled(10)), &["offset 3073", "label 10, expected 0 to 9"]);
    change("data_batch_5.bin", Some(b"\x7fELF garbage".repeat(1000)), &["label 127"]);
    let huge = data.join("data_batch_4.bin");
    std::fs::File::options().write(true).open(&huge).unwrap().set_len(1 << 40).unwrap();
    refuse(&["data_batch_4.bin", "bytes"]);
    std::fs::remove_file(&huge).unwrap();
    std::fs::create_dir(&huge).unwrap();
    refuse(&["data_batch_4.bin", "directory"]);
    let nowhere = format!("cifar10:{}", folder.path().join("nowhere").display());
    fails(&train(&["--data", &nowhere]), 1, &["no such folder"]);
}

#[test]
fn pictures_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let run = shared().run.to_str().unwrap();
    let predict = |name: &str, parts: &[&str]| {
        fails(&["predict", run, &path(name), "--device", &device()], 1, &[&[name], parts].concat());
    };
    predict("missing.png", &["no such file"]);
    for (name, bytes, part) in [
        ("empty.png", &b""[..], "is empty"),
        ("text.png", b"this is not a picture", "expected PNG, JPEG"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "damaged picture"),
        ("line\nbreak.png", b"nothing", "expected PNG"),
    ] {
        std::fs::write(path(name), bytes).unwrap();
        predict(&name.replace('\n', " "), &[]);
        fails(&["predict", run, &path(name), "--device", &device()], 1, &[part]);
    }
    if Path::new("/dev/zero").exists() {
        fails(&["predict", run, "/dev/zero", "--device", &device()], 1, &["it is a pipe or a device, not a file"]);
    }
}

/// The shared run's last checkpoint with its "warptape" entry changed by `edit` and its tensors renamed by `rename`.
fn forged(edit: impl Fn(&mut Value), rename: impl Fn(&str) -> String) -> Vec<u8> {
    let bytes = std::fs::read(shared().run.join("checkpoints/last.safetensors")).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut meta: Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["warptape"]).unwrap();
    edit(&mut meta);
    let entry = HashMap::from([("warptape".to_owned(), meta.to_string())]);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    safetensors::serialize(file.iter().map(|(name, view)| (rename(name), view)), Some(entry)).unwrap()
}

/// The same with one tensor more.
fn with_another(name: &str) -> Vec<u8> {
    let bytes = forged(|_| {}, str::to_owned);
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let first = file.iter().next().unwrap().1;
    let all = file.iter().chain([(name, first)]);
    safetensors::serialize(all, header.metadata().clone()).unwrap()
}

#[test]
fn a_tensor_too_many_is_refused() {
    let (_folder, run) = copy_of_run();
    let last = run.join("checkpoints/last.safetensors");
    let (last, run, device) = (last.to_str().unwrap(), run.to_str().unwrap(), device());
    std::fs::write(last, with_another("fc.extra")).unwrap();
    let place = "does not fit the model 'little-conv': tensor 'fc.extra' has no place in it";
    fails(&["eval", last, "--device", &device], 1, &["last.safetensors", place]);
    // Judging asks nothing of an optimizer; going on does.
    std::fs::write(last, with_another("optimizer.exp_avg.gone")).unwrap();
    let place = "tensor 'optimizer.exp_avg.gone' has no place in it";
    fails(&["train", "--resume", run, "--epochs", "5"], 1, &["last.safetensors", place]);
}

#[test]
fn checkpoints_that_are_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.safetensors");
    let name = path.to_str().unwrap();
    let device = device();
    let refuse =
        |parts: &[&str]| fails(&["eval", name, "--device", &device], 1, &[&["file.safetensors"], parts].concat());
    refuse(&["no such file or folder"]);
    let good = forged(|_| {}, str::to_owned);
    std::fs::write(&path, &good).unwrap();
    // A file that lies in no run does not know where the data are.
    refuse(&["does not say where its data are", "--data cifar10:DIR"]);
    succeeds(&["eval", name, "--device", &device, "--data", &shared().data]);
    let half = good.len() / 2;
    let lengths = format!("truncated, {half} bytes where its header describes {}", good.len());
    for (bytes, part) in [
        (&b""[..], "ends at offset 0"),
        (&good[..5], "ends at offset 5"),
        (&good[..100], "does not fit into its 100 bytes"),
        (&good[..half], &lengths),
        (&good[..good.len() - 1], "truncated"),
        (&[&good[..], b"x"].concat(), "too long"),
        (b"\x10\0\0\0\0\0\0\0 not JSON at all ", "the header at offset 8"),
        (b"this is a text and no checkpoint", "does not fit"),
        (&[255; 64], "does not fit"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        refuse(&["not a readable checkpoint", part, "put another checkpoint of the run in its place"]);
    }
    // A file of a tebibyte, all of it holes.
    std::fs::write(&path, &good).unwrap();
    if std::fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).is_ok() {
        refuse(&["too long, 1099511627776 bytes"]);
    }
    if Path::new("/dev/zero").exists() {
        fails(&["eval", "/dev/zero", "--device", &device], 1, &["/dev/zero"]);
    }
}

#[test]
fn checkpoints_of_another_kind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.safetensors");
    let (name, device) = (path.to_str().unwrap(), device());
    let refuse = |bytes: Vec<u8>, parts: &[&str]| {
        std::fs::write(&path, bytes).unwrap();
        for command in ["eval", "predict"] {
            let args = ["eval", name, "--device", &device, "picture.png"];
            let args =
                if command == "eval" { &args[..4] } else { &["predict", name, "picture.png", "--device", &device] };
            fails(args, 1, &[&["file.safetensors"], parts].concat());
        }
    };
    let same = str::to_owned;
    let foreign = safetensors::serialize(Vec::<(String, safetensors::tensor::TensorView)>::new(), None).unwrap();
    refuse(foreign, &["not a checkpoint of warptape"]);
    refuse(forged(|meta| meta["format"] = 99.into(), same), &["checkpoint format 99, this version reads up to 2"]);
    refuse(forged(|meta| meta["format"] = Value::Null, same), &["'warptape' entry"]);
    refuse(forged(|meta| *meta = json!({}), same), &["missing field"]);
    refuse(forged(|meta| meta["config"]["model"] = "vgg99".into(), same), &["unknown model 'vgg99'"]);
    refuse(forged(|meta| meta["classes"] = json!([]), same), &["no classes"]);
    refuse(forged(|meta| meta["classes"] = json!(["a", "b"]), same), &["does not fit", "'fc.weight' is F32 [10, 256]"]);
    refuse(forged(|meta| meta["input"] = json!([0, 32]), same), &["0x32"]);
    refuse(forged(|meta| meta["input"] = json!([1u64 << 40, 32]), same), &["x32"]);
    refuse(forged(|meta| meta["std"] = json!([1, 0, 1]), same), &["deviation"]);
    let renamed = forged(|_| {}, |name| name.replace("features.0.weight", "conv1.weight"));
    refuse(renamed, &["does not fit the model 'little-conv': tensor 'features.0.weight' is missing"]);
}

#[test]
fn classes_and_data_of_another_run() {
    let (folder, run) = copy_of_run();
    let data = folder.path().join("other");
    let other = write_data(&data, 10, 2);
    let (run, device) = (run.to_str().unwrap(), device());
    succeeds(&["eval", run, "--data", &other, "--device", &device]);
    let nine = ["eval", run, "--data", "emoji", "--device", &device];
    fails(
        &nine,
        2,
        &["emoji has a class \"Smileys", "which the network does not know: it was trained on \"airplane\""],
    );

    // A run of which data are gone since.
    let out = folder.path().join("new");
    let out = out.to_str().unwrap();
    succeeds(&train(&["--data", &other, "--epochs", "1", "--out", out]));
    write_data(&data, 5, 2);
    let parts = ["last.safetensors", "other data", "5 pictures gone since this run began: 5 train", "start a new run"];
    fails(&["train", "--resume", out, "--epochs", "2"], 1, &parts);
}

#[test]
fn folders_that_are_no_runs() {
    let (folder, run) = copy_of_run();
    let device = device();
    let (empty, path) = (folder.path().to_str().unwrap(), run.to_str().unwrap());
    fails(&["train", "--resume", empty], 1, &["is not a run directory: it has no run.json"]);
    fails(&["train", "--resume", &format!("{empty}/nowhere")], 1, &["nowhere"]);
    fails(&["eval", empty, "--device", &device], 1, &["is not a run directory"]);
    fails(&["predict", empty, "picture.png", "--device", &device], 1, &["is not a run directory"]);
    fails(&["eval", &format!("{path}@77")], 1, &["no checkpoint 'epoch-0077'; the last epoch it has is 4"]);
    fails(&["eval", &format!("{path}@first")], 2, &["use best, last or an epoch's number"]);
    fails(&train(&["--out", path]), 1, &["holds another run, --", "where this one has", "--resume"]);
    fails(&train(&["--out", empty]), 1, &["is not empty"]);
    fails(&train(&["--out", &format!("{path}/run.json")]), 1, &["is a file"]);
    fails(&train(&["--out", &format!("{path}/run.json/run")]), 1, &["cannot be written", "--out"]);
    let both = crate::command::done(crate::command::warptape().args(train(&["--out", empty, "--resume", path])));
    assert_eq!(both.code, Some(2), "{}", both.stderr);
    same_runs(&run, &shared().run);
}

#[test]
fn runs_that_are_damaged() {
    let (_folder, run) = copy_of_run();
    let path = run.to_str().unwrap();
    let resume = ["train", "--resume", path, "--epochs", "5"];
    let damaged = |name: &str, bytes: &[u8], parts: &[&str]| {
        let before = std::fs::read(run.join(name)).unwrap();
        std::fs::write(run.join(name), bytes).unwrap();
        fails(&resume, 1, &[&[name], parts].concat());
        std::fs::write(run.join(name), before).unwrap();
    };
    let last = "checkpoints/last.safetensors";
    damaged(last, b"", &["not a readable checkpoint"]);
    damaged(last, &forged(|meta| meta["config"]["model"] = "vgg99".into(), str::to_owned)[..1000], &["not a readable"]);
    damaged(
        last,
        &forged(|_| {}, |name| name.replace("exp_avg.fc", "exp_avg.gone")),
        &["'optimizer.exp_avg.fc.weight' is missing"],
    );
    damaged("metrics.csv", b"garbage\n\xff\xfe\n", &["line 1", "expected the header"]);
    damaged(
        "metrics.csv",
        format!("{}1,train\n", metrics_header(&run)).as_bytes(),
        &["line 2", "2 fields, expected 9"],
    );
    same_runs(&run, &shared().run);
    // Another checkpoint in its place, as the message says.
    let epochs = checkpoints(&run);
    let third = epochs.iter().find(|(name, _)| name.contains("0003")).unwrap();
    std::fs::write(run.join(last), &third.1).unwrap();
    succeeds(&["train", "--resume", path]);
    assert_eq!(metrics(&run), metrics(&shared().run));
    std::fs::write(run.join("run.json"), "{").unwrap();
    std::fs::remove_file(run.join(last)).unwrap();
    fails(&resume, 1, &["run.json", "start a new run"]);
}

fn metrics_header(run: &Path) -> String {
    let text = std::fs::read_to_string(run.join("metrics.csv")).unwrap();
    text.lines().next().unwrap().to_owned() + "\n"
}

/// Descriptions of launches.
#[test]
fn launches_with_mistakes() {
    let cases = [
        (
            "gird = 4",
            "line 1: unknown field `gird`, expected one of `kernel`, `grid`, `block`, `shared`, `defines`, `args`",
        ),
        ("grid = 4\nshared = -1", "line 2: "),
        ("grid = 0", "grid = 0: give one to three sizes of at least 1, such as 4 or [4, 2, 1]"),
        ("block = [1, 2, 3, 4]", "block = [1, 2, 3, 4]: give one to three sizes"),
        ("block = \"8\"", "block = \"8\": give one to three sizes"),
        ("[defines]\n2A = 1", "[defines] 2A: a name has letters, digits and _, and begins with no digit"),
        ("[args]\nx = \"f32[0]\"", "[args] x = \"f32[0]\": [0] is no size: give the number of elements, at least 1"),
        ("[args]\nx = \"f32[n]\"", "[n] is no size"),
        ("[args]\nx = \"f32[9999999*9999999]\"", "is no size"),
        ("[args]\nx = \"half[4]\"", "'half' is no element type: use one of f32, f64, i8,"),
        ("[args]\nx = \"f32[4] twos\"", "'twos' is no fill: use random, empty, zeros, ones, index or below K"),
        ("[args]\nx = \"f32[4] below 0\"", "'below 0' is no fill"),
        ("[args]\nx = \"much\"", "'much' is no number, null or buffer: write a buffer like f32[1024]"),
        ("[args]\nx = [1.5]", "a struct is given as the list of its 32-bit integers"),
        ("[args]\nx = { a = 1 }", "give a number, a list of integers or a text such as \"f32[1024]\""),
    ];
    for (toml, what) in cases {
        let message = Plan::from_toml(toml).unwrap_err();
        assert!(message.contains(what) && !message.contains('\n'), "{toml}: {message}");
    }
}
