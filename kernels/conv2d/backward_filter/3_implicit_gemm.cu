// Convolution, gradient of the filters, rung 3: implicit GEMM, the patches gathered on the fly into shared memory.
//
//   df[k, r, s, c] = Σ_{n, p, q} dy[n, p, q, k] · x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c]
//
// The product of rung 2 (which is forward/2_im2col.cu with another product): M = k filters, N = r·s·c, depth = n·p·q output
// pixels. But nobody writes the patches to memory: each thread gathers one element of their tile, waits for the others, and
// adds up one element of the result. Both tiles have a pixel per row, as x and dy lie: neither is transposed.
//
//   layout    dy [n, p, q, k], x [n, h, w, c], df [k, r·s·c]
//   defines   TILE: elements along each side of a tile; THREADS = TILE²
//   launch    grid (⌈r·s·c / TILE⌉, ⌈k / TILE⌉), THREADS threads
//   bytes     ≥ 4 (dy·⌈r·s·c / TILE⌉ + x·r·s·⌈k / TILE⌉ + df)
//   FLOPs     2·n·p·q·k·r·s·c
//   limit     shared memory: two wavefronts for each product of a warp
//   measures  bytes moved to and from memory: no patches among them
#include "prelude/conv.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
conv2d_backward_filter(element* __restrict__ df,        // [k, r·s·c]
                       const element* __restrict__ dy,  // [n·p·q, k]
                       const element* __restrict__ x,   // [n, h, w, c]
                       Conv conv) {
    __shared__ float a_tile[TILE][TILE], b_tile[TILE][TILE];
    const int columns = conv.r * conv.s * conv.c, pixels = conv.n * conv.p * conv.q;
    const int i = threadIdx.x / TILE, j = threadIdx.x % TILE;
    const int row0 = blockIdx.y * TILE, column = blockIdx.x * TILE + j;

    const Tap tap = tap_at<FROM_X>(conv, column, columns);
    float sum = 0.0f;
    for (int k0 = 0; k0 < pixels; k0 += TILE) {
        a_tile[i][j] = k0 + i < pixels && row0 + j < conv.k ? (float)dy[(size_t)(k0 + i) * conv.k + row0 + j] : 0.0f;
        b_tile[i][j] = gather<FROM_X, 1>(x, conv, window_at<FROM_X>(conv, k0 + i, pixels), tap)[0];
        __syncthreads();  // the tiles are complete
        UNROLL for (int k = 0; k < TILE; ++k) sum += a_tile[k][i] * b_tile[k][j];
        __syncthreads();  // nobody reads them any more: the next step may overwrite them
    }
    if (row0 + i < conv.k && column < columns) df[(size_t)(row0 + i) * columns + column] = sum;
}
