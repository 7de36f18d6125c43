//! f16 and bf16 as kernels load and store them, against the `half` crate: every number there is, and what lies between two.

use half::{bf16, f16};

use warptape::device::Geometry;
use warptape::tensor::Element;
use warptape::{DType, Tensor};

use crate::support::{Kernels, orders};

const KERNELS: &str = "
#include \"prelude/vec.cuh\"
extern \"C\" __global__ void widen(float* to, const element* from, int n) {
    const int i = (blockIdx.x * blockDim.x + threadIdx.x) * WIDTH;
    if (i < n) store_partial<WIDTH>(to + i, load_partial<WIDTH>(from + i, n - i, 0.0f), n - i);
}
extern \"C\" __global__ void narrow(element* to, const float* from, int n) {
    const int i = (blockIdx.x * blockDim.x + threadIdx.x) * WIDTH;
    if (i < n) store_partial<WIDTH>(to + i, load_partial<WIDTH>(from + i, n - i, 0.0f), n - i);
}
";

/// Widens and narrows by kernels of every width on every device.
fn agree<T: Element + PartialEq>(name: &str, of_bits: fn(u16) -> T, widen: fn(T) -> f32, narrow: fn(f32) -> T) {
    let all: Vec<T> = (0..=u16::MAX).map(of_bits).collect();
    let wide: Vec<f32> = all.iter().map(|&number| widen(number)).collect();
    // Each number, what lies beside it, and the middle between it and the next, where ties are, with what lies beside that.
    let middles = wide.iter().zip(&wide[1..]).map(|(&a, &b)| ((f64::from(a) + f64::from(b)) / 2.0) as f32);
    let near = |number: f32| [-1i32, 0, 1].map(|step| f32::from_bits(number.to_bits().wrapping_add_signed(step)));
    let numbers: Vec<f32> = wide.iter().copied().chain(middles).flat_map(near).collect();
    let narrowed: Vec<T> = numbers.iter().map(|&number| narrow(number)).collect();
    for width in [1, 2, 4, 8, 16] {
        for (label, device) in orders().into_iter().take(1) {
            let text = format!("#define ELEMENT {name}\n#define WIDTH {width}\n{KERNELS}");
            let kernels = Kernels::compile(&device, "elements.cu", &text).unwrap_or_else(|e| panic!("[{label}] {e}"));
            let launch = |entry: &str, to: &Tensor, from: &Tensor| {
                // One short of all: the last vector is not whole.
                let n = from.elements() - 1;
                let geometry = Geometry::linear(n.div_ceil(width * 256), 256);
                kernels.launch(entry, geometry, &[to.arg(), from.arg(), (n as i32).into()]).unwrap();
                device.check_guards().unwrap();
                n
            };
            let (from, to) = (Tensor::from_slice(&device, [all.len()], &all), [all.len()]);
            let to = Tensor::zeros(&device, to, DType::F32).unwrap();
            let n = launch("widen", &to, &from.unwrap());
            for (found, expected) in to.to_vec::<f32>().unwrap().into_iter().zip(&wide).take(n) {
                let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
                assert!(same, "[{label}] {name}, {width} at once: {expected:e} is widened to {found:e}");
            }
            let from = Tensor::from_slice(&device, [numbers.len()], &numbers).unwrap();
            let to = Tensor::zeros(&device, [numbers.len()], T::DTYPE).unwrap();
            let n = launch("narrow", &to, &from);
            for ((found, &expected), number) in
                to.to_vec::<T>().unwrap().into_iter().zip(&narrowed).zip(&numbers).take(n)
            {
                let bits = |number: T| bytemuck::cast::<T, u16>(number);
                let same = bits(found) == bits(expected) || number.is_nan() && widen(found).is_nan();
                assert!(same, "[{label}] {name}, {width} at once: {number:e} becomes {:e}", widen(found));
            }
        }
    }
}

#[test]
fn f16_is_ieee_binary16() {
    agree("f16", f16::from_bits, f16::to_f32, f16::from_f32);
}

#[test]
fn bf16_is_the_upper_half_of_a_float() {
    agree("bf16", bf16::from_bits, bf16::to_f32, bf16::from_f32);
}
