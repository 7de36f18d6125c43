// Convolution, gradient of the input, rung 5: implicit GEMM with register tiles and vector gathers.
//
//   dx[n, h, w, c] = Σ_{r, s, k} dy[n, (h + pad − r·dilation) / stride, (w + pad − s·dilation) / stride, k] · f[k, r, s, c]
//   over the taps for which both divisions leave no remainder and the result lies inside dy
//
// As a matrix product: M = n·h·w input pixels, N = c channels, depth = r·s·k. Over rung 4 (single floats) AVEC neighbouring
// channels of a pixel of dy move in one access, BVEC neighbouring channels of a filter, and VEC neighbouring results.
//
//   layout    dy [n, p, q, k], f [k, r, s, c], dx [n, h, w, c]
//   defines   see tile.cuh; AVEC, BVEC: floats per access of the two operands
//   launch    grid (⌈n·h·w / BM⌉, ⌈c / BN⌉), THREADS threads
//   requires  k to be a multiple of AVEC; on a GPU, c of BVEC
//   bytes     ≥ 4 (dy + f + dx)
//   FLOPs     2·n·h·w·c·r·s·k (with stride, all but 1 / stride² of them on zeros)
//   limit     blocks, for small images: fewer tiles than a GPU has multiprocessors
//   measures  loads from global memory per FLOP: a quarter of rung 4's
#include "prelude/conv.cuh"
#include "prelude/tile.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT_BLOCKS)
conv2d_backward_input(element* __restrict__ dx,             // [n, h, w, c]
                      const element* __restrict__ dy,       // [n, p, q, k]
                      const element* __restrict__ filters,  // [k, r, s, c]
                      Conv conv) {
    __shared__ __align__(64) float a_tile[A_FLOATS];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    __shared__ Patches<FROM_DY, BM, BK, AVEC> patches;
    __shared__ FilterRows<BK> rows;
    const int pixels = conv.n * conv.h * conv.w, depth = conv.r * conv.s * conv.k;
    const int row0 = blockIdx.x * BM, column0 = blockIdx.y * BN;

    RegisterTile tile;
    tile.clear();
    patches.find_windows(conv, row0, pixels);
    for_each_step<BK>(
        0, depth,
        [&](int k0) {
            patches.find_taps(conv, k0, depth);
            rows.find(k0, [&](int i) { return filter_row(conv, i); });
        },
        [&](int k0) {
            patches.copy<A_STRIDE>(a_tile, dy, conv);
            rows.copy<BN, BVEC>(b_tile, filters, depth - k0, column0, conv.c);
        },
        [&](int left) { tile.multiply<ROW_MAJOR>(a_tile, b_tile, left); });
    tile.write<BVEC == 1 ? 1 : VEC>(dx, nullptr, row0, column0, pixels, conv.c);
}
