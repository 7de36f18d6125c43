// Convolution, gradient of the input, rung 1: the formula as it stands, one thread for one element of the gradient.
//
//   dx[n, h, w, c] = Σ_{r, s, k} dy[n, (h + pad − r·dilation) / stride, (w + pad − s·dilation) / stride, k] · f[k, r, s, c]
//   over the taps for which both divisions leave no remainder and the result lies inside dy
//
// Every input pixel gathers from the output pixels that saw it, so no two threads write the same element: no atomics, same
// bits every time. A thread asks memory for both factors of every product.
//
//   layout    dy [n, p, q, k], f [k, r, s, c / GROUPS], dx [n, h, w, c]
//   defines   THREADS; GROUPS, see conv.cuh
//   launch    ⌈n·h·w·c / THREADS⌉ blocks
//   bytes     ≥ 4 (dy + f + dx)
//   FLOPs     2·n·p·q·k·r·s·c / GROUPS
//   limit     requests: two loads from global memory for each product
//   measures  loads from global memory per FLOP: one
#include "prelude/conv.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, 4)  // registers for the many indices
conv2d_backward_input(element* __restrict__ dx,             // [n, h, w, c]
                      const element* __restrict__ dy,       // [n, p, q, k]
                      const element* __restrict__ filters,  // [k, r, s, c / GROUPS]
                      Conv conv) {
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    const Pixel at = pixel_at((int)(i / conv.c), conv.h, conv.w);
    const int c = i % conv.c;
    if (at.image >= conv.n) return;
    // The filters that see the channel, and where it lies in them.
    const int channels = conv.c / GROUPS, group = group_of(c, conv.c), count = conv.k / GROUPS;
    const element* seen_by = filters + (size_t)group * count * conv.r * conv.s * channels + (c - group * channels);
    float sum = 0.0f;
    for (int r = 0; r < conv.r; ++r) {
        const int p = output_at(at.row + conv.pad_h - r * conv.dilation_h, conv.stride_h);
        if (!inside(p, conv.p)) continue;
        for (int s = 0; s < conv.s; ++s) {
            const int q = output_at(at.column + conv.pad_w - s * conv.dilation_w, conv.stride_w);
            if (!inside(q, conv.q)) continue;
            const element* pixel = dy + (((size_t)at.image * conv.p + p) * conv.q + q) * conv.k + group * count;
            const element* tap = seen_by + ((size_t)r * conv.s + s) * channels;
            for (int k = 0; k < count; ++k) sum += pixel[k] * tap[(size_t)k * conv.r * conv.s * channels];
        }
    }
    dx[i] = sum;
}
