// Batch normalization, rung 6: the end of a residual block on the way, a second tensor added and ReLU.
//
//   forward    y = max(weight · x̂ + bias + other, 0)
//   backward   g = 0 where y <= 0, else dy: the gradient of `other`;  dbias = Σ g, dweight = Σ g · x̂;  dx from g
//
// By itself, addition reads two tensors and writes a third, which ReLU reads and writes again. Here `other` is read where the
// normalized value is still in a register. In the backward pass g has to be stored in any case, as the gradient of `other`:
// the pass that sums it up makes it of dy and y and stores it, and rung 4's pass for dx reads it. Statistics are rung 4's.
//
//   layout    x, other [rows, channels], NHWC: a row per pixel of the batch
//   defines   see columns.cuh
//   launch    see columns.cuh
//   bytes     forward 16, backward 28 an element, addition and ReLU included
//   FLOPs     forward 11, backward 11 an element
//   limit     memory
//   measures  bytes: forward 16 an element instead of 32, backward 28 instead of 32
#include "prelude/normalize.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_normalize(element* __restrict__ y,            // [rows, channels]
                            const element* __restrict__ x,      // [rows, channels]
                            const element* __restrict__ other,  // [rows, channels]
                            const float* __restrict__ mean,     // [channels]
                            const float* __restrict__ rstd,     // [channels]
                            const float* __restrict__ weight,   // [channels]
                            const float* __restrict__ bias,     // [channels]
                            int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    normalize<Epilogue::RESIDUAL>(columns, y, x, other, mean, rstd, weight, bias);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2)  // two blocks a multiprocessor: for more of them the compiler would spill
batchnorm_backward_partial(float* __restrict__ dbias,       // [slabs, channels]
                           float* __restrict__ dweight,     // [slabs, channels]
                           element* __restrict__ dother,    // [rows, channels]
                           const element* __restrict__ dy,  // [rows, channels]
                           const element* __restrict__ y,   // [rows, channels]
                           const element* __restrict__ x,   // [rows, channels]
                           const float* __restrict__ mean,  // [channels]
                           const float* __restrict__ rstd,  // [channels]
                           int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    gradient_sums<Epilogue::RESIDUAL>(columns, dbias, dweight, dother, dy, y, x, mean, rstd, nullptr, nullptr);
}
