//! Step 2: the tape.
//!
//!     cargo run --release --example 02_autograd
//!
//! Ops that work on watched tensors leave a record on the tape: how the gradient of the output becomes those of the
//! inputs. Walking the tape backwards is all there is to automatic differentiation. Here it teaches XOR to a network of
//! two layers.

use warptape::op::cross_entropy::cross_entropy;
use warptape::op::linear::linear;
use warptape::op::relu::relu;
use warptape::{Device, Result, Tape, Tensor};

/// Weights and biases of the two layers: 2 inputs, 8 hidden units, 2 classes.
struct Network {
    parameters: [Tensor; 4],
}

impl Network {
    fn new(device: &Device) -> Result<Self> {
        // Any numbers of either sign will do for a start.
        let spread = |n: usize| -> Vec<f32> { (0..n).map(|i| (i as f32 * 2.4).sin()).collect() };
        let tensor = |shape: &[usize]| Tensor::from_slice(device, shape, &spread(shape.iter().product()));
        Ok(Self { parameters: [tensor(&[8, 2])?, tensor(&[8])?, tensor(&[2, 8])?, tensor(&[2])?] })
    }

    fn loss(&self, tape: &mut Tape, x: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let [w1, b1, w2, b2] = &self.parameters;
        let hidden = linear(tape, x, w1, Some(b1))?;
        let hidden = relu(tape, &hidden)?;
        let logits = linear(tape, &hidden, w2, Some(b2))?;
        cross_entropy(tape, &logits, labels, 0.0)
    }
}

fn main() -> Result<()> {
    let device = Device::open("auto")?;
    let x = Tensor::from_slice(&device, [4, 2], &[0.0f32, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])?;
    let labels = Tensor::from_slice(&device, [4], &[0i32, 1, 1, 0])?;
    let network = Network::new(&device)?;
    check(&network, &x, &labels)?;

    for step in 0..=200 {
        let mut tape = Tape::new();
        network.parameters.iter().for_each(|parameter| tape.watch(parameter));
        let loss = network.loss(&mut tape, &x, &labels)?;
        if step % 40 == 0 {
            println!("step {step:3}: loss {:.4}", loss.item()?);
        }
        let gradients = tape.backward(&loss)?;

        // Gradient descent, spelled out. `warptape::optim` does it on the device, with momentum, Adam and schedules.
        for parameter in &network.parameters {
            let gradient = gradients.get(parameter).expect("watched, and the loss depends on it").to_vec::<f32>()?;
            let moved: Vec<f32> = parameter.to_vec::<f32>()?.iter().zip(gradient).map(|(w, g)| w - 0.5 * g).collect();
            parameter.write(&moved)?;
        }
    }

    let loss = network.loss(&mut Tape::new(), &x, &labels)?.item()?;
    assert!(loss < 0.1, "XOR is not learned");
    Ok(())
}

/// Is the gradient right? Move one weight a little and see what the loss does.
fn check(network: &Network, x: &Tensor, labels: &Tensor) -> Result<()> {
    let weights = &network.parameters[2];
    let mut tape = Tape::new();
    tape.watch(weights);
    let loss = network.loss(&mut tape, x, labels)?;
    let gradient = tape.backward(&loss)?.get(weights).expect("watched").to_vec::<f32>()?[1];

    let before = weights.to_vec::<f32>()?;
    let at = |change: f32| -> Result<f32> {
        let mut moved = before.clone();
        moved[1] += change;
        weights.write(&moved)?;
        network.loss(&mut Tape::new(), x, labels)?.item()
    };
    let difference = (at(1e-2)? - at(-1e-2)?) / 2e-2;
    weights.write(&before)?;
    println!("by the tape {gradient:.5}, by a finite difference {difference:.5}");
    assert!((gradient - difference).abs() < 1e-3 * gradient.abs(), "the gradient is wrong");
    Ok(())
}
