// Batch normalization, rung 5: ReLU on the way.
//
//   forward    y = max(weight · x̂ + bias, 0)
//   backward   g = 0 where weight · x̂ + bias <= 0, else dy;  dbias = Σ g, dweight = Σ g · x̂;  dx from g
//
// A ReLU of its own reads what rung 4 has just written and writes it once more; its gradient is another pass that reads two
// tensors and writes a third. Here the value is still in a register when it is cut off. In the backward pass both kernels hold
// x anyway, and compute from it anew whether the ReLU let the value pass: two operations instead of a read. Nothing but y is
// stored, and g never is. Statistics are rung 4's.
//
//   layout    x [rows, channels], NHWC: a row per pixel of the batch
//   defines   see columns.cuh
//   launch    see columns.cuh
//   bytes     forward 12, backward 20 an element, the ReLU included
//   FLOPs     forward 10, backward 16 an element
//   limit     memory
//   measures  bytes: forward 12 an element instead of 20, backward 20 instead of 32
#include "prelude/normalize.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_normalize(element* __restrict__ y,           // [rows, channels]
                            const element* __restrict__ x,     // [rows, channels]
                            const float* __restrict__ mean,    // [channels]
                            const float* __restrict__ rstd,    // [channels]
                            const float* __restrict__ weight,  // [channels]
                            const float* __restrict__ bias,    // [channels]
                            int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    normalize<Epilogue::RELU>(columns, y, x, nullptr, mean, rstd, weight, bias);
}

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_backward_partial(float* __restrict__ dbias,         // [slabs, channels]
                           float* __restrict__ dweight,       // [slabs, channels]
                           const element* __restrict__ dy,    // [rows, channels], of y
                           const element* __restrict__ x,     // [rows, channels]
                           const float* __restrict__ mean,    // [channels]
                           const float* __restrict__ rstd,    // [channels]
                           const float* __restrict__ weight,  // [channels]
                           const float* __restrict__ bias,    // [channels]
                           int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    gradient_sums<Epilogue::RELU>(columns, dbias, dweight, nullptr, dy, nullptr, x, mean, rstd, weight, bias);
}

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_backward_input(element* __restrict__ dx,           // [rows, channels]
                         const element* __restrict__ dy,     // [rows, channels], of y
                         const element* __restrict__ x,      // [rows, channels]
                         const float* __restrict__ mean,     // [channels]
                         const float* __restrict__ rstd,     // [channels]
                         const float* __restrict__ weight,   // [channels]
                         const float* __restrict__ bias,     // [channels]
                         const float* __restrict__ dbias,    // [channels]
                         const float* __restrict__ dweight,  // [channels]
                         int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    gradient<Epilogue::RELU>(columns, dx, dy, x, mean, rstd, weight, bias, dbias, dweight, rows);
}
