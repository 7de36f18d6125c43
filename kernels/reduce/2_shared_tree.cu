// Sums, rung 2: a block adds up its part together, in shared memory, along a tree.
//
//   sum        y[block] = scale · Σ of 4096 elements, again and again until one is left
//   sum_rows   y[slab, c] = Σ of 128 rows of x[r, c], likewise
//
// Over rung 1 neighbouring threads take neighbouring elements: a request is four sectors. What each thread has found goes
// to shared memory, where half of the threads add what the other half has, then a quarter, and so on: eight barriers for
// 256 sums. In `sum_rows` eight threads share a channel and a block takes 128 rows, so that a warp has 16 requests to make
// instead of one for every row. The quantities: sectors per request in `sum`, requests per warp in `sum_rows`.
//
//   layout    x [n], or [rows, channels] with a row for every pixel
//   defines   none
//   launch    sum: ⌈n / 4096⌉ blocks of 256 threads; sum_rows: grid (⌈channels / 32⌉, ⌈rows / 128⌉)
//   bytes     4n
//   FLOPs     n
//   limit     barriers: eight for 256 sums, with ever fewer threads at work
//   measures  sectors per request in `sum`: 4 instead of 32; requests per warp in `sum_rows`: 16
#include "prelude/element.cuh"

constexpr int THREADS = 256, ITEMS = 16;
constexpr int ACROSS = 32, DOWN = THREADS / ACROSS;  // threads along the channels and along the rows

extern "C" __global__ void __launch_bounds__(THREADS)
sum_forward(result* __restrict__ y,         // [blocks]
            const element* __restrict__ x,  // [n]
            int n, float scale) {
    __shared__ float part[THREADS];
    const int t = threadIdx.x, first = blockIdx.x * (THREADS * ITEMS), count = min(THREADS * ITEMS, n - first);
    float sum = 0.0f;
    for (int i = t; i < count; i += THREADS) sum += x[first + i];
    part[t] = sum;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();  // the upper half's sums of the last round are there
        if (t < half) part[t] += part[t + half];
    }
    if (t == 0) y[blockIdx.x] = scale * part[0];  // thread 0 itself wrote the total
}

extern "C" __global__ void __launch_bounds__(THREADS)
sum_rows_forward(result* __restrict__ y,         // [slabs, channels]
                 const element* __restrict__ x,  // [rows, channels]
                 int rows, int channels) {
    __shared__ float part[DOWN][ACROSS];
    const int across = threadIdx.x % ACROSS, down = threadIdx.x / ACROSS, channel = blockIdx.x * ACROSS + across;
    float sum = 0.0f;
    if (channel < channels) {
        const int first = blockIdx.y * (DOWN * ITEMS), end = min(DOWN * ITEMS, rows - first);
        // size_t: a matrix may have more than 2^31 elements even where each side fits an int
        for (int i = down; i < end; i += DOWN) sum += x[(size_t)(first + i) * channels + channel];
    }
    part[down][across] = sum;
    for (int half = DOWN / 2; half > 0; half /= 2) {
        __syncthreads();  // the upper half's sums of the last round are there
        if (down < half) part[down][across] += part[down + half][across];
    }
    if (down == 0 && channel < channels) y[(size_t)blockIdx.y * channels + channel] = part[0][across];
}
