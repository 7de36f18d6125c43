// Batch normalization, rung 1: the formulas as they are written, one after the other.
//
//   forward    mean, var over the rows of each channel; x̂ = (x − mean) · rstd, rstd = 1 / √(var + eps)
//              y = weight · x̂ + bias;  running = (1 − momentum) · running + momentum · batch
//   backward   dbias = Σ dy, dweight = Σ dy · x̂;  dx = weight · rstd · (dy − dbias / rows − x̂ · dweight / rows)
//
// A thread owns a channel and walks down its rows, once for the mean and once more for the squared deviations from it; in
// the backward pass once for dbias and once for dweight. Neighbouring threads have neighbouring channels, so that a warp
// reads a stretch of a row; but there are no more threads than channels. Then a thread for every element normalizes it.
// What follows (ReLU, a sum) is kernels of their own, with passes over memory of their own.
//
//   layout    x [rows, channels], NHWC: a row per pixel of the batch
//   defines   THREADS
//   launch    ⌈channels / THREADS⌉ blocks for statistics and sums, ⌈rows · channels / THREADS⌉ for the others
//   bytes     forward 16 an element (8 of them for the statistics), backward 24 (12 for the sums), by 4-byte accesses
//   FLOPs     forward 9, backward 10 an element
//   limit     latency: a thread per channel leaves most of a GPU idle, and each waits for 4 bytes at a time
//   measures  bytes read for statistics and sums: 8 and 12 an element
#include "prelude/batchnorm.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_statistics(float* __restrict__ mean,          // [channels]
                             float* __restrict__ rstd,          // [channels]
                             float* __restrict__ running_mean,  // [channels], updated in place
                             float* __restrict__ running_var,   // [channels], updated in place
                             const element* __restrict__ x,     // [rows, channels]
                             int rows, int channels, float momentum, float eps) {
    const int c = blockIdx.x * THREADS + threadIdx.x;
    if (c >= channels) return;
    const float from = origin(x[c], x[channels + c]);
    float sum = 0.0f, m2 = 0.0f;
    for (int row = 0; row < rows; ++row) sum += x[(size_t)row * channels + c] - from;
    const float offset = sum / (float)rows, center = from + offset;
    for (int row = 0; row < rows; ++row) {
        const float deviation = x[(size_t)row * channels + c] - from - offset;
        m2 += deviation * deviation;
    }
    mean[c] = center;
    rstd[c] = batch_rstd(m2, rows, eps);
    running_mean[c] = blend(running_mean[c], center, momentum);
    running_var[c] = blend(running_var[c], unbiased(m2, rows), momentum);
}

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_normalize(element* __restrict__ y,           // [rows, channels]
                            const element* __restrict__ x,     // [rows, channels]
                            const float* __restrict__ mean,    // [channels]
                            const float* __restrict__ rstd,    // [channels]
                            const float* __restrict__ weight,  // [channels]
                            const float* __restrict__ bias,    // [channels]
                            int rows, int channels) {
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= (size_t)rows * channels) return;
    const int c = (int)(i % channels);
    y[i] = normalized(x[i], mean[c], rstd[c] * weight[c], bias[c]);
}

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_backward_sums(float* __restrict__ dbias,       // [channels]
                        float* __restrict__ dweight,     // [channels]
                        const element* __restrict__ dy,  // [rows, channels]
                        const element* __restrict__ x,   // [rows, channels]
                        const float* __restrict__ mean,  // [channels]
                        const float* __restrict__ rstd,  // [channels]
                        int rows, int channels) {
    const int c = blockIdx.x * THREADS + threadIdx.x;
    if (c >= channels) return;
    const float center = mean[c];
    float sum = 0.0f, product = 0.0f;
    for (int row = 0; row < rows; ++row) sum += dy[(size_t)row * channels + c];
    for (int row = 0; row < rows; ++row) {
        const size_t i = (size_t)row * channels + c;
        product += dy[i] * (x[i] - center);
    }
    dbias[c] = sum;
    dweight[c] = product * rstd[c];
}

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_backward_input(element* __restrict__ dx,           // [rows, channels]
                         const element* __restrict__ dy,     // [rows, channels]
                         const element* __restrict__ x,      // [rows, channels]
                         const float* __restrict__ mean,     // [channels]
                         const float* __restrict__ rstd,     // [channels]
                         const float* __restrict__ weight,   // [channels]
                         const float* __restrict__ dbias,    // [channels]
                         const float* __restrict__ dweight,  // [channels]
                         int rows, int channels) {
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= (size_t)rows * channels) return;
    const int c = (int)(i % channels);
    const float share = 1.0f / (float)rows;
    dx[i] = input_gradient(dy[i], x[i], mean[c], rstd[c] * weight[c], dbias[c] * share, dweight[c] * share * rstd[c]);
}
