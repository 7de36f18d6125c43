// Convolution, forward, rung 6: implicit GEMM, split along its depth.
//
//   y[n, p, q, k] = bias[k] + Σ_{r, s, c} x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c] · f[k, r, s, c]
//
// As a matrix product: M = n·p·q output pixels, N = k filters, depth = r·s·c; the filters come transposed, [r·s·c, k].
// Over rung 5 (a block for each tile of the result: few where images are small, and most of the machine idle) the depth is
// split among the blocks of the z axis. Each writes its own partial result, the first with the bias; a sum over the splits
// in a fixed order follows (reduce): no atomics, same bits every time.
//
//   layout    x [n, h, w, c], filters [r·s·c, k], partial [splits, n, p, q, k]
//   defines   see tile.cuh; AVEC, BVEC: floats per access of the two operands
//   launch    grid (⌈n·p·q / BM⌉, ⌈k / BN⌉, splits), THREADS threads
//   requires  c to be a multiple of AVEC; on a GPU, k of BVEC; conv.split of BK
//   bytes     ≥ 4 (x + filters + splits·y)
//   FLOPs     2·n·p·q·k·r·s·c
//   limit     arithmetic; where splits are many, the memory that partial results take
//   measures  blocks: `splits` times those of rung 5
#include "prelude/conv.cuh"
#include "prelude/tile.cuh"

// A patch in single floats takes more addresses than 128 registers leave room for; so do filters in single elements of two
// bytes, which wait in registers of their own to be widened.
constexpr bool SCATTERED = AVEC == 1 || (BVEC == 1 && sizeof(element) < sizeof(float));

extern "C" __global__ void __launch_bounds__(THREADS, SCATTERED ? 1 : RESIDENT_BLOCKS)
conv2d_forward(result* __restrict__ partial,         // [splits, n, p, q, k]
               const element* __restrict__ x,        // [n, h, w, c]
               const element* __restrict__ filters,  // [r·s·c, k]
               const element* __restrict__ bias,     // [k], or null
               Conv conv) {
    __shared__ __align__(64) float a_tile[A_FLOATS];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    __shared__ Patches<FROM_X, BM, BK, AVEC> patches;
    const int pixels = conv.n * conv.p * conv.q, depth = conv.r * conv.s * conv.c;
    const int row0 = blockIdx.x * BM, column0 = blockIdx.y * BN;
    const int first = blockIdx.z * conv.split, last = min(depth, first + conv.split);

    RegisterTile tile;
    tile.clear();
    patches.find_windows(conv, row0, pixels);
    for_each_step<BK>(
        first, last,
        [&](int k0) { patches.find_taps(conv, k0, last); },
        [&](int k0) {
            patches.copy<A_STRIDE>(a_tile, x, conv);
            copy_tile<BK, BN, BVEC, BN>(b_tile, filters, k0, column0, last, conv.k);
        },
        [&](int left) { tile.multiply<ROW_MAJOR>(a_tile, b_tile, left); });
    partial += (size_t)blockIdx.z * pixels * conv.k;
    tile.write<BVEC == 1 ? 1 : VEC>(partial, blockIdx.z == 0 ? bias : nullptr, row0, column0, pixels, conv.k);
}
