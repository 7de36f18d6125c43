// Convolution, gradient of the filters, rung 3: implicit GEMM, the patches gathered on the fly into shared memory.
//
//   df[k, r, s, c] = Σ_{n, p, q} dy[n, p, q, k] · x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c]
//
// The product of rung 2 (which is forward/2_im2col.cu with another product): M = k filters, N = r·s·c, depth = n·p·q output
// pixels. But nobody writes the patches to memory: each thread gathers one element of their tile, waits for the others, and
// adds up one element of the result. Both tiles have a pixel per row, as x and dy lie: neither is transposed. Of several groups
// each is a product of its own, of c / GROUPS channels and k / GROUPS filters, and blocks along the z axis.
//
//   layout    dy [n, p, q, k], x [n, h, w, c], df [k, r·s·c / GROUPS]
//   defines   TILE: elements along each side of a tile; THREADS = TILE²; GROUPS, see conv.cuh
//   launch    grid (⌈r·s·c / GROUPS / TILE⌉, ⌈k / GROUPS / TILE⌉, GROUPS), THREADS threads
//   bytes     ≥ 4 (dy·⌈r·s·c / TILE⌉ + x·r·s·⌈k / TILE⌉ + df)
//   FLOPs     2·n·p·q·k·r·s·c / GROUPS
//   limit     shared memory: two wavefronts for each product of a warp
//   measures  bytes moved to and from memory: no patches among them
#include "prelude/conv.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
conv2d_backward_filter(element* __restrict__ df,        // [k, r·s·c / GROUPS]
                       const element* __restrict__ dy,  // [n·p·q, k]
                       const element* __restrict__ x,   // [n, h, w, c]
                       Conv conv) {
    __shared__ float a_tile[TILE][TILE], b_tile[TILE][TILE];
    const int channels = conv.c / GROUPS, columns = conv.r * conv.s * channels, pixels = conv.n * conv.p * conv.q;
    const int i = threadIdx.x / TILE, j = threadIdx.x % TILE;
    const int row0 = blockIdx.y * TILE, column = blockIdx.x * TILE + j;
    const int count = conv.k / GROUPS, first = blockIdx.z * count;  // the group's filters
    dy += first;
    x += blockIdx.z * channels;

    const Tap tap = tap_at<FROM_X>(conv, column, columns);
    float sum = 0.0f;
    for (int k0 = 0; k0 < pixels; k0 += TILE) {
        a_tile[i][j] = k0 + i < pixels && row0 + j < count ? (float)dy[(size_t)(k0 + i) * conv.k + row0 + j] : 0.0f;
        b_tile[i][j] = gather<FROM_X, 1>(x, conv, window_at<FROM_X>(conv, k0 + i, pixels), tap)[0];
        __syncthreads();  // the tiles are complete
        UNROLL for (int k = 0; k < TILE; ++k) sum += a_tile[k][i] * b_tile[k][j];
        __syncthreads();  // nobody reads them any more: the next step may overwrite them
    }
    if (row0 + i < count && column < columns) df[(size_t)(first + row0 + i) * columns + column] = sum;
}
