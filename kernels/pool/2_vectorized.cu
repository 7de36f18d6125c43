// Pooling, rung 2: vectors of channels.
//
//   max_pool   y[o] = max over the window of o; beside it the number of the tap that held the first maximum, one byte
//              backward: dx[i] = Σ dy[o] over the windows o that cover i and whose tap points at i
//   avg_pool   y[o] = scale · Σ over the window of o; backward: dx[i] = Σ scale · dy[o]. Padding counts as zeros, and scale is
//              the same for all, unless BY_WINDOW
//
// Over rung 1 (a thread per element, its indices computed for each) a thread takes whole vectors of channels and computes
// where the window lies once per pixel: four times fewer global load requests per element, the quantity of this rung.
// Backward gathers instead of scattering: a thread owns an input pixel and looks at the windows that cover it, so
// overlapping windows need no atomics and the order of additions is fixed.
//
//   layout    x [n, h, w, c], y [n, p, q, c]; window number o starts at input row o · stride − pad
//   defines   DILATED, see pool.cuh; BY_WINDOW, if means are of what a window has on the image (0), or on the padding as well
//             (1); VEC (floats per access), WHOLE (1 if c is a multiple of VEC; on a GPU it has to be), THREADS
//   launch    ⌈pixels / span⌉ blocks; Pool::width, a power of two, divides THREADS
//   requires  pad ≤ size / 2, so that no window lies outside; max_pool: windows of at most 256 taps
//   bytes     max: forward 4 per input, 5 per output element, backward the same; avg: 4 and 4
//   FLOPs     max: none, comparisons; avg: one for each tap
//   limit     memory
//   measures  requests of loads and stores: a quarter of rung 1's
#include "prelude/bytes.cuh"
#include "prelude/pool.cuh"

// Calls body(number, pixel) for this thread's pixels of images of height × width.
template <class Body> __device__ __forceinline__ void for_each_pixel(const Pool& pool, int height, int width, Body body) {
    const int first = blockIdx.x * pool.span, count = min(pool.span, pool.pixels - first);
    const int lanes = THREADS == 1 ? 1 : pool.width;
    int i = threadIdx.x / lanes;
    Pixel at = pixel_at(first + i, height, width);
    for (; i < count; i += THREADS / lanes) {
        if (THREADS > 1) at = pixel_at(first + i, height, width);
        body(first + i, at);
        // A lone thread goes from pixel to pixel, and needs no division for it.
        if (THREADS == 1 && ++at.column == width) {
            at.column = 0;
            if (++at.row == height) at.row = 0, ++at.image;
        }
    }
}

// Calls body(channel, valid) for this thread's vectors of channels: neighbouring threads take neighbouring vectors.
template <class Body> __device__ __forceinline__ void for_each_channel(const Pool& pool, Body body) {
    const int lanes = THREADS == 1 ? 1 : pool.width;
    for (int channel = threadIdx.x % lanes * VEC; channel < pool.c; channel += lanes * VEC) {
        body(channel, WHOLE ? VEC : pool.c - channel);
    }
}

// Calls start(), then take(tap number, x there) for the taps of output pixel `at` inside the image, then finish(), for each
// of this thread's vectors of channels.
template <class Start, class Take, class Finish>
__device__ __forceinline__ void for_each_tap(const Pool& pool, const element* x, Pixel at, Start start, Take take,
                                             Finish finish) {
    const int top = at.row * pool.stride_h - pool.pad_h, left = at.column * pool.stride_w - pool.pad_w;
    const Range rows = taps_inside(top, pool.size_h, pool.h, down(pool));
    const Range columns = taps_inside(left, pool.size_w, pool.w, across(pool));
    const int row = top + rows.first * down(pool), column = left + columns.first * across(pool);
    // size_t: a tensor may have more than 2^31 elements even where its pixels fit an int
    const size_t corner = ((size_t)at.image * pool.h + row) * pool.w + column;
    for_each_channel(pool, [&](int channel, int valid) {
        start(rows.first * pool.size_w + columns.first);
        const element* from_row = x + corner * pool.c + channel;
        for (int r = rows.first; r < rows.end; ++r, from_row += (size_t)down(pool) * pool.w * pool.c) {
            const element* from = from_row;
            for (int s = columns.first; s < columns.end; ++s, from += across(pool) * pool.c) {
                take(r * pool.size_w + s, load_partial<VEC>(from, valid, 0.0f));
            }
        }
        finish(channel, valid);
    });
}

#ifdef BY_WINDOW
// How many of the `size` pixels from `start` on count in a mean: those on an axis of `length`, or on its padding as well.
__device__ __forceinline__ int counted(int start, int size, int length, int pad) {
    const int margin = BY_WINDOW ? pad : 0;
    return min(start + size, length + margin) - max(start, -margin);
}
#endif

// What the sum over window (p, q) is multiplied by.
__device__ __forceinline__ float share(const Pool& pool, int p, int q, float scale) {
#ifdef BY_WINDOW
    const int rows = counted(p * pool.stride_h - pool.pad_h, pool.size_h, pool.h, pool.pad_h);
    return 1.0f / (rows * counted(q * pool.stride_w - pool.pad_w, pool.size_w, pool.w, pool.pad_w));
#else
    return scale;
#endif
}

// Four blocks to a multiprocessor, 64 registers to a thread: enough for four loads in flight. Without the 4 NVRTC aims at
// more blocks, and spills for some GPUs.
extern "C" __global__ void __launch_bounds__(THREADS, 4)
max_pool_forward(element* __restrict__ y,           // [n, p, q, c]
                 unsigned char* __restrict__ taps,  // [n, p, q, c], or null where nobody needs it
                 const element* __restrict__ x,     // [n, h, w, c]
                 Pool pool) {
    for_each_pixel(pool, pool.p, pool.q, [&](int number, Pixel at) {
        const size_t out = (size_t)number * pool.c;
        vec<VEC> best, best_tap;
        for_each_tap(
            pool, x, at,
            [&](int first_tap) {
                best = splat<VEC>(__int_as_float(0xff800000));  // −∞
                best_tap = splat<VEC>((float)first_tap);        // a window full of −∞ still has a first maximum
            },
            [&](int tap, vec<VEC> value) {
                // Larger only: the first of equals stays. A NaN takes over and nothing is larger than it.
                const auto choose = [=](float v, float b, float t) { return v > b || v != v ? (float)tap : t; };
                best_tap = map<VEC>(choose, value, best, best_tap);
                best = map<VEC>([](float v, float b) { return v > b || v != v ? v : b; }, value, best);
            },
            [&](int channel, int valid) {
                store_partial<VEC>(y + out + channel, best, valid);
                if (taps) store_bytes_partial<VEC>(taps + out + channel, best_tap, valid);
            });
    });
}

extern "C" __global__ void __launch_bounds__(THREADS, 4)
avg_pool_forward(element* __restrict__ y,        // [n, p, q, c]
                 const element* __restrict__ x,  // [n, h, w, c]
                 Pool pool, float scale) {
    for_each_pixel(pool, pool.p, pool.q, [&](int number, Pixel at) {
        const size_t out = (size_t)number * pool.c;
        const float factor = share(pool, at.row, at.column, scale);
        vec<VEC> sum;
        for_each_tap(
            pool, x, at, [&](int) { sum = splat<VEC>(0.0f); },
            [&](int, vec<VEC> value) { sum = multiply_add<VEC>(1.0f, value, sum); },
            [&](int channel, int valid) {
                store_partial<VEC>(y + out + channel, map<VEC>([=](float v) { return v * factor; }, sum), valid);
            });
    });
}

// Writes to every input pixel the sum of take(window's row, its column, tap number, output offset, valid, sum) over the windows
// that have it under a tap.
template <class Take> __device__ __forceinline__ void gather(element* dx, const Pool& pool, Take take) {
    int row = -1;
    Range rows = {0, 0};
    for_each_pixel(pool, pool.h, pool.w, [&](int number, Pixel at) {
        const int y = at.row + pool.pad_h, x = at.column + pool.pad_w;
        // A lone thread stays in a row for a while: one pair of divisions serves all of it.
        if (THREADS > 1 || at.row != row) rows = windows_over(y, pool.size_h, pool.stride_h, pool.p, down(pool));
        row = at.row;
        const Range columns = windows_over(x, pool.size_w, pool.stride_w, pool.q, across(pool));
        for_each_channel(pool, [&](int channel, int valid) {
            vec<VEC> sum = splat<VEC>(0.0f);
            for (int p = rows.first; p < rows.end; ++p) {
                // Window p starts at p · stride: this pixel is y − p · stride from its top. `place` is the number of its tap, times
                // the pixels from tap to tap; the next window to the right has it as much further left as it starts further right.
                const int r = y - p * pool.stride_h;
                if (!is_tap(r, down(pool))) continue;
                int place = r / down(pool) * pool.size_w * across(pool) + x - columns.first * pool.stride_w;
                size_t out = (((size_t)at.image * pool.p + p) * pool.q + columns.first) * pool.c + channel;
                // Not unrolled: there is mostly one window, and registers held ready for more would be spilled.
#pragma unroll 1
                for (int q = columns.first; q < columns.end; ++q, out += pool.c, place -= pool.stride_w) {
                    if (is_tap(place, across(pool))) sum = take(p, q, place / across(pool), out, valid, sum);
                }
            }
            store_partial<VEC>(dx + (size_t)number * pool.c + channel, sum, valid);
        });
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
max_pool_backward(element* __restrict__ dx,                // [n, h, w, c]
                  const element* __restrict__ dy,          // [n, p, q, c]
                  const unsigned char* __restrict__ taps,  // [n, p, q, c]
                  Pool pool) {
    gather(dx, pool, [&](int, int, int tap, size_t out, int valid, vec<VEC> sum) {
        const auto add_if_here = [=](float t, float g, float s) { return t == (float)tap ? s + g : s; };
        return map<VEC>(add_if_here, load_bytes_partial<VEC>(taps + out, valid),
                        load_partial<VEC>(dy + out, valid, 0.0f), sum);
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
avg_pool_backward(element* __restrict__ dx,        // [n, h, w, c]
                  const element* __restrict__ dy,  // [n, p, q, c]
                  Pool pool, float scale) {
    gather(dx, pool, [&](int p, int q, int, size_t out, int valid, vec<VEC> sum) {
        return multiply_add<VEC>(share(pool, p, q, scale), load_partial<VEC>(dy + out, valid, 0.0f), sum);
    });
}
