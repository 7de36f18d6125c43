// Max pooling, rung 1: a thread for each element that is written.
//
//   y[o] = max over the window of o; beside it the number of the tap that held the first maximum, one byte
//   backward: dx[i] = Σ dy[o] over the windows o that cover i and whose tap points at i
//
// The definition, written down. Neighbouring threads have neighbouring channels, so that accesses are coalesced; but each
// moves a single float, and each thread divides its way from its number to its pixel and walks the window for one channel.
// The quantity that rung 2 mends: global load requests per element.
//
//   layout    x [n, h, w, c], y [n, p, q, c]; window number o starts at input row o · stride − pad
//   defines   DILATED, see pool.cuh
//   launch    ⌈elements / 256⌉ blocks of 256 threads
//   requires  pad ≤ size / 2, so that no window lies outside; windows of at most 256 taps
//   bytes     forward 4 per input, 5 per output element, backward the same
//   FLOPs     none: comparisons
//   limit     requests: a load of 4 bytes for each tap, and the divisions that find its place
//   measures  requests of loads and stores: one for 32 elements
#include "prelude/pool.cuh"

constexpr int THREADS = 256;

struct Place { int image, row, column, channel; };

// Element `i` of images of height × width.
__device__ __forceinline__ Place place(long long i, const Pool& pool, int height, int width) {
    const int pixel = (int)(i / pool.c);
    return {pixel / width / height, pixel / width % height, pixel % width, (int)(i % pool.c)};
}

extern "C" __global__ void __launch_bounds__(THREADS)
max_pool_forward(element* __restrict__ y,           // [n, p, q, c]
                 unsigned char* __restrict__ taps,  // [n, p, q, c], or null where nobody needs it
                 const element* __restrict__ x,     // [n, h, w, c]
                 Pool pool) {
    // long long: a tensor may have more than 2^31 elements even where its pixels fit an int
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= (long long)pool.pixels * pool.c) return;
    const Place at = place(i, pool, pool.p, pool.q);
    const int top = at.row * pool.stride_h - pool.pad_h, left = at.column * pool.stride_w - pool.pad_w;
    const Range rows = taps_inside(top, pool.size_h, pool.h, down(pool));
    const Range columns = taps_inside(left, pool.size_w, pool.w, across(pool));
    float best = __int_as_float(0xff800000);                  // −∞
    int best_tap = rows.first * pool.size_w + columns.first;  // a window full of −∞ still has a first maximum
    for (int r = rows.first; r < rows.end; ++r) {
        for (int s = columns.first; s < columns.end; ++s) {
            const long long pixel = ((long long)at.image * pool.h + top + r * down(pool)) * pool.w + left + s * across(pool);
            const float value = x[pixel * pool.c + at.channel];
            // Larger only: the first of equals stays. A NaN takes over and nothing is larger than it.
            if (value > best || value != value) best = value, best_tap = r * pool.size_w + s;
        }
    }
    y[i] = best;
    if (taps) taps[i] = (unsigned char)best_tap;
}

extern "C" __global__ void __launch_bounds__(THREADS)
max_pool_backward(element* __restrict__ dx,                // [n, h, w, c]
                  const element* __restrict__ dy,          // [n, p, q, c]
                  const unsigned char* __restrict__ taps,  // [n, p, q, c]
                  Pool pool) {
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= (long long)pool.pixels * pool.c) return;
    const Place at = place(i, pool, pool.h, pool.w);
    const int y = at.row + pool.pad_h, x = at.column + pool.pad_w;
    const Range rows = windows_over(y, pool.size_h, pool.stride_h, pool.p, down(pool));
    const Range columns = windows_over(x, pool.size_w, pool.stride_w, pool.q, across(pool));
    float sum = 0.0f;
    for (int p = rows.first; p < rows.end; ++p) {
        for (int q = columns.first; q < columns.end; ++q) {
            // Window p starts at p · stride: this pixel is y − p · stride from its top.
            const int r = y - p * pool.stride_h, s = x - q * pool.stride_w;
            if (!is_tap(r, down(pool)) || !is_tap(s, across(pool))) continue;
            const int tap = r / down(pool) * pool.size_w + s / across(pool);
            const long long out = (((long long)at.image * pool.p + p) * pool.q + q) * pool.c + at.channel;
            if (taps[out] == tap) sum += dy[out];
        }
    }
    dx[i] = sum;
}
