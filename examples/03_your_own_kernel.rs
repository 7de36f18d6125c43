//! Step 3: a kernel of your own, with its backward pass, on all devices.
//!
//!     cargo run --release --example 03_your_own_kernel
//!
//! Write the CUDA (kernels/swish.cu beside this file), launch it from an op, record how the gradient flows back, and
//! state the formula in f64: then the same checker that guards the shipped kernels guards yours.
//!
//! The text runs on three devices. `host` is the C++ compiler's native code, the quickest way to a right kernel; `cuda` is NVRTC's
//! machine code on a GPU; `ptx` executes what NVRTC makes of it for a GPU in software, where there is none.

use warptape::check::{Case, Input, Values};
use warptape::device::host::{Host, Options, Order};
use warptape::device::{Arg, Defines, Function, Geometry, Source};
use warptape::{DType, Device, Environment, Result, Tape, Tensor};

const THREADS: usize = 256;

/// Swish on one device: its compiled kernels.
#[derive(Clone)]
struct Swish {
    forward: Function,
    backward: Function,
}

impl Swish {
    /// NVRTC compiles for a GPU, the system's C++ compiler for the host; either result is cached on disk.
    fn compile(device: &Device) -> Result<Self> {
        let source = Source::from_text("swish.cu", include_str!("kernels/swish.cu"), &Defines::new())?;
        // SAFETY: the text initialises no variable, so nothing of it runs before it is launched.
        let module = unsafe { device.compile(&source)? };
        Ok(Self {
            forward: Function::of(&module, "swish_forward")?,
            backward: Function::of(&module, "swish_backward")?,
        })
    }

    /// The op: check, launch, record.
    fn apply(&self, tape: &mut Tape, x: &Tensor) -> Result<Tensor> {
        let n = x.elements();
        let geometry = Geometry::linear(n.div_ceil(THREADS), THREADS);
        let y = Tensor::zeros(x.device(), x.shape(), DType::F32)?;
        // SAFETY: nothing but the kernel's text keeps it within its tensors: it reads and writes n elements of each.
        unsafe { x.device().launch(&self.forward, geometry, &[y.arg(), x.arg(), Arg::I32(n as i32)])? };

        // The closure keeps what backward needs: clones are handles, they share the buffer.
        let (input, backward) = (x.clone(), self.backward.clone());
        tape.record("swish", &[x], &y, move |dy, gradients| {
            let dx = Tensor::zeros(dy.device(), dy.shape(), DType::F32)?;
            let args = [dx.arg(), dy.arg(), input.arg(), Arg::I32(n as i32)];
            // SAFETY: as above; the tape gives a gradient with as many elements as the value.
            unsafe { dy.device().launch(&backward, geometry, &args)? };
            gradients.add(&input, dx)
        });
        Ok(y)
    }
}

fn main() -> anyhow::Result<()> {
    let device = Device::open("auto")?;
    let swish = Swish::compile(&device)?;
    let x = Tensor::from_slice(&device, [5], &[-2.0f32, -1.0, 0.0, 1.0, 2.0])?;
    println!("swish of -2 … 2 on {}: {:?}", device.info().name, swish.apply(&mut Tape::new(), &x)?.to_vec::<f32>()?);

    // The check: odd sizes, against the formula in f64 and its finite differences. Guarded devices poison every buffer
    // and watch the bytes around it; thread orders other than the usual one bring out what relies on luck.
    let mut devices = Vec::new();
    for order in [Order::Forward, Order::Reverse, Order::Random(1)] {
        let host = Host::new(Options { order, ..Options::default() });
        devices.push((format!("host, {order:?} order"), Device::guarded(Box::new(host))));
    }
    match warptape::device::cuda::Cuda::open(0, &Environment::of_process()) {
        Ok(cuda) => devices.push(("cuda:0".into(), Device::guarded(Box::new(cuda)))),
        Err(error) => println!("not checked on a GPU: {error}"),
    }
    for (label, device) in devices {
        let swish = Swish::compile(&device)?;
        for n in [1, 31, 256, 1000] {
            let swish = swish.clone();
            let reference = |x: &[Vec<f64>]| x[0].iter().map(|v| v / (1.0 + (-v).exp())).collect();
            let inputs = vec![Input::new([n], Values::Range(-4.0, 4.0))];
            let case = Case::new(format!("swish {n}"), inputs, move |tape, x| swish.apply(tape, &x[0]), reference);
            case.verify(&device, &case.expectation(1, DType::F32)).map_err(anyhow::Error::msg)?;
        }
        println!("{label}: forward and backward agree with the formula");
    }
    Ok(())
}
