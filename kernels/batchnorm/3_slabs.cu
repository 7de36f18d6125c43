// Batch normalization, rung 3: the rows are cut into slabs, so that many threads share a channel.
//
//   forward    count, mean and m2 = Σ (x − mean)² of each thread's rows, then of a slab's, then of all; for two parts a and b
//              mean = (count_a · mean_a + count_b · mean_b) / count
//              m2 = m2_a + m2_b + (mean_b − mean_a)² · count_a · count_b / count
//   backward   dbias = Σ dy, dweight = Σ dy · x̂ likewise
//
// In rungs 1 and 2 one thread walks down all rows of a channel, and a GPU has a thousand times as many threads as a layer has
// channels. Sums can be cut anywhere, but m2 is about a mean that is known only at the end: the formula for two parts, by
// T. F. Chan and others, joins what was taken about different means. Here a block owns a slab of rows and 32 channels: each
// thread follows rung 2's recurrence down every fourth row, the block joins its threads' results in shared memory along a
// tree, and a second kernel joins the slabs, in order. Elements are normalized as in rung 1, by its kernels.
//
//   layout    x [rows, channels], NHWC: a row per pixel of the batch
//   defines   THREADS, a power of two from 32 on
//   launch    partial kernels: grid (⌈channels / 32⌉, ⌈rows / slab⌉); the others ⌈channels / THREADS⌉: a thread per channel
//   bytes     4 an element for the statistics, 8 for the sums, and 16 for each channel of a slab
//   FLOPs     8 an element for the statistics, one of them a division; 4 for the sums
//   limit     latency: a load of 4 bytes and a division that the next one waits for, in every thread
//   measures  blocks: rung 2 has one for 128 channels, here are as many as there are slabs for 32
//   source    T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample
//             variances", Stanford 1979
#include "prelude/batchnorm.cuh"

constexpr int ACROSS = 32, DOWN = THREADS / ACROSS;  // threads along the channels and along the rows
static_assert(DOWN > 0 && (DOWN & (DOWN - 1)) == 0, "the threads of a channel are joined in pairs");

struct Moments {
    float mean, m2;
    int count;
};

__device__ __forceinline__ Moments merge(Moments a, Moments b) {
    if (b.count == 0) return a;  // a thread that had no rows
    if (a.count == 0) return b;
    const float of_a = (float)a.count, of_b = (float)b.count, count = of_a + of_b, delta = b.mean - a.mean;
    // Weights, and not mean_a + delta · count_b / count: an infinite mean stays infinite.
    return {(of_a * a.mean + of_b * b.mean) / count, a.m2 + b.m2 + delta * delta * (of_a * of_b / count),
            a.count + b.count};
}

struct Sums {
    float dy, product;  // Σ dy, Σ dy · (x − mean)
};

__device__ __forceinline__ Sums merge(Sums a, Sums b) { return {a.dy + b.dy, a.product + b.product}; }

// Joins the threads of each channel; the first of them (down = 0) gets the result. All threads of the block call it, once.
template <class T> __device__ __forceinline__ T fold(T own, int down, int across) {
    __shared__ T of_thread[DOWN][ACROSS];
    of_thread[down][across] = own;
    for (int half = DOWN / 2; half > 0; half /= 2) {
        __syncthreads();  // the upper half's results of the last round are there
        if (down < half) of_thread[down][across] = merge(of_thread[down][across], of_thread[down + half][across]);
    }
    return of_thread[down][across];  // thread 0 itself wrote the channel's
}

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_partial(float* __restrict__ mean,       // [slabs, channels], counted from the channel's origin
                          float* __restrict__ m2,         // [slabs, channels]
                          const element* __restrict__ x,  // [rows, channels]
                          int rows, int channels, int slab) {
    const int across = threadIdx.x % ACROSS, down = threadIdx.x / ACROSS, c = blockIdx.x * ACROSS + across;
    const int first = blockIdx.y * slab, end = first + min(slab, rows - first);
    Moments own = {0.0f, 0.0f, 0};
    if (c < channels) {
        const float from = origin(x[c], x[channels + c]);
        for (int row = first + down; row < end; row += DOWN) {
            const float value = x[(size_t)row * channels + c] - from, delta = value - own.mean;
            own.count += 1;
            own.mean = fabsf(own.mean) == INFINITY ? own.mean + value : own.mean + delta / (float)own.count;
            own.m2 += delta * (value - own.mean);
        }
    }
    own = fold(own, down, across);
    if (down > 0 || c >= channels) return;
    mean[(size_t)blockIdx.y * channels + c] = own.mean;
    m2[(size_t)blockIdx.y * channels + c] = own.m2;
}

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_statistics(float* __restrict__ mean,                // [channels]
                             float* __restrict__ rstd,                // [channels]
                             float* __restrict__ running_mean,        // [channels], updated in place
                             float* __restrict__ running_var,         // [channels], updated in place
                             const float* __restrict__ partial_mean,  // [slabs, channels]
                             const float* __restrict__ partial_m2,    // [slabs, channels]
                             const element* __restrict__ x,           // [rows, channels], of which two are read
                             int rows, int channels, int slab, float momentum, float eps) {
    const int c = blockIdx.x * THREADS + threadIdx.x;
    if (c >= channels) return;
    Moments all = {0.0f, 0.0f, 0};
    for (int first = 0, i = c; first < rows; first += slab, i += channels) {
        all = merge(all, {partial_mean[i], partial_m2[i], min(slab, rows - first)});  // the last slab may be short
    }
    const float center = origin(x[c], x[channels + c]) + all.mean;
    mean[c] = center;
    rstd[c] = batch_rstd(all.m2, rows, eps);
    running_mean[c] = blend(running_mean[c], center, momentum);
    running_var[c] = blend(running_var[c], unbiased(all.m2, rows), momentum);
}

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_backward_partial(float* __restrict__ dy_sum,      // [slabs, channels], Σ dy
                           float* __restrict__ product,     // [slabs, channels], Σ dy · (x − mean)
                           const element* __restrict__ dy,  // [rows, channels]
                           const element* __restrict__ x,   // [rows, channels]
                           const float* __restrict__ mean,  // [channels]
                           int rows, int channels, int slab) {
    const int across = threadIdx.x % ACROSS, down = threadIdx.x / ACROSS, c = blockIdx.x * ACROSS + across;
    const int first = blockIdx.y * slab, end = first + min(slab, rows - first);
    Sums own = {0.0f, 0.0f};
    if (c < channels) {
        const float center = mean[c];
        for (int row = first + down; row < end; row += DOWN) {
            const size_t i = (size_t)row * channels + c;
            own = merge(own, {dy[i], dy[i] * (x[i] - center)});
        }
    }
    own = fold(own, down, across);
    if (down > 0 || c >= channels) return;
    dy_sum[(size_t)blockIdx.y * channels + c] = own.dy;
    product[(size_t)blockIdx.y * channels + c] = own.product;
}

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_backward_sums(float* __restrict__ dbias,          // [channels]
                        float* __restrict__ dweight,        // [channels]
                        const float* __restrict__ dy_sum,   // [slabs, channels]
                        const float* __restrict__ product,  // [slabs, channels]
                        const float* __restrict__ rstd,     // [channels]
                        int rows, int channels, int slab) {
    const int c = blockIdx.x * THREADS + threadIdx.x;
    if (c >= channels) return;
    Sums all = {0.0f, 0.0f};
    for (int first = 0, i = c; first < rows; first += slab, i += channels) all = merge(all, {dy_sum[i], product[i]});
    dbias[c] = all.dy;
    dweight[c] = all.product * rstd[c];
}
