// Convolution, forward, rung 4: implicit GEMM with register tiles.
//
//   y[n, p, q, k] = bias[k] + Σ_{r, s, c} x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c] · f[k, r, s, c]
//
// As a matrix product: M = n·p·q output pixels, N = k filters, depth = r·s·c; the filters come transposed, [r·s·c, k].
// Over rung 3 (one result per thread: two loads from shared memory for each product) a thread keeps TM × TN sums in
// registers, so that TM + TN elements out of shared memory make TM · TN products. It now gathers many elements, so windows
// and taps are looked up in shared memory.
//
//   layout    x [n, h, w, c], filters [r·s·c, k], y [n, p, q, k]
//   defines   see tile.cuh
//   launch    grid (⌈n·p·q / BM⌉, ⌈k / BN⌉), THREADS threads
//   bytes     ≥ 4 (x + filters + y)
//   FLOPs     2·n·p·q·k·r·s·c
//   limit     instructions and latency of the copies: each float has a place, a guard and a load of its own
//   measures  wavefronts of shared memory per FLOP: at most 2 / 5 of rung 3's
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
    __shared__ Patches<FROM_X, BM, BK, 1> patches;
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
            copy_tile<BK, BN, 1, BN>(b_tile, filters, k0, column0, depth, conv.k);
        },
        [&](int left) { tile.multiply<ROW_MAJOR>(a_tile, b_tile, left); });
    tile.write<1>(y, bias, row0, column0, pixels, conv.k);
}
