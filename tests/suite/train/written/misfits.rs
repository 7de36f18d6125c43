//! What only pictures show of a network that a file writes: layers that do not take what comes in; and what commands say of a file.

use warptape::nn::models;

use super::mistakes::text;
use crate::command::{fails, quick};

#[test]
fn layers_that_do_not_take_what_comes_in_are_named() {
    let sum = "[block.s]\nbranch = [{ conv = 8, size = 3, stride = 2, padding = 1 }]";
    let wide = format!("{sum}\ndownsample = [{{ conv = 8, size = 1 }}]");
    let cases = [
        (
            "a = { conv = 4, size = 3 }\nb = { maxpool = 2 }\nc = { conv = 4, size = 9 }\np = \"global_avgpool\"",
            "",
            "line 4, layer 'c': of images of 16×18 pixels 7×8 are left here, too few for windows of 9×9: use larger ones (‹image_size›), padding",
        ),
        (
            "a = { maxpool = 20 }",
            "",
            "line 2, layer 'a': of images of 16×18 pixels 16×18 are left here, too few for windows of 20×20",
        ),
        (
            "a = { maxpool = 17, padding = 8 }",
            "",
            "line 2, layer 'a': of 17×17 pixels there is no maximum, of 256 at most",
        ),
        (
            "a = { maxpool = 3, padding = 2 }",
            "",
            "line 2, layer 'a': it gets an image of 16×18 with 3 channels: padding of more than half",
        ),
        (
            "a = { conv = 8, size = 3, groups = 2 }",
            "",
            "line 2, layer 'a': it gets an image of 16×18 with 3 channels: 2 groups do not divide 3 channels and 8 filters",
        ),
        (
            "a = \"relu\"",
            "",
            "line 3, layer 'last': it gets an image of 16×18 with 3 channels: put \"flatten\" or \"global_avgpool\" before it",
        ),
        (
            "a = \"flatten\"\nb = { conv = 4, size = 1 }",
            "",
            "line 3, layer 'b': it gets a flattened image of 16×18×3: it takes images",
        ),
        (
            "a = \"flatten\"\nb = \"batchnorm\"",
            "",
            "line 3, layer 'b': it gets a flattened image of 16×18×3: put it before flatten",
        ),
        ("a = \"global_avgpool\"\nb = \"flatten\"", "", "line 3, layer 'b': it gets 3 features: it takes images"),
        ("a = \"global_avgpool\"\nb = { maxpool = 2 }", "", "it takes images"),
        ("a = \"flatten\"\nb = { linear = 2000000000 }", "", "2000000000 outputs of it are more than 2^31 - 1 weights"),
        (
            "a = { adaptive_avgpool = 2000000000 }\nb = \"flatten\"",
            "",
            "2000000000×2000000000 bins of it are more than 2^31 - 1 numbers",
        ),
        (
            "a = { conv = 2000000000, size = 15 }\nb = \"flatten\"",
            "",
            "line 2, layer 'a': it gets an image of 16×18 with 3 channels: ",
        ),
        (
            "a = { block = \"s\" }\nb = \"flatten\"",
            sum,
            "line 2, layer 'a': its branch gives an image of 8×9 with 8 channels, its shortcut an image of 16×18 with 3 channels: write a downsample",
        ),
        (
            "a = { block = \"s\" }\nb = \"flatten\"",
            &wide,
            "its shortcut an image of 16×18 with 8 channels: write a downsample",
        ),
    ];
    for (layers, blocks, part) in cases {
        let spec = models::with_text("mine.toml", &format!("{}{blocks}\n", text(layers)));
        models::check_spec(&spec).unwrap_or_else(|e| panic!("{layers}: {e}"));
        let error = models::check(&spec, 5, [16, 18]).expect_err(layers).to_string();
        assert!(
            error.starts_with("mine.toml: line ") && error.contains(part) && !error.contains('\n'),
            "{layers}: {error}"
        );
    }
    for (layers, part) in [
        (
            "layers = [\"relu\"]",
            "line 1, layer '0': the network ends with an image of 16×18 with 3 channels for 5 classes: end it with { linear = \"classes\" }",
        ),
        ("layers = [\"flatten\"]", "the network ends with a flattened image of 16×18×3 for 5 classes"),
        (
            "layers = [\"flatten\", { linear = 10 }]",
            "line 1, layer '1': the network ends with 10 features for 5 classes",
        ),
    ] {
        let error = models::check(&models::with_text("mine.toml", layers), 5, [16, 18]).expect_err(layers).to_string();
        assert!(error.contains(part), "{layers}: {error}");
    }
    let text = "[layers]\na = \"global_avgpool\"\nhead = { linear = \"classes\" }\n";
    let headed = models::with_text("mine.toml:outputs=3", text);
    let error = models::check(&headed, 5, [16, 18]).expect_err("head").to_string();
    assert!(error.contains("its own layer 'head' has the name of the one to add"), "{error}");
}

#[test]
fn the_command_names_the_file() {
    let root = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = root.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let odd = file("odd.toml", b"[layers]\nconv = { conv = 8, sise = 3 }\n");
    fails(
        &["models", "show", &odd],
        1,
        &[&odd, "line 2, layer 'conv': unknown setting of conv 'sise' (did you mean 'size'?)"],
    );
    fails(&quick(&["--model", &odd]), 1, &[&odd, "line 2"]);
    fails(&["bench", "train", "--models", &odd], 1, &[&odd, "line 2"]);
    fails(&["tune", "--models", &odd, "--device", "host"], 1, &[&odd, "line 2"]);
    fails(&["models", "show", &file("latin.toml", b"# \xe9\n[layers]\n")], 1, &["latin.toml", "UTF-8"]);
    fails(&["models", "show", &file("long.toml", &vec![b'#'; (1 << 20) + 1])], 1, &["long.toml", "longer than 1 MiB"]);
    fails(&["models", "show", &format!("{}.toml", root.path().display())], 1, &["no such file"]);
    fails(&["models", "show", &root.path().join("none.toml").display().to_string()], 1, &["none.toml", "no such file"]);
    let small = file(
        "small.toml",
        b"[layers]\na = { conv = 4, size = 9 }\nb = \"global_avgpool\"\nc = { linear = \"classes\" }\n",
    );
    fails(
        &["models", "show", &small, "--input", "8"],
        1,
        &["small.toml: line 2, layer 'a'", "use larger ones (--image-size)"],
    );
    let out = root.path().join("run");
    let small = quick(&[
        "--model",
        &file(
            "big.toml",
            b"[layers]\na = { conv = 4, size = 33 }\nb = \"global_avgpool\"\nc = { linear = \"classes\" }\n",
        ),
        "--out",
        out.to_str().unwrap(),
    ]);
    fails(&small, 1, &["big.toml: line 2, layer 'a': of images of 32×32 pixels 32×32 are left here"]);
    assert!(!out.exists());
}
