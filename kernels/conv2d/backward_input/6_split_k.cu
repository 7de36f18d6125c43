// Convolution, gradient of the input, rung 6: implicit GEMM, split along its depth.
//
//   dx[n, h, w, c] = Σ_{r, s, k} dy[n, (h + pad − r·dilation) / stride, (w + pad − s·dilation) / stride, k] · f[k, r, s, c]
//   over the taps for which both divisions leave no remainder and the result lies inside dy
//
// As a matrix product: M = n·h·w input pixels, N = c channels, depth = r·s·k. Over rung 5 (a block for each tile of the
// result: few where images are small, and most of the machine idle) the depth is split among the blocks of the z axis.
// Each writes its own partial result; a sum over the splits in a fixed order follows (reduce): no atomics, same bits.
//
//   layout    dy [n, p, q, k], f [k, r, s, c], partial [splits, n, h, w, c]
//   defines   see tile.cuh; AVEC, BVEC: floats per access of the two operands
//   launch    grid (⌈n·h·w / BM⌉, ⌈c / BN⌉, splits), THREADS threads
//   requires  k to be a multiple of AVEC; on a GPU, c of BVEC; conv.split of BK
//   bytes     ≥ 4 (dy + f + splits·dx)
//   FLOPs     2·n·h·w·c·r·s·k (with stride, all but 1 / stride² of them on zeros)
//   limit     arithmetic; where splits are many, the memory that partial results take
//   measures  blocks: `splits` times those of rung 5
#include "prelude/conv.cuh"
#include "prelude/tile.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT_BLOCKS)
conv2d_backward_input(result* __restrict__ partial,         // [splits, n, h, w, c]
                      const element* __restrict__ dy,       // [n, p, q, k]
                      const element* __restrict__ filters,  // [k, r, s, c]
                      Conv conv) {
    __shared__ __align__(64) float a_tile[A_FLOATS];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    __shared__ Patches<FROM_DY, BM, BK, AVEC> patches;
    __shared__ FilterRows<BK> rows;
    const int pixels = conv.n * conv.h * conv.w, depth = conv.r * conv.s * conv.k;
    const int row0 = blockIdx.x * BM, column0 = blockIdx.y * BN;
    const int first = blockIdx.z * conv.split, last = min(depth, first + conv.split);

    RegisterTile tile;
    tile.clear();
    patches.find_windows(conv, row0, pixels);
    for_each_step<BK>(
        first, last,
        [&](int k0) {
            patches.find_taps(conv, k0, last);
            rows.find(k0, [&](int i) { return filter_row(conv, i); });
        },
        [&](int k0) {
            patches.copy<A_STRIDE>(a_tile, dy, conv);
            rows.copy<BN, BVEC>(b_tile, filters, last - k0, column0, conv.c);
        },
        [&](int left) { tile.multiply<ROW_MAJOR>(a_tile, b_tile, left); });
    partial += (size_t)blockIdx.z * pixels * conv.c;
    tile.write<BVEC == 1 ? 1 : VEC>(partial, nullptr, row0, column0, pixels, conv.c);
}
