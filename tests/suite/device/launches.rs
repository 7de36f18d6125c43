//! What a launch costs the CPU: once an op has run, it asks for no memory but that of its results.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use warptape::device::dry::Dry;
use warptape::device::{Arg, Backend, Function, Geometry, Info, Module, Source, Target};
use warptape::nn::{Layer, Pass, models, parameters};
use warptape::op::add::add;
use warptape::op::batchnorm::{Norm, batchnorm_inference};
use warptape::op::ceiling::scale;
use warptape::op::conv2d::{Conv2dParams, conv2d};
use warptape::op::cross_entropy::{cross_entropy, softmax};
use warptape::op::epilogue::Epilogue;
use warptape::op::matmul::{Form, matmul};
use warptape::op::metrics::Totals;
use warptape::op::pool::{Window, max_pool};
use warptape::op::reduce::sum;
use warptape::op::relu::relu;
use warptape::optim::{Optimizer, OptimizerConfig};
use warptape::{DType, Device, Environment, Result, Tape, Tensor};

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which counts how often a thread asks for memory.
struct Counting;

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.with(|asked| asked.set(asked.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        ASKED.with(|asked| asked.set(asked.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.realloc(memory, layout, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `run` asks for memory beyond once for each tensor that it makes, after it has run twice. Tensors are counted by their
/// numbers, and other tests' threads may make some meanwhile, which hides what was asked for: so the most of several times.
fn beyond_results(device: &Device, run: impl Fn()) -> u64 {
    (0..2).for_each(|_| run());
    let newest = || Tensor::zeros(device, [1], DType::U8).unwrap().id();
    let once = || {
        let (before, asked) = (newest(), ASKED.get());
        run();
        let asked = ASKED.get() - asked;
        asked.saturating_sub(newest() - before - 1)
    };
    (0..8).map(|_| once()).max().unwrap()
}

#[test]
fn launches_ask_for_no_memory() {
    for target in [Target::Cuda, Target::Host { lanes: 8 }] {
        let device = Device::new(Box::new(Dry::new(target)));
        let tensor = |shape: &[usize]| Tensor::zeros(&device, shape, DType::F32).unwrap();
        let (x, filters, wide) = (tensor(&[2, 12, 12, 16]), tensor(&[16, 3, 3, 16]), tensor(&[16, 5, 5, 16]));
        let (a, b, flat, loss) = (tensor(&[32, 16]), tensor(&[16, 32]), tensor(&[16]), tensor(&[1]));
        let norm = Norm { weight: &flat, bias: &flat, running_mean: &flat, running_var: &flat, eps: 1e-5 };
        let labels = Tensor::zeros(&device, [32], DType::I32).unwrap();
        let totals = Totals::new(&device).unwrap();
        let tape = || Tape::new();
        let ops: [(&str, &dyn Fn()); 11] = [
            ("scale", &|| scale(&x, 2.0).unwrap()),
            ("relu", &|| drop(relu(&mut tape(), &x).unwrap())),
            ("add", &|| drop(add(&mut tape(), &x, &x).unwrap())),
            ("matmul", &|| drop(matmul(&mut tape(), Form::NN, &a, &b).unwrap())),
            ("conv2d", &|| drop(conv2d(&mut tape(), &x, &wide, Some(&flat), Conv2dParams::new(1, 2)).unwrap())),
            ("winograd", &|| drop(conv2d(&mut tape(), &x, &filters, None, Conv2dParams::new(1, 1)).unwrap())),
            ("batchnorm", &|| drop(batchnorm_inference(&mut tape(), &x, &norm, Epilogue::Nothing).unwrap())),
            ("max pool", &|| {
                let window = Window::new([2; 2], [2; 2], [0; 2]);
                drop(max_pool(&mut tape(), &x, window).unwrap())
            }),
            ("sum", &|| drop(sum(&mut tape(), &x).unwrap())),
            ("softmax", &|| drop(softmax(&a).unwrap())),
            ("metrics", &|| totals.add(&loss, &a, &labels, 1).unwrap()),
        ];
        for (name, run) in ops {
            assert_eq!(beyond_results(&device, run), 0, "{name}, {target:?}");
        }

        let mut tape = Tape::new();
        [&a, &b].into_iter().for_each(|parameter| tape.watch(parameter));
        let y = matmul(&mut tape, Form::NN, &a, &b).unwrap();
        let gradients = tape.backward_from(&y, y.clone()).unwrap();
        let sgd = OptimizerConfig::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false, weight_decay: 0.0 };
        let optimizer = RefCell::new(Optimizer::new(&sgd, vec![a, b]).unwrap());
        let step = || optimizer.borrow_mut().step(&gradients, 0.1).unwrap();
        assert_eq!(beyond_results(&device, step), 0, "step, {target:?}");
    }
}

/// A dry device that counts uploads.
struct Uploads(Dry, Arc<AtomicUsize>);

impl Backend for Uploads {
    fn info(&self) -> &Info {
        self.0.info()
    }

    fn environment(&self) -> &Environment {
        self.0.environment()
    }

    fn alloc(&self, bytes: usize) -> Result<u64> {
        self.0.alloc(bytes)
    }

    unsafe fn free(&self, _: u64, _: usize) {}

    unsafe fn upload(&self, _: u64, _: &[u8]) -> Result<()> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    unsafe fn download(&self, _: u64, to: &mut [u8]) -> Result<()> {
        to.fill(0);
        Ok(())
    }

    unsafe fn copy(&self, _: u64, _: u64, _: usize) -> Result<()> {
        Ok(())
    }

    unsafe fn fill(&self, _: u64, _: u32, _: usize) -> Result<()> {
        Ok(())
    }

    fn compile(&self, source: &Source, stop: &AtomicBool) -> Result<Arc<dyn Module>> {
        self.0.compile(source, stop)
    }

    unsafe fn launch(&self, _: &Function, _: Geometry, _: &[Arg]) -> Result<()> {
        Ok(())
    }

    fn synchronize(&self) -> Result<()> {
        Ok(())
    }
}

/// The optimizer's table goes to the device while gradients find their places, and then no more.
#[test]
fn steps_upload_nothing() {
    let uploads = Arc::new(AtomicUsize::new(0));
    let device = Device::new(Box::new(Uploads(Dry::new(Target::Cuda), uploads.clone())));
    let model = models::build("resnet18", 10, [32, 32], &device, 0).unwrap();
    let parameters: Vec<Tensor> = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
    let adam = OptimizerConfig::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01, amsgrad: false };
    let mut optimizer = Optimizer::new(&adam, parameters.clone()).unwrap();
    let x = Tensor::zeros(&device, [4, 32, 32, 3], DType::F32).unwrap();
    let labels = Tensor::zeros(&device, [4], DType::I32).unwrap();
    let mut in_step = |step| {
        device.sort_memory();
        let before = uploads.load(Ordering::Relaxed);
        let mut tape = Tape::new();
        parameters.iter().for_each(|parameter| tape.watch(parameter));
        let logits = model.forward(&mut Pass::training(&mut tape, 0, step), &x).unwrap();
        let loss = cross_entropy(&mut tape, &logits, &labels, 0.0).unwrap();
        optimizer.step(&tape.backward(&loss).unwrap(), 0.1).unwrap();
        uploads.load(Ordering::Relaxed) - before
    };
    let counts: Vec<usize> = (0..8).map(&mut in_step).collect();
    assert_eq!((counts[0], &counts[4..]), (1, &[0; 4][..]), "{counts:?}");
}
