// Convolution, forward and gradient of the filters, rung 2: a matrix product, of patches written out beforehand.
//
//   columns[(n, p, q), (r, s, c)] = x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c], zero outside
//   forward: y = columns · fᵀ + bias      gradient of the filters: df = dyᵀ · columns
//
// Over rung 1 (every product fetches its factors) the product is left to the matrix kernels, which fetch a tile and use it
// many times. The price is memory: every input pixel is written r·s times and read again. A part of the images at a time
// keeps that bounded.
//
//   layout    x [n, h, w, c], columns [n·p·q, r·s·c]
//   defines   THREADS
//   launch    ⌈n·p·q·r·s·c / THREADS⌉ blocks
//   bytes     4 (x + n·p·q·r·s·c), and the columns once more to read them
//   FLOPs     none
//   limit     memory, through which the patches pass
//   measures  loads from global memory per FLOP: a small part of rung 1's
#include "prelude/conv.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
conv2d_im2col(element* __restrict__ columns,  // [n·p·q, r·s·c]
              const element* __restrict__ x,  // [n, h, w, c]
              Conv conv) {
    // Neighbouring threads take neighbouring columns: channels of one pixel, side by side on both sides.
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    const int depth = conv.r * conv.s * conv.c, pixels = conv.n * conv.p * conv.q;
    const int row = i / depth, column = i % depth;
    if (row >= pixels) return;
    const Window window = window_at<FROM_X>(conv, row, pixels);
    columns[i] = gather<FROM_X, 1>(x, conv, window, tap_at<FROM_X>(conv, column, depth))[0];
}
