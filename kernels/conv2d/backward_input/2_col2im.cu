// Convolution, gradient of the input, rung 2: a matrix product, whose result is added up to an image.
//
//   columns = dy · f                                       [n·p·q, k] · [k, r·s·c], by the matrix kernels
//   dx[n, h, w, c] = Σ_{r, s} columns[(n, (h + pad − r·dilation) / stride, (w + pad − s·dilation) / stride), (r, s, c)]
//   over the taps for which both divisions leave no remainder and the result lies inside dy
//
// Over rung 1 (every product fetches its factors) the product is left to kernels that fetch a tile and use it many times.
// The price is memory: r·s values are written and read again for every pixel. A part of the images at a time keeps that
// bounded. Input pixels gather from the columns; scattering the columns would need atomics.
//
//   layout    dy [n, p, q, k], columns [n·p·q, r·s·c], dx [n, h, w, c]
//   defines   THREADS
//   launch    ⌈n·h·w·c / THREADS⌉ blocks
//   bytes     4 (n·p·q·r·s·c + dx), and the columns once more to write them
//   FLOPs     n·p·q·r·s·c
//   limit     memory, through which the columns pass
//   measures  loads from global memory per FLOP: a small part of rung 1's
#include "prelude/conv.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
conv2d_col2im(element* __restrict__ dx,           // [n, h, w, c]
              const float* __restrict__ columns,  // [n·p·q, r·s·c]
              Conv conv) {
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    const Pixel at = pixel_at((int)(i / conv.c), conv.h, conv.w);
    const int c = i % conv.c, depth = conv.r * conv.s * conv.c;
    if (at.image >= conv.n) return;
    float sum = 0.0f;
    for (int r = 0; r < conv.r; ++r) {
        const int p = output_at(at.row + conv.pad_h - r * conv.dilation_h, conv.stride_h);
        if (!inside(p, conv.p)) continue;
        for (int s = 0; s < conv.s; ++s) {
            const int q = output_at(at.column + conv.pad_w - s * conv.dilation_w, conv.stride_w);
            if (!inside(q, conv.q)) continue;
            const size_t pixel = ((size_t)at.image * conv.p + p) * conv.q + q;
            sum += columns[pixel * depth + (r * conv.s + s) * conv.c + c];
        }
    }
    dx[i] = sum;
}
