// Convolution with a stride above 1, gradient of the input, rung 9: a dense convolution for each residue class.
//
//   dx[n, h, w, c] = Σ_{r, s, k} dy[n, (h + pad − r·dilation) / stride, (w + pad − s·dilation) / stride, k] · f[k, r, s, c]
//   over the taps for which both divisions leave no remainder and the result lies inside dy
//
// Which taps leave no remainder depends on h mod stride and w mod stride alone. Over rung 5 (all taps for every pixel, all
// but 1 / stride² of the products with zero) a block takes input pixels of one class and only the taps that their class
// sees. Within a class pixels lie stride apart and see neighbouring output pixels: a convolution with a stride of 1, fewer
// taps, and its own padding and dilation. Classes that no tap sees (of a 1 × 1 filter) are zero.
//
//   layout    dy [n, p, q, k], f [k, r, s, c], dx [n, h, w, c]
//   defines   see tile.cuh; AVEC, BVEC: floats per access of the two operands
//   launch    grid (⌈n·⌈h / stride⌉·⌈w / stride⌉ / BM⌉, ⌈c / BN⌉, stride²), THREADS threads
//   requires  k to be a multiple of AVEC; on a GPU, c of BVEC
//   bytes     ≥ 4 (dy + f + dx)
//   FLOPs     2·n·p·q·k·r·s·c
//   limit     as rung 5: blocks, for small images
//   measures  FLOPs: 1 / stride² of rung 5's
#include "prelude/conv.cuh"
#include "prelude/tile.cuh"

// One axis of a class: the pixels first, first + stride, …, and the taps that they see.
struct Axis {
    int first, pixels;    // the first of the pixels, number of them
    int tap, step, taps;  // the first of the taps, from one to the next, number of them
    int pad, dilation;    // as a convolution with a stride of 1

    __device__ __forceinline__ void find(int at, int length, int window, int stride, int old_pad, int old_dilation) {
        first = at;
        pixels = first < length ? (length - first - 1) / stride + 1 : 0;
        for (tap = 0; tap < window && (first + old_pad - tap * old_dilation) % stride != 0;) ++tap;
        for (step = 1; step * old_dilation % stride != 0;) ++step;
        taps = tap < window ? (window - tap - 1) / step + 1 : 0;
        pad = (first + old_pad - tap * old_dilation) / stride;
        dilation = step * old_dilation / stride;
    }
};

// A patch in single floats takes more addresses than 128 registers leave room for.
extern "C" __global__ void __launch_bounds__(THREADS, AVEC == 1 ? 1 : RESIDENT_BLOCKS)
conv2d_backward_input(element* __restrict__ dx,             // [n, h, w, c]
                      const element* __restrict__ dy,       // [n, p, q, k]
                      const element* __restrict__ filters,  // [k, r, s, c]
                      Conv conv) {
    __shared__ __align__(64) float a_tile[A_FLOATS];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    __shared__ Patches<FROM_DY, BM, BK, AVEC> patches;
    __shared__ FilterRows<BK> rows;
    // The class and its convolution: in shared memory, for registers are short.
    __shared__ Axis vertical, horizontal;
    __shared__ Conv dense;
    if (threadIdx.x == 0) {
        vertical.find(blockIdx.z / conv.stride_w, conv.h, conv.r, conv.stride_h, conv.pad_h, conv.dilation_h);
        horizontal.find(blockIdx.z % conv.stride_w, conv.w, conv.s, conv.stride_w, conv.pad_w, conv.dilation_w);
        dense = conv;  // sizes that are divided by must not be zero
        dense.h = max(vertical.pixels, 1), dense.w = max(horizontal.pixels, 1);
        dense.r = vertical.taps, dense.s = max(horizontal.taps, 1);
        dense.stride_h = dense.stride_w = 1;
        dense.pad_h = vertical.pad, dense.pad_w = horizontal.pad;
        dense.dilation_h = vertical.dilation, dense.dilation_w = horizontal.dilation;
    }
    __syncthreads();  // the class is complete
    const int pixels = conv.n * vertical.pixels * horizontal.pixels;
    const int depth = vertical.taps * horizontal.taps * conv.k;
    const int row0 = blockIdx.x * BM, column0 = blockIdx.y * BN;

    RegisterTile tile;
    tile.clear();
    patches.find_windows(dense, row0, pixels);
    for_each_step<BK>(
        0, depth,
        [&](int k0) {
            patches.find_taps(dense, k0, depth);
            rows.find(k0, [&](int i) {
                const int tap = i / conv.k;  // of the class; in the filter:
                const int r = vertical.tap + tap / dense.s * vertical.step;
                const int s = horizontal.tap + tap % dense.s * horizontal.step;
                return (((size_t)(i % conv.k) * conv.r + r) * conv.s + s) * conv.c;
            });
        },
        [&](int k0) {
            patches.copy<A_STRIDE>(a_tile, dy, dense);
            rows.copy<BN, BVEC>(b_tile, filters, depth - k0, column0, conv.c);
        },
        [&](int left) { tile.multiply<ROW_MAJOR>(a_tile, b_tile, left); });
    tile.write_rows<BVEC == 1 ? 1 : VEC>(dx, nullptr, column0, conv.c, [&](int i) {
        const Pixel at = pixel_at(row0 + i, dense.h, dense.w);
        const int h = vertical.first + at.row * conv.stride_h, w = horizontal.first + at.column * conv.stride_w;
        return row0 + i < pixels ? (at.image * conv.h + h) * conv.w + w : -1;
    });
}
