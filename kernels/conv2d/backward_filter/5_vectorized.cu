// Convolution, gradient of the filters, rung 5: implicit GEMM with register tiles and vector gathers.
//
//   df[k, r, s, c] = Σ_{n, p, q} dy[n, p, q, k] · x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c]
//
// As a matrix product: M = k filters, N = r·s·c, depth = n·p·q output pixels. Over rung 4 (single floats) BVEC neighbouring
// channels of a pixel of x move in one access, AVEC neighbouring channels of dy, and VEC neighbouring results.
//
//   layout    dy [n, p, q, k], x [n, h, w, c], df [k, r·s·c]
//   defines   see tile.cuh; AVEC, BVEC: floats per access of the two operands
//   launch    grid (⌈r·s·c / BN⌉, ⌈k / BM⌉), THREADS threads
//   requires  c to be a multiple of BVEC; on a GPU, k of AVEC
//   bytes     ≥ 4 (dy·⌈r·s·c / BN⌉ + x·r·s·⌈k / BM⌉ + df)
//   FLOPs     2·n·p·q·k·r·s·c
//   limit     blocks, for small images: fewer tiles than a GPU has multiprocessors
//   measures  loads from global memory per FLOP: a quarter of rung 4's
#include "prelude/conv.cuh"
#include "prelude/tile.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT_BLOCKS)
conv2d_backward_filter(element* __restrict__ df,        // [k, r·s·c]
                       const element* __restrict__ dy,  // [n·p·q, k]
                       const element* __restrict__ x,   // [n, h, w, c]
                       Conv conv) {
    __shared__ __align__(64) float a_tile[BK * BM];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    __shared__ Patches<FROM_X, BK, BN, BVEC> patches;
    const int columns = conv.r * conv.s * conv.c, pixels = conv.n * conv.p * conv.q;
    const int row0 = blockIdx.y * BM, column0 = blockIdx.x * BN;

    RegisterTile tile;
    tile.clear();
    patches.find_taps(conv, column0, columns);
    for_each_step<BK>(
        0, pixels,
        [&](int k0) { patches.find_windows(conv, k0, pixels); },
        [&](int k0) {
            copy_tile<BK, BM, AVEC, BM>(a_tile, dy, k0, row0, pixels, conv.k);
            patches.copy<BN>(b_tile, x, conv);
        },
        [&](int left) { tile.multiply<DEPTH_MAJOR>(a_tile, b_tile, left); });
    tile.write<BVEC == 1 ? 1 : VEC>(df, nullptr, row0, column0, conv.k, columns);
}
