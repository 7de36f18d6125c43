//! The tape: where gradients meet, what is recorded, and what is kept.

use warptape::device::Target;
use warptape::device::dry::Dry;
use warptape::op::add::add;
use warptape::op::matmul::{Form, matmul};
use warptape::op::relu::relu;
use warptape::{DType, Device, Result, Tape, Tensor};

use crate::support::devices;

fn everywhere(test: impl Fn(&Device) -> Result<()>) {
    for (label, device) in devices() {
        test(&device).and_then(|()| device.check_guards()).unwrap_or_else(|e| panic!("[{label}] {e}"));
    }
}

fn tensor(device: &Device, values: &[f32]) -> Tensor {
    Tensor::from_slice(device, [values.len()], values).unwrap()
}

/// The gradient of `of` as plain numbers.
fn gradient(gradients: &warptape::Gradients, of: &Tensor) -> Vec<f32> {
    gradients.get(of).expect("a gradient").to_vec().unwrap()
}

#[test]
fn a_value_used_twice_gets_both_gradients() {
    everywhere(|device| {
        let x = tensor(device, &[1.0, -2.0, 3.0]);
        let mut tape = Tape::new();
        tape.watch(&x);
        let y = add(&mut tape, &x, &x)?;
        let upstream = tensor(device, &[1.0, 10.0, 100.0]);
        let gradients = tape.backward_from(&y, upstream.clone())?;
        assert_eq!(gradient(&gradients, &x), [2.0, 20.0, 200.0]);
        // What was handed in is not what gradients are summed up in.
        assert_eq!(upstream.to_vec::<f32>()?, [1.0, 10.0, 100.0]);
        Ok(())
    });
}

#[test]
fn gradients_of_a_diamond_meet() {
    everywhere(|device| {
        // x → relu → a ┐
        //   └──────────┴→ a + x → relu → b; y = b + a
        let x = tensor(device, &[2.0, -3.0]);
        let mut tape = Tape::new();
        tape.watch(&x);
        let a = relu(&mut tape, &x)?;
        let sum = add(&mut tape, &a, &x)?;
        let b = relu(&mut tape, &sum)?;
        let y = add(&mut tape, &b, &a)?;
        assert_eq!(y.to_vec::<f32>()?, [6.0, 0.0]);
        let gradients = tape.backward_from(&y, tensor(device, &[1.0, 1.0]))?;
        assert_eq!(gradient(&gradients, &x), [3.0, 0.0]);
        Ok(())
    });
}

#[test]
fn a_tape_prints_its_ops() {
    let device = Device::new(Box::new(Dry::new(Target::Cuda)));
    let [a, b, c] = [[2, 3], [3, 4], [2, 4]].map(|shape| Tensor::full(&device, shape, 1.0).unwrap());
    let mut tape = Tape::new();
    tape.watch(&a);
    let product = matmul(&mut tape, Form::NN, &a, &b).unwrap();
    let sum = add(&mut tape, &product, &c).unwrap();
    relu(&mut tape, &c).unwrap();
    let y = relu(&mut tape, &sum).unwrap();
    add(&mut tape, &y, &product).unwrap();
    let expected = "%1 [2, 4] = matmul(%0 [2, 3], [3, 4])\n\
                    %2 [2, 4] = add(%1 [2, 4], [2, 4])\n\
                    %3 [2, 4] = relu(%2 [2, 4])\n\
                    %4 [2, 4] = add(%3 [2, 4], %1 [2, 4])\n";
    assert_eq!(tape.to_string(), expected);
}

/// Many uses of one value: its gradient is summed up part by part, in the order of the records.
#[test]
fn long_chains_add_up() {
    everywhere(|device| {
        let x = tensor(device, &[1.0]);
        let mut tape = Tape::new();
        tape.watch(&x);
        let mut y = x.clone();
        for _ in 0..10 {
            y = add(&mut tape, &y, &y)?;
            y = add(&mut tape, &y, &x)?;
        }
        // y ← 2 y + x, ten times.
        assert_eq!(y.item()?, 2047.0);
        let gradients = tape.backward(&y)?;
        assert_eq!(gradient(&gradients, &x), [2047.0]);
        Ok(())
    });
}

#[test]
fn inner_gradients_are_kept_only_if_asked_for() {
    everywhere(|device| {
        let x = tensor(device, &[1.0, -1.0]);
        let run = |keep: bool| -> Result<(Tensor, Tensor, warptape::Gradients)> {
            let mut tape = Tape::new();
            tape.watch(&x);
            let inner = relu(&mut tape, &x)?;
            let y = add(&mut tape, &inner, &inner)?;
            if keep {
                tape.keep(&inner);
            }
            let gradients = tape.backward_from(&y, tensor(device, &[3.0, 5.0]))?;
            Ok((inner, y, gradients))
        };
        let (inner, y, gradients) = run(true)?;
        assert_eq!(gradient(&gradients, &inner), [6.0, 10.0]);
        assert_eq!(gradient(&gradients, &x), [6.0, 0.0]);
        assert!(gradients.get(&y).is_none());
        let (inner, _, gradients) = run(false)?;
        assert!(gradients.get(&inner).is_none());
        assert_eq!(gradient(&gradients, &x), [6.0, 0.0]);
        Ok(())
    });
}

/// The output itself may be kept: Grad-CAM asks for logits, and a loss may be a leaf.
#[test]
fn outputs_and_leaves_have_gradients_too() {
    everywhere(|device| {
        let x = tensor(device, &[1.0]);
        let mut tape = Tape::new();
        tape.watch(&x);
        let y = relu(&mut tape, &x)?;
        tape.keep(&y);
        let gradients = tape.backward_from(&y, tensor(device, &[7.0]))?;
        assert_eq!((gradient(&gradients, &y), gradient(&gradients, &x)), (vec![7.0], vec![7.0]));

        let mut tape = Tape::new();
        tape.watch(&x);
        assert_eq!(gradient(&tape.backward(&x)?, &x), [1.0]);
        Ok(())
    });
}

#[test]
fn a_tape_that_watches_nothing_records_nothing() {
    everywhere(|device| {
        let x = tensor(device, &vec![1.0; 1 << 16]);
        let before = device.memory().in_use;
        let mut tape = Tape::new();
        let mut y = relu(&mut tape, &x)?;
        let one = device.memory().in_use - before;
        for _ in 0..5 {
            y = relu(&mut tape, &y)?;
        }
        assert!(!tape.needs(&y));
        // Nobody holds on to what is not needed for a backward pass.
        assert_eq!(device.memory().in_use - before, one);
        let error = tape.backward_from(&y, x.clone()).err().unwrap().to_string();
        assert_eq!(error, "backward: the value does not depend on anything watched");
        Ok(())
    });
}

#[test]
fn what_does_not_depend_on_anything_watched_is_an_error() {
    everywhere(|device| {
        let [x, constant] = [tensor(device, &[1.0]), tensor(device, &[1.0])];
        let mut tape = Tape::new();
        tape.watch(&x);
        relu(&mut tape, &x)?;
        let loss = relu(&mut tape, &constant)?;
        let error = tape.backward(&loss).err().unwrap().to_string();
        assert_eq!(error, "backward: the value does not depend on anything watched");

        let mut tape = Tape::new();
        let many = tensor(device, &[1.0, 2.0]);
        tape.watch(&many);
        let error = tape.backward(&many).err().unwrap().to_string();
        assert_eq!(error, "backward: the loss has shape [2], not one element");
        Ok(())
    });
}

/// A watched value that the loss does not depend on has no gradient, and costs no kernel.
#[test]
fn branches_beside_the_loss_have_no_gradient() {
    everywhere(|device| {
        let [x, aside] = [tensor(device, &[1.0]), tensor(device, &[1.0])];
        let mut tape = Tape::new();
        tape.watch(&x);
        tape.watch(&aside);
        let loss = relu(&mut tape, &x)?;
        let unused = relu(&mut tape, &aside)?;
        tape.keep(&unused);
        let gradients = tape.backward(&loss)?;
        assert_eq!(gradient(&gradients, &x), [1.0]);
        assert!(gradients.get(&aside).is_none() && gradients.get(&unused).is_none());
        Ok(())
    });
}

#[test]
fn a_reshaped_tensor_is_the_same_value() {
    everywhere(|device| {
        let x = Tensor::from_slice(device, [2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
        let flat = x.reshape([6])?;
        assert_eq!(flat.id(), x.id());
        let mut tape = Tape::new();
        tape.watch(&flat);
        assert!(tape.needs(&x));
        // Used in both shapes: the parts meet, and come out in the shape that is asked for.
        let row = x.reshape([1, 6])?;
        let weight = Tensor::from_slice(device, [6, 1], &[1.0f32, 0.0, 0.0, 0.0, 0.0, 2.0])?;
        let product = matmul(&mut tape, Form::NN, &row, &weight)?;
        let positive = relu(&mut tape, &x)?;
        let ones = Tensor::full(device, [6, 1], 1.0)?;
        let total = matmul(&mut tape, Form::NN, &positive.reshape([1, 6])?, &ones)?;
        let loss = add(&mut tape, &product, &total)?;
        assert_eq!(loss.item()?, 13.0 + 21.0);
        let gradients = tape.backward(&loss)?;
        let found = gradients.get(&x).unwrap();
        assert_eq!(found.shape().dims(), [2, 3]);
        assert_eq!(found.to_vec::<f32>()?, [2.0, 1.0, 1.0, 1.0, 1.0, 3.0]);
        assert_eq!(gradients.get(&flat).unwrap().shape().dims(), [6]);
        assert!(gradients.get(&weight).is_none(), "nobody watched it");
        Ok(())
    });
}

/// Activations that no backward closure needs are given back during the forward pass, the others after the backward pass.
#[test]
fn backward_gives_the_memory_back() {
    everywhere(|device| {
        let x = Tensor::zeros(device, [1 << 16], DType::F32)?;
        let before = device.memory().in_use;
        let mut tape = Tape::new();
        tape.watch(&x);
        let mut y = x.clone();
        for _ in 0..4 {
            y = relu(&mut tape, &y)?;
        }
        let gradients = tape.backward_from(&y, Tensor::full(device, [1 << 16], 1.0)?)?;
        drop(y);
        assert!(gradients.get(&x).is_some());
        let one = device.memory().in_use - before;
        drop(gradients);
        assert_eq!(device.memory().in_use, before);
        assert!((4 << 16..8 << 16).contains(&one), "only the gradient of x is left, not {one} bytes");
        Ok(())
    });
}
