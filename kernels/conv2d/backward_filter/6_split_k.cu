// Convolution, gradient of the filters, rung 6: implicit GEMM, split along its depth.
//
//   df[k, r, s, c] = Σ_{n, p, q} dy[n, p, q, k] · x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c]
//
// As a matrix product: M = k filters, N = r·s·c, depth = n·p·q output pixels. The result is small and the depth is large:
// over rung 5 (a block for each tile of the result, and most of the machine idle) the depth is split among the blocks of
// the z axis. Each writes its own partial result; a sum over the splits in a fixed order follows (reduce): no atomics, same
// bits every time.
//
//   layout    dy [n, p, q, k], x [n, h, w, c], partial [splits, k, r·s·c]
//   defines   see tile.cuh; AVEC, BVEC: floats per access of the two operands
//   launch    grid (⌈r·s·c / BN⌉, ⌈k / BM⌉, splits), THREADS threads
//   requires  c to be a multiple of BVEC; on a GPU, k of AVEC; conv.split of BK
//   bytes     ≥ 4 (dy·⌈r·s·c / BN⌉ + x·r·s·⌈k / BM⌉ + splits·df)
//   FLOPs     2·n·p·q·k·r·s·c
//   limit     arithmetic; where splits are many, the memory that partial results take
//   measures  blocks: `splits` times those of rung 5
#include "prelude/conv.cuh"
#include "prelude/tile.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT_BLOCKS)
conv2d_backward_filter(result* __restrict__ partial,    // [splits, k, r·s·c]
                       const element* __restrict__ dy,  // [n·p·q, k]
                       const element* __restrict__ x,   // [n, h, w, c]
                       Conv conv) {
    __shared__ __align__(64) float a_tile[BK * BM];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    __shared__ Patches<FROM_X, BK, BN, BVEC> patches;
    const int columns = conv.r * conv.s * conv.c, pixels = conv.n * conv.p * conv.q;
    const int row0 = blockIdx.y * BM, column0 = blockIdx.x * BN;
    const int first = blockIdx.z * conv.split, last = min(pixels, first + conv.split);

    RegisterTile tile;
    tile.clear();
    patches.find_taps(conv, column0, columns);
    for_each_step<BK>(
        first, last,
        [&](int k0) { patches.find_windows(conv, k0, last); },
        [&](int k0) {
            copy_tile<BK, BM, AVEC, BM>(a_tile, dy, k0, row0, last, conv.k);
            patches.copy<BN>(b_tile, x, conv);
        },
        [&](int left) { tile.multiply<DEPTH_MAJOR>(a_tile, b_tile, left); });
    partial += (size_t)blockIdx.z * conv.k * columns;
    tile.write<BVEC == 1 ? 1 : VEC>(partial, nullptr, row0, column0, conv.k, columns);
}
