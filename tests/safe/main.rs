//! What code without `unsafe` can do wrong: it gets an error in one line, and no memory but its own is touched.
//!
//! A binary of its own, since the suite cannot forbid what its kernels need. `scripts/safe_check.sh` runs it under
//! valgrind, which sees a stray access that happens to do no harm, and every use of memory that nothing wrote.
#![forbid(unsafe_code)]

mod types;

use std::sync::Arc;
use std::thread;

use warptape::device::dry::Dry;
use warptape::device::host::{Host, Options};
use warptape::device::{Function, Handle, Module, Target};
use warptape::nn::{Builder, Linear, models};
use warptape::op::add::add;
use warptape::op::augment::{Augment, Channels, Edge, Mix, Stage, augment, mix, pick_labels, sample};
use warptape::op::batchnorm::{Norm, batchnorm_train};
use warptape::op::conv2d::{Conv2dParams, conv2d};
use warptape::op::cross_entropy::{ClassWeights, Targets, cross_entropy, cross_entropy_with, softmax};
use warptape::op::epilogue::Epilogue;
use warptape::op::linear::linear;
use warptape::op::matmul::{Form, matmul};
use warptape::op::metrics::Totals;
use warptape::op::pool::{Window, avg_pool, max_pool};
use warptape::op::random::Key;
use warptape::op::reduce::{column_sums, sum};
use warptape::op::relu::relu;
use warptape::optim::{Optimizer, OptimizerConfig};
use warptape::{DType, Device, Error, Result, Tape, Tensor};

fn host() -> Device {
    Device::new(Box::new(Host::new(Options::default())))
}

fn dry() -> Device {
    Device::new(Box::new(Dry::new(Target::Cuda)))
}

/// The error, which is one line.
fn refused<T>(result: Result<T>) -> String {
    let error = result.err().expect("it is refused").to_string();
    assert!(!error.contains('\n') && !error.is_empty(), "{error}");
    error
}

fn floats(device: &Device, shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| (i % 7) as f32 - 3.0).collect();
    Tensor::from_slice(device, shape, &values).unwrap()
}

const KEY: Key = Key { seed: 1, step: 0, stream: 0 };
const SGD: OptimizerConfig = OptimizerConfig::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false, weight_decay: 0.0 };
/// A map that leads nowhere near a picture, into a window that no picture has.
const WILD: Stage = Stage {
    map: [f64::NAN, 1e30, -1e30, f64::INFINITY, 0.0, 1e9],
    window: [-1e9, 1e9, f64::NAN, 1e9],
    edge: Edge::Reflected,
};
const PLAIN: Augment = Augment { size: None, padding: Some(1), flip: true, mean: [0.5; 3], std: [0.5; 3] };

#[test]
fn shapes_that_cannot_be() {
    for device in [host(), dry()] {
        for shape in [
            vec![1 << 32, 1 << 32],
            vec![usize::MAX, 2],
            vec![usize::MAX / 4 + 2],
            vec![0, usize::MAX, usize::MAX],
            vec![1 << 62, 1 << 62, 16, 0],
            vec![1 << 48],
        ] {
            refused(Tensor::zeros(&device, &shape[..], DType::F32));
            refused(Tensor::full(&device, &shape[..], 1.0));
            let few = refused(Tensor::from_slice(&device, &shape[..], &[1.0f32; 16]));
            assert!(few.contains("more"), "{few}");
            refused(floats(&device, &[4, 4]).reshape(&shape[..]));
        }
        // An empty tensor is one.
        let empty = Tensor::zeros(&device, [0, 3], DType::F32).unwrap();
        assert!(empty.to_vec::<f32>().unwrap().is_empty());
        refused(empty.item());
        refused(Tensor::from_slice(&device, [3], &[1.0f32; 4]));
    }
}

#[test]
fn reads_and_writes_of_another_size_or_type() {
    let (device, elsewhere) = (host(), host());
    let x = floats(&device, &[3, 5]);
    refused(x.write(&[1.0f32; 14]));
    refused(x.write(&[1i32; 15]));
    refused(x.to_vec::<u8>());
    refused(x.copy_from(&floats(&device, &[16])));
    refused(x.copy_from(&Tensor::zeros(&device, [15], DType::I32).unwrap()));
    refused(x.copy_from(&floats(&elsewhere, &[15])));
    refused(x.copy_from(&floats(&dry(), &[15])));
    for bytes in 0..9 {
        let odd = Tensor::zeros(&device, [bytes], DType::U8).unwrap();
        odd.write(&vec![7u8; bytes]).unwrap();
        odd.clear().unwrap();
        assert_eq!(odd.to_vec::<u8>().unwrap(), vec![0; bytes]);
    }
}

/// A dry device's addresses are made up; those of another device may be gone before the work is done.
#[test]
fn tensors_of_two_devices() {
    let here = host();
    for there in [host(), dry()] {
        let tape = &mut Tape::new();
        let (a, b) = (floats(&here, &[4, 4]), floats(&there, &[4, 4]));
        let other = refused(add(tape, &a, &b));
        assert!(other.contains("of its own device, host"), "{other}");
        refused(add(tape, &b, &a));
        refused(matmul(tape, Form::NN, &a, &b));
        let (image, filters) = (floats(&here, &[1, 4, 4, 4]), floats(&there, &[4, 3, 3, 4]));
        refused(conv2d(tape, &image, &filters, None, Conv2dParams::new(1, 1)));
        let bias = Some(&filters).map(|_| floats(&there, &[4]));
        refused(conv2d(tape, &image, &floats(&here, &[4, 3, 3, 4]), bias.as_ref(), Conv2dParams::new(1, 1)));
        let [mine, theirs] = [&here, &there].map(|device| floats(device, &[4]));
        for place in 0..4 {
            let [weight, bias, running_mean, running_var] =
                std::array::from_fn(|i| if i == place { &theirs } else { &mine });
            let norm = Norm { weight, bias, running_mean, running_var, eps: 1e-5 };
            refused(batchnorm_train(tape, &image, &norm, 0.1, Epilogue::Nothing));
        }
        let labels = Tensor::from_slice(&there, [4], &[0, 1, 2, 3]).unwrap();
        refused(cross_entropy(tape, &a, &labels, 0.0));
        let own = Tensor::from_slice(&here, [4], &[0, 1, 2, 3]).unwrap();
        let two = Targets { labels: [&own, &labels], weight: 0.5, ..Targets::of(&own, 0.0) };
        refused(cross_entropy_with(tape, &a, &two));
        let classes = ClassWeights::new(own.device(), &[1.0; 99]).unwrap();
        refused(cross_entropy_with(tape, &a, &Targets { classes: Some(&classes), ..Targets::of(&own, 0.0) }));
        let pixels = Tensor::from_slice(&here, [1, 2, 2, 3], &[9u8; 12]).unwrap();
        refused(augment(&pixels, &labels, 0, 1, &PLAIN, KEY, DType::F32));
        refused(augment(&pixels, &labels, 0, 1, &Augment { size: Some([3, 2]), ..PLAIN }, KEY, DType::F32));
        refused(sample(&pixels, &labels, 0, [2, 2], &[vec![WILD]], &Channels::PLAIN, DType::F32));
        refused(Totals::new(&there).unwrap().add(&floats(&here, &[1]), &a, &labels, 1));

        // Gradients, and what they update.
        let mut tape = Tape::new();
        tape.watch(&a);
        let y = relu(&mut tape, &a).unwrap();
        refused(tape.backward_from(&y, b.clone()));
        refused(Optimizer::new(&SGD, vec![a.clone(), b.clone()]));
        refused(Optimizer::new(&SGD, vec![b, a]));
    }
}

#[test]
fn elements_of_another_type() {
    let device = host();
    let tape = &mut Tape::new();
    let bytes = |shape: &[usize]| Tensor::zeros(&device, shape, DType::U8).unwrap();
    let image = floats(&device, &[2, 6, 6, 4]);
    refused(relu(tape, &bytes(&[64])));
    refused(add(tape, &bytes(&[64]), &bytes(&[64])));
    refused(sum(tape, &bytes(&[64])));
    refused(matmul(tape, Form::NN, &bytes(&[4, 4]), &floats(&device, &[4, 4])));
    refused(matmul(tape, Form::NT, &floats(&device, &[4, 4]), &bytes(&[4, 4])));
    refused(conv2d(tape, &bytes(&[2, 6, 6, 4]), &floats(&device, &[4, 3, 3, 4]), None, Conv2dParams::new(1, 1)));
    refused(conv2d(tape, &image, &bytes(&[4, 3, 3, 4]), None, Conv2dParams::new(1, 1)));
    refused(conv2d(tape, &image, &floats(&device, &[4, 3, 3, 4]), Some(&bytes(&[4])), Conv2dParams::new(1, 1)));
    refused(softmax(&bytes(&[4, 4])));
    refused(max_pool(tape, &bytes(&[2, 6, 6, 4]), Window::new([2; 2], [2; 2], [0; 2])));
    let linear = Linear::new(&mut Builder::new(&device, 0), 4, 4).unwrap();
    let pass = &mut warptape::nn::Pass::inference(tape);
    refused(pass.run("linear", &linear, &bytes(&[4, 4]), Epilogue::Nothing));

    let mut tape = Tape::new();
    tape.watch(&image);
    let y = relu(&mut tape, &image).unwrap();
    refused(tape.backward_from(&y, bytes(&[2, 6, 6, 4])));
}

/// A reshaped value is the same one, whatever the shape that a gradient arrives in.
#[test]
fn gradients_of_another_shape() {
    let device = host();
    let [x, weight, bias] = [&[6, 4][..], &[4, 4], &[4]].map(|shape| floats(&device, shape));
    for shape in [vec![24], vec![2, 3, 4], vec![1, 24]] {
        let mut tape = Tape::new();
        [&x, &weight, &bias].into_iter().for_each(|tensor| tape.watch(tensor));
        let y = linear(&mut tape, &x, &weight, Some(&bias)).unwrap().reshape(shape.clone()).unwrap();
        let z = relu(&mut tape, &y).unwrap();
        let gradients = tape.backward_from(&z, floats(&device, &shape)).unwrap();
        assert_eq!(gradients.get(&x).unwrap().shape(), x.shape());
    }
    let mut tape = Tape::new();
    tape.watch(&x);
    let y = relu(&mut tape, &x).unwrap();
    refused(tape.backward_from(&y, floats(&device, &[25])));
}

#[test]
fn sizes_that_wrap() {
    let device = host();
    let tape = &mut Tape::new();
    let (image, filters) = (floats(&device, &[1, 4, 4, 4]), floats(&device, &[4, 3, 3, 4]));
    let large =
        [1 << 30, (1 << 31) - 1, 1 << 31, 1 << 32, 1 << 62, 1 << 63, usize::MAX / 2, usize::MAX - 1, usize::MAX];
    for size in large {
        for axis in 0..2 {
            let with = |small: usize| if axis == 0 { [size, small] } else { [small, size] };
            let steps = Conv2dParams { padding: with(1), ..Conv2dParams::new(1, 1) };
            refused(conv2d(tape, &image, &filters, None, steps));
            let steps = Conv2dParams { dilation: with(1), ..Conv2dParams::new(1, 1) };
            refused(conv2d(tape, &image, &filters, None, steps));
            let window = Window::new(with(2), [1, 1], [0, 0]);
            refused(avg_pool(tape, &image, window));
            refused(max_pool(tape, &image, Window { padding: window.size.map(|size| size / 2), ..window }));
        }
        refused(column_sums(&image, size, 64));
        refused(column_sums(&image, size, usize::MAX - 3));
        refused(augment(
            &Tensor::zeros(&device, [1, 2, 2, 3], DType::U8).unwrap(),
            &Tensor::zeros(&device, [1], DType::I32).unwrap(),
            size,
            size,
            &PLAIN,
            KEY,
            DType::F32,
        ));
    }
    // No stride is too long to begin at the first pixel.
    let y =
        conv2d(tape, &image, &filters, None, Conv2dParams { stride: [9, 1 << 30], ..Conv2dParams::new(1, 1) }).unwrap();
    assert_eq!(y.shape().dims(), [1, 1, 1, 4]);
    refused(models::build("resnet18", usize::MAX, [32, 32], &dry(), 0));
}

/// What a tensor holds is no size, but kernels follow it.
#[test]
fn labels_and_indices_out_of_range() {
    let device = host();
    let logits = floats(&device, &[4, 3]);
    let wild = Tensor::from_slice(&device, [4], &[i32::MIN, -1, 3, i32::MAX]).unwrap();
    let mut tape = Tape::new();
    tape.watch(&logits);
    let loss = cross_entropy(&mut tape, &logits, &wild, 0.1).unwrap();
    assert!(loss.item().unwrap().is_nan());
    let gradient = tape.backward(&loss).unwrap().get(&logits).unwrap();
    gradient.to_vec::<f32>().unwrap();
    let totals = Totals::new(&device).unwrap();
    totals.add(&loss, &logits, &wild, 1).unwrap();
    totals.read().unwrap();
    let pixels = Tensor::from_slice(&device, [2, 2, 2, 3], &[9u8; 24]).unwrap();
    let y = augment(&pixels, &wild, 0, 4, &PLAIN, KEY, DType::F32).unwrap();
    assert!(y.to_vec::<f32>().unwrap().iter().all(|value| value.is_nan()));
    let y = sample(&pixels, &wild, 0, [2, 2], &vec![vec![WILD]; 4], &Channels::PLAIN, DType::F32).unwrap();
    assert!(y.to_vec::<f32>().unwrap().iter().all(|value| value.is_nan()));
    // Maps are numbers, too: wherever they lead, no pixel is read that is not there.
    let known = Tensor::from_slice(&device, [2], &[0, 1]).unwrap();
    sample(&pixels, &known, 0, [1, 2], &vec![vec![WILD]; 2], &Channels::PLAIN, DType::F32).unwrap();
    refused(mix(&y, &Mix { rows: [0, usize::MAX], columns: [0, 2], weight: 0.5, label: 0.5 }));
    let labels = Tensor::from_slice(&device, [2], &[5, 6]).unwrap();
    assert_eq!(pick_labels(&labels, &wild, 0, 4).unwrap().to_vec::<i32>().unwrap(), [-1; 4]);
}

/// A module of somebody else's has no function that a device takes; to launch one at all takes `unsafe`.
#[test]
fn functions_that_are_made_up() {
    struct Mine;
    impl Module for Mine {
        fn function(self: Arc<Self>, _: &str) -> Result<Handle> {
            Ok(Arc::new(0xdead_beef_u64))
        }
    }
    let module: Arc<dyn Module> = Arc::new(Mine);
    let function = Function::of(&module, "mine").unwrap();
    assert_eq!((function.to_string().as_str(), function.file()), ("mine", None));
    assert_eq!(function.handle::<u64>(), Some(&0xdead_beef));
    assert!(function.handle::<i64>().is_none());
    let error = host().function("add/vectorized.cu", "no_such_kernel", &Default::default()).err();
    assert!(matches!(error, Some(Error::Source { .. } | Error::Compile { .. })));
}

/// Whatever is issued from several threads is done one after the other; tensors outlive the handle of their device.
#[test]
fn several_threads_and_dropped_devices() {
    let device = host();
    let shared = floats(&device, &[4096]);
    drop(device);
    thread::scope(|scope| {
        for i in 0..4 {
            let shared = &shared;
            scope.spawn(move || {
                for turn in 0..20 {
                    shared.write(&[(i * 100 + turn) as f32; 4096]).unwrap();
                    let y = relu(&mut Tape::new(), shared).unwrap().to_vec::<f32>().unwrap();
                    assert!(y.iter().all(|value| *value == y[0]), "half of two writes");
                    shared.copy_from(&shared.duplicate().unwrap()).unwrap();
                }
            });
        }
    });
}
