// Convolution, gradient of the input, rung 3: implicit GEMM, the patches of dy gathered on the fly into shared memory.
//
//   dx[n, h, w, c] = Σ_{r, s, k} dy[n, (h + pad − r·dilation) / stride, (w + pad − s·dilation) / stride, k] · f[k, r, s, c]
//   over the taps for which both divisions leave no remainder and the result lies inside dy
//
// As a matrix product: M = n·h·w input pixels, N = c channels, depth = r·s·k. Nobody writes columns to memory: each thread
// gathers one element of the tile of dy's patches, waits for the others, and adds up one element of the result. For one
// tap (r, s), a row of the other tile (fixed k) is contiguous in the filters as they lie. Of several groups each is a product of
// its own, of c / GROUPS channels and k / GROUPS filters, and blocks along the z axis.
//
//   layout    dy [n, p, q, k], f [k, r, s, c / GROUPS], dx [n, h, w, c]
//   defines   TILE: elements along each side of a tile; THREADS = TILE²; GROUPS, see conv.cuh
//   launch    grid (⌈n·h·w / TILE⌉, ⌈c / GROUPS / TILE⌉, GROUPS), THREADS threads
//   bytes     ≥ 4 (dy + f + dx)
//   FLOPs     2·n·h·w·c·r·s·k / GROUPS (with stride, all but 1 / stride² of them on zeros)
//   limit     shared memory: two wavefronts for each product of a warp
//   measures  bytes moved to and from memory: no columns among them
#include "prelude/conv.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
conv2d_backward_input(element* __restrict__ dx,             // [n, h, w, c]
                      const element* __restrict__ dy,       // [n, p, q, k]
                      const element* __restrict__ filters,  // [k, r, s, c / GROUPS]
                      Conv conv) {
    __shared__ float a_tile[TILE][TILE], b_tile[TILE][TILE];
    const int pixels = conv.n * conv.h * conv.w, count = conv.k / GROUPS, depth = conv.r * conv.s * count;
    const int i = threadIdx.x / TILE, j = threadIdx.x % TILE;
    const int row = blockIdx.x * TILE + i, column = blockIdx.y * TILE + j;
    const int channels = conv.c / GROUPS, first = blockIdx.z * channels;  // the group's channels
    dy += blockIdx.z * count;
    filters += (size_t)blockIdx.z * depth * channels;

    const Window window = window_at<FROM_DY>(conv, row, pixels);
    float sum = 0.0f;
    for (int k0 = 0; k0 < depth; k0 += TILE) {
        a_tile[i][j] = gather<FROM_DY, 1>(dy, conv, window, tap_at<FROM_DY>(conv, k0 + j, depth))[0];
        b_tile[i][j] = k0 + i < depth && column < channels ? (float)filters[filter_row(conv, k0 + i) + column] : 0.0f;
        __syncthreads();  // the tiles are complete
        UNROLL for (int k = 0; k < TILE; ++k) sum += a_tile[i][k] * b_tile[k][j];
        __syncthreads();  // nobody reads them any more: the next step may overwrite them
    }
    if (row < pixels && column < channels) dx[(size_t)row * conv.c + first + column] = sum;
}
