//! Networks that files write: those in `recipes/networks` are the ones that there are, bit for bit.

use warptape::nn::models;
use warptape::nn::{Layer, Pass, Sequential, State, parameters};
use warptape::op::cross_entropy::cross_entropy;
use warptape::{DType, Tape, Tensor};

use crate::op::generated;
use crate::support::{self, skips_networks};
use crate::train::models::dry;

/// Of `recipes/networks`: the file, its text, the network that it writes, and the side of images for it.
pub const FILES: [(&str, &str, &str, usize); 5] = [
    ("little-conv.toml", include_str!("../../../../recipes/networks/little-conv.toml"), "little-conv", 32),
    ("vgg16_bn.toml", include_str!("../../../../recipes/networks/vgg16_bn.toml"), "vgg16_bn", 32),
    ("resnet18.toml", include_str!("../../../../recipes/networks/resnet18.toml"), "resnet18", 32),
    (
        "resnet18-imagenet.toml",
        include_str!("../../../../recipes/networks/resnet18-imagenet.toml"),
        "resnet18:stem=imagenet",
        48,
    ),
    ("mynetpro.toml", include_str!("../../../../recipes/networks/mynetpro.toml"), "mynetpro", 63),
];

pub fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

/// Names and bits of all state, in its order; parameters as they lie in files.
fn state(network: &Sequential) -> Vec<(String, Vec<usize>, Vec<u32>)> {
    let mut all = Vec::new();
    network.visit("", &mut |name, state| match state {
        State::Parameter(tensor, layout) | State::Fixed(tensor, layout) => {
            let (shape, values) = layout.outward(tensor).unwrap();
            all.push((name, shape, values.into_iter().map(f32::to_bits).collect()));
        }
        State::Statistic(tensor) => all.push((name, tensor.shape().dims().to_vec(), bits(tensor))),
        State::Counter(count) => {
            all.push((name, vec![], vec![count.load(std::sync::atomic::Ordering::Relaxed) as u32]));
        }
    });
    all
}

/// Logits of a training pass, all gradients, and logits in evaluation.
fn computed(network: &Sequential, x: &Tensor, labels: &Tensor) -> Vec<(String, Vec<u32>)> {
    let mut tape = Tape::new();
    let parameters = parameters(network);
    parameters.iter().for_each(|(_, tensor)| tape.watch(tensor));
    let logits = network.forward(&mut Pass::training(&mut tape, 3, 5), x).unwrap();
    let loss = cross_entropy(&mut tape, &logits, labels, 0.1).unwrap();
    let gradients = tape.backward(&loss).unwrap();
    let gradient = |(name, tensor): (String, Tensor)| (name, bits(&gradients.get(&tensor).unwrap()));
    let mut all: Vec<_> = parameters.into_iter().map(gradient).collect();
    all.push(("logits".into(), bits(&logits)));
    all.push(("evaluated".into(), bits(&network.forward(&mut Pass::inference(&mut Tape::new()), x).unwrap())));
    all
}

#[test]
fn written_networks_are_those_that_there_are() {
    if skips_networks() {
        return;
    }
    let device = support::device();
    for (file, text, spec, side) in FILES {
        let built = |spec: &str| models::build(spec, 7, [side; 2], &device, 11).unwrap();
        let (written, known) = (built(&models::with_text(file, text)), built(spec));
        assert!(state(&written) == state(&known), "{file}: names, shapes or first bits are not those of {spec}");
        let (x, labels) = (generated::images(&device, 0, 2, [side; 2]), generated::labels(&device, 0, 2, 7));
        let (ours, theirs) = (computed(&written, &x, &labels), computed(&known, &x, &labels));
        for ((name, ours), (of, theirs)) in ours.iter().zip(&theirs) {
            assert!(name == of && ours == theirs, "{file}: {name} is not {of} of {spec}");
        }
        assert_eq!(ours.len(), theirs.len());
        assert!(state(&written) == state(&known), "{file}: statistics are not those of {spec}");
        // An added head stands behind either.
        let headed = |spec: &str| {
            state(&models::build(&models::with_option(spec, "outputs=5"), 3, [side; 2], &device, 1).unwrap())
        };
        assert!(headed(&models::with_text(file, text)) == headed(spec), "{file}: below a head");
    }
}

/// A parameter of the network itself is an option of its name, as a known network's.
#[test]
fn numbers_of_a_network_are_options_of_its_name() {
    let device = support::device();
    let (file, text, spec, side) = FILES[4];
    assert_eq!(models::name(&models::with_text(file, text)), file);
    let dropout = |spec: &str| {
        let network = models::build(spec, 2, [side; 2], &dry(), 0).unwrap();
        let layers = network.chain().links().iter().map(|(_, layer)| layer.describe()).collect::<Vec<_>>();
        layers.into_iter().filter(|layer| layer.starts_with("Dropout")).collect::<Vec<_>>()
    };
    let written = models::with_option(&models::with_text(file, text), "dropout=0.75");
    assert_eq!(models::name(&written), "mynetpro.toml:dropout=0.75");
    assert_eq!(dropout(&written), dropout(&format!("{spec}:dropout=0.75")));
    // Below the first line nothing is an option; a width is one where layers say so.
    let text = "parameters = { width = 8, share = 0.5 }\n[layers]\nconv = { conv = \"width\", size = 3 }\n\
                pool = \"global_avgpool\"\ndropout = { dropout = \"share\" }\nfc = { linear = \"classes\" }\n";
    let wide = models::with_text("mine.toml:width=12,share=0", text);
    let network = models::build(&wide, 4, [8, 8], &device, 0).unwrap();
    let layers: Vec<String> = network.chain().links().iter().map(|(_, layer)| layer.describe()).collect();
    assert_eq!(layers, ["Conv2d 3 → 12, 3×3", "GlobalAvgPool", "Dropout 0", "Linear 12 → 4"]);
}

/// Each layer that there is, with all that can be set.
#[test]
fn layers_are_made_as_the_text_says() {
    let text = r#"
layers = [
    { conv = 6, size = 3, stride = 2, padding = 2, dilation = 2, groups = 3, bias = false },
    "batchnorm",
    "relu",
    { maxpool = 2, stride = 1, padding = 1 },
    { avgpool = 3, stride = 2, padding = 1 },
    "gelu",
    { adaptive_maxpool = 5 },
    { adaptive_avgpool = 2 },
    "flatten",
    { linear = 8, bias = false },
    "batchnorm",
    { dropout = 0.25 },
    { linear = 5 },
    [{ linear = "classes" }],
]
"#;
    let network = models::build(&models::with_text("all.toml", text), 3, [16, 20], &dry(), 0).unwrap();
    let layers: Vec<String> = network.chain().links().iter().map(|(_, layer)| layer.describe()).collect();
    let expected = "Conv2d 3 → 6, 3×3, stride 2, padding 2, dilation 2, 3 groups | BatchNorm 6 | ReLU | MaxPool 2×2, stride 1, padding 1 | \
                    AvgPool 3×3, stride 2, padding 1 | GELU | AdaptiveMaxPool 5×5 | AdaptiveAvgPool 2×2 | Flatten | Linear 24 → 8, no bias | \
                    BatchNorm 8 | Dropout 0.25 | Linear 8 → 5 | Linear 5 → 3";
    assert_eq!(layers.join(" | "), expected);
    let names: Vec<String> = parameters(&network).into_iter().map(|(name, _)| name).collect();
    let named = |name: &str| names.iter().any(|one| one == name);
    assert!(!named("0.bias") && !named("9.bias") && named("12.bias") && named("13.0.bias"), "{names:?}");
    let x = Tensor::zeros(&dry(), [2, 16, 20, 3], DType::F32).unwrap();
    let logits = models::build(&models::with_text("all.toml", text), 3, [16, 20], x.device(), 0).unwrap();
    let logits = logits.forward(&mut Pass::inference(&mut Tape::new()), &x).unwrap();
    assert_eq!(logits.shape().dims(), [2, 3]);
}

/// Lists in lists, blocks in blocks, repeats under a name and in a list: who is called what.
#[test]
fn layers_are_called_as_the_text_says() {
    let text = r#"
[layers]
stem = [{ conv = 4, size = 3, padding = 1 }, ["batchnorm", "relu"], { block = "pair", width = 4, repeat = 2 }]
one = { block = "sum", width = 8, stride = 2 }
two = { block = "sum", width = 8, stride = 2, repeat = 2 }
three = { block = "both", repeat = 2 }
pool = "global_avgpool"
0 = { linear = "classes" }

[block.pair]
parameters = { width = 1 }
layers = [{ conv = "width", size = 1 }, "relu"]

[block.sum]
parameters = { width = 1, stride = 1 }
branch = [{ conv = "width", size = 3, stride = "stride", padding = 1, bias = false }, "batchnorm"]
downsample = [{ conv = "width", size = 1, stride = "stride", bias = false }]

[block.both.layers]
a = { block = "sum", width = 8 }
b = { block = "pair", width = 8 }
"#;
    let network = models::build(&models::with_text("names.toml", text), 3, [12, 12], &dry(), 0).unwrap();
    let mut names = Vec::new();
    network.visit("", &mut |name, _| names.extend(name.strip_suffix(".weight").map(str::to_owned)));
    let expected = "stem.0 stem.1.0 stem.2 stem.4 one.0 one.1 one.downsample.0 two.0.0 two.0.1 two.0.downsample.0 two.1.0 two.1.1 \
                    three.0.a.0 three.0.a.1 three.0.b.0 three.1.a.0 three.1.a.1 three.1.b.0 0";
    assert_eq!(names.join(" "), expected);
}

/// Dropout before the last layer moves no other name and no first bit; without it, it is the network that it was.
#[test]
fn little_conv_has_dropout_if_it_is_asked_for() {
    let device = support::device();
    let built = |spec: &str| models::build(spec, 5, [16, 16], &device, 2).unwrap();
    let (plain, none, half) = (built("little-conv"), built("little-conv:dropout=0"), built("little-conv:dropout=0.5"));
    let names = |network: &Sequential| network.chain().links().iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&plain), names(&none));
    assert_eq!(names(&half)[15..], ["features.15", "avgpool", "dropout", "fc"]);
    assert!(state(&plain) == state(&half) && state(&plain) == state(&none));
    let (x, labels) = (generated::images(&device, 0, 4, [16; 2]), generated::labels(&device, 0, 4, 5));
    let [plain, none, half] = [&plain, &none, &half].map(|network| computed(network, &x, &labels));
    assert!(plain == none && plain.last() == half.last(), "in evaluation it does nothing");
    let of = |all: &[(String, Vec<u32>)], name: &str| all.iter().find(|(one, _)| one == name).unwrap().1.clone();
    assert!(of(&plain, "logits") != of(&half, "logits"));
    // What is dropped has no gradient: half of the columns, by chance.
    let weight: Vec<f32> = of(&half, "fc.weight").into_iter().map(f32::from_bits).collect();
    let zeros = weight.iter().filter(|value| **value == 0.0).count();
    assert!(of(&plain, "fc.weight").iter().all(|bits| f32::from_bits(*bits) != 0.0), "features are positive");
    assert!(zeros > 0 && zeros < weight.len() / 2, "{zeros} of {}", weight.len());
}

/// The page that tells the format has networks in it, and what it says of mistakes.
#[test]
fn the_page_tells_what_there_is() {
    let page = include_str!("../../../../recipes/networks/README.md");
    let texts = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let networks: Vec<&str> = texts.filter(|text| text.starts_with("[layers]")).collect();
    assert_eq!(networks.len(), 2);
    for text in &networks {
        models::check(&models::with_text("page.toml", text), 10, [32, 32]).unwrap_or_else(|e| panic!("{text}: {e}"));
    }
    assert!(FILES.iter().all(|(file, _, spec, _)| page.contains(&format!("]({file}) | `{spec}`"))));
    let wrong =
        |text: &str| models::check(&models::with_text("mynet.toml", text), 10, [32, 32]).unwrap_err().to_string();
    let misspelled = wrong(&networks[0].replace("padding", "pading"));
    let small = "layers = [{ conv = 4, size = 3, stride = 16 }, { conv = 4, size = 5 }]";
    for error in [misspelled, wrong(small)] {
        // Without the place, which is the page's own.
        let (_, what) = error.split_once("': ").unwrap();
        let what = what.replace("‹image_size›", "--image-size");
        assert!(page.contains(&what), "{error}");
    }
}
