// Winograd's convolution forwards: filters to U (winograd_filters), pixels to V (winograd_pixels), a matrix product for
// every point (winograd_multiply), and products to outputs (winograd_outputs). The gradient of the input runs the same
// kernels, from dy through the filters turned around.
#pragma once
#include "prelude/winograd.cuh"

// U = G g Gᵀ of the filters as a matrix [rows, columns] for each tap: tap t of element (row, column) lies at
// row · row_stride + t · tap_stride + column. `turned` takes the taps from the last to the first.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
winograd_filters(float* __restrict__ u,        // [POINTS, rows, columns]
                 const float* __restrict__ g,  // 3 · 3 taps of [rows, columns]
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
winograd_outputs(float* __restrict__ y,           // [images, p, q, k]
                 const float* __restrict__ m,     // [POINTS, tiles, k]
                 const float* __restrict__ bias,  // [k], or null
                 Conv conv, int first, int span) {
    const size_t plane = (size_t)tiles_of(conv) * conv.k;
    for_each_item(tiles_of(conv), conv.k, span, [&](int tile, int channel, int valid) {
        const Pixel at = tile_at(tile, conv);
        const vec<WIDTH> offset = bias ? load_row<WIDTH>(bias + channel, valid) : splat<WIDTH>(0.0f);
        const float* from = m + (size_t)tile * conv.k + channel;
        float* image = y + (size_t)(first + at.image) * conv.p * conv.q * conv.k + channel;
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
