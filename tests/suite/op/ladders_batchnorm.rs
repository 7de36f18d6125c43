//! The ladder of batch normalization: that fused rungs change no bit, and that networks use them.

use warptape::check::{Input, Random, Values, compare, tolerance};
use warptape::device::Target;
use warptape::device::dry::{Dry, Launched};
use warptape::nn::{Layer, Pass, Sequential, State, models, parameters};
use warptape::op::add::add;
use warptape::op::batchnorm::{Norm, Problem, batchnorm_inference, batchnorm_train};
use warptape::op::cross_entropy::cross_entropy;
use warptape::op::epilogue::Epilogue;
use warptape::op::relu::relu;
use warptape::train::precision::Precision;
use warptape::train::summary::Summary;
use warptape::{DType, Device, Result, Tape, Tensor, op};

use crate::support::{device, devices, skips_networks};

pub fn force(device: &Device, rung: Option<u32>) {
    ["batchnorm_forward", "batchnorm_backward"].iter().for_each(|ladder| device.choices().force(ladder, rung));
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

/// Output, gradients of x, weight, bias and the second tensor; running statistics.
fn step(device: &Device, sizes: [usize; 2], training: bool, epilogue: Epilogue) -> Result<Vec<Vec<u32>>> {
    let [rows, channels] = sizes;
    let mut random = Random(5);
    let mut draw = |n: usize| (0..n).map(|_| random.unit() as f32 * 2.0 - 1.0).collect::<Vec<_>>();
    let mut matrix = || Tensor::from_slice(device, sizes, &draw(rows * channels));
    let (x, second, dy) = (matrix()?, matrix()?, matrix()?);
    let mut vector = || Tensor::from_slice(device, [channels], &draw(channels));
    let (weight, bias, mean) = (vector()?, vector()?, vector()?);
    let var = Tensor::full(device, [channels], 1.0)?;
    let norm = Norm { weight: &weight, bias: &bias, running_mean: &mean, running_var: &var, eps: 1e-5 };
    let mut tape = Tape::new();
    let leaves = [&x, &weight, &bias, &second];
    leaves.iter().for_each(|leaf| tape.watch(leaf));
    let epilogue = match epilogue {
        Epilogue::Nothing => Epilogue::Nothing,
        Epilogue::Relu => Epilogue::Relu,
        Epilogue::Residual(()) => Epilogue::Residual(&second),
    };
    let y = match training {
        true => batchnorm_train(&mut tape, &x, &norm, 0.1, epilogue)?,
        false => batchnorm_inference(&mut tape, &x, &norm, epilogue)?,
    };
    let gradients = tape.backward_from(&y, dy)?;
    let found = leaves.map(|leaf| gradients.get(leaf));
    Ok([&y, &mean, &var].into_iter().chain(found.iter().flatten()).map(bits).collect())
}

#[test]
fn fused_rungs_change_no_bit() {
    for (label, device) in devices() {
        for epilogue in [Epilogue::Relu, Epilogue::Residual(())] {
            for (sizes, training) in [([700, 20], true), ([33, 5], true), ([130, 64], true), ([60, 20], false)] {
                let fused = step(&device, sizes, training, epilogue).unwrap();
                force(&device, Some(4));
                let apart = step(&device, sizes, training, epilogue).unwrap();
                force(&device, None);
                let parts = if epilogue == Epilogue::Relu { 6 } else { 7 };
                assert_eq!((fused.len(), apart.len()), (parts, parts));
                assert!(fused == apart, "{sizes:?} {epilogue} [{label}]");
                assert!(fused[0].contains(&0) && fused[0].iter().any(|&bits| bits != 0));
            }
        }
    }
}

#[test]
fn jobs_know_their_results() {
    let device = device();
    let ladders: Vec<_> = op::ladders().into_iter().filter(|ladder| ladder.name.starts_with("batchnorm")).collect();
    assert_eq!(ladders.len(), 2);
    for ladder in ladders {
        for problem in ["rows70 c12 nothing", "rows33 c20 relu", "rows70 c5 residual"] {
            assert_eq!(problem.parse::<Problem>().unwrap().to_string(), problem);
            let job = ladder.job(&device, problem).unwrap();
            let got = (job.run)().unwrap().to_vec::<f32>().unwrap();
            let expected: Vec<f64> = (0..got.len()).map(|at| (job.element)(at)).collect();
            let scale = expected.iter().fold(1.0f64, |most, v| most.max(v.abs()));
            compare(problem, &got, &expected, tolerance(job.terms, scale)).unwrap();
        }
        for wrong in ["", "rows70 c12", "rows70 c12 gelu", "rows0 c12 relu", "rows70 c12 relu x", "c12 rows70 relu"] {
            let error = ladder.job(&device, wrong).err().unwrap().to_string();
            assert!(error.contains("write rows8192 c64 nothing, or relu or residual"), "{error}");
        }
    }
}

/// Each layer by itself and a tape record for each, as networks ran before anything was done on the way.
fn apart(layer: &dyn Layer, pass: &mut Pass, x: &Tensor) -> Result<Tensor> {
    let children = layer.children();
    if children.is_empty() {
        return layer.forward(pass, x);
    }
    let (aside, branch): (Vec<_>, Vec<_>) = children.into_iter().partition(|(name, _)| *name == "downsample");
    let y = branch.into_iter().try_fold(x.clone(), |x, (_, layer)| apart(layer, pass, &x))?;
    if layer.describe() == "Sequential" {
        return Ok(y);
    }
    let shortcut = aside.first().map_or(Ok(x.clone()), |(_, layer)| apart(*layer, pass, x))?;
    let sum = add(pass.tape, &y, &shortcut)?;
    relu(pass.tape, &sum)
}

type Run = fn(&dyn Layer, &mut Pass, &Tensor) -> Result<Tensor>;
const WAYS: [Run; 3] = [
    |layer, pass, x| layer.forward(pass, x),
    |layer, pass, x| {
        pass.tape.mark_layers();
        layer.forward(pass, x)
    },
    apart,
];

/// Logits of a training step, gradients, state afterwards, logits of inference.
fn passes(model: &Sequential, x: &Tensor, run: Run) -> Result<Vec<Vec<u32>>> {
    let mut tape = Tape::new();
    parameters(model).iter().for_each(|(_, tensor)| tape.watch(tensor));
    let logits = run(model, &mut Pass::training(&mut tape, 1, 2), x)?;
    let labels =
        Input::new([x.dim(0)], Values::Labels(3)).draw(1, DType::F32).into_iter().map(|v| v as i32).collect::<Vec<_>>();
    let labels = Tensor::from_slice(x.device(), [x.dim(0)], &labels)?;
    let loss = cross_entropy(&mut tape, &logits, &labels, 0.0)?;
    let gradients = tape.backward(&loss)?;
    let mut all = vec![bits(&logits)];
    model.visit("", &mut |name, state| match state {
        State::Parameter(tensor, _) => all.push(bits(&gradients.get(tensor).expect(&name))),
        State::Statistic(tensor) | State::Fixed(tensor, _) => all.push(bits(tensor)),
        State::Counter(_) => {}
    });
    all.push(bits(&run(model, &mut Pass::inference(&mut Tape::new()), x)?));
    Ok(all)
}

#[test]
fn networks_give_the_same_bits_with_and_without() {
    if skips_networks() {
        return;
    }
    let device = device();
    for (spec, side) in [("little-conv", 16), ("vgg11_bn", 32), ("vgg11", 32), ("resnet18", 16), ("resnet50", 16)] {
        let mut random = Random(7);
        let pixels: Vec<f32> = (0..3 * side * side * 3).map(|_| random.unit() as f32 - 0.5).collect();
        let x = Tensor::from_slice(&device, [3, side, side, 3], &pixels).unwrap();
        let [fused, marked, apart] = WAYS.map(|run| {
            let model = models::build(spec, 3, [side, side], &device, 9).unwrap();
            passes(&model, &x, run).unwrap()
        });
        assert!(fused == marked, "{spec}: not the same as with layers marked");
        assert!(fused == apart, "{spec}: not the same as layer by layer");
    }
}

/// A dry device's launches and peak in a training step, and then its launches in inference.
fn dry(spec: &str, batch: usize, run: Run) -> (Vec<String>, u64, Vec<String>) {
    let dry = [Dry::new(Target::Cuda), Dry::new(Target::Cuda)];
    let names = [dry[0].launched(), dry[1].launched()];
    let [training, inference] = dry.map(|dry| Device::new(Box::new(dry)));
    let network = |device: &Device| {
        let x = Tensor::zeros(device, [batch, 32, 32, 3], warptape::DType::F32).unwrap();
        (models::build(spec, 10, [32, 32], device, 0).unwrap(), x)
    };
    let (model, x) = network(&training);
    let mut tape = Tape::new();
    parameters(&model).iter().for_each(|(_, tensor)| tape.watch(tensor));
    let logits = run(&model, &mut Pass::training(&mut tape, 0, 0), &x).unwrap();
    tape.backward_from(&logits, logits.clone()).unwrap();
    let peak = training.memory().peak;
    let (model, x) = network(&inference);
    run(&model, &mut Pass::inference(&mut Tape::new()), &x).unwrap();
    let shown = |launched: &Launched| launched.functions().iter().map(ToString::to_string).collect();
    (shown(&names[0]), peak, shown(&names[1]))
}

#[test]
fn networks_run_the_fused_kernels() {
    let kernels = ["forward_normalize", "backward_partial", "backward_input"];
    let relu = kernels.map(|kernel| format!("batchnorm_{kernel} (batchnorm/5_fused_relu.cu)"));
    let residual_end = kernels.map(|kernel| format!("batchnorm_{kernel} (batchnorm/6_fused_residual.cu)"));
    for (spec, residual) in [("resnet18", true), ("vgg16_bn", false), ("little-conv", false)] {
        let [fused, marked, _] = WAYS.map(|run| dry(spec, 4, run));
        for name in relu.iter().chain(residual_end[..2].iter().filter(|_| residual)) {
            assert!(fused.0.contains(name), "{spec}: no {name}");
            assert!(!marked.0.contains(name) && !marked.2.contains(name), "{spec}: {name}, but layers are marked");
            assert_eq!(fused.2.contains(name), name.contains("forward"), "{spec}: {name} in inference");
        }
        // The only ReLUs by themselves are those behind linear layers.
        let by_itself = |names: &[String]| names.iter().any(|name| name.starts_with("relu_forward"));
        assert_eq!(by_itself(&fused.0), spec == "vgg16_bn", "{spec}");
        assert!(by_itself(&marked.0) && by_itself(&marked.2), "{spec}");
    }
}

/// What is not stored is not kept for the backward pass either.
#[test]
fn training_takes_less_memory() {
    for spec in ["resnet18", "vgg16_bn"] {
        let [fused, _, apart] = WAYS.map(|run| dry(spec, 64, run).1);
        let rows = Summary::new(spec, 10, [32, 32], 64, Precision::F32, Target::Cuda).unwrap().rows;
        // Normalized values before a ReLU, and sums before a ReLU.
        let dropped = |kind: &str, name: &str| {
            kind == "add, ReLU" || kind.starts_with("BatchNorm") && !name.contains("downsample")
        };
        let dropped: u64 = rows.iter().filter(|row| dropped(&row.kind, &row.name)).map(|row| row.bytes).sum();
        println!("{spec}, batch 64: {apart} bytes layer by layer, {fused} with ReLU and sums on the way");
        assert!(apart - fused > dropped / 10 * 9, "{spec}: {apart} → {fused} bytes, of {dropped} that are not kept");
    }
}
