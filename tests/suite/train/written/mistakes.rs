//! Files that write no network: each mistake is a line with the file, the place and the fix.

use warptape::nn::models;

use super::bits::FILES;

/// A text around `layers`.
pub fn text(layers: &str) -> String {
    format!("[layers]\n{layers}\nlast = {{ linear = \"classes\" }}\n")
}

/// What is wrong with the network that `text` writes; it is seen whether or not pictures are there.
fn wrong(text: &str) -> String {
    let spec = models::with_text("mine.toml", text);
    let error = models::check_spec(&spec).expect_err(text).to_string();
    assert_eq!(models::check(&spec, 1, [32, 32]).expect_err(text).to_string(), error);
    error
}

#[test]
fn mistakes_in_a_text_are_named_with_their_lines() {
    let cases = [
        ("", "it has no layers: write them below [layers]"),
        ("[layers", "line 1: "),
        ("[layers]\nfc = { linear = 3 }\nfc = { linear = 4 }", "line 3: duplicate key"),
        (
            "[layer]\nfc = { linear = 3 }",
            "line 1: unknown key 'layer' (did you mean 'layers'?): use parameters, init, layers, block",
        ),
        ("layers = 3", "line 1: layers are a list"),
        ("layers = []", "line 1: there are no layers in it"),
        ("[layers]", "line 1: there are no layers in it"),
        ("init = 3\nlayers = [\"relu\"]", "line 1: init is a table"),
        (
            "init = { conv = \"he\" }\nlayers = [\"relu\"]",
            "line 1: filters begin as \"default\", \"xavier\" or \"kaiming\"",
        ),
        (
            "[init]\nlinear = \"normal(x)\"\n[layers]\na = \"relu\"",
            "line 2: linear layers begin as \"default\" or \"normal(0.01)\"",
        ),
        ("[init]\nbias = \"zero\"\n[layers]\na = \"relu\"", "line 2: unknown layer 'bias': use conv, linear"),
        ("parameters = 3\nlayers = [\"relu\"]", "line 1: parameters are a table of numbers"),
        ("parameters = { classes = 3 }\nlayers = [\"relu\"]", "line 1: no parameter can be called 'classes'"),
        (
            "parameters = { width = \"wide\" }\nlayers = [\"relu\"]",
            "line 1: width: no parameter is called 'wide': use classes",
        ),
        ("block = 3\nlayers = [\"relu\"]", "line 1: blocks are tables, [block.NAME]"),
        ("layers = [\"relu\"]\n[block]\na = 3", "line 3: a block is a table, [block.NAME]"),
        (
            "layers = [\"relu\"]\n[block.a]\nlayer = [\"relu\"]",
            "line 3: unknown key of a block 'layer' (did you mean 'layers'?)",
        ),
        ("layers = [\"relu\"]\n[block.a]\nparameters = {}", "line 2: block 'a': it has either layers or"),
        ("layers = [\"relu\"]\n[block.a]\nlayers = []", "line 2: block 'a': there are no layers in it"),
        (
            "layers = [\"relu\"]\n[block.a]\nlayers = [\"relu\"]\nbranch = [\"relu\"]",
            "line 2: block 'a': it has either layers or",
        ),
        (
            "layers = [\"relu\"]\n[block.a]\nlayers = [\"relu\"]\ndownsample = [\"relu\"]",
            "line 2: block 'a': a downsample is the shortcut",
        ),
        (
            "layers = [\"relu\"]\n[block.a]\nlayers = [\"relu\"]",
            "line 2: nothing is made of block 'a': use it by { block = \"a\" }",
        ),
    ];
    for (text, part) in cases {
        let error = wrong(text);
        assert!(error.starts_with("mine.toml: ") && error.contains(part) && !error.contains('\n'), "{text:?}: {error}");
    }
}

#[test]
fn mistakes_in_layers_are_named_with_their_places() {
    let nested = |times: usize| format!("a = {}\"relu\"{}", "[".repeat(times), "]".repeat(times));
    let (deep, deeper) = (nested(40), nested(100_000));
    let cases = [
        ("a = 3", "line 2, layer 'a': a layer is a word"),
        ("a = \"rellu\"", "line 2, layer 'a': no layer is called 'rellu' (did you mean 'relu'?)"),
        ("a = \"conv\"", "line 2, layer 'a': conv needs a number: { conv = 64, size = 3 }"),
        ("a = \"maxpool\"", "line 2, layer 'a': maxpool needs a number: { maxpool = 2 }"),
        ("a = { batchnorm = 64 }", "line 2, layer 'a': batchnorm has no settings: \"batchnorm\""),
        ("a = {}", "line 2, layer 'a': no layer is called ''"),
        ("a = { type = \"conv\" }", "line 2, layer 'a': no layer is called 'type'"),
        ("a = [\"relu\",\n  { conv = 8 }]", "line 3, layer 'a.1': it needs size"),
        (
            "a = [[\"relu\"], [\"relu\", { conv = 8, size = 3, pading = 1 }]]",
            "layer 'a.1.1': unknown setting of conv 'pading' (did you mean 'padding'?)",
        ),
        ("a = { conv = 8, linear = 3, size = 3 }", "line 2, layer 'a': conv and linear are two layers"),
        ("a = { conv = 0, size = 3 }", "line 2, layer 'a': conv is 0: expected a whole number, 1 or more"),
        ("a = { conv = 8, size = 2.5 }", "size is 2.5: expected a whole number"),
        ("a = { conv = 8, size = -3 }", "size is -3: expected a whole number"),
        ("a = { conv = 99999999999, size = 3 }", "conv is 99999999999: expected a whole number"),
        ("a = { conv = 8, size = inf }", "size: expected a number"),
        ("a = { conv = 8, size = true }", "size: expected a number, or a parameter's name in quotes"),
        ("a = { conv = 8, size = 3, bias = 0 }", "bias: expected true or false"),
        ("a = { conv = \"width\", size = 3 }", "line 2, layer 'a': conv: no parameter is called 'width': use classes"),
        ("a = { dropout = 1.5 }", "line 2, layer 'a': dropout is 1.5: expected a number from 0 to 1"),
        ("a = []", "line 2, layer 'a': there are no layers in it"),
        ("\"a.b\" = \"relu\"", "line 2: 'a.b' is no name of a layer"),
        ("a = { block = \"x\" }", "line 2, layer 'a': no block is called 'x'"),
        ("a = \"dropout\"", "line 2, layer 'a': dropout needs a number: { dropout = 0.5 }"),
        (&deep, "it lies in more than 32 others: nest less"),
        (&deeper, "line 2: "),
    ];
    for (layers, part) in cases {
        let error = wrong(&text(layers));
        assert!(
            error.starts_with("mine.toml: line ") && error.contains(part) && !error.contains('\n'),
            "{layers}: {error}"
        );
    }
}

#[test]
fn mistakes_with_blocks_are_named_with_their_places() {
    let with = |layers: &str, blocks: &str| format!("{}{blocks}\n", text(layers));
    let pair = "[block.pair]\nparameters = { width = 8 }\nlayers = [{ conv = \"width\", size = 1 }, \"relu\"]";
    // Each uses the next one twice.
    let twice = |count: usize| {
        let block =
            |i: usize| format!("[block.b{i}]\nlayers = [{{ block = \"b{0}\" }}, {{ block = \"b{0}\" }}]\n", i + 1);
        (0..count).map(block).collect::<String>() + &format!("[block.b{count}]\nlayers = [\"relu\"]")
    };
    let cases = [
        (with("a = \"pair\"", pair), "layer 'a': 'pair' is a block: { block = \"pair\" }"),
        (
            with("a = { block = \"pear\" }", pair),
            "layer 'a': no block is called 'pear' (did you mean 'pair'?): use pair",
        ),
        (with("a = { block = 3 }", pair), "layer 'a': no block is called ''"),
        (
            with("a = { block = \"pair\", widht = 3 }", pair),
            "unknown parameter of block 'pair' 'widht' (did you mean 'width'?): use width, block, repeat",
        ),
        (with("a = { block = \"pair\", width = \"depth\" }", pair), "width: no parameter is called 'depth'"),
        (with("a = { block = \"pair\", width = 0 }", pair), "line 6, layer 'a.0': conv is 0: expected"),
        (
            with("a = { block = \"pair\", repeat = 0 }", pair),
            "layer 'a': repeat is 0: expected a whole number, 1 or more",
        ),
        (with("a = { block = \"pair\", repeat = 2000000000 }", pair), "these are more than 4096 layers: repeat less"),
        (with("a = { block = \"b0\" }", &twice(24)), "these are more than 4096 layers"),
        (with("a = { block = \"b0\" }", &twice(64)), "it lies in more than 32 others"),
        (
            with(
                "a = { block = \"x\" }",
                "[block.x]\nlayers = [{ block = \"y\" }]\n[block.y]\nlayers = [{ block = \"x\" }]",
            ),
            "block 'x' is made of itself: x → y → x",
        ),
        (
            with("a = { block = \"x\" }", "[block.x.branch]\ndownsample = \"relu\""),
            "layer 'a.downsample': downsample is the name of the shortcut",
        ),
    ];
    for (text, part) in cases {
        let error = wrong(&text);
        assert!(
            error.starts_with("mine.toml: line ") && error.contains(part) && !error.contains('\n'),
            "{text}: {error}"
        );
    }
}

#[test]
fn options_behind_a_file_are_its_parameters() {
    let text = "parameters = { width = 8 }\n[layers]\na = { conv = \"width\", size = 1 }\nb = \"global_avgpool\"\nc = { linear = \"classes\" }\n";
    for (name, part) in [
        ("mine.toml:widht=3", "no parameter of the network is called 'widht' (did you mean 'width'?): use width"),
        ("mine.toml:width=wide", "width=wide: expected a number"),
        ("mine.toml:width=0", "line 3, layer 'a': conv is 0"),
        ("mine.toml:width=1,width=2", "option 'width' is given twice"),
    ] {
        let error = models::check_spec(&models::with_text(name, text)).expect_err(name).to_string();
        assert!(error.contains(name) && error.contains(part), "{name}: {error}");
    }
}

/// Pieces of good texts in another order, left out and put in: a network or a line, and nothing else.
#[test]
fn damaged_texts_are_networks_or_mistakes() {
    const PIECES: [&str; 12] = [
        "\n",
        "]",
        "[",
        "{",
        "}",
        "=",
        ",",
        "\"",
        "0",
        "-1",
        "repeat = 99",
        "[block.basic.branch]\nx = { block = \"basic\" }\n",
    ];
    let mut state = 7u64;
    let mut below = move |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % most
    };
    let (mut networks, mut mistakes) = (0, 0);
    for (file, text, _, side) in FILES {
        for _ in 0..300 {
            let mut pieces: Vec<&str> = text.split_inclusive([' ', '\n', ',']).collect();
            for _ in 0..1 + below(3) {
                let (from, to) = (below(pieces.len()), below(pieces.len()));
                match below(3) {
                    0 => drop(pieces.remove(from)),
                    1 => pieces.insert(to, PIECES[below(PIECES.len())]),
                    _ => pieces.swap(from, to),
                }
            }
            match models::check(&models::with_text(file, &pieces.concat()), 10, [side; 2]) {
                Ok(()) => networks += 1,
                Err(error) => {
                    let (error, begin) = (error.to_string(), format!("{file}: "));
                    assert!(
                        error.starts_with(&begin) && !error.contains(char::is_control),
                        "{error:?} of {}",
                        pieces.concat()
                    );
                    mistakes += 1;
                }
            }
        }
    }
    assert!(networks > 100 && mistakes > 1000, "{networks} networks, {mistakes} mistakes");
}
