//! Step 1: devices, tensors and ops.
//!
//!     cargo run --release --example 01_tensor
//!
//! A tensor is a shape, an element type and a buffer on a device. An op is a function from tensors to tensors that
//! launches a kernel. Add `cuda` or `host` behind `--` to choose the device.

use warptape::op::matmul::{Form, matmul};
use warptape::op::relu::relu;
use warptape::{DType, Device, Result, Tape, Tensor};

fn main() -> Result<()> {
    // "auto" is the first GPU that works, else the host device: the CPU, for which the same kernels are compiled.
    let name = std::env::args().nth(1).unwrap_or("auto".into());
    let device = Device::open(&name)?;
    println!("device: {} ({})", device.info().description, device.info().arch);

    // Elements go to the device row by row, and come back the same way.
    let a = Tensor::from_slice(&device, [2, 3], &[1.0f32, -2.0, 3.0, -4.0, 5.0, -6.0])?;
    println!("a = {a:?} {:?}", a.to_vec::<f32>()?);

    // Every op takes a tape first. An empty tape that watches nothing records nothing: this is plain arithmetic.
    let tape = &mut Tape::new();
    let y = relu(tape, &a)?;
    println!("relu(a) = {:?}", y.to_vec::<f32>()?);

    // Products come in three forms, so that nobody has to transpose: here a · aᵀ.
    let product = matmul(tape, Form::NT, &a, &a)?;
    println!("a · aᵀ = {product:?} {:?}", product.to_vec::<f32>()?);
    assert_eq!(product.to_vec::<f32>()?, [14.0, -32.0, -32.0, 77.0]);

    // A reshape is the same buffer under another shape; clones share it, too.
    let column = a.reshape([6, 1])?;
    assert_eq!(column.id(), a.id());

    // Images are [N, H, W, C]: the channels of a pixel lie side by side, which is what wide loads want.
    let images = Tensor::zeros(&device, [8, 32, 32, 3], DType::F32)?;
    println!("8 images = {images:?}, {} KiB", images.bytes() / 1024);

    // What does not fit is an error with both shapes, not a crash.
    let refused = matmul(tape, Form::NN, &a, &a).unwrap_err();
    println!("a · a: {refused}");

    // Freed memory stays with the device's allocator and serves the next tensor of that size.
    drop(images);
    let memory = device.memory();
    println!("in use {} bytes, at most {} so far", memory.in_use, memory.peak);
    Ok(())
}
