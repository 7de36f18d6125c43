// Convolution, forward, rung 1: the formula as it stands, one thread for one element of the output.
//
//   y[n, p, q, k] = bias[k] + Σ_{r, s, c} x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c] · f[k, r, s, c]
//
// A thread asks memory for both factors of every product. Neighbouring threads compute neighbouring filters: they share
// the pixel, but read their filters r·s·c floats apart, each from a sector of its own.
//
//   layout    x [n, h, w, c], f [k, r, s, c / GROUPS], y [n, p, q, k]
//   defines   THREADS; GROUPS, see conv.cuh
//   launch    ⌈n·p·q·k / THREADS⌉ blocks
//   bytes     ≥ 4 (x + f + y)
//   FLOPs     2·n·p·q·k·r·s·c / GROUPS
//   limit     requests: two loads from global memory for each product, those of filters scattered
//   measures  loads from global memory per FLOP: one
#include "prelude/conv.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, 4)  // registers for the many indices
conv2d_forward(element* __restrict__ y,              // [n, p, q, k]
               const element* __restrict__ x,        // [n, h, w, c]
               const element* __restrict__ filters,  // [k, r, s, c / GROUPS]
               const element* __restrict__ bias,     // [k], or null
               Conv conv) {
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    const Pixel at = pixel_at((int)(i / conv.k), conv.p, conv.q);
    const int k = i % conv.k;
    if (at.image >= conv.n) return;
    const int channels = conv.c / GROUPS, first = group_of(k, conv.k) * channels;  // those that the filter sees
    float sum = bias ? (float)bias[k] : 0.0f;
    for (int r = 0; r < conv.r; ++r) {
        const int h = at.row * conv.stride_h + r * conv.dilation_h - conv.pad_h;
        if (!inside(h, conv.h)) continue;
        for (int s = 0; s < conv.s; ++s) {
            const int w = at.column * conv.stride_w + s * conv.dilation_w - conv.pad_w;
            if (!inside(w, conv.w)) continue;
            const element* pixel = x + (((size_t)at.image * conv.h + h) * conv.w + w) * conv.c + first;
            const element* tap = filters + (((size_t)k * conv.r + r) * conv.s + s) * channels;
            for (int c = 0; c < channels; ++c) sum += pixel[c] * tap[c];
        }
    }
    y[i] = sum;
}
