// Convolution, forward, rung 5: implicit GEMM with register tiles and vector gathers.
//
//   y[n, p, q, k] = bias[k] + Σ_{r, s, c} x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c] · f[k, r, s, c]
//
// As a matrix product: M = n·p·q output pixels, N = k filters, depth = r·s·c; the filters come transposed, [r·s·c, k].
// Over rung 4 (single floats) AVEC neighbouring channels of a pixel move in one access, BVEC neighbouring filters, and
// VEC neighbouring results.
//
//   layout    x [n, h, w, c], filters [r·s·c, k], y [n, p, q, k]
//   defines   see tile.cuh; AVEC, BVEC: floats per access of the two operands
//   launch    grid (⌈n·p·q / BM⌉, ⌈k / BN⌉), THREADS threads
//   requires  c to be a multiple of AVEC; on a GPU, k of BVEC
//   bytes     ≥ 4 (x + filters + y)
//   FLOPs     2·n·p·q·k·r·s·c
//   limit     blocks, for small images: fewer tiles than a GPU has multiprocessors
//   measures  loads from global memory per FLOP: a quarter of rung 4's
#include "prelude/conv.cuh"
#include "prelude/tile.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT_BLOCKS)
conv2d_forward(element* __restrict__ y,              // [n, p, q, k]
               const element* __restrict__ x,        // [n, h, w, c]
               const element* __restrict__ filters,  // [r·s·c, k]
               const element* __restrict__ bias,     // [k], or null
               Conv conv) {
    __shared__ __align__(64) float a_tile[A_FLOATS];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    __shared__ Patches<FROM_X, BM, BK, AVEC> patches;
    const int pixels = conv.n * conv.p * conv.q, depth = conv.r * conv.s * conv.c;
    const int row0 = blockIdx.x * BM, column0 = blockIdx.y * BN;

    RegisterTile tile;
    tile.clear();
    patches.find_windows(conv, row0, pixels);
    for_each_step<BK>(
        0, depth,
        [&](int k0) { patches.find_taps(conv, k0, depth); },
        [&](int k0) {
            patches.copy<A_STRIDE>(a_tile, x, conv);
            copy_tile<BK, BN, BVEC, BN>(b_tile, filters, k0, column0, depth, conv.k);
        },
        [&](int left) { tile.multiply<ROW_MAJOR>(a_tile, b_tile, left); });
    tile.write<BVEC == 1 ? 1 : VEC>(y, bias, row0, column0, pixels, conv.k);
}
