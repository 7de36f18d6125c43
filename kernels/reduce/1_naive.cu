// Sums, rung 1: every thread adds up neighbours, from the first to the last.
//
//   sum        y[i] = scale · Σ x[32 i] … x[32 i + 31], again and again until one is left
//   sum_rows   y[c] = Σ_r x[r, c]
//
// The way a loop would be cut up for the cores of a CPU. But the lanes of a warp read at the same time, and each of them
// reads in another stretch: a request of `sum` touches 32 sectors for 32 floats, and seven eighths of what moves is not
// asked for. `sum_rows` has a thread for each channel: its requests are whole, but they come one after the other, as many
// in each warp as there are rows. Rung 2 mends both: sectors per request, requests per warp.
//
//   layout    x [n], or [rows, channels] with a row for every pixel
//   defines   none
//   launch    sum: ⌈n / (256 · 32)⌉ blocks of 256 threads; sum_rows: ⌈channels / 256⌉
//   bytes     4n
//   FLOPs     n
//   limit     sectors: in `sum` lanes read 32 floats apart; latency: in `sum_rows` there is a thread per channel
//   measures  sectors per request in `sum`: 32; requests per warp in `sum_rows`: one for every row
#include "prelude/element.cuh"

constexpr int THREADS = 256, SPAN = 32;

extern "C" __global__ void __launch_bounds__(THREADS)
sum_forward(result* __restrict__ y,         // [⌈n / SPAN⌉]
            const element* __restrict__ x,  // [n]
            int n, float scale) {
    const int thread = blockIdx.x * THREADS + threadIdx.x;
    if (thread >= (n - 1) / SPAN + 1) return;
    const int first = thread * SPAN, count = min(SPAN, n - first);
    float sum = 0.0f;
    for (int i = 0; i < count; ++i) sum += x[first + i];
    y[thread] = scale * sum;
}

extern "C" __global__ void __launch_bounds__(THREADS)
sum_rows_forward(result* __restrict__ y,         // [channels]
                 const element* __restrict__ x,  // [rows, channels]
                 int rows, int channels) {
    const int channel = blockIdx.x * THREADS + threadIdx.x;
    if (channel >= channels) return;
    float sum = 0.0f;
    // size_t: a matrix may have more than 2^31 elements even where each side fits an int
    for (int row = 0; row < rows; ++row) sum += x[(size_t)row * channels + channel];
    y[channel] = sum;
}
