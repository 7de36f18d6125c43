//! Tensors of types that do not go together.

use warptape::op::cast::cast;
use warptape::op::{cam, ceiling};

use super::*;

#[test]
fn tensors_of_two_types() {
    let device = host();
    let tape = &mut Tape::new();
    let of = |dtype: DType, shape: &[usize]| Tensor::zeros(&device, shape, dtype).unwrap();
    for (one, other) in
        [(DType::F32, DType::BF16), (DType::F16, DType::F32), (DType::BF16, DType::F16), (DType::F32, DType::I32)]
    {
        let (a, b) = (of(one, &[4, 4]), of(other, &[4, 4]));
        refused(add(tape, &a, &b));
        refused(matmul(tape, Form::NN, &a, &b));
        refused(linear(tape, &a, &a, Some(&of(other, &[4]))));
        let (image, filters) = (of(one, &[1, 4, 4, 4]), of(other, &[4, 3, 3, 4]));
        refused(conv2d(tape, &image, &filters, None, Conv2dParams::new(1, 1)));
        refused(conv2d(tape, &image, &of(one, &[4, 3, 3, 4]), Some(&of(other, &[4])), Conv2dParams::new(1, 1)));
    }
    for narrow in [DType::F16, DType::BF16] {
        let [single, half] = [DType::F32, narrow].map(|dtype| of(dtype, &[4]));
        let image = of(narrow, &[1, 4, 4, 4]);
        for place in 0..4 {
            let [weight, bias, running_mean, running_var] =
                std::array::from_fn(|i| if i == place { &half } else { &single });
            let norm = Norm { weight, bias, running_mean, running_var, eps: 1e-5 };
            refused(batchnorm_train(tape, &image, &norm, 0.1, Epilogue::Nothing));
        }
        refused(ceiling::copy(&half));
        refused(ceiling::scale(&half, 2.0));
        refused(ceiling::multiply_add(&of(narrow, &[ceiling::group(device.target())]), 1));
        refused(cam::mean_weights(&image));
        refused(Optimizer::new(&SGD, vec![half.clone()]));
        refused(cast(tape, &half, DType::I32));
        refused(cast(tape, &of(DType::U8, &[4]), narrow));
    }
}
