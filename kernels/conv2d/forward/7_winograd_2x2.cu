// Convolution, forward, rung 7: Winograd's F(2×2, 3×3).
//
//   y = Aᵀ [ Σ_c (G f Gᵀ) ⊙ (Bᵀ x B) ] A + bias      for tiles of 2 × 2 outputs, each from 4 × 4 pixels
//
// All rungs below do the r·s·c multiplications per output that the definition asks for. This one does 4·c instead of 9·c:
// 16 products for 4 outputs (conv2d/winograd.cuh has the matrices and the reason). Multiplications fall 2.25 times;
// in exchange pixels and products pass through memory transformed, 4 times as large as the images. A NaN or an infinity
// spreads over the whole of each tile that sees it: a property of the method, as its rounding is.
//
//   layout    x [n, h, w, c], f [k, 3, 3, c], y [n, p, q, k]; in between [16 points, tiles, channels]
//   defines   see conv2d/winograd.cuh
//   launch    transforms: ⌈items / span⌉ blocks, an item being WIDTH channels of a tile; products: the tiles of
//             a matrix product, times 16 points in z
//   requires  3 × 3 filters, stride 1, no dilation, padding of 2 at most; c and k multiples of 4
//   bytes     4 (x + f + y), and 8·16·(tiles·(c + k) + c·k) that are written and read in between
//   FLOPs     16 · 2 · tiles · c · k for the products, tiles = n · ⌈p / 2⌉ · ⌈q / 2⌉
//   limit     memory, through which pixels and products pass transformed
//   measures  FLOPs: 4 multiply-adds for an output and pair of channels where rung 5 has 9
#ifndef OUTPUT  // rung 8 is the same with 4
#define OUTPUT 2
#endif
#include "conv2d/winograd.cuh"

// U = G g Gᵀ of the filters as a matrix [rows, columns] for each tap: tap t of element (row, column) lies at
// row · row_stride + t · tap_stride + column. `turned` takes the taps from the last to the first.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
winograd_filters(float* __restrict__ u,          // [POINTS, rows, columns]
                 const element* __restrict__ g,  // 3 · 3 taps of [rows, columns]
                 int rows, int columns, int row_stride, int tap_stride, int turned, int span) {
    const size_t plane = (size_t)rows * columns;
    for_each_item(rows, columns, span, [&](int row, int column, int valid) {
        float* to = u + (size_t)row * columns + column;
        sandwich<FilterMatrix, SIDE, 3>(
            [&](int i, int j) {
                const int tap = turned ? 8 - (i * 3 + j) : i * 3 + j;
                return load_row<WIDTH>(g + (size_t)row * row_stride + (size_t)tap * tap_stride + column, valid);
            },
            [&](int i, int j, vec<WIDTH> value) { store_row<WIDTH>(to + (i * SIDE + j) * plane, value, valid); });
    });
}

// M[ξ] = V[ξ] · U[ξ] for every point ξ, which is the block's z.
extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT_BLOCKS)
winograd_multiply(float* __restrict__ m,        // [POINTS, tiles, columns]
                  const float* __restrict__ v,  // [POINTS, tiles, depth]
                  const float* __restrict__ u,  // [POINTS, depth, columns]
                  int tiles, int columns, int depth) {
    __shared__ __align__(64) float a_tile[A_FLOATS];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    const int row0 = blockIdx.y * BM, column0 = blockIdx.x * BN;
    const size_t point = blockIdx.z;
    v += point * tiles * depth;
    u += point * depth * columns;
    RegisterTile tile;
    tile.clear();
    for (int k0 = 0; k0 < depth; k0 += BK) {
        copy_tile<BM, BK, AVEC, A_STRIDE>(a_tile, v, row0, k0, tiles, depth);
        copy_tile<BK, BN, BVEC, BN>(b_tile, u, k0, column0, depth, columns);
        __syncthreads();  // the tiles are complete
        tile.multiply<ROW_MAJOR>(a_tile, b_tile, depth - k0);
        __syncthreads();  // nobody reads them any more
    }
    tile.write<CVEC>(m + point * tiles * columns, nullptr, row0, column0, tiles, columns);
}

// y = Aᵀ M A + bias.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
winograd_outputs(element* __restrict__ y,           // [images, p, q, k]
                 const float* __restrict__ m,       // [POINTS, tiles, k]
                 const element* __restrict__ bias,  // [k], or null
                 Conv conv, int first, int span) {
    const size_t plane = (size_t)tiles_of(conv) * conv.k;
    for_each_item(tiles_of(conv), conv.k, span, [&](int tile, int channel, int valid) {
        const Pixel at = tile_at(tile, conv);
        const vec<WIDTH> offset = bias ? load_row<WIDTH>(bias + channel, valid) : splat<WIDTH>(0.0f);
        const float* from = m + (size_t)tile * conv.k + channel;
        element* image = y + (size_t)(first + at.image) * conv.p * conv.q * conv.k + channel;
        sandwich<OutputMatrix, OUTPUT, SIDE>(
            [&](int i, int j) { return load_row<WIDTH>(from + (i * SIDE + j) * plane, valid); },
            [&](int i, int j, vec<WIDTH> value) {
                const int row = at.row + i, column = at.column + j;
                if (row >= conv.p || column >= conv.q) return;
                value = multiply_add<WIDTH>(1.0f, offset, value);
                store_row<WIDTH>(image + ((size_t)row * conv.q + column) * conv.k, value, valid);
            });
    });
}
