// Batch normalization, rung 2: one walk for the statistics, one for both sums of the backward pass.
//
//   forward    mean and m2 = Σ (x − mean)², from (mean, m2) of the rows before and one row more:
//              delta = x − mean;  mean += delta / count;  m2 += delta · (x − mean)
//   backward   dbias = Σ dy, dweight = Σ dy · x̂
//
// Rung 1 has to know the mean before it can take deviations from it, and reads x twice. B. P. Welford's recurrence ("Note on
// a method for calculating corrected sums of squares and products", 1962) corrects both as it goes: half the reads, for a
// division per element, on which the next one waits. Σ x² − (Σ x)² / rows would need no division, but cancels: with mean
// 1000 and deviation 1 little of the variance is left in f32. Elements are normalized as in rung 1, by its kernels.
//
//   layout    x [rows, channels], NHWC: a row per pixel of the batch
//   defines   THREADS
//   launch    ⌈channels / THREADS⌉ blocks: a thread per channel, as in rung 1
//   bytes     4 an element for the statistics, 8 for the sums
//   FLOPs     8 an element for the statistics, one of them a division; 4 for the sums
//   limit     latency: a division per element that the next one waits for, in a thread per channel
//   measures  bytes read: 4 an element for the statistics instead of 8, 8 for the sums instead of 12
//   source    B. P. Welford, "Note on a method for calculating corrected sums of squares and products", 1962
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
    float offset = 0.0f, m2 = 0.0f;
    for (int row = 0; row < rows; ++row) {
        const float value = x[(size_t)row * channels + c] - from;
        const float delta = value - offset;
        // An infinite mean is as far from any number as from any other: it stays, but for a NaN and the other infinity.
        offset = fabsf(offset) == INFINITY ? offset + value : offset + delta / (float)(row + 1);
        m2 += delta * (value - offset);
    }
    const float center = from + offset;
    mean[c] = center;
    rstd[c] = batch_rstd(m2, rows, eps);
    running_mean[c] = blend(running_mean[c], center, momentum);
    running_var[c] = blend(running_var[c], unbiased(m2, rows), momentum);
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
    for (int row = 0; row < rows; ++row) {
        const size_t i = (size_t)row * channels + c;
        const float gradient = dy[i];
        sum += gradient;
        product += gradient * (x[i] - center);
    }
    dbias[c] = sum;
    dweight[c] = product * rstd[c];
}
