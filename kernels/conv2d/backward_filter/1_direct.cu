// Convolution, gradient of the filters, rung 1: the formula as it stands, one thread for one element of the gradient.
//
//   df[k, r, s, c] = Σ_{n, p, q} dy[n, p, q, k] · x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c]
//
// A thread goes over all output pixels and asks memory for both factors of every product.
//
//   layout    dy [n, p, q, k], x [n, h, w, c], df [k, r, s, c / GROUPS]
//   defines   THREADS; GROUPS, see conv.cuh
//   launch    ⌈k·r·s·c / GROUPS / THREADS⌉ blocks
//   bytes     ≥ 4 (dy + x + df)
//   FLOPs     2·n·p·q·k·r·s·c / GROUPS
//   limit     requests: two loads from global memory for each product
//   measures  loads from global memory per FLOP: one
#include "prelude/conv.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, 4)  // registers for the many indices
conv2d_backward_filter(element* __restrict__ df,        // [k, r, s, c / GROUPS]
                       const element* __restrict__ dy,  // [n, p, q, k]
                       const element* __restrict__ x,   // [n, h, w, c]
                       Conv conv) {
    const int i = blockIdx.x * THREADS + threadIdx.x;
    const int channels = conv.c / GROUPS, s = i / channels % conv.s, r = i / channels / conv.s % conv.r;
    const int k = i / channels / conv.s / conv.r, c = group_of(k, conv.k) * channels + i % channels;
    if (k >= conv.k) return;
    float sum = 0.0f;
    for (int n = 0; n < conv.n; ++n) {
        for (int p = 0; p < conv.p; ++p) {
            const int h = p * conv.stride_h + r * conv.dilation_h - conv.pad_h;
            if (!inside(h, conv.h)) continue;
            for (int q = 0; q < conv.q; ++q) {
                const int w = q * conv.stride_w + s * conv.dilation_w - conv.pad_w;
                if (!inside(w, conv.w)) continue;
                const float gradient = dy[(((size_t)n * conv.p + p) * conv.q + q) * conv.k + k];
                sum += gradient * x[(((size_t)n * conv.h + h) * conv.w + w) * conv.c + c];
            }
        }
    }
    df[i] = sum;
}
