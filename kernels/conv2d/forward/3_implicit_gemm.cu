// Convolution, forward, rung 3: implicit GEMM, the patches gathered on the fly into tiles in shared memory.
//
//   y[n, p, q, k] = bias[k] + Σ_{r, s, c} x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c] · f[k, r, s, c]
//
// The product of rung 2: M = n·p·q output pixels, N = k filters, depth = r·s·c. But nobody writes the patches to memory:
// each thread gathers one element of their tile, waits for the others, and adds up one element of the result. The filters
// come transposed, [r·s·c, k], so that a row of their tile is contiguous. Of several groups each is a product of its own, of
// c / GROUPS channels and k / GROUPS filters, and blocks along the z axis.
//
//   layout    x [n, h, w, c], filters [r·s·c / GROUPS, k], y [n, p, q, k]
//   defines   TILE: elements along each side of a tile; THREADS = TILE²; GROUPS, see conv.cuh
//   launch    grid (⌈n·p·q / TILE⌉, ⌈k / GROUPS / TILE⌉, GROUPS), THREADS threads
//   bytes     ≥ 4 (x + filters + y)
//   FLOPs     2·n·p·q·k·r·s·c / GROUPS
//   limit     shared memory: two wavefronts for each product of a warp
//   measures  bytes moved to and from memory: no patches among them
#include "prelude/conv.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
conv2d_forward(element* __restrict__ y,              // [n, p, q, k]
               const element* __restrict__ x,        // [n, h, w, c]
               const element* __restrict__ filters,  // [r·s·c / GROUPS, k]
               const element* __restrict__ bias,     // [k], or null
               Conv conv) {
    __shared__ float a_tile[TILE][TILE], b_tile[TILE][TILE];
    const int pixels = conv.n * conv.p * conv.q, channels = conv.c / GROUPS, depth = conv.r * conv.s * channels;
    const int i = threadIdx.x / TILE, j = threadIdx.x % TILE;
    const int row = blockIdx.x * TILE + i, column = blockIdx.y * TILE + j;
    const int count = conv.k / GROUPS, first = blockIdx.z * count;  // the group's filters
    x += blockIdx.z * channels;

    const Window window = window_at<FROM_X>(conv, row, pixels);
    float sum = 0.0f;
    for (int k0 = 0; k0 < depth; k0 += TILE) {
        a_tile[i][j] = gather<FROM_X, 1>(x, conv, window, tap_at<FROM_X>(conv, k0 + j, depth))[0];
        b_tile[i][j] = k0 + i < depth && column < count ? (float)filters[(size_t)(k0 + i) * conv.k + first + column] : 0.0f;
        __syncthreads();  // the tiles are complete
        UNROLL for (int k = 0; k < TILE; ++k) sum += a_tile[i][k] * b_tile[k][j];
        __syncthreads();  // nobody reads them any more: the next step may overwrite them
    }
    if (row < pixels && column < count) {
        y[(size_t)row * conv.k + first + column] = sum + (bias ? (float)bias[first + column] : 0.0f);
    }
}
